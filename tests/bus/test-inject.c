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
#include <sched.h>
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

/* What containers are given: of alice a directory, of the host an interface. */
#define HERS   TEST_DIRECTORY "/hers"
#define MASTER "host0"
#define MOVED  "host1"

typedef struct Row {
        const char *options;
        GVariant *(*call)(Client *client, const char *options, GError **error);
        gboolean is_inside; /* of a process that is sent into a container that is there */
        uid_t uid;          /* whose call it is */
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
        const char *only; /* in rows with this in their names; NULL: in all */
} Excuse;

/* A supervisor that cannot go on closes its connection, and how far the manager has got with it then is chance. */
#define ENDED    "the supervisor"
#define ENDED_2  "its supervisor" /* the same, of a container that was there */
#define KILLED   "the process was killed before it could run"
#define ENDED_3  "the container ended before its supervisor could answer"
#define KILLED_2 "the process that did it was killed"
#define UNKNOWN  "the process was not understood"

static const Excuse excuses[] = {
        {INJECT_KEEPER, SYS_sendmsg, TRUE, "", "the answer itself, or the greeting of one that is not needed yet",
         NULL},
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
        {INJECT_KEEPER, SYS_setgroups, FALSE, ENDED, "with a stranger's groups it does nothing more", NULL},
        {INJECT_KEEPER, SYS_chdir, FALSE, ENDED, "nor in a stranger's directory", NULL},
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
        {INJECT_KEEPER, SYS_timerfd_settime, TRUE, ENDED_3, "the same, of a container that was there", NULL},
        {INJECT_KEEPER, SYS_timerfd_create, TRUE, ENDED_3, "the same", NULL},
        {INJECT_OTHER, SYS_prctl, TRUE, NULL, "the kernel doesn't refuse a valid PR_SET_PDEATHSIG", NULL},
        {INJECT_OTHER, SYS_sendmsg, FALSE, KILLED_2, "it is what would be told with", NULL},
        {INJECT_LEADER, SYS_sendmsg, FALSE, KILLED_2, "it is what would be told with", NULL},
        {INJECT_LEADER, SYS_recvmsg, TRUE, KILLED_2, "the other half of a copy is taken for dead", "copy"},
        {INJECT_OTHER, SYS_lseek, TRUE, NULL, "a file without holes", "copy"},
        {INJECT_OTHER, SYS_mmap, TRUE, NULL, "a smaller buffer", "copy"},
        {INJECT_OTHER, SYS_newfstatat, TRUE, NULL, "whether there is something: what makes it tells", "copy"},
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
                if (excuse->role == role && excuse->number == number && (!excuse->only || strstr(row, excuse->only)) &&
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

static GVariant *call_copy_to(Client *client, const char *option_text, GError **error)
{
        return client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                           g_variant_new("(sss@a{sv})", "box", HERS "/tree", "/srv/tree", options(option_text)), NULL,
                           NULL, error);
}

static GVariant *call_copy_from(Client *client, const char *option_text, GError **error)
{
        return client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CopyFromContainer",
                           g_variant_new("(sss@a{sv})", "box", "/mnt/tree", HERS "/copy", options(option_text)), NULL,
                           NULL, error);
}

static GVariant *call_bind(Client *client, const char *option_text _unused_, GError **error)
{
        return client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "BindMountContainer",
                           g_variant_new("(sssbb)", "box", HERS, "/srv/new", TRUE, TRUE), NULL, NULL, error);
}

