/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Death
 *
 * Of a leader, a supervisor, a manager, a client, in any order, by SIGKILL: whoever remains goes on, what belonged to the
 * dead goes with them, and the container's name can be used at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

static int process_of(Client *client, const char *which)
{
        g_autoptr(GVariant) pid = property(client, "box", which);
        int pidfd = pidfd_open((pid_t)g_variant_get_uint32(pid), 0);

        g_assert_cmpint(pidfd, >=, 0);
        return pidfd;
}

static void make_box(Client *client)
{
        create(client, "box", "exit 3", NULL);
        wait_for(client, "box", "exited", 3);
}

/* ---- of those that make a container ---- */

static void kill_one(Fixture *fixture, char which, int leader, int supervisor)
{
        if (which == 'm')
                fixture_stop_manager(fixture, SIGKILL);
        else
                process_signal(which == 'l' ? leader : supervisor, SIGKILL);
}

/* One does not wait for the other: what the first death begins may not be over when the next one comes. */
static void test_every_order(Fixture *fixture)
{
        static const char *const orders[] = {"lsm", "lms", "slm", "sml", "mls", "msl",
                                             "ls",  "sl",  "lm",  "ml",  "sm",  "ms"};

        for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
                create(fixture->client, "box", "sleep 1000 & setsid sleep 1000 & wait",
                       "{'Cgroups': <['pids']>, 'PrivateNetwork': <true>, 'Hostname': <'box'>}");
                _cleanup_(fd_closep) int leader = process_of(fixture->client, "Leader");
                _cleanup_(fd_closep) int supervisor = process_of(fixture->client, "Supervisor");
                for (const char *which = orders[i]; *which; which++)
                        kill_one(fixture, *which, leader, supervisor);
                await_process(leader);
                if (strchr(orders[i], 'm'))
                        fixture_start_manager(fixture);
                create(fixture->client, "box", "exit 3", NULL);
                wait_for(fixture->client, "box", "exited", 3);
                await_n_containers(fixture->client, 0);
        }
}

/* ---- for want of memory ---- */

static void write_to(const char *directory, const char *file, const char *text)
{
        g_autofree char *path = g_build_filename(directory, file, NULL);
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

/* A cgroup of our own in the hierarchy of version 1 that has @controller. Return: the caller's, or NULL. */
static char *own_cgroup(const char *controller)
{
        g_autofree char *pattern = g_strdup_printf("^\\d+:%s:(.*)$", controller);
        g_autofree char *own = NULL;

        if (!g_file_get_contents("/proc/self/cgroup", &own, NULL, NULL))
                return NULL;
        g_autoptr(GRegex) line = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;
        if (!g_regex_match(line, own, 0, &match))
                return NULL;
        g_autofree char *inside = g_match_info_fetch(match, 1);
        g_autofree char *path = g_strdup_printf("/sys/fs/cgroup/%s%s/pflask-death-%d", controller, inside,
                                                (int)getpid());
        return mkdir(path, 0755) == 0 ? g_steal_pointer(&path) : NULL;
}

static guint n_killed(const char *cgroup)
{
        g_autofree char *path = g_build_filename(cgroup, "memory.oom_control", NULL);
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        const char *line = strstr(content, "oom_kill ");
        return line ? (guint)atoi(line + strlen("oom_kill ")) : 0;
}

/* The kernel chooses the supervisor, which has no memory for anything any more. */
static void test_no_memory(Fixture *fixture)
{
        g_autofree char *cgroup = own_cgroup("memory");

        if (!cgroup) {
                g_test_skip("no memory controller of cgroup v1 is to be had here");
                return;
        }
        create(fixture->client, "box", "sleep 1000 & setsid sleep 1000 & wait", NULL);
        _cleanup_(fd_closep) int leader = process_of(fixture->client, "Leader");
        _cleanup_(fd_closep) int supervisor = process_of(fixture->client, "Supervisor");
        g_autofree char *number = g_strdup_printf("%d", process_pid(supervisor));
        g_autofree char *process = g_strdup_printf("/proc/%s", number);
        write_to(process, "oom_score_adj", "1000");
        write_to(cgroup, "cgroup.procs", number);
        write_to(cgroup, "memory.limit_in_bytes", "65536");
        /* To signal all, it clones somebody who does that. */
        for (guint i = 0; i < 1000 && process_is_alive(supervisor); i++)
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                        g_variant_new("(ssi)", "box", "all", SIGCONT));
        g_assert_false(process_is_alive(supervisor));
        wait_for(fixture->client, "box", "lost", 0);
        await_process(leader);
        g_assert_cmpuint(n_killed(cgroup), >=, 1);
        g_assert_cmpint(rmdir(cgroup), ==, 0);
}

/* ---- of who cannot die ---- */

