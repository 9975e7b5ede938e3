/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failing system calls
 *
 * Each system call of a set-up fails once, in the supervisor, in the leader and in whom they clone. The creation is
 * answered, with an error that says what failed, on what, and why, unless the table below says that nothing depends on
 * the call; and nobody and nothing is left of it. The network program's own calls behind its execve(2) are not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"
#include "inject.h"

/* No call of a set-up fails with this by itself. */
enum { INJECTED = EIO, LEAST_CALLS = 10, MOST_CALLS = 2000 };

#define OUTSIDE "inj0" /* an interface that a container is given */

typedef struct Row {
        const char *options;
        GVariant *(*call)(Client *client, const char *options, GError **error);
        gboolean is_inside; /* of a process that is sent into a container that is there */
} Row;

static const char *const role_names[] = {
        [INJECT_KEEPER] = "supervisor",
        [INJECT_LEADER] = "leader",
        [INJECT_OTHER] = "other",
};

/* What need not name the injected error, and why. The same call elsewhere in its role is excused with it. */
typedef struct Excuse {
        InjectRole role;
        long number;
        gboolean may_succeed;
        const char *sentence; /* a part of what is said instead; NULL: nothing may be */
        const char *reason;
        const char *only; /* in this row; NULL: in all */
} Excuse;

/* A supervisor that cannot go on closes its connection, and how far the manager has got with it then is chance. */
#define ENDED   "the supervisor"
#define ENDED_2 "its supervisor" /* the same, of a container that was there */
#define KILLED  "the process was killed before it could run"
#define UNKNOWN "the process was not understood"

