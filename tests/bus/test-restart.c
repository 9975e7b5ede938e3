/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restart
 *
 * The directory is the register, the manager is a view of it: killed at any instant and started again, no container
 * has noticed, and no exit status, no console byte, no lease is lost.
 */
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

static const char *const idle = "exec sleep 100";

static void restart(Fixture *fixture)
{
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
}

/* All that a container's properties say, in one string. */
static char *describe(Client *client, const char *name)
{
        g_autofree char *path = container_path(name);
        g_autoptr(GError) error = NULL;

        g_autoptr(GVariant) reply = client_call(client, path, "org.freedesktop.DBus.Properties", "GetAll",
                                                g_variant_new("(s)", CONTAINER_INTERFACE), NULL, NULL, &error);
        g_assert_no_error(error);
        return g_variant_print(reply, FALSE);
}

static void test_nothing_notices(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(GStrv) before = g_new0(char *, 11);

        for (guint i = 0; i < 10; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                create(fixture->client, name, idle, NULL);
        }
        run(fixture->client, "held", "stty -echo; echo ready; read x; echo \"got $x\"; exec sleep 100", NULL,
            &attachment);
        g_byte_array_unref(read_until(attachment.console, "ready"));
        for (guint i = 0; i < 10; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                before[i] = describe(fixture->client, name);
        }
        restart(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 11);
        for (guint i = 0; i < 10; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                g_autofree char *after = describe(fixture->client, name);
                g_assert_cmpstr(after, ==, before[i]);
                terminate(fixture->client, name);
        }
        g_free(manager_refuses(fixture->client, "ConsoleBusy", "AttachContainer", "(s@a{sv})", "held", options(NULL)));
        g_assert_cmpint(fd_write_all(attachment.console, "it\n", 3), ==, 0);
        g_byte_array_unref(read_until(attachment.console, "got it"));
        terminate(fixture->client, "held");
}

static int leader_of(Client *client, const char *name)
{
        g_autoptr(GVariant) leader = property(client, name, "Leader");
        int pidfd = pidfd_open((pid_t)g_variant_get_uint32(leader), 0);

        g_assert_cmpint(pidfd, >=, 0);
        return pidfd;
}

static void test_exit_meanwhile(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "read x; exit 7", NULL, &attachment);
        _cleanup_(fd_closep) int leader = leader_of(fixture->client, "box");
        fixture_stop_manager(fixture, SIGKILL);
        g_assert_cmpint(fd_write_all(attachment.console, "\n", 1), ==, 0);
        await_process(leader);
        fixture_start_manager(fixture);
        wait_for(fixture->client, "box", "exited", 7);
}

static void test_release_meanwhile(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", idle, "{'KillOnRelease': <true>}", &attachment);
        _cleanup_(fd_closep) int leader = leader_of(fixture->client, "box");
        fixture_stop_manager(fixture, SIGKILL);
        attachment_close(&attachment);
        await_process(leader);
        fixture_start_manager(fixture);
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_ring(Fixture *fixture)
{
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL};
        g_auto(Attachment) second = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "stty -echo -opost; echo ready; read x; seq 1 5000; exec sleep 100", NULL, &first);
        g_byte_array_unref(read_until(first.console, "ready\n"));
        fixture_stop_manager(fixture, SIGKILL);
        g_assert_cmpint(fd_write_all(first.console, "\n", 1), ==, 0);
        attachment_close(&first);
        fixture_start_manager(fixture);
        attach(fixture->client, "box", FALSE, &second);
        gsize n = g_bytes_get_size(second.backlog);
        g_autoptr(GByteArray) text = g_byte_array_new();
        g_byte_array_append(text, g_bytes_get_data(second.backlog, NULL), (guint)n);
        if (text->len < 23893) {
                g_autoptr(GByteArray) rest = read_until(second.console, "5000\n");
                g_byte_array_append(text, rest->data, rest->len);
        }
        g_assert_cmpuint(text->len, ==, 23893);
        g_assert_cmpmem(text->data, 4, "1\n2\n", 4);
        terminate(fixture->client, "box");
}

static void test_lost_meanwhile(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        _cleanup_(fd_closep) int leader = leader_of(fixture->client, "box");
        g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
        fixture_stop_manager(fixture, SIGKILL);
        kill((pid_t)g_variant_get_uint32(supervisor), SIGKILL);
        await_process(leader);
        fixture_start_manager(fixture);
        /* Nobody is left who could be asked; at the latest the name's next user finds it free. */
        create(fixture->client, "box", "exit 3", NULL);
        wait_for(fixture->client, "box", "exited", 3);
}

