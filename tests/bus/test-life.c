/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life and end of a container
 *
 * It runs as it was asked to, it ends with its leader, and how it ended is told to everyone who waits, once it has
 * happened and for as long as the contract says.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

static const char *const idle = "exec sleep 100";

static guint property_number(Client *client, const char *name, const char *which)
{
        g_autoptr(GVariant) value = property(client, name, which);

        return g_variant_get_uint32(value);
}

static void assert_state(Client *client, const char *name, const char *expected)
{
        g_autoptr(GVariant) value = property(client, name, "State");

        g_assert_cmpstr(g_variant_get_string(value, NULL), ==, expected);
}

static void kill_container(Client *client, const char *name, const char *who, int signal)
{
        g_variant_unref(manager_call(client, "KillContainer", "(ssi)", name, who, signal));
}

static void assert_answer(const Pending *pending, const char *result, int status)
{
        const char *actual_result;
        int actual_status;

        g_assert_no_error(pending->error);
        g_variant_get(pending->reply, "(&si)", &actual_result, &actual_status);
        g_assert_cmpstr(actual_result, ==, result);
        g_assert_cmpint(actual_status, ==, status);
}

static void wait_later(Client *client, const char *name, Pending *pending)
{
        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", name),
                          pending);
}

/* What sh -c @script writes in a container with these options. */
static char *output_of(Client *client, const char *script, const char *option_text)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *whole = g_strconcat("stty -opost; ", script, NULL);

        run(client, "box", whole, option_text, &attachment);
        g_autoptr(GByteArray) text = read_until_end(attachment.console);
        wait_for(client, "box", "exited", 0);
        return g_strndup((const char *)text->data, text->len);
}

/* ---- as it was asked to run ---- */

static void test_properties(Fixture *fixture)
{
        g_autoptr(GVariant) all = NULL, id = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *path = container_path("box");
        const char *name, *unit, *class, *service, *result;
        guint owner, leader, supervisor;
        guint64 timestamp;
        gboolean privileged;

        guint64 before = (guint64)g_get_real_time();
        create(fixture->client, "box", idle, NULL);
        g_autoptr(GVariant) reply = client_call(fixture->client, path, "org.freedesktop.DBus.Properties", "GetAll",
                                                g_variant_new("(s)", CONTAINER_INTERFACE), NULL, NULL, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(@a{sv})", &all);
        g_assert_true(g_variant_lookup(all, "Name", "&s", &name));
        g_assert_cmpstr(name, ==, "box");
        id = g_variant_lookup_value(all, "Id", G_VARIANT_TYPE_BYTESTRING);
        g_assert_cmpuint(g_variant_get_size(id), ==, 16);
        g_assert_true(g_variant_lookup(all, "Owner", "u", &owner));
        g_assert_cmpuint(owner, ==, 0);
        g_assert_true(g_variant_lookup(all, "Privileged", "b", &privileged));
        g_assert_true(privileged);
        g_assert_true(g_variant_lookup(all, "Leader", "u", &leader));
        g_assert_cmpint(kill((pid_t)leader, 0), ==, 0);
        g_assert_true(g_variant_lookup(all, "Supervisor", "u", &supervisor));
        g_assert_cmpint(kill((pid_t)supervisor, 0), ==, 0);
        g_assert_true(g_variant_lookup(all, "Timestamp", "t", &timestamp));
        g_assert_cmpuint(timestamp, >=, before);
        g_assert_cmpuint(timestamp, <=, (guint64)g_get_real_time());
        g_assert_true(g_variant_lookup(all, "Unit", "&s", &unit));
        g_assert_cmpstr(unit, ==, "");
        g_assert_true(g_variant_lookup(all, "Class", "&s", &class));
        g_assert_cmpstr(class, ==, "container");
        g_assert_true(g_variant_lookup(all, "Service", "&s", &service));
        g_assert_cmpstr(service, ==, "pflask");
        g_assert_true(g_variant_lookup(all, "Result", "&s", &result));
        g_assert_cmpstr(result, ==, "");
        terminate(fixture->client, "box");
}

static void test_options_apply(Fixture *fixture)
{
        static const struct {
                const char *options, *script, *expected;
        } rows[] = {
                {"{'Hostname': <'inside'>}", "uname -n", "inside\n"},
                {"{'WorkingDirectory': <'/usr/bin'>}", "pwd", "/usr/bin\n"},
                {"{'Environment': <['A=b c', 'B=']>}", "echo \"$A/$B/$container\"", "b c//pflask\n"},
                {NULL, "echo $container; echo $$", "pflask\n1\n"},
                {"{'StubInit': <true>}", "test $$ -gt 1 && echo more", "more\n"},
                {NULL, "test -t 0 && test -t 1 && test -t 2 && echo terminal", "terminal\n"},
        };

        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text = output_of(fixture->client, rows[i].script, rows[i].options);
                g_assert_cmpstr(text, ==, rows[i].expected);
        }
}