static const Excuse excuses[] = {
        {INJECT_KEEPER, SYS_sendmsg, FALSE, "", "the answer itself, or the greeting of the bus, is not sent", NULL},
#ifdef SYS_dup2
        {INJECT_KEEPER, SYS_dup2, TRUE, NULL, "behind the answer: it lets go of the manager's log", NULL},
#endif
        {INJECT_KEEPER, SYS_dup3, TRUE, NULL, "behind the answer: it lets go of the manager's log", NULL},
        {INJECT_KEEPER, SYS_recvfrom, TRUE, NULL, "behind the answer: the lease is as if it were closed", NULL},
        {INJECT_KEEPER, SYS_recvfrom, TRUE, "the container has ended", "the same, of a container that was there", NULL},
        {INJECT_KEEPER, SYS_renameat, TRUE, NULL, "behind the answer: the record", NULL},
        {INJECT_KEEPER, SYS_renameat2, TRUE, NULL, "behind the answer: the record", NULL},
        {INJECT_KEEPER, SYS_utimensat, TRUE, NULL, "behind the answer: other managers are told later", NULL},
        {INJECT_KEEPER, SYS_sendto, TRUE, "", "sd-bus greets with it", NULL},
        {INJECT_KEEPER, SYS_recvmsg, TRUE, "", "sd-bus reads with it: the connection on which to say it is lost", NULL},
        {INJECT_KEEPER, SYS_read, TRUE, "", "what sd-event is woken by; limits and counts that are read have defaults",
         NULL},
        {INJECT_KEEPER, SYS_epoll_ctl, TRUE, "", "sd-event's loop cannot go on, or its time slack is not set", NULL},
#ifdef SYS_epoll_wait
        {INJECT_KEEPER, SYS_epoll_wait, TRUE, ENDED, "sd-event's loop cannot go on", NULL},
#endif
        {INJECT_KEEPER, SYS_epoll_pwait, TRUE, ENDED, "sd-event's loop cannot go on", NULL},
        {INJECT_KEEPER, SYS_epoll_pwait2, TRUE, ENDED, "sd-event's loop cannot go on", NULL},
#ifdef SYS_epoll_wait
        {INJECT_KEEPER, SYS_epoll_wait, TRUE, ENDED_2, "the same", NULL},
#endif
        {INJECT_KEEPER, SYS_epoll_pwait, TRUE, ENDED_2, "the same", NULL},
        {INJECT_KEEPER, SYS_epoll_pwait2, TRUE, ENDED_2, "the same", NULL},
        {INJECT_KEEPER, SYS_timerfd_settime, TRUE, ENDED, "sd-event's loop cannot go on", NULL},
        {INJECT_KEEPER, SYS_timerfd_create, TRUE, ENDED, "sd-event's loop cannot go on", NULL},
        {INJECT_KEEPER, SYS_fcntl, TRUE, "there is no directory", "Create is asked for before Assign was answered",
         NULL},
        {INJECT_KEEPER, SYS_mmap, TRUE, "Cannot allocate memory", "malloc(3) says so whatever the kernel said", NULL},
        {INJECT_KEEPER, SYS_openat, TRUE, "kernel.pty.max", "what ptmx says at its limit; else behind the answer",
         NULL},
        {INJECT_KEEPER, SYS_fstatfs, FALSE, "keeps what is not its own", "what cannot be checked is not believed",
         NULL},
        {INJECT_KEEPER, SYS_faccessat2, TRUE, NULL, "sd_booted(3): not booted with systemd", NULL},
        {INJECT_KEEPER, SYS_prlimit64, TRUE, NULL, "limits that nobody asked for are given where they can be", NULL},
        {INJECT_KEEPER, SYS_newfstatat, TRUE, NULL, "behind the answer", NULL},
        {INJECT_KEEPER, SYS_waitid, TRUE, NULL, "a child is reaped once more when the next one ends", NULL},
        {INJECT_KEEPER, SYS_ioctl, TRUE, NULL, "behind the answer: the console", NULL},
        {INJECT_KEEPER, SYS_write, TRUE, NULL, "behind the answer: the record", NULL},
        {INJECT_LEADER, SYS_prctl, TRUE, NULL, "the kernel doesn't refuse a valid PR_SET_PDEATHSIG", NULL},
        {INJECT_LEADER, SYS_recvmsg, FALSE, "the leader was killed", "without the supervisor there is nobody to tell",
         NULL},
        {INJECT_LEADER, SYS_sendmsg, FALSE, "the leader was killed", "it is what would be told with", NULL},
        {INJECT_LEADER, SYS_sendmsg, FALSE, ENDED, "the same, of trees that the supervisor is to lock", NULL},
        {INJECT_LEADER, SYS_execve, TRUE, NULL, "the next directory of PATH is tried", NULL},
        {INJECT_LEADER, SYS_faccessat, TRUE, NULL, "why a directory of PATH has nothing", NULL},
#ifdef SYS_access
        {INJECT_LEADER, SYS_access, TRUE, NULL, "why a directory of PATH has nothing", NULL},
        {INJECT_OTHER, SYS_access, TRUE, NULL, "the same, of the command of a stub init", NULL},
#endif
        {INJECT_LEADER, SYS_recvmsg, TRUE, NULL, "a stub init that has said that it begins", "root"},
        {INJECT_LEADER, SYS_close_range, TRUE, NULL, "a stub init that has said that it begins", "root"},
        {INJECT_LEADER, SYS_rt_sigtimedwait, TRUE, NULL, "a stub init waits again", "root"},
        {INJECT_OTHER, SYS_execve, TRUE, NULL, "the same, of the command of a stub init, and of who is sent in", NULL},
        {INJECT_OTHER, SYS_faccessat, TRUE, NULL, "the same, of who is sent in", NULL},
        {INJECT_OTHER, SYS_recvmsg, FALSE, KILLED, "without the supervisor there is nobody to tell", NULL},
        {INJECT_OTHER, SYS_sendmsg, FALSE, KILLED, "it is what would be told with", NULL},
        {INJECT_OTHER, SYS_openat, FALSE, "kernel.pty.max", "what ptmx says at its limit", "shell"},
        {INJECT_OTHER, SYS_newfstatat, FALSE, "cannot use /dev/pts/ptmx", "what cannot be checked is not believed",
         "shell"},
        {INJECT_OTHER, SYS_fstatfs, FALSE, "cannot use /dev/pts/ptmx", "what cannot be checked is not believed",
         "shell"},
        {INJECT_LEADER, SYS_recvmsg, FALSE, KILLED, "who enters first: without the supervisor there is nobody to tell",
         NULL},
        {INJECT_LEADER, SYS_sendmsg, FALSE, KILLED, "the same: it is what would be told with", NULL},
        {INJECT_KEEPER, SYS_waitid, FALSE, UNKNOWN, "what cannot be checked is not believed", NULL},
        {INJECT_KEEPER, SYS_newfstatat, FALSE, UNKNOWN, "what cannot be checked is not believed", NULL},
};