/* It is alive, and says so as soon as it can; till then nobody waits for it. */
static void test_stopped_meanwhile(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        create(fixture->client, "other", idle, NULL);
        g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
        g_autofree char *before = describe(fixture->client, "box");
        kill((pid_t)g_variant_get_uint32(supervisor), SIGSTOP);
        restart(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        kill((pid_t)g_variant_get_uint32(supervisor), SIGCONT);
        await_n_containers(fixture->client, 2);
        g_autofree char *after = describe(fixture->client, "box");
        g_assert_cmpstr(after, ==, before);
        terminate(fixture->client, "box");
        terminate(fixture->client, "other");
}

/* That it was lost its maker hasn't been told yet: a manager that is told to end keeps that for the next. */
static void test_lost_before(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        create(fixture->client, "box", idle, NULL);
        _cleanup_(fd_closep) int leader = leader_of(fixture->client, "box");
        g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
        signals_watch(fixture->client, "box", &signals);
        kill((pid_t)g_variant_get_uint32(supervisor), SIGKILL);
        await(signals.n_exited == 1);
        fixture_stop_manager(fixture, SIGTERM);
        await_process(leader);
        fixture_start_manager(fixture);
        wait_for(fixture->client, "box", "lost", 0);
        await_n_containers(fixture->client, 0);
}

/*
 * Where the leader's death is nobody else's, and no systemd ends what is left, it is found by its cgroup. The next one
 * of that name waits until all that is gone.
 */
static void test_lost_with_others(Fixture *fixture)
{
        static const char find[] = "find /sys/fs/cgroup -name pflask-box";
        g_autofree char *members = g_strdup_printf("cat $(%s)/cgroup.procs | tr '\\n' ' '", find), *pids = NULL;
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *left = NULL;

        run(fixture->client, "box", "sleep 100 & echo ready; wait", "{'SharedNamespaces': <['pid']>}", &attachment);
        g_byte_array_unref(read_until(attachment.console, "ready"));
        g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
        shell(fixture, members, &pids, NULL);
        if (!*pids)
                return g_test_skip("no hierarchy of cgroups is mounted here");
        g_auto(GStrv) words = g_strsplit(pids, " ", -1);
        g_assert_cmpuint(g_strv_length(words), ==, 3); /* two, and nothing behind the last blank */
        kill((pid_t)g_variant_get_uint32(supervisor), SIGKILL);
        wait_for(fixture->client, "box", "lost", 0);
        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        create(fixture->client, "box", "exit 3", NULL);
        wait_for(fixture->client, "box", "exited", 3);
        g_autofree char *look = g_strdup_printf("%s; for pid in %s; do grep -H '^State:.[^ZX]' /proc/$pid/status; done",
                                                find, pids);
        shell(fixture, look, &left, NULL);
        g_assert_cmpstr(left, ==, "");
}

static void test_during_creation(Fixture *fixture)
{
        for (guint i = 0; i < rounds(10); i++) {
                enum { N = 8 };
                Pending pending[N] = {};
                for (guint j = 0; j < N; j++) {
                        static const char *const command[] = {"sleep", "100", NULL};
                        g_autofree char *name = g_strdup_printf("box%u", j);
                        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                          g_variant_new("(s^as@a{sv})", name, command, options(NULL)), &pending[j]);
                }
                /* The later the round, the further the creations have got. */
                for (guint j = 0; j < i; j++)
                        n_containers(fixture->client);
                if (fixture->transport == ON_DIRECT)
                        await(pending[0].is_done);
                restart(fixture);
                for (guint j = 0; j < N; j++) {
                        g_autofree char *name = g_strdup_printf("box%u", j);
                        await(pending[j].is_done);
                        const char *ended = outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE,
                                                    "TerminateContainer", g_variant_new("(s)", name));
                        /* Neither is there a ghost, nor does the record of the last round hide that it has ended. */
                        if (*ended && !g_str_has_suffix(ended, ".NotRunning"))
                                g_assert_cmpstr(ended, ==, ERROR_PREFIX "NoSuchContainer");
                        pending_clear(&pending[j]);
                        create(fixture->client, name, "exit 4", NULL); /* at once */
                        wait_for(fixture->client, name, "exited", 4);
                }
        }
}

static void test_wait_again(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        create(fixture->client, "box", idle, NULL);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                          g_variant_new("(s)", "box"), &pending);
        n_containers(fixture->client);
        restart(fixture);
        await(pending.is_done);
        g_assert_nonnull(pending.error);
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGKILL));
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_orderly_end(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        if (fixture->transport == ON_DIRECT)
                g_clear_pointer(&fixture->client, client_free); /* which looks at its exit status */
        if (fixture->transport == ON_DIRECT)
                fixture->manager = fd_close(fixture->manager);
        else
                fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        terminate(fixture->client, "box");
}

static const Test tests[] = {
        TEST("/restart/no-container-notices", test_nothing_notices, ON_ALL),
        TEST("/restart/an-exit-meanwhile-is-told", test_exit_meanwhile, ON_ALL),
        TEST("/restart/a-release-meanwhile-counts", test_release_meanwhile, ON_ALL),
        TEST("/restart/the-ring-is-whole", test_ring, ON_ALL),
        TEST("/restart/a-supervisor-killed-meanwhile-leaves-no-ghost", test_lost_meanwhile, ON_ALL),
        TEST("/restart/a-supervisor-stopped-meanwhile-is-not-lost", test_stopped_meanwhile, ON_BUS),
        TEST("/restart/a-supervisor-killed-before-is-told-of", test_lost_before, ON_BUS),
        TEST("/restart/a-supervisor-killed-leaves-nobody-behind", test_lost_with_others, ON_ALL),
        TEST("/restart/half-made-containers-are-whole-or-gone", test_during_creation, ON_ALL),
        TEST("/restart/a-wait-can-be-asked-again", test_wait_again, ON_ALL),
        TEST("/restart/an-orderly-end-leaves-containers-alone", test_orderly_end, ON_ALL),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
