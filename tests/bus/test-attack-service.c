/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on the service
 *
 * One user tries to have all of what everybody shares: names, places, memory, the manager's time, and its supervisors.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

/* ---- A25 ---- */

/* Had it worked, a name would have been a path, a unit's, or one that looks like another. */
static void test_names(Fixture *fixture)
{
        static const char *const names[] = {".",     "..",   "/",      "a/b",  "../a",     "a/..",
                                            ".host", "-a",   "--help", "_a",   "a-",       "a.",
                                            "a_",    "a..b", "a b",    " a",   "a\n",      "a\tb",
                                            "a%b",   "a:b",  "a@b",    "a\\b", "\xc3\xa9", "a\342\200\256b",
                                            "\x7f",  "\x01"};
        g_autofree char *longest = g_strnfill(64, 'a'), *longer = g_strnfill(65, 'a'), *file = g_strnfill(255, 'a');

        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                g_assert_cmpstr(creation_outcome(fixture->client, names[i], "true", NULL), ==,
                                ERROR_PREFIX "InvalidName");
        g_assert_cmpstr(creation_outcome(fixture->client, longer, "true", NULL), ==, ERROR_PREFIX "InvalidName");
        g_assert_cmpstr(creation_outcome(fixture->client, file, "true", NULL), ==, ERROR_PREFIX "InvalidName");
        create(fixture->client, longest, "true", NULL);
        wait_for(fixture->client, longest, "exited", 0);
}

/* Had it worked, the manager would have looked for the end of it on its stack. An option says what it is instead. */
static void test_variants_in_variants(Fixture *fixture)
{
        static const char *const options_of[] = {"Root", "Environment", "Mounts", "ReadOnly", "None"};
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint i = 0; i < G_N_ELEMENTS(options_of); i++) {
                static const char *const command[] = {"true", NULL};
                g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
                GVariant *value = g_variant_new_string("/");
                for (guint level = 1; level < 30; level++)
                        value = g_variant_new_variant(value);
                g_variant_builder_add(&builder, "{sv}", options_of[i], value);
                g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                        g_variant_new("(s^as@a{sv})", "box", command, g_variant_builder_end(&builder))),
                                ==, ERROR_PREFIX "InvalidOption");
                assert_others_are_served(fixture);
        }
}

/* Had it worked, whoever sends what no limit allows would have taken the service away from the others. */
static void test_too_much(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autofree char *large = g_strnfill(64 << 20, 'x');
        g_autofree char *assignment = g_strconcat("A=", large, NULL);

        for (guint i = 0; i < 200; i++)
                g_unix_fd_list_append(fds, STDERR_FILENO, NULL);
        for (guint i = 0; i < 2; i++) {
                g_autoptr(Client) alice = client_new(fixture, ALICE);
                g_autoptr(GError) error = NULL;
                g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
                const char *const environment[] = {assignment, NULL};
                if (i == 1)
                        g_variant_builder_add(&builder, "{sv}", "Environment", g_variant_new_strv(environment, -1));
                GVariant *reply = client_call(
                        alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                        g_variant_new("(s^as@a{sv})", "box", command, g_variant_builder_end(&builder)),
                        i == 0 ? fds : NULL, NULL, &error);
                g_assert_null(reply);
                assert_others_are_served(fixture);
        }
}

/* Had it worked, a container would have ordered its own supervisor about, or those of others. */
static void test_control_socket(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        g_autofree char *said = leader_says(alice, "box",
                                            "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); "
                                            "print connect(S, pack_sockaddr_un(\"" CONTAINERS_DIRECTORY
                                            "/box/control\")) ? \"in\" : \"out\"'",
                                            NULL);
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(said, ==, "out");
}

/* The same of a supervisor that can be seen from inside. */
static void test_supervisor_in_sight(Fixture *fixture)
{
        static const char *const script = "for p in /proc/[0-9]*; do case $(cat $p/comm) in pflask-*) echo seen;"
                                          " for f in mem environ maps auxv; do cat $p/$f && echo reads $f; done;"
                                          " for f in cwd root exe fd/0; do readlink $p/$f && echo reads $f; done;"
                                          " for f in oom_score_adj comm; do (echo 1 >$p/$f) && echo writes $f; done;"
                                          " kill -0 ${p#/proc/} && echo signals; esac; done 2>/dev/null; echo end";
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        g_autofree char *said = leader_says(alice, "box", script, "{'SharedNamespaces': <['pid']>}");
        wait_for(alice, "box", "exited", 0);
        g_assert_nonnull(strstr(said, "seen"));
        g_assert_nonnull(strstr(said, "end"));
        g_assert_null(strstr(said, "reads"));
        g_assert_null(strstr(said, "writes"));
        g_assert_null(strstr(said, "signals"));
}