static void test_shared_namespaces(Fixture *fixture)
{
        static const char *const namespaces[] = {"mount", "net", "ipc", "uts", "cgroup"};
        static const char *const files[] = {"mnt", "net", "ipc", "uts", "cgroup"};

        for (guint i = 0; i < G_N_ELEMENTS(namespaces); i++) {
                g_autofree char *text = g_strdup_printf("{'SharedNamespaces': <['%s']>}", namespaces[i]);
                create(fixture->client, "box", idle, text);
                g_autofree char *path = g_strdup_printf("/proc/%u/ns/%s",
                                                        property_number(fixture->client, "box", "Leader"), files[i]);
                g_autofree char *own = g_strdup_printf("/proc/self/ns/%s", files[i]);
                g_autofree char *theirs = g_file_read_link(path, NULL);
                g_autofree char *ours = g_file_read_link(own, NULL);
                g_assert_cmpstr(theirs, ==, ours);
                terminate(fixture->client, "box");
        }
}

static void test_own_namespaces(Fixture *fixture)
{
        static const char *const files[] = {"mnt", "ipc", "uts", "pid", "cgroup"};

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_strdup_printf("/proc/%u/ns/%s",
                                                        property_number(fixture->client, "box", "Leader"), files[i]);
                g_autofree char *own = g_strdup_printf("/proc/self/ns/%s", files[i]);
                g_autofree char *theirs = g_file_read_link(path, NULL);
                g_autofree char *ours = g_file_read_link(own, NULL);
                g_assert_nonnull(theirs);
                g_assert_cmpstr(theirs, !=, ours);
        }
        terminate(fixture->client, "box");
}

static void test_nameless(Fixture *fixture)
{
        static const char *const command[] = {"sleep", "100", NULL};
        g_autoptr(GVariant)
                reply = manager_call(fixture->client, "CreateContainer", "(s^as@a{sv})", "", command, options(NULL));
        const char *name, *path;

        g_variant_get(reply, "(&s&o)", &name, &path);
        g_autofree char *expected = g_strdup_printf("pflask-%u", property_number(fixture->client, name, "Leader"));
        g_autofree char *expected_path = container_path(name);
        g_assert_cmpstr(name, ==, expected);
        g_assert_cmpstr(path, ==, expected_path);
        terminate(fixture->client, name);
}

static void test_by_pid(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *path = container_path("box");
        g_autofree char *children = NULL;

        run(fixture->client, "box", "sleep 100 & echo started; wait", NULL, &attachment);
        g_byte_array_unref(read_until(attachment.console, "started"));
        guint leader = property_number(fixture->client, "box", "Leader");
        g_autofree char *file = g_strdup_printf("/proc/%u/task/%u/children", leader, leader);
        g_assert_true(g_file_get_contents(file, &children, NULL, NULL));
        guint pids[] = {leader, property_number(fixture->client, "box", "Supervisor"), (guint)atoi(children)};
        for (guint i = 0; i < G_N_ELEMENTS(pids); i++) {
                g_autoptr(GVariant) reply = manager_call(fixture->client, "GetContainerByPID", "(u)", pids[i]);
                const char *found;
                g_variant_get(reply, "(&o)", &found);
                g_assert_cmpstr(found, ==, path);
        }
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "GetContainerByPID", "(u)", 0u));
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "GetContainerByPID", "(u)", (guint)getpid()));
        terminate(fixture->client, "box");
}

static void test_list(Fixture *fixture)
{
        g_autoptr(GVariantIter) list = NULL;
        const char *name, *state, *path;
        guint owner, leader;

        create(fixture->client, "box", idle, NULL);
        g_autofree char *expected = container_path("box");
        g_autoptr(GVariant) reply = manager_call(fixture->client, "ListContainers", NULL);
        g_variant_get(reply, "(a(susuo))", &list);
        g_assert_cmpuint(g_variant_iter_n_children(list), ==, 1);
        g_assert_true(g_variant_iter_next(list, "(&su&su&o)", &name, &owner, &state, &leader, &path));
        g_assert_cmpstr(name, ==, "box");
        g_assert_cmpuint(owner, ==, 0);
        g_assert_cmpstr(state, ==, "running");
        g_assert_cmpuint(leader, ==, property_number(fixture->client, "box", "Leader"));
        g_assert_cmpstr(path, ==, expected);
        terminate(fixture->client, "box");
}