static gboolean is_excused(const char *row, InjectRole role, long number, const char *sentence)
{
        for (guint i = 0; i < G_N_ELEMENTS(excuses); i++) {
                const Excuse *excuse = &excuses[i];
                if (excuse->role == role && excuse->number == number &&
                    (!excuse->only || g_str_has_suffix(row, excuse->only)) &&
                    (sentence ? excuse->sentence && strstr(sentence, excuse->sentence) : excuse->may_succeed))
                        return TRUE;
        }
        return FALSE;
}

/* Behind the answer the container may be lost with its supervisor: by then it was there. */
static gboolean is_answer_right(const char *row, InjectRole role, long number, const char *sentence, gboolean is_ours)
{
        return (sentence && is_ours && strstr(sentence, g_strerror(INJECTED)) != NULL) ||
               is_excused(row, role, number, sentence);
}

static gboolean is_nursery_of(const char *pid, pid_t manager)
{
        g_autofree char *status_path = g_strdup_printf("/proc/%s/status", pid);
        g_autofree char *line_path = g_strdup_printf("/proc/%s/cmdline", pid);
        g_autofree char *parent = g_strdup_printf("\nPPid:\t%d\n", (int)manager);
        g_autofree char *status = NULL, *line = NULL;
        gsize size = 0;

        return g_file_get_contents(status_path, &status, NULL, NULL) && strstr(status, parent) &&
               g_file_get_contents(line_path, &line, &size, NULL) && memmem(line, size, "--nursery", 9);
}

static pid_t find_nursery(Fixture *fixture)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(proc)))
                if (g_ascii_isdigit(*name) && is_nursery_of(name, process_pid(fixture->manager)))
                        return (pid_t)atoi(name);
        g_error("the manager has no nursery");
}

static GVariant *call_create(Client *client, const char *option_text, GError **error)
{
        return client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                           create_parameters("box", "exec sleep 1000", option_text), NULL, NULL, error);
}

static const char *const inside[] = {"sleep", "1000", NULL}, *const environment[] = {"A=1", NULL};

static GVariant *call_exec(Client *client, const char *option_text, GError **error)
{
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();

        g_unix_fd_list_append(fds, null, NULL);
        return client_call(
                client, MANAGER_PATH, MANAGER_INTERFACE, "ExecContainer",
                g_variant_new("(ss^as^ashhh@a{sv})", "box", "", inside, environment, 0, 0, 0, options(option_text)),
                fds, NULL, error);
}

static GVariant *call_shell(Client *client, const char *option_text, GError **error)
{
        return client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "OpenContainerShell",
                           g_variant_new("(ss^as^as@a{sv})", "box", "", inside, environment, options(option_text)),
                           NULL, NULL, error);
}

static pid_t supervisor_of_box(Client *client)
{
        create(client, "box", "exec sleep 1000", NULL);
        for (guint i = 0; i < 2; i++) /* then it is done with the creation, and with the lease that came beside it */
                g_variant_unref(manager_call(client, "ReadContainerLog", "(s)", "box"));
        g_autoptr(GVariant) pid = property(client, "box", "Supervisor");
        return (pid_t)g_variant_get_uint32(pid);
}

/* What the call says. Return: the caller's; NULL when it has succeeded. */
static char *row_says(const Row *row, Client *client, gboolean *ret_is_ours)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply = row->call(client, row->options, &error);

        if (reply)
                return NULL;
        *ret_is_ours = g_str_has_prefix(client_error_name(error), ERROR_PREFIX);
        return g_strdup_printf("%s: %s", client_error_name(error), error->message);
}

