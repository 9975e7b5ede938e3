/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Crash
 *
 * A program is killed in the middle of what it does, at each of the points that common/fault.h has a row for, and a
 * manager without such a point follows. Then each call that was open has succeeded, and what it made is there, or it has
 * failed, and there is nothing: no container, process, mount, cgroup, interface, directory. No exit status, and no byte
 * of a console, is lost. And the name can be used at once.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/fd.h"
#include "fixture.h"

#define NAME "crash"

/* What has to be given back, if nothing may be left. */
#define OPTIONS "{'Interfaces': <[('veth', ['crash0', 'inside0'])]>, 'Cgroups': <['pids']>}"

static const char *fault_of(const Fixture *fixture)
{
        return fixture->test->row;
}

static gboolean is_fault(const Fixture *fixture, const char *name)
{
        return g_str_equal(fault_of(fixture), name);
}

/* Another manager, that will be killed there; and so will its supervisors and their leaders, if it is a point of theirs. */
static void start_doomed(Fixture *fixture)
{
        fixture_stop_manager(fixture, SIGKILL);
        g_setenv(FAULT_VARIABLE, fault_of(fixture), TRUE);
        fixture_start_manager(fixture);
        g_unsetenv(FAULT_VARIABLE);
}

static void follow(Fixture *fixture)
{
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
}

static void await_crash(Fixture *fixture)
{
        await_process(fixture->manager);
        follow(fixture);
}

/* ---- what must not be left; the fixture looks for all the rest ---- */

/* With a supervisor that was killed they go when the kernel has taken the network namespace apart. */
static void await_no_interfaces(Fixture *fixture)
{
        gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;

        while (count_interfaces() > 1 && g_get_monotonic_time() < deadline)
                n_containers(fixture->client);
        g_assert_cmpuint(count_interfaces(), ==, 1);
}

/* Return: their paths, each in a line; the caller's. */
static char *find_cgroups(Fixture *fixture)
{
        char *found;
        static const char script[] =
                "own=$(sed -n 's|.*/\\(pflask-test-[0-9]*\\)$|\\1|p' /proc/self/cgroup | head -n 1); "
                "find /sys/fs/cgroup -path \"*$own/pflask-" NAME "\"";

        g_assert_cmpint(shell(fixture, script, &found, NULL), ==, 0);
        return found;
}

/* Who is in them is killed by the manager, who looks again when they are dead. */
static void await_no_cgroups(Fixture *fixture)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
        g_autofree char *found = find_cgroups(fixture);

        while (*found && g_get_monotonic_time() < deadline) {
                g_free(found);
                found = find_cgroups(fixture);
        }
        g_assert_cmpstr(found, ==, "");
}

/* The name is free, at once: nothing that may still be on its way out has it. */
static void assert_gone(Fixture *fixture)
{
        await_n_containers(fixture->client, 0);
        await_no_interfaces(fixture);
        await_no_cgroups(fixture);
        create(fixture->client, NAME, "exit 4", OPTIONS);
        wait_for(fixture->client, NAME, "exited", 4);
        await_no_interfaces(fixture);
        await_no_cgroups(fixture);
}

/* What is not there is not seen for an instant. What is, a direct manager sees when its supervisor knows it. */
static void assert_whole_or_gone(Fixture *fixture, gboolean is_there)
{
        g_test_message("the container %s", is_there ? "is there" : "has never been");
        if (is_there) {
                await_n_containers(fixture->client, 1);
                terminate(fixture->client, NAME);
        } else {
                g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        }
        assert_gone(fixture);
}

/* ---- a manager that begins ---- */