static void test_name_is_taken(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};

        create(fixture->client, "box", idle, NULL);
        g_autofree char *sentence = manager_refuses(fixture->client, "ContainerExists", "CreateContainer",
                                                    "(s^as@a{sv})", "box", command, options(NULL));
        g_assert_nonnull(strstr(sentence, "box"));
        assert_state(fixture->client, "box", "running");
        terminate(fixture->client, "box");
}

/* ---- kill and terminate ---- */

static void test_kill_leader(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done", NULL, &attachment);
        g_byte_array_unref(read_until(attachment.console, "ready"));
        kill_container(fixture->client, "box", "leader", SIGTERM);
        wait_for(fixture->client, "box", "exited", 9);
}

static void test_kill_all(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box",
            "trap : USR1; sh -c 'trap \"echo told; exit\" USR1; echo ready; while :; do sleep "
            "0.05; done' & wait $!; wait $!; exit 5",
            NULL, &attachment);
        g_byte_array_unref(read_until(attachment.console, "ready"));
        kill_container(fixture->client, "box", "all", SIGUSR1);
        g_byte_array_unref(read_until(attachment.console, "told"));
        wait_for(fixture->client, "box", "exited", 5);
}

/* A leader that ends of it takes along what was to signal the others, who need no signal any more. */
static void test_kill_all_that_ends(Fixture *fixture)
{
        for (guint i = 0; i < rounds(50); i++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                run(fixture->client, "box", "trap 'exit 5' USR1; echo ready; while :; do :; done", NULL, &attachment);
                g_byte_array_unref(read_until(attachment.console, "ready"));
                kill_container(fixture->client, "box", "all", SIGUSR1);
                wait_for(fixture->client, "box", "exited", 5);
        }
}

static void test_terminate(Fixture *fixture)
{
        create(fixture->client, "box", "trap '' TERM INT HUP; sleep 100 & sleep 100", NULL);
        _cleanup_(fd_closep) int leader = pidfd_open((pid_t)property_number(fixture->client, "box", "Leader"), 0);
        g_assert_cmpint(leader, >=, 0);
        g_variant_unref(manager_call(fixture->client, "TerminateContainer", "(s)", "box"));
        g_assert_cmpint(poll(&(struct pollfd){leader, POLLIN, 0}, 1, 0), ==, 1);
        assert_state(fixture->client, "box", "exited");
        g_free(manager_refuses(fixture->client, "NotRunning", "TerminateContainer", "(s)", "box"));
        g_free(manager_refuses(fixture->client, "NotRunning", "KillContainer", "(ssi)", "box", "leader", SIGTERM));
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_terminate_stopped(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        kill_container(fixture->client, "box", "leader", SIGSTOP);
        terminate(fixture->client, "box");
}

/* ---- wait ---- */

static void test_wait_later(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        create(fixture->client, "box", idle, NULL);
        wait_later(fixture->client, "box", &pending);
        n_containers(fixture->client);
        g_assert_false(pending.is_done);
        kill_container(fixture->client, "box", "leader", SIGKILL);
        await(pending.is_done);
        assert_answer(&pending, "killed", SIGKILL);
}

static void test_wait_afterwards(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 7", NULL);
        await(signals.n_exited == 1);
        g_assert_cmpstr(signals.result, ==, "exited");
        g_assert_cmpint(signals.status, ==, 7);
        assert_state(fixture->client, "box", "exited");
        g_assert_cmpuint(property_number(fixture->client, "box", "Leader"), ==, 0);
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        wait_for(fixture->client, "box", "exited", 7);
        await(signals.n_removed == 1);
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "GetContainer", "(s)", "box"));
        g_assert_cmpstr(signals.sequence, ==, "ContainerNew ContainerExited ContainerRemoved ");
}

static void test_every_status(Fixture *fixture)
{
        for (int status = 0; status < 256; status += 51) {
                g_autofree char *script = g_strdup_printf("exit %d", status);
                create(fixture->client, "box", script, NULL);
                wait_for(fixture->client, "box", "exited", status);
        }
}

