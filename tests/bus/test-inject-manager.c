/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failing system calls of the manager
 *
 * Each system call that the manager makes in the life of a container fails once: from the call that asks for it to the
 * answer of the one that waits for its end. Each call is answered as it should be, or says what failed, on what, and why;
 * or the manager cannot go on, and ends. Then the next one has the container, if there is one, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"
#include "inject.h"

/* No call of the manager's fails with this by itself. */
enum { INJECTED = EIO, LEAST_CALLS = 30, MOST_CALLS = 2000 };

#define ENDED "('killed', 9)"
#define NEVER ERROR_PREFIX "NoSuchContainer"
#define HERS  TEST_DIRECTORY "/hers"

typedef struct Row {
        const char *options;
        uid_t uid;                       /* whose container it is */
        char *(*inside)(Client *client); /* asked of it while it runs; NULL: nothing is */
} Row;

/* What each call of a life has said. */
typedef struct Life {
        char *created, *inside, *ended;
} Life;

static void life_clear(Life *life)
{
        g_free(life->created);
        g_free(life->inside);
        g_free(life->ended);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_clear)

/* ---- what may be said instead, or be the manager's end ---- */

static const struct {
        long number;
        gboolean may_end;     /* the manager */
        const char *sentence; /* a part of what is said instead */
        const char *reason;
} excuses[] = {
        {SYS_recvmsg, TRUE, "ended", "sd-bus reads with it: the connection is lost, to the bus or to a supervisor"},
        {SYS_read, TRUE, "", "what sd-event is woken by; of an account, that the user database has not answered"},
#ifdef SYS_epoll_wait
        {SYS_epoll_wait, TRUE, "", "sd-event's loop cannot go on"},
#endif
        {SYS_epoll_pwait, TRUE, "", "sd-event's loop cannot go on"},
        {SYS_epoll_pwait2, TRUE, "", "sd-event's loop cannot go on"},
        {SYS_epoll_ctl, TRUE, "", "sd-event's loop cannot go on"},
        {SYS_timerfd_create, TRUE, "", "sd-event's loop cannot go on"},
        {SYS_timerfd_settime, TRUE, "", "sd-event's loop cannot go on"},
        {SYS_sendmsg, TRUE, "ended", "sd-bus writes with it: the connection is lost"},
        {SYS_newfstatat, FALSE, "Operation not supported", "to sd-bus a socket that passes no descriptors"},
};

static gboolean may_end(long number)
{
        for (guint i = 0; i < G_N_ELEMENTS(excuses); i++)
                if (excuses[i].number == number && excuses[i].may_end)
                        return TRUE;
        return FALSE;
}

/* Return: whether @said, if it is an error, names the injected one, or need not. */
static gboolean is_right(long number, const char *said)
{
        if (!said || *said == '(')
                return TRUE;
        for (guint i = 0; i < G_N_ELEMENTS(excuses); i++)
                if (excuses[i].number == number && strstr(said, excuses[i].sentence))
                        return TRUE;
        return (g_str_has_prefix(said, ERROR_PREFIX) || g_str_has_prefix(said, DENIED)) &&
               strstr(said, g_strerror(INJECTED));
}

/* ---- a life ---- */

static char *says_with_fds(Client *client, const char *member, GVariant *parameters, GUnixFDList *fds)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, member, parameters, fds, NULL, &error);

        return reply ? g_variant_print(reply, FALSE)
                     : g_strdup_printf("%s: %s", client_error_name(error), error->message);
}

static char *says(Client *client, const char *member, GVariant *parameters)
{
        return says_with_fds(client, member, parameters, NULL);
}

static char *end(Client *client)
{
        for (guint i = 0; i < 2; i++) /* the first may be what fails */
                outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer", g_variant_new("(s)", "box"));
        return says(client, "WaitContainer", g_variant_new("(s)", "box"));
}

static const char *const command[] = {"true", NULL}, *const environment[] = {"A=1", NULL};

static char *exec_inside(Client *client)
{
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();

        g_unix_fd_list_append(fds, null, NULL);
        return says_with_fds(
                client, "ExecContainer",
                g_variant_new("(ss^as^ashhh@a{sv})", "box", "", command, environment, 0, 0, 0, options(NULL)), fds);
}

static char *attach_inside(Client *client)
{
        return says(client, "AttachContainer", g_variant_new("(s@a{sv})", "box", options(NULL)));
}

static char *copy_inside(Client *client)
{
        return says(client, "CopyToContainer",
                    g_variant_new("(sss@a{sv})", "box", HERS "/file", "/mnt/file", options(NULL)));
}