static void test_begin(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "ended", &signals);
        create(fixture->client, NAME, "exec sleep 100", OPTIONS);
        create(fixture->client, "ended", "exit 7", NULL);
        await(signals.n_exited == 1);
        signals_stop(&signals);
        signals.subscription = 0;
        fixture_stop_manager(fixture, SIGKILL);
        g_setenv(FAULT_VARIABLE, fault_of(fixture), TRUE);
        fixture_fail_manager(fixture);
        g_unsetenv(FAULT_VARIABLE);
        fixture_start_manager(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 2);
        wait_for(fixture->client, "ended", "exited", 7);
        terminate(fixture->client, NAME);
        assert_gone(fixture);
}

/* ---- a manager that makes a container ---- */

static void make_later(Fixture *fixture, const char *member, const char *script, Pending *pending)
{
        const char *const command[] = {"sh", "-c", script, NULL};

        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, member,
                          g_variant_new("(s^as@a{sv})", NAME, command, options(OPTIONS)), pending);
}

/*
 * Of CreateContainer there is one instant, between two system calls, in which the container is certain and nobody has
 * been told: whoever gets no answer then asks whether it is there.
 */
static void test_create(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        start_doomed(fixture);
        make_later(fixture, "CreateContainer", "exec sleep 100", &pending);
        await_crash(fixture);
        await(pending.is_done);
        assert_whole_or_gone(fixture, !pending.error || is_fault(fixture, "create/before-answer"));
}

static void test_run(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        start_doomed(fixture);
        make_later(fixture, "RunContainer", "exec sleep 100", &pending);
        await_crash(fixture);
        await(pending.is_done);
        assert_whole_or_gone(fixture, !pending.error);
}

/* ---- a manager that sends a process into a container ---- */

static void exec_later(Fixture *fixture, int in, int out, Pending *pending)
{
        static const char *const command[] = {"sh", "-c", "echo in; read x; exit 7", NULL};
        static const char *const environment[] = {NULL};
        const int streams[] = {in, out, out};
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();

        for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
                g_assert_cmpint(g_unix_fd_list_append(fds, streams[i], NULL), ==, i);
        client_call_later_with_fds(
                fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "ExecContainer",
                g_variant_new("(ss^as^ashhh@a{sv})", NAME, "", command, environment, 0, 1, 2, options(NULL)), fds,
                pending);
}

static void assert_process_ended(Fixture *fixture, const Pending *told, guint process)
{
        g_autoptr(GVariant) again = NULL;
        const char *result;
        int status;

        if (told->error)
                again = manager_call(fixture->client, "WaitProcess", "(su)", NAME, process);
        g_variant_get(again ? again : told->reply, "(&si)", &result, &status);
        g_assert_cmpstr(result, ==, "exited");
        g_assert_cmpint(status, ==, 7);
}

static guint process_of(const Pending *pending)
{
        guint process;

        g_assert_no_error(pending->error);
        g_variant_get(pending->reply, "(uh)", &process, NULL);
        return process;
}

/* It had been started, and had ended when the manager died. */
static void exec_to_the_end(Fixture *fixture, int in, Pending *executed)
{
        g_auto(Pending) told = {};

        await(executed->is_done);
        guint process = process_of(executed);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitProcess",
                          g_variant_new("(su)", NAME, process), &told);
        n_containers(fixture->client);
        g_assert_cmpint(write(in, "\n", 1), ==, 1);
        await_crash(fixture);
        await(told.is_done);
        assert_process_ended(fixture, &told, process);
}

static void exec_to_the_answer(Fixture *fixture, int in, int out, Pending *executed)
{
        static const Pending untold = {.error = (GError *)1};

        await_crash(fixture);
        await(executed->is_done);
        if (executed->error) {
                g_byte_array_unref(read_until_end(out)); /* nobody has the other end any more */
                return;
        }
        g_byte_array_unref(read_until(out, "in\n"));
        g_assert_cmpint(write(in, "\n", 1), ==, 1);
        assert_process_ended(fixture, &untold, process_of(executed));
}