static void test_every_wait(Fixture *fixture)
{
        g_autoptr(Client) other = client_new(fixture, BOB);
        g_auto(Pending) first = {}, second = {}, third = {};

        create(fixture->client, "box", idle, NULL);
        wait_later(fixture->client, "box", &first);
        wait_later(fixture->client, "box", &second);
        await_n_containers(other, 1); /* a direct manager of its own sees it a moment later */
        wait_later(other, "box", &third);
        n_containers(other);
        n_containers(fixture->client);
        kill_container(fixture->client, "box", "leader", SIGKILL);
        await(first.is_done && second.is_done && third.is_done);
        assert_answer(&first, "killed", SIGKILL);
        assert_answer(&second, "killed", SIGKILL);
        assert_answer(&third, "killed", SIGKILL);
}

static void test_wait_of_stranger(Fixture *fixture)
{
        g_autoptr(Client) stranger = client_new(fixture, BOB);
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 7", NULL);
        await(signals.n_exited == 1);
        wait_for(stranger, "box", "exited", 7);
        wait_for(stranger, "box", "exited", 7);
        assert_state(fixture->client, "box", "exited");
        wait_for(fixture->client, "box", "exited", 7);
}

static void test_name_again(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 7", NULL);
        await(signals.n_exited == 1);
        create(fixture->client, "box", "exit 8", NULL);
        wait_for(fixture->client, "box", "exited", 8);
        await(signals.n_removed == 2);
        g_assert_cmpuint(signals.n_new, ==, 2);
        g_assert_cmpuint(signals.n_exited, ==, 2);
}

static void test_record_expires(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 7", NULL);
        await(signals.n_exited == 1);
        gint64 begin = g_get_monotonic_time();
        await_within(70, signals.n_removed == 1);
        g_assert_cmpint(g_get_monotonic_time() - begin, >, 58 * G_TIME_SPAN_SECOND);
}

static void test_lost(Fixture *fixture)
{
        g_auto(Signals) signals = {};
        g_auto(Pending) pending = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", idle, NULL);
        wait_later(fixture->client, "box", &pending);
        _cleanup_(fd_closep) int leader = pidfd_open((pid_t)property_number(fixture->client, "box", "Leader"), 0);
        kill((pid_t)property_number(fixture->client, "box", "Supervisor"), SIGKILL);
        await(pending.is_done);
        assert_answer(&pending, "lost", 0);
        await_process(leader);
        await(signals.n_removed == 1);
        create(fixture->client, "box", "exit 3", NULL);
        wait_for(fixture->client, "box", "exited", 3);
}

static void test_quick_commands(Fixture *fixture)
{
        for (guint i = 0; i < rounds(100); i++) {
                create(fixture->client, "box", i % 2 ? "exit 0" : "exit 1", NULL);
                wait_for(fixture->client, "box", "exited", i % 2 ? 0 : 1);
        }
}

static const Test tests[] = {
        TEST("/properties/say-what-it-is", test_properties, ON_ALL),
        TEST("/options/take-effect", test_options_apply, ON_ALL),
        TEST("/options/shared-namespaces-are-the-hosts", test_shared_namespaces, ON_ALL),
        TEST("/options/namespaces-are-its-own-by-default", test_own_namespaces, ON_ALL),
        TEST("/name/empty-is-that-of-the-leader", test_nameless, ON_ALL),
        TEST("/name/taken-is-refused", test_name_is_taken, ON_ALL),
        TEST("/name/of-an-exited-one-can-be-used-again", test_name_again, ON_BOTH),
        TEST("/get/by-pid-of-any-of-its-processes", test_by_pid, ON_ALL),
        TEST("/list/says-what-runs", test_list, ON_ALL),
        TEST("/kill/reaches-the-leader", test_kill_leader, ON_ALL),
        TEST("/kill/reaches-all", test_kill_all, ON_ALL),
        TEST("/kill/reaches-all-also-where-they-end-of-it", test_kill_all_that_ends, ON_BUS),
        TEST("/terminate/answers-when-it-is-gone", test_terminate, ON_ALL),
        TEST("/terminate/ends-a-stopped-leader", test_terminate_stopped, ON_ALL),
        TEST("/wait/answers-when-it-happens", test_wait_later, ON_ALL),
        TEST("/wait/answers-afterwards-and-ends-the-record", test_wait_afterwards, ON_BOTH),
        TEST("/wait/has-every-exit-status", test_every_status, ON_ALL),
        TEST("/wait/answers-everyone-who-waits", test_every_wait, ON_ALL),
        TEST("/wait/of-a-stranger-keeps-the-record", test_wait_of_stranger, ON_BUS),
        TEST("/wait/is-of-no-use-after-60s", test_record_expires, ON_BUS),
        TEST("/wait/says-lost-when-the-supervisor-was-killed", test_lost, ON_BOTH),
        TEST("/wait/knows-how-the-quickest-command-ended", test_quick_commands, ON_ALL),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