static pid_t supervisor_of_box(Client *client)
{
        create(client, "box", "exec sleep 1000",
               "{'Mounts': <[('tmp', ['/srv']), ('bind-ro', ['" HERS "', '/mnt'])]>}");
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
static gboolean await_name_free(Client *client)
{
        gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

        while (g_file_test(CONTAINERS_DIRECTORY "/box", G_FILE_TEST_EXISTS)) {
                if (g_get_monotonic_time() > deadline)
                        return FALSE;
                n_containers(client);
        }
        return TRUE;
}

/* Return: whether there was a call to fail. */
static gboolean fail_one(Fixture *fixture, Client *client, Injector *injector, InjectRole role, guint n)
{
        const Row *row = fixture->test->row;
        guint n_interfaces = count_interfaces();
        gboolean is_ours = FALSE;

        injector_arm(injector, row->is_inside ? supervisor_of_box(client) : 0, role, n, INJECTED);
        if (g_file_test(HERS "/copy", G_FILE_TEST_EXISTS))
                g_assert_cmpint(shell(fixture, "rm -r " HERS "/copy", NULL, NULL), ==, 0);
        g_autofree char *sentence = row_says(row, client, &is_ours);
        long number = injector_disarm(injector);
        if (!sentence || row->is_inside)
                end_box(client);
        if (number >= 0 && !is_answer_right(fixture->test->name, role, number, sentence, is_ours)) {
                g_test_message("%s %u: call %ld: %s", role_names[role], n, number, sentence ?: "succeeds");
                g_test_fail();
        }
        if (!injector_await_end(injector))
                g_error("%s %u: call %ld: somebody is left (%s)", role_names[role], n, number, sentence);
        await_n_containers(fixture->client, 0);
        /* Who writes removes what it has begun, unless it is killed. */
        if (sentence && role != INJECT_KEEPER && strstr(sentence, g_strerror(INJECTED)) &&
            g_file_test(HERS "/copy", G_FILE_TEST_EXISTS))
                g_error("%s %u: call %ld: half a copy is left (%s)", role_names[role], n, number, sentence);
        if (count_interfaces() != n_interfaces)
                g_error("%s %u: call %ld: the host has %u interfaces, it had %u", role_names[role], n, number,
                        count_interfaces(), n_interfaces);
        if (!await_name_free(fixture->client))
                g_error("%s %u: call %ld: its directory is left (%s)", role_names[role], n, number, sentence);
        if (strstr(row->options ?: "", "Cgroups") && has_cgroup(fixture))
                g_error("%s %u: call %ld: its cgroup is left (%s)", role_names[role], n, number, sentence);
        return number >= 0;
}

static gboolean prepare(Fixture *fixture)
{
        static const char script[] = "ip link show " MASTER " || ip link add " MASTER " type veth peer name " MOVED;

        g_assert_cmpint(shell(fixture, script, NULL, NULL), ==, 0);
        make_directory(HERS, 0755, ALICE);
        make_directory(HERS "/work", 0755, ALICE);
        make_directory(HERS "/tree", 0755, ALICE);
        write_file(HERS "/tree/file", "content", 0644, ALICE);
        return make_tree(HERS "/root", ALICE);
}

static void test_each_call(Fixture *fixture)
{
        const Row *row = fixture->test->row;
        if (!prepare(fixture))
                return;
        Injector *injector = injector_new(find_nursery(fixture));
        if (!injector)
                return g_test_skip("cannot trace here");
        g_autoptr(Client) client = client_new(fixture, row->uid);
        create(fixture->client, "box", idle, NULL); /* by the supervisor that was there before */
        terminate(fixture->client, "box");
        for (InjectRole role = 0; role < N_INJECT_ROLES; role++) {
                guint n = 1, most = rounds(MOST_CALLS);
                while (n <= most && fail_one(fixture, client, injector, role, n))
                        n++;
                g_test_message("%s: %u calls", role_names[role], n - 1);
                if (role != INJECT_OTHER) /* of whom there need not be any */
                        g_assert_cmpuint(n, >, MIN(most, LEAST_CALLS));
        }
        fixture_stop_manager(fixture, SIGTERM);
        injector_free(injector);
        fixture_start_manager(fixture);
}

#define INJECTS(test_name, test_flags, ...)                                                                           \
        {                                                                                                             \
                .name = "/inject/" test_name, .function = test_each_call, .flags = test_flags, .rules = attack_rules, \
                .row = &(const Row)                                                                                   \
                {                                                                                                     \
                        __VA_ARGS__                                                                                   \
                }                                                                                                     \
        }
#define CREATION(test_name, option_text) INJECTS(test_name, ON_BUS, .options = option_text, .call = call_create)
#define CONFINED(test_name, option_text) \
        INJECTS(test_name, ON_BUS | WITH_POLKIT, .options = option_text, .call = call_create, .uid = ALICE)
#define INSIDE(test_name, call_inside) INJECTS(test_name, ON_BUS, .call = call_inside, .is_inside = TRUE)

static const Test tests[] = {
        CREATION("terminal", NULL),
        CREATION("no-terminal", "{'Terminal': <false>}"),
        CREATION("interfaces", "{'Interfaces': <[('veth', ['inj0', 'eth0']), ('macvlan', ['" MASTER
                               "', 'eth1']), ('move', ['" MOVED "', 'eth2'])]>}"),
        CREATION("root", "{'Root': <'/'>, 'Ephemeral': <true>, 'StubInit': <true>, 'Hostname': <'box'>}"),
        CREATION("mounts", "{'Mounts': <[('bind', ['/usr', '/mnt']), ('bind-ro', ['/etc', '/media']), "
                           "('tmp', ['/srv']), ('overlay', ['" HERS "/tree', '/opt', '" HERS "/work'])]>}"),
        CREATION("user", "{'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>, 'Cgroups': <['pids']>}"),
        CONFINED("confined", "{'Root': <'" HERS "/root'>, 'Ephemeral': <true>, "
                             "'Mounts': <[('bind', ['" HERS "/tree', '/mnt'])]>}"),
        INSIDE("exec", call_exec),
        INSIDE("shell", call_shell),
        INSIDE("copy-to", call_copy_to),
        INSIDE("copy-from", call_copy_from),
        INSIDE("bind", call_bind),
};

int main(int argc, char **argv)
{
        /* Interfaces of our own, and nobody else's. */
        if (unshare(CLONE_NEWNET) < 0)
                g_error("cannot make a network namespace: %s", g_strerror(errno));
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