static void test_exec(Fixture *fixture)
{
        g_auto(Pending) executed = {};
        int in[2], out[2];

        g_assert_no_errno(pipe2(in, O_CLOEXEC));
        g_assert_no_errno(pipe2(out, O_CLOEXEC));
        start_doomed(fixture);
        create(fixture->client, NAME, "exec sleep 100", NULL);
        exec_later(fixture, in[0], out[1], &executed);
        fd_close(in[0]);
        fd_close(out[1]);
        if (g_str_has_prefix(fault_of(fixture), "exec/end-"))
                exec_to_the_end(fixture, in[1], &executed);
        else
                exec_to_the_answer(fixture, in[1], out[0], &executed);
        fd_close(in[1]);
        fd_close(out[0]);
        assert_whole_or_gone(fixture, TRUE);
}

/* ---- a manager that has a container rebooted ---- */

static void test_reboot(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        start_doomed(fixture);
        create(fixture->client, NAME, "exec sleep 100", OPTIONS);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "RebootContainer",
                          g_variant_new("(s)", NAME), &pending);
        await_crash(fixture);
        await(pending.is_done);
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        g_variant_unref(manager_call(fixture->client, "RebootContainer", "(s)", NAME));
        assert_whole_or_gone(fixture, TRUE);
}

/* ---- a manager that attaches somebody ---- */

static void attach_again(Fixture *fixture, const Pending *pending, Attachment *ret)
{
        g_autoptr(GVariant) backlog = NULL;

        if (pending->error) {
                attach(fixture->client, NAME, FALSE, ret);
                return;
        }
        backlog = g_variant_get_child_value(pending->reply, 2);
        *ret = (Attachment){pending_take_fd(pending, 0), pending_take_fd(pending, 1),
                            g_variant_get_data_as_bytes(backlog)};
}

/* Whoever is attached in the end has every byte, and each once. */
static void test_attach(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autoptr(GByteArray) text = g_byte_array_new();
        g_auto(Pending) pending = {};
        char ready;

        g_assert_no_errno(mkfifo(TEST_DIRECTORY "/ready", 0600));
        start_doomed(fixture);
        create(fixture->client, NAME,
               "stty -echo -opost; seq 1000; echo >" TEST_DIRECTORY "/ready; read x; echo end; exec sleep 100", NULL);
        _cleanup_(fd_closep) int fifo = open(TEST_DIRECTORY "/ready", O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(read(fifo, &ready, 1), ==, 1);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "AttachContainer",
                          g_variant_new("(s@a{sv})", NAME, options(NULL)), &pending);
        await_crash(fixture);
        await(pending.is_done);
        attach_again(fixture, &pending, &attachment);
        g_byte_array_append(text, g_bytes_get_data(attachment.backlog, NULL),
                            (guint)g_bytes_get_size(attachment.backlog));
        g_assert_cmpint(write(attachment.console, "\n", 1), ==, 1);
        g_autoptr(GByteArray) rest = read_until(attachment.console, "end\n");
        g_byte_array_append(text, rest->data, rest->len);
        g_autofree char *expected = NULL;
        g_assert_cmpint(shell(fixture, "seq 1000; echo end", &expected, NULL), ==, 0);
        g_assert_cmpmem(text->data, text->len, expected, strlen(expected));
        g_assert_no_errno(unlink(TEST_DIRECTORY "/ready"));
        assert_whole_or_gone(fixture, TRUE);
}

/* ---- a manager that hears of the end ---- */

static void test_exit(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Pending) pending = {};

        start_doomed(fixture);
        run(fixture->client, NAME, "read x; exit 7", OPTIONS, &attachment);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", NAME),
                          &pending);
        n_containers(fixture->client);
        g_assert_cmpint(write(attachment.console, "\n", 1), ==, 1);
        await_crash(fixture);
        await(pending.is_done);
        if (pending.error) {
                wait_for(fixture->client, NAME, "exited", 7);
        } else {
                g_autofree char *told = g_variant_print(pending.reply, FALSE);
                g_assert_cmpstr(told, ==, "('exited', 7)");
                /* It may be told once more: the manager died before it could say that it has been. */
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", NAME));
        }
        assert_gone(fixture);
}