/* ---- one after the other ---- */

static void begin(Fixture *fixture, Injector **ret)
{
        n_containers(fixture->client);
        await_spare(fixture->client);
        *ret = injector_new_of_manager(process_pid(fixture->manager));
}

static gboolean has_manager(Fixture *fixture)
{
        const char *error = outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers", NULL);

        return *error == '\0' || g_str_has_prefix(error, ERROR_PREFIX);
}

static void complain(const Life *life, guint n, long number, const char *what)
{
        g_test_message("%u: call %ld: %s: %s, %s, %s", n, number, what, life->created, life->inside, life->ended);
        g_test_fail();
}

/* Whoever was answered had a container; whoever was refused has none; and of who was not answered it is one of both. */
static void check(const Life *life, guint n, long number)
{
        gboolean is_made = *life->created == '(', is_refused = g_str_has_prefix(life->created, ERROR_PREFIX);

        if (!g_str_equal(life->ended, ENDED) && !g_str_has_prefix(life->ended, NEVER))
                complain(life, n, number, "not its end");
        else if ((is_made && *life->ended != '(') || (is_refused && *life->ended == '('))
                complain(life, n, number, "not the end of what was said to be made");
}

/* Return: whether there was a call to fail. */
static gboolean fail_one(Fixture *fixture, Client *client, Injector **injector, guint n)
{
        const Row *row = fixture->test->row;
        g_auto(Life) life = {};

        injector_arm(*injector, 0, INJECT_MANAGER, n, INJECTED);
        life.created = says(client, "CreateContainer", create_parameters("box", "exec sleep 1000", row->options));
        if (row->inside && *life.created == '(')
                life.inside = row->inside(client);
        life.ended = end(client);
        gboolean is_there = has_manager(fixture);
        long number = injector_disarm(*injector);
        is_there = is_there && has_manager(fixture); /* it ends when it is back in its loop */
        if (number < 0)
                return *life.created != '('; /* the one before has left a spare that is good for nothing */
        if (is_there && (!is_right(number, life.created) || !is_right(number, life.inside)))
                complain(&life, n, number, "not the reason");
        if (!is_there) {
                if (!may_end(number))
                        complain(&life, n, number, "the manager has ended");
                fixture_await_failure(fixture);
                injector_free(*injector);
                fixture_start_manager(fixture);
        }
        if (!is_there || *life.ended != '(') {
                g_autofree char *again = end(client); /* it may be told twice, if the manager didn't live to note it */
                if (*life.ended != '(') {
                        g_free(life.ended);
                        life.ended = g_steal_pointer(&again);
                }
        }
        check(&life, n, number);
        if (n_containers(fixture->client) > 0) /* that its owner has heard of its end could not be known */
                g_free(end(client));
        fixture_check(fixture);
        if (!is_there)
                begin(fixture, injector);
        return TRUE;
}

static void test_each_call(Fixture *fixture)
{
        const Row *row = fixture->test->row;
        g_autoptr(Client) client = client_new(fixture, row->uid);
        guint n = 1, most = rounds(MOST_CALLS);
        Injector *injector;

        make_directory(HERS, 0755, ALICE);
        write_file(HERS "/file", "content", 0644, ALICE);
        begin(fixture, &injector);
        if (!injector)
                return g_test_skip("cannot trace here");
        while (n <= most && fail_one(fixture, client, &injector, n))
                n++;
        g_test_message("%u calls", n - 1);
        g_assert_cmpuint(n, >, MIN(most, LEAST_CALLS));
        fixture_stop_manager(fixture, SIGTERM);
        injector_free(injector);
        fixture_start_manager(fixture);
}

#define LIFE(test_name, test_flags, ...)                                                               \
        {                                                                                              \
                .name = "/inject-manager/" test_name, .function = test_each_call, .flags = test_flags, \
                .rules = attack_rules, .row = &(const Row)                                             \
                {                                                                                      \
                        __VA_ARGS__                                                                    \
                }                                                                                      \
        }

static const Test tests[] = {
        LIFE("creation", ON_BUS, .options = "{'Cgroups': <['pids']>, 'Hostname': <'box'>}"),
        LIFE("confined", ON_BUS | WITH_POLKIT, .uid = ALICE),
        LIFE("exec", ON_BUS, .inside = exec_inside),
        LIFE("attach", ON_BUS, .inside = attach_inside),
        LIFE("copy", ON_BUS, .options = "{'Mounts': <[('tmp', ['/mnt'])]>}", .inside = copy_inside),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