/* ---- A20 ---- */

static int storm_report;

static void storm_hit(int signal _unused_)
{
        fd_write_all(storm_report, "!", 1);
}

/* Has numbers used again as fast as it goes. */
static void storm(const void *report)
{
        storm_report = *(const int *)report;
        signal(SIGUSR1, storm_hit);
        pid_t pid = fork();
        if (pid == 0)
                _exit(EXIT_SUCCESS);
        if (pid > 0)
                waitpid(pid, NULL, 0);
}

static void write_pid_max(const char *text)
{
        _cleanup_(fd_closep) int fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);

        g_assert_cmpint(fd_write_all(fd, text, strlen(text)), ==, 0);
}

/* Since Linux 6.14 each pid namespace has its own, and this one is the test's. Return: what it was, the caller's. */
static char *limit_pids(void)
{
        char *before;
        struct utsname name;
        unsigned major, minor;

        g_assert_cmpint(uname(&name), ==, 0);
        g_assert_cmpint(sscanf(name.release, "%u.%u", &major, &minor), ==, 2);
        if (major < 6 || (major == 6 && minor < 14)) {
                g_test_skip("kernel.pid_max is the whole machine's here");
                return NULL;
        }
        g_assert_true(g_file_get_contents("/proc/sys/kernel/pid_max", &before, NULL, NULL));
        write_pid_max("400");
        return before;
}

/*
 * Had it worked, a signal for what had ended in the container would have hit whoever has its number now. There are 400
 * numbers, which a storm inside and one outside use up many times a second; who is hit outside says so.
 */
static void test_numbers_used_again(Fixture *fixture)
{
        static const char *const inside = "trap '' USR1; while :; do (:); done";
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        char byte;
        int ends[2];

        g_autofree char *pid_max = limit_pids();
        if (!pid_max)
                return;
        g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
        create(alice, "box", inside, NULL);
        pid_t pid = attacker(storm, &ends[1]);
        for (guint i = 0; i < rounds(200); i++) {
                guint32 process = exec_begin(alice, "box", "exec true");
                outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "KillProcess",
                        g_variant_new("(sui)", "box", process, SIGUSR1));
                outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                        g_variant_new("(ssi)", "box", "all", SIGUSR1));
                g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "GetContainerByPID",
                                        g_variant_new("(u)", (guint32)pid)),
                                ==, ERROR_PREFIX "NoSuchContainer");
                outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "GetContainerByPID", g_variant_new("(u)", 2 + i % 398));
        }
        end_attacker(pid);
        g_assert_cmpint(read(ends[0], &byte, 1), ==, -1);
        fd_close(ends[0]);
        fd_close(ends[1]);
        terminate(alice, "box");
        write_pid_max(pid_max);
}

/* ---- A19 ---- */

static guint count_refused(Pending *pending, guint n)
{
        guint n_refused = 0;

        for (guint i = 0; i < n; i++)
                n_refused += g_str_equal(client_error_name(pending[i].error), ERROR_PREFIX "LimitReached");
        return n_refused;
}

/* Had it worked, one user's waits would have used up what all others wait with. */
static void test_endless_waits(Fixture *fixture)
{
        enum { CONNECTIONS = 11, EACH = 120, MOST = 1024 }; /* the bus lets a connection have 128 */
        g_autofree Pending *pending = g_new0(Pending, CONNECTIONS * EACH);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Pending) his = {};
        Client *alice[CONNECTIONS];

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < CONNECTIONS; i++) {
                alice[i] = client_new(fixture, ALICE);
                outcome(alice[i], MANAGER_PATH, MANAGER_INTERFACE, "ListContainers", NULL);
                for (guint j = 0; j < EACH; j++)
                        client_call_later(alice[i], MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                                          g_variant_new("(s)", "box"), &pending[i * EACH + j]);
                g_dbus_connection_flush_sync(alice[i]->connection, NULL, NULL);
        }
        await(count_refused(pending, CONNECTIONS * EACH) == CONNECTIONS * EACH - MOST);
        client_call_later(bob, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"), &his);
        n_containers(bob);
        assert_others_are_served(fixture);
        terminate(fixture->client, "box");
        await(his.is_done);
        g_assert_no_error(his.error);
        for (guint i = 0; i < CONNECTIONS * EACH; i++) {
                await(pending[i].is_done);
                pending_clear(&pending[i]);
        }
        for (guint i = 0; i < CONNECTIONS; i++)
                client_free(alice[i]);
}