/* ---- a supervisor, and a leader ---- */

/* How the container ends that asks for nothing but "exit 7"; else the call fails. */
static const char *const ends[][2] = {
        {"supervisor/answered", "('lost', 0)"},     {"supervisor/answer-given", "('lost', 0)"},
        {"supervisor/leader-ended", "('lost', 0)"}, {"supervisor/end-noted", "('exited', 7)"},
        {"supervisor/leaves", "('exited', 7)"},
};

static const char *end_of(const Fixture *fixture)
{
        for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
                if (is_fault(fixture, ends[i][0]))
                        return ends[i][1];
        return NULL;
}

static void test_below(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        start_doomed(fixture);
        make_later(fixture, "CreateContainer", "exit 7", &pending);
        await(pending.is_done);
        if (end_of(fixture)) {
                g_assert_no_error(pending.error);
                g_autoptr(GVariant) end = manager_call(fixture->client, "WaitContainer", "(s)", NAME);
                g_autofree char *told = g_variant_print(end, FALSE);
                g_assert_cmpstr(told, ==, end_of(fixture));
        } else {
                g_test_message("%s", pending.error ? pending.error->message : "no error");
                g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "SetupFailed");
        }
        await_n_containers(fixture->client, 0);
        follow(fixture);
        assert_gone(fixture);
}

/* ---- a test for each fault point ---- */

static const struct {
        const char *faults; /* how their names begin */
        const char *tests;  /* how those of the tests begin, instead */
        void (*function)(Fixture *fixture);
        TestFlags flags; /* a direct manager is the same program, but for how it begins, ends and answers */
} scenes[] = {
        {"begin/", "begin/", test_begin, ON_BOTH},
        {"create/", "create/", test_create, ON_ALL},
        {"create/", "run/", test_run, ON_ALL},
        {"lease/", "run/answer-", test_run, ON_ALL},
        {"exec/", "exec/", test_exec, ON_BUS},
        {"lease/", "exec/answer-", test_exec, ON_ALL},
        {"reboot/", "reboot/", test_reboot, ON_BUS},
        {"attach/", "attach/", test_attach, ON_BUS},
        {"lease/", "attach/answer-", test_attach, ON_ALL},
        {"exit/", "exit/", test_exit, ON_ALL},
        {"supervisor/", "supervisor/", test_below, ON_BUS},
        {"leader/", "leader/", test_below, ON_BUS},
};

static const char *const faults[] = {
#define FAULT_NAME(symbol, name) name,
        FAULTS(FAULT_NAME)
#undef FAULT_NAME
};

int main(int argc, char **argv)
{
        g_autoptr(GArray) tests = g_array_new(FALSE, FALSE, sizeof(Test));

        for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
                guint n = tests->len;
                for (guint j = 0; j < G_N_ELEMENTS(scenes); j++) {
                        if (!g_str_has_prefix(faults[i], scenes[j].faults))
                                continue;
                        g_autofree char *name = g_strconcat("/crash/", scenes[j].tests,
                                                            faults[i] + strlen(scenes[j].faults), NULL);
                        const Test test = {.name = g_intern_string(name),
                                           .function = scenes[j].function,
                                           .flags = scenes[j].flags,
                                           .row = faults[i]};
                        g_array_append_val(tests, test);
                }
                /* Those of systemd are in the lab. */
                g_assert_true(tests->len > n || g_str_has_prefix(faults[i], "scope/"));
        }
        /* Interfaces of our own, and nobody else's. */
        if (unshare(CLONE_NEWNET) < 0)
                g_error("cannot make a network namespace: %s", g_strerror(errno));
        return test_program(argc, argv, (const Test *)tests->data, tests->len);
}