/* A supervisor that has answered and cannot go on takes its container along, before or while it is asked to end it. */
static void end_box(Client *client)
{
        outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer", g_variant_new("(s)", "box"));
        outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"));
}

/* The directory goes when the manager has heard that the supervisor is dead. */
static void await_name_free(Client *client)
{
        gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

        while (g_file_test(CONTAINERS_DIRECTORY "/box", G_FILE_TEST_EXISTS)) {
                g_assert_cmpint(g_get_monotonic_time(), <, deadline);
                n_containers(client);
        }
}

/* Return: whether there was a call to fail. */
static gboolean fail_one(Fixture *fixture, Injector *injector, const Row *row, InjectRole role, guint n)
{
        gboolean is_ours = FALSE;

        injector_arm(injector, row->is_inside ? supervisor_of_box(fixture->client) : 0, role, n, INJECTED);
        g_autofree char *sentence = row_says(row, fixture->client, &is_ours);
        long number = injector_disarm(injector);
        if (!sentence || row->is_inside)
                end_box(fixture->client);
        if (number >= 0 && !is_answer_right(fixture->test->name, role, number, sentence, is_ours)) {
                g_test_message("%s %u: call %ld: %s", role_names[role], n, number, sentence ?: "succeeds");
                g_test_fail();
        }
        if (!injector_await_end(injector))
                g_error("%s %u: call %ld: somebody is left (%s)", role_names[role], n, number, sentence);
        await_n_containers(fixture->client, 0);
        if (if_nametoindex(OUTSIDE) != 0)
                g_error("%s %u: call %ld: its interface is left", role_names[role], n, number);
        await_name_free(fixture->client);
        return number >= 0;
}

static void test_each_call(Fixture *fixture)
{
        const Row *row = fixture->test->row;
        Injector *injector = injector_new(find_nursery(fixture));

        if (!injector) {
                g_test_skip("cannot trace here");
                return;
        }
        create(fixture->client, "box", idle, NULL); /* by the supervisor that was there before */
        terminate(fixture->client, "box");
        for (InjectRole role = 0; role < N_INJECT_ROLES; role++) {
                guint n = 1, most = rounds(MOST_CALLS);
                while (n <= most && fail_one(fixture, injector, row, role, n))
                        n++;
                g_test_message("%s: %u calls", role_names[role], n - 1);
                if (role != INJECT_OTHER) /* of whom there need not be any */
                        g_assert_cmpuint(n, >, MIN(most, LEAST_CALLS));
        }
        fixture_stop_manager(fixture, SIGTERM);
        injector_free(injector);
        fixture_start_manager(fixture);
}

#define INJECTS(test_name, ...)                                                                                \
        {                                                                                                      \
                .name = "/inject/" test_name, .function = test_each_call, .flags = ON_BUS, .row = &(const Row) \
                {                                                                                              \
                        __VA_ARGS__                                                                            \
                }                                                                                              \
        }
#define CREATION(test_name, option_text) INJECTS(test_name, .options = option_text, .call = call_create)
#define INSIDE(test_name, call_inside)   INJECTS(test_name, .call = call_inside, .is_inside = TRUE)

static const Test tests[] = {
        CREATION("terminal", NULL),
        CREATION("no-terminal", "{'Terminal': <false>}"),
        CREATION("network", "{'Interfaces': <[('veth', ['" OUTSIDE "', 'eth0'])]>}"),
        CREATION("root", "{'Root': <'/'>, 'Ephemeral': <true>, 'StubInit': <true>, 'Hostname': <'box'>}"),
        CREATION("mounts",
                 "{'Mounts': <[('bind', ['/usr', '/mnt']), ('bind-ro', ['/etc', '/media']), ('tmp', ['/srv'])]>}"),
        CREATION("user", "{'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>}"),
        CREATION("cgroup", "{'Cgroups': <['pids']>}"),
        INSIDE("exec", call_exec),
        INSIDE("shell", call_shell),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