static guint create_many(Client *client, const char *prefix, guint n)
{
        g_autofree Pending *pending = g_new0(Pending, n);
        guint n_made = 0;

        for (guint i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i);
                client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                  create_parameters(name, idle, NULL), &pending[i]);
        }
        for (guint i = 0; i < n; i++) {
                await(pending[i].is_done);
                if (pending[i].error)
                        g_assert_cmpstr(client_error_name(pending[i].error), ==, ERROR_PREFIX "LimitReached");
                else
                        n_made++;
                pending_clear(&pending[i]);
        }
        return n_made;
}

/* Ends all that is there of @client's, and with @forget waits for it, so that nothing is left of it. */
static void end_all(Client *client, gboolean forget)
{
        g_autoptr(GVariantIter) list = NULL;
        g_autoptr(GVariant) reply = manager_call(client, "ListContainers", NULL);
        const char *name, *state;

        g_variant_get(reply, "(a(susuo))", &list);
        while (g_variant_iter_next(list, "(&su&suo)", &name, NULL, &state, NULL, NULL)) {
                if (!g_str_equal(state, "exited"))
                        g_variant_unref(manager_call(client, "TerminateContainer", "(s)", name));
                if (forget)
                        g_variant_unref(manager_call(client, "WaitContainer", "(s)", name));
        }
}

/* Had it worked, one user could have had any number of containers that nobody was asked about. */
static void test_more_containers_than_allowed(Fixture *fixture)
{
        enum { MOST = 64 };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        g_assert_cmpuint(create_many(alice, "box", MOST + 4), ==, MOST);
        assert_others_are_served(fixture);
        create(fixture->client, "roots", "true", NULL);
        wait_for(fixture->client, "roots", "exited", 0);
        guint n_made = 0;
        /* Names that wait for the end of what had them are places taken, too. */
        end_all(alice, FALSE);
        g_assert_cmpuint(create_many(alice, "box", MOST + 4) + create_many(alice, "other", 4), ==, MOST);
        end_all(alice, FALSE);
        /* All at once, as when polkit or the manager has been busy. */
        g_autofree Pending *pending = g_new0(Pending, MOST + 16);
        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        for (guint i = 0; i < MOST + 16; i++) {
                g_autofree char *name = g_strdup_printf(i < MOST - 5 ? "box%u" : "fresh%u", i);
                client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                  create_parameters(name, idle, NULL), &pending[i]);
        }
        n_containers(alice);
        g_assert_cmpint(process_signal(fixture->manager, SIGSTOP), ==, 0);
        g_assert_cmpint(process_signal(fixture->polkit, SIGCONT), ==, 0);
        await_polkit(alice);
        g_assert_cmpint(process_signal(fixture->manager, SIGCONT), ==, 0);
        for (guint i = 0; i < MOST + 16; i++) {
                await(pending[i].is_done);
                n_made += !pending[i].error;
                pending_clear(&pending[i]);
        }
        g_assert_cmpuint(n_made, ==, MOST);
        end_all(alice, TRUE);
}

static guint64 resident_kilobytes(int pidfd)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", process_pid(pidfd));
        g_autofree char *status = NULL;

        g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
        const char *line = strstr(status, "VmRSS:");
        g_assert_nonnull(line);
        return g_ascii_strtoull(line + strlen("VmRSS:"), NULL, 10);
}

static int ignore_answer(sd_bus_message *reply _unused_, void *userdata _unused_, sd_bus_error *error _unused_)
{
        return 0;
}