/* The supervisor is dead, and one whom it would have killed is where no signal goes: nobody else waits for that. */
static void test_hanging(Fixture *fixture)
{
        g_autofree char *script = g_strdup_printf("setpriv --reuid=%d --regid=%d --clear-groups cat " TEST_DIRECTORY
                                                  "/hanging/file & wait",
                                                  ALICE, ALICE);

        make_directory(TEST_DIRECTORY "/hanging", 0755, ALICE);
        _cleanup_(fd_closep) int server = mount_hanging(TEST_DIRECTORY "/hanging");
        if (server < 0)
                return g_test_skip("there is no FUSE");
        create(fixture->client, "box", script, "{'SharedNamespaces': <['pid']>}");
        await_hanging(server);
        if (!has_cgroup(fixture))
                return g_test_skip("no hierarchy of cgroups is mounted here");
        _cleanup_(fd_closep) int supervisor = process_of(fixture->client, "Supervisor");
        process_signal(supervisor, SIGKILL);
        wait_for(fixture->client, "box", "lost", 0);
        g_assert_cmpstr(creation_outcome(fixture->client, "box", "exit 3", NULL), ==, ERROR_PREFIX "ContainerExists");
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 0); /* that it was lost has been told */
        g_assert_cmpstr(creation_outcome(fixture->client, "box", "exit 3", NULL), ==, ERROR_PREFIX "ContainerExists");
        g_assert_true(has_cgroup(fixture));
        server = fd_close(server);
        g_assert_cmpint(umount2(TEST_DIRECTORY "/hanging", MNT_DETACH), ==, 0);
        make_box(fixture->client);
        g_assert_false(has_cgroup(fixture));
}

/* ---- of what is stopped ---- */

static void assert_is_late(Client *client)
{
        g_autofree char *sentence = creation_sentence(client, NULL);

        g_assert_true(
                g_str_has_prefix(sentence, "container 'box' did not run in time (StartTimeoutSec=): it waited for "));
        g_assert_cmpuint(n_containers(client), ==, 0);
}

/* It isn't dead, but might as well be; and the next one with that name finds it free. */
static void test_stopped_supervisor(Fixture *fixture)
{
        fixture_configure(fixture, "StartTimeoutSec=1");
        _cleanup_(fd_closep) int supervisor = pidfd_open(await_spare(fixture->client), 0);
        g_assert_cmpint(supervisor, >=, 0);
        process_signal(supervisor, SIGSTOP);
        assert_is_late(fixture->client);
        await_process(supervisor);
        make_box(fixture->client);
}

/* The same of what bears them: the next container has another. */
static void test_stopped_nursery(Fixture *fixture)
{
        fixture_configure(fixture, "StartTimeoutSec=1");
        _cleanup_(fd_closep) int spare = pidfd_open(await_spare(fixture->client), 0);
        _cleanup_(fd_closep) int nursery = pidfd_open(await_nursery(fixture->client), 0);
        g_assert_cmpint(nursery, >=, 0);
        process_signal(nursery, SIGSTOP);
        process_signal(spare, SIGKILL);
        await_process(spare);
        assert_is_late(fixture->client);
        await_process(nursery);
        make_box(fixture->client);
}

/* The same of one that is killed and cannot die, since the kernel has frozen it: nobody waits until it can. */
static void test_frozen_nursery(Fixture *fixture)
{
        g_autofree char *cgroup = own_cgroup("freezer");

        if (!cgroup)
                return g_test_skip("no freezer of cgroup v1 is to be had here");
        fixture_configure(fixture, "StartTimeoutSec=1");
        _cleanup_(fd_closep) int spare = pidfd_open(await_spare(fixture->client), 0);
        pid_t pid = await_nursery(fixture->client);
        _cleanup_(fd_closep) int nursery = pidfd_open(pid, 0);
        g_autofree char *number = g_strdup_printf("%d", (int)pid);
        write_to(cgroup, "cgroup.procs", number);
        write_to(cgroup, "freezer.state", "FROZEN");
        process_signal(spare, SIGKILL);
        await_process(spare);
        assert_is_late(fixture->client);
        make_box(fixture->client);
        g_assert_true(process_is_alive(nursery));
        write_to(cgroup, "freezer.state", "THAWED");
        await_process(nursery);
        while (rmdir(cgroup) < 0 && errno == EBUSY)
                n_containers(fixture->client); /* the manager has it reaped meanwhile */
}

/* ---- of who reads the console ---- */

static guint64 dropped(Client *client)
{
        g_autoptr(GVariant) value = property(client, "box", "ConsoleDropped");

        return g_variant_get_uint64(value);
}