/* Had it worked, the answers that nobody reads would have piled up in the manager. */
static void test_answers_never_read(Fixture *fixture)
{
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

        g_assert_cmpint(seteuid(ALICE), ==, 0);
        g_assert_cmpint(sd_bus_open_system(&bus), >=, 0);
        g_assert_cmpint(sd_bus_call_method(bus, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers",
                                           NULL, NULL, NULL),
                        >=, 0);
        g_assert_cmpint(seteuid(0), ==, 0);
        guint64 before = resident_kilobytes(fixture->manager);
        for (guint i = 0; i < rounds(10000); i++) {
                g_assert_cmpint(sd_bus_call_method_async(bus, NULL, MANAGER_BUS_NAME, MANAGER_PATH,
                                                         "org.freedesktop.DBus.Introspectable", "Introspect",
                                                         ignore_answer, NULL, NULL),
                                >=, 0);
                if (i % 50 == 0)
                        g_assert_cmpint(sd_bus_flush(bus), >=, 0);
        }
        assert_others_are_served(fixture);
        g_test_message("from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " KiB", before,
                       resident_kilobytes(fixture->manager));
        g_assert_cmpuint(resident_kilobytes(fixture->manager), <, before + 16 * 1024);
}

/* Had it worked, a stranger who waits first would have had the only answer, and who began the process none. */
static void test_end_taken_away(Fixture *fixture)
{
        enum { N = 16 };
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        Pending pending[N];
        g_auto(Pending) hers = {};
        guint32 process;

        create(alice, "box", idle, NULL);
        process = exec_begin(alice, "box", "exit 7");
        g_autoptr(GVariant) first = manager_call(carol, "WaitProcess", "(su)", "box", process);
        g_autoptr(GVariant) second = manager_call(alice, "WaitProcess", "(su)", "box", process);
        g_assert_true(g_variant_equal(first, second));
        process = exec_begin(alice, "box", "exec sleep 100");
        for (guint i = 0; i < N; i++)
                client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "WaitProcess",
                                  g_variant_new("(su)", "box", process), &pending[i]);
        n_containers(carol);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "WaitProcess", g_variant_new("(su)", "box", process),
                          &hers);
        g_variant_unref(manager_call(alice, "KillProcess", "(sui)", "box", process, SIGKILL));
        await(hers.is_done);
        g_assert_no_error(hers.error);
        for (guint i = 0; i < N; i++) {
                await(pending[i].is_done);
                pending_clear(&pending[i]);
        }
        terminate(alice, "box");
}

/* Had it worked, whoever is quicker than the owner would have wiped out how another's container ended, and its log. */
static void test_record_wiped_out(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) carol = client_new(fixture, CAROL);

        create(alice, "box", "exit 7", NULL);
        wait_for(carol, "box", "exited", 7);
        g_assert_cmpstr(creation_outcome(carol, "box", "true", NULL), ==, ERROR_PREFIX "ContainerExists");
        wait_for(alice, "box", "exited", 7);
        await_n_containers(alice, 0);
        create(carol, "box", "true", NULL);
        wait_for(carol, "box", "exited", 0);
}

/* Had it worked, whoever keeps polkit's question open would have kept the name from root. */
static void test_name_kept(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};

        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, "{'SharedNamespaces': <['user']>}"), &pending);
        n_containers(carol);
        g_assert_cmpstr(creation_outcome(fixture->client, "box", "exit 3", NULL), ==, "");
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "ContainerExists");
        g_assert_cmpint(process_signal(fixture->polkit, SIGCONT), ==, 0);
        wait_for(fixture->client, "box", "exited", 3);
}

/* Each waits for the name a while, until the supervisor that has it is dead. */
static void take_name_of_hanging(Fixture *fixture)
{
        const char *error = ERROR_PREFIX "ContainerExists";

        for (guint i = 0; i < 15 && g_str_equal(error, ERROR_PREFIX "ContainerExists"); i++)
                error = creation_outcome(fixture->client, "box", "exit 3", NULL);
        g_assert_cmpstr(error, ==, "");
        wait_for(fixture->client, "box", "exited", 3);
}

/*
 * Had it worked, a name would have been nobody's for ever, of a container that cannot be seen: its maker has left, and its
 * supervisor cannot end, since the leader waits for a file system of the maker's, where not even SIGKILL reaches it.
 */