/* It holds the console and reads nothing; then it dies, and its container has lost nothing but its patience. */
static void test_stopped_reader(Fixture *fixture)
{
        Attachment attachment;

        run(fixture->client, "box", "exec yes", NULL, &attachment);
        pid_t reader = fork();
        g_assert_cmpint(reader, >=, 0);
        if (reader == 0) {
                kill(getpid(), SIGSTOP);
                _exit(EXIT_SUCCESS);
        }
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(reader));
        attachment_close(&attachment);
        g_assert_cmpint(waitpid(reader, NULL, WUNTRACED), ==, reader);
        g_free(manager_refuses(fixture->client, "ConsoleBusy", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        g_assert_no_errno(kill(reader, SIGKILL));
        g_assert_cmpint(waitpid(reader, NULL, 0), ==, reader);
        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(reader));
        while (dropped(fixture->client) == 0)
                ; /* each is a question to the manager, who is told four times a second */
        g_variant_unref(manager_call(fixture->client, "PowerOffContainer", "(s)", "box"));
        g_variant_unref(manager_call(fixture->client, "WaitContainer", "(s)", "box"));
}

/* ---- of the client program ---- */

/* 125 alone could be anything. */
static void test_lost_is_said(Fixture *fixture)
{
        g_autofree char *err = NULL;

        create(fixture->client, "box", "exec sleep 1000", NULL);
        _cleanup_(fd_closep) int supervisor = process_of(fixture->client, "Supervisor");
        process_signal(supervisor, SIGKILL);
        g_assert_cmpint(shell(fixture, "$pflask wait box", NULL, &err), ==, 125);
        g_assert_cmpstr(err, ==, "pflask: box: its supervisor was killed, and so was the container\n");
}

/* The end of what the first of them has made may be there to be asked for, or just be on its way out. */
static void end_one(Client *client)
{
        g_autoptr(GVariantIter) list = NULL;
        g_autoptr(GVariant) reply = manager_call(client, "ListContainers", NULL);
        const char *name;

        g_variant_get(reply, "(a(susuo))", &list);
        if (g_variant_iter_next(list, "(&susuo)", &name, NULL, NULL, NULL, NULL))
                outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", name));
}

/* What it has started is gone when nobody has the other end of the fifo any more. */
static void test_killed_program(Fixture *fixture)
{
        static const char *const scripts[] = {
                "exec $pflask -- sh -c 'exec >" TEST_DIRECTORY "/fifo; echo in; sleep 1000 & wait'",
                "exec $pflask exec box sh -c 'exec >" TEST_DIRECTORY "/fifo; echo in; sleep 1000 & wait'",
                "exec $pflask shell box -- sh -c 'exec >" TEST_DIRECTORY "/fifo; echo in; sleep 1000 & wait'",
        };

        g_assert_no_errno(mkfifo(TEST_DIRECTORY "/fifo", 0600));
        create(fixture->client, "box", "exec sleep 1000", NULL);
        for (guint i = 0; i < G_N_ELEMENTS(scripts); i++) {
                pid_t pid;
                _cleanup_(fd_closep) int terminal = shell_on_terminal(fixture, scripts[i], 24, 80, &pid);
                g_assert_cmpint(terminal, >=, 0);
                _cleanup_(fd_closep) int fifo = open(TEST_DIRECTORY "/fifo", O_RDONLY | O_CLOEXEC);
                g_byte_array_unref(read_until(fifo, "in\n"));
                g_assert_no_errno(kill(pid, SIGKILL));
                g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
                g_hash_table_remove(fixture->expected, GINT_TO_POINTER(pid));
                g_byte_array_unref(read_until_end(fifo));
        }
        terminate(fixture->client, "box");
        g_assert_no_errno(unlink(TEST_DIRECTORY "/fifo"));
        for (gsize n = n_containers(fixture->client); n > 0; n = n_containers(fixture->client))
                end_one(fixture->client);
}

static const Test tests[] = {
        TEST("/death/in-every-order-leaves-the-name-free", test_every_order, ON_BOTH),
        TEST("/death/of-a-supervisor-for-want-of-memory", test_no_memory, ON_BUS),
        TEST("/death/of-a-supervisor-before-who-cannot-die", test_hanging, ON_BUS),
        TEST("/death/of-a-stopped-supervisor-frees-the-name", test_stopped_supervisor, ON_BUS),
        TEST("/death/of-a-stopped-nursery-is-one-containers-loss", test_stopped_nursery, ON_BUS),
        TEST("/death/of-a-frozen-nursery-holds-up-nobody", test_frozen_nursery, ON_BUS),
        TEST("/death/of-a-stopped-reader-lets-its-container-go-on", test_stopped_reader, ON_BOTH),
        TEST("/death/of-a-supervisor-is-said-by-wait", test_lost_is_said, ON_BUS),
        TEST("/death/of-the-program-ends-what-it-has-started", test_killed_program, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