static void test_supervisor_hangs(Fixture *fixture)
{
        Client *alice = client_new(fixture, ALICE);
        g_auto(Pending) pending = {};

        make_directory(TEST_DIRECTORY "/hanging", 0755, ALICE);
        _cleanup_(fd_closep) int server = mount_hanging(TEST_DIRECTORY "/hanging");
        if (server < 0) {
                client_free(alice);
                g_test_skip("there is no FUSE");
                return;
        }
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, "{'Root': <'" TEST_DIRECTORY "/hanging/tree'>}"), &pending);
        n_containers(alice);
        await_hanging(server);
        client_free(alice);
        await(pending.is_done);
        take_name_of_hanging(fixture);
        server = fd_close(server);
        g_assert_cmpint(umount2(TEST_DIRECTORY "/hanging", MNT_DETACH), ==, 0);
}

/* Had it worked, it would have been the same, of a maker who doesn't leave. */
static void test_set_up_hangs(Fixture *fixture)
{
        g_autoptr(Client) alice = NULL;

        make_directory(TEST_DIRECTORY "/hanging", 0755, ALICE);
        _cleanup_(fd_closep) int server = mount_hanging(TEST_DIRECTORY "/hanging");
        if (server < 0) {
                g_test_skip("there is no FUSE");
                return;
        }
        fixture_configure(fixture, "StartTimeoutSec=1");
        alice = client_new(fixture, ALICE);
        g_autofree char *sentence = creation_sentence(alice, "{'Root': <'" TEST_DIRECTORY "/hanging/tree'>}");
        g_assert_cmpstr(
                sentence, ==,
                "container 'box' did not run in time (StartTimeoutSec=): it waited for the set-up by its supervisor");
        take_name_of_hanging(fixture);
        server = fd_close(server);
        g_assert_cmpint(umount2(TEST_DIRECTORY "/hanging", MNT_DETACH), ==, 0);
}

/*
 * Had it worked, one user would have had a supervisor, which is root's process, for each command that ran for a moment:
 * a thousand of them in a minute.
 */
static void test_ends_without_number(Fixture *fixture)
{
        enum { MOST = 2, PER_PLACE = 4 };
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        const char *error = "";
        guint n_made = 0;

        fixture_configure(fixture, "MaxContainersPerUser=2");
        for (; n_made < 100 && !*error; n_made += !*error) {
                g_autofree char *name = g_strdup_printf("box%u", n_made);
                g_auto(Signals) signals = {};
                signals_watch(alice, name, &signals);
                error = creation_outcome(alice, name, "true", NULL);
                if (!*error)
                        await(signals.n_exited == 1);
        }
        g_assert_cmpstr(error, ==, ERROR_PREFIX "LimitReached");
        g_assert_cmpuint(n_made, ==, MOST * PER_PLACE);
        assert_others_are_served(fixture);
        end_all(alice, TRUE);
}

static const Test tests[] = {
        TEST("/attack/A25-names-that-are-more-than-names", test_names, ON_BOTH),
        ATTACK("/attack/too-much-at-once", test_too_much),
        ATTACK("/attack/variants-in-variants", test_variants_in_variants),
        ATTACK("/attack/the-control-socket-is-roots", test_control_socket),
        ATTACK("/attack/the-supervisor-is-only-seen", test_supervisor_in_sight),
        ATTACK("/attack/A20-numbers-that-are-used-again", test_numbers_used_again),
        ATTACK("/attack/A19-waits-without-end", test_endless_waits),
        ATTACK("/attack/A19-more-containers-than-allowed", test_more_containers_than_allowed),
        TEST("/attack/A19-answers-that-nobody-reads", test_answers_never_read, ON_BUS),
        ATTACK("/attack/A19-an-end-that-is-taken-away", test_end_taken_away),
        ATTACK("/attack/A19-a-name-that-is-kept", test_name_kept),
        ATTACK("/attack/A19-a-supervisor-that-hangs", test_supervisor_hangs),
        ATTACK("/attack/A19-a-set-up-that-hangs", test_set_up_hangs),
        ATTACK("/attack/A19-ends-without-number", test_ends_without_number),
        ATTACK("/attack/A19-a-record-that-is-wiped-out", test_record_wiped_out),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
