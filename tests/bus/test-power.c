/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power off and reboot
 *
 * Whatever PID 1 is, it can be asked to end, and has ended when the answer comes. A reboot is no end: nobody who waits
 * is told of one, and whoever has the console keeps it.
 */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

#define TREE  TEST_DIRECTORY "/tree"
#define BOOTS TEST_DIRECTORY "/boots"

static void power_off(Client *client, const char *name)
{
        g_variant_unref(manager_call(client, "PowerOffContainer", "(s)", name));
}

static void reboot_container(Client *client, const char *name)
{
        g_variant_unref(manager_call(client, "RebootContainer", "(s)", name));
}

static void call_later(Client *client, const char *member, const char *name, Pending *pending)
{
        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, member, g_variant_new("(s)", name), pending);
}

static pid_t leader_of(Client *client, const char *name)
{
        g_autoptr(GVariant) value = property(client, name, "Leader");

        return (pid_t)g_variant_get_uint32(value);
}

static void assert_state(Client *client, const char *name, const char *expected)
{
        g_autoptr(GVariant) value = property(client, name, "State");

        g_assert_cmpstr(g_variant_get_string(value, NULL), ==, expected);
}

/* What the supervisor has told until now, the manager knows when it has handed on another of its answers. */
static void catch_up(Client *client, const char *name)
{
        g_variant_unref(manager_call(client, "ReadContainerLog", "(s)", name));
}

static void read_over(int console, const char *text)
{
        g_byte_array_unref(read_until(console, text));
}

static void write_line(int console)
{
        g_assert_cmpint(fd_write_all(console, "\n", 1), ==, 0);
}

/* A tree of busybox alone, whose init runs @inittab. */
static void make_tree(const char *inittab)
{
        static const char *const directories[] = {TREE, TREE "/bin", TREE "/sbin", TREE "/etc"};
        g_autofree char *program = NULL;
        gsize length;

        for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
                g_assert_no_errno(g_mkdir_with_parents(directories[i], 0755));
        g_assert_true(g_file_get_contents("/bin/busybox", &program, &length, NULL));
        g_assert_true(g_file_set_contents(TREE "/bin/busybox", program, (gssize)length, NULL));
        g_assert_no_errno(chmod(TREE "/bin/busybox", 0755));
        g_assert_no_errno(symlink("busybox", TREE "/bin/sh"));
        g_assert_no_errno(symlink("../bin/busybox", TREE "/sbin/init"));
        g_assert_true(g_file_set_contents(TREE "/etc/inittab", inittab, -1, NULL));
}

static void remove_tree(void)
{
        g_assert_true(g_spawn_command_line_sync("rm -r " TREE, NULL, NULL, NULL, NULL));
}

static const char rules[] = "polkit.addRule(function(action, subject) {\n"
                            "  if (action.id == 'org.pflask.manager1.run-own' && subject.user == 'alice')\n"
                            "    return polkit.Result.YES;\n"
                            "});\n";

static gboolean lacks_busybox(void)
{
        if (g_file_test("/bin/busybox", G_FILE_TEST_IS_EXECUTABLE))
                return FALSE;
        g_test_skip("there is no /bin/busybox");
        return TRUE;
}

/* ---- power off ---- */

typedef struct StopRow {
        const char *script; /* writes "ready" when it is */
        const char *options;
        const char *result;
        int status;
} StopRow;

#define WAIT_FOR_EVER "echo ready; while :; do sleep 100 & wait; done"

static const StopRow handler_row = {"trap 'exit 5' TERM; " WAIT_FOR_EVER, NULL, "exited", 5};
static const StopRow deaf_row = {"echo ready; exec sleep 100", NULL, "killed", SIGKILL};
static const StopRow ignoring_row = {"trap '' TERM; " WAIT_FOR_EVER, NULL, "killed", SIGKILL};
static const StopRow own_signal_row = {"trap 'exit 6' USR1; " WAIT_FOR_EVER, "{'StopSignal': <10>}", "exited", 6};
static const StopRow stub_row = {"echo ready; exec sleep 100", "{'StubInit': <true>}", "exited", 128 + SIGTERM};
static const StopRow shared_row = {"echo ready; exec sleep 100", "{'SharedNamespaces': <['pid']>}", "killed", SIGTERM};
static const StopRow many_row = {"for i in $(seq 40); do sh -c 'trap \"\" TERM; sleep 100; :' & done; echo ready; wait",
                                 NULL, "killed", SIGKILL};
static const StopRow many_shared_row = {
        "for i in $(seq 40); do sh -c 'trap \"\" TERM; sleep 100; :' & done; trap 'exit 7' TERM; echo ready; wait",
        "{'SharedNamespaces': <['pid']>}", "exited", 7};

static void test_power_off(Fixture *fixture)
{
        const StopRow *row = fixture->test->row;
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", row->script, row->options, &attachment);
        read_over(attachment.console, "ready");
        power_off(fixture->client, "box");
        assert_state(fixture->client, "box", "exited");
        wait_for(fixture->client, "box", row->result, row->status);
}

static void test_power_off_stopped(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", handler_row.script, NULL, &attachment);
        read_over(attachment.console, "ready");
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGSTOP));
        power_off(fixture->client, "box");
        wait_for(fixture->client, "box", "exited", 5);
}

static void test_power_off_twice(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Pending) first = {}, second = {};

        run(fixture->client, "box", "trap 'echo asked; read x; exit 5' TERM; " WAIT_FOR_EVER, NULL, &attachment);
        read_over(attachment.console, "ready");
        call_later(fixture->client, "PowerOffContainer", "box", &first);
        call_later(fixture->client, "PowerOffContainer", "box", &second);
        read_over(attachment.console, "asked");
        catch_up(fixture->client, "box");
        assert_state(fixture->client, "box", "stopping");
        g_free(manager_refuses(fixture->client, "NotRunning", "RebootContainer", "(s)", "box"));
        g_assert_false(first.is_done);
        write_line(attachment.console);
        await(first.is_done && second.is_done);
        g_assert_no_error(first.error);
        g_assert_no_error(second.error);
        wait_for(fixture->client, "box", "exited", 5);
}

static void test_power_off_busybox(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        if (lacks_busybox())
                return;
        make_tree("::once:/bin/busybox echo ready\n");
        run(fixture->client, "box", "exec /sbin/init", "{'Root': <'" TREE "'>}", &attachment);
        read_over(attachment.console, "ready");
        power_off(fixture->client, "box");
        wait_for(fixture->client, "box", "exited", 0);
        remove_tree();
}

static void test_refused_when_ended(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 7", NULL);
        await(signals.n_exited == 1);
        g_free(manager_refuses(fixture->client, "NotRunning", "PowerOffContainer", "(s)", "box"));
        g_free(manager_refuses(fixture->client, "NotRunning", "RebootContainer", "(s)", "box"));
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "PowerOffContainer", "(s)", "fox"));
        wait_for(fixture->client, "box", "exited", 7);
}

/* ---- reboot ---- */

/* What must be the same after a reboot. */
static char *describe(Client *client, const char *name)
{
        static const char *const names[] = {"Id",   "Owner", "Supervisor",     "Timestamp",
                                            "Unit", "State", "ConsoleAttached"};
        GString *all = g_string_new(NULL);

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(GVariant) value = property(client, name, names[i]);
                g_autofree char *text = g_variant_print(value, FALSE);
                g_string_append_printf(all, "%s=%s ", names[i], text);
        }
        return g_string_free(all, FALSE);
}

static void test_reboot(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Signals) signals = {};
        g_auto(Pending) wait = {};

        signals_watch(fixture->client, "box", &signals);
        run(fixture->client, "box", "stty -a | grep -q ' -echo ' && exit 9; stty -echo; echo ready; exec sleep 100",
            NULL, &attachment);
        read_over(attachment.console, "ready");
        g_autofree char *before = describe(fixture->client, "box");
        call_later(fixture->client, "WaitContainer", "box", &wait);
        for (guint i = 0; i < 3; i++) {
                pid_t leader = leader_of(fixture->client, "box");
                reboot_container(fixture->client, "box");
                read_over(attachment.console, "ready");
                g_assert_cmpint(leader_of(fixture->client, "box"), !=, leader);
                g_autofree char *after = describe(fixture->client, "box");
                g_assert_cmpstr(after, ==, before);
        }
        g_assert_false(wait.is_done);
        power_off(fixture->client, "box");
        await(wait.is_done && signals.n_removed == 1);
        g_assert_no_error(wait.error);
        g_assert_cmpstr(signals.sequence, ==, "ContainerNew ContainerExited ContainerRemoved ");
}

/* Reboots until it has booted ten times, and then powers off. */
#define TEN_BOOTS                                                                                             \
        "n=$(cat " BOOTS "); n=$((n + 1)); echo $n >" BOOTS "; echo boot $n.; [ $n -lt 10 ] || exec busybox " \
        "poweroff -f; exec busybox reboot -f"

static void test_reboot_from_inside(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Signals) signals = {};

        if (lacks_busybox())
                return;
        g_assert_true(g_file_set_contents(BOOTS, "0", -1, NULL));
        signals_watch(fixture->client, "box", &signals);
        run(fixture->client, "box", TEN_BOOTS, NULL, &attachment);
        read_over(attachment.console, "boot 10.");
        wait_for(fixture->client, "box", "exited", 0);
        await(signals.n_removed == 1);
        g_assert_cmpuint(signals.n_exited, ==, 1);
        g_unlink(BOOTS);
}

static void test_reboot_without_manager(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        if (lacks_busybox())
                return;
        g_assert_true(g_file_set_contents(BOOTS, "0", -1, NULL));
        run(fixture->client, "box", "read x; " TEN_BOOTS, NULL, &attachment);
        for (guint i = 1; i <= 9; i++) {
                g_autofree char *text = g_strdup_printf("boot %u.", i);
                if (i == 3)
                        fixture_stop_manager(fixture, SIGKILL);
                write_line(attachment.console);
                read_over(attachment.console, text);
                if (i == 6)
                        fixture_start_manager(fixture);
        }
        assert_state(fixture->client, "box", "running");
        write_line(attachment.console);
        wait_for(fixture->client, "box", "exited", 0);
        g_unlink(BOOTS);
}

static void test_reboot_busybox(Fixture *fixture)
{
        const char *option_text = fixture->test->row;
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        if (lacks_busybox())
                return;
        make_tree("::once:/bin/busybox sh -c 'busybox ls / >/dev/console; busybox touch /once; echo boot'\n");
        run(fixture->client, "box", "exec /sbin/init", option_text, &attachment);
        read_over(attachment.console, "boot");
        reboot_container(fixture->client, "box");
        read_over(attachment.console, "once");
        power_off(fixture->client, "box");
        wait_for(fixture->client, "box", "exited", 0);
        g_assert_cmpint(access(TREE "/once", F_OK), ==, strstr(option_text, "Ephemeral") ? -1 : 0);
        remove_tree();
}

/* Whose authority the set-up has, and whose user namespace it is, is the same for every leader. */
static void test_reboot_confined(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE), bob = client_new(fixture, BOB);
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        if (lacks_busybox())
                return;
        make_tree("");
        run(alice, "box", "busybox id -u; busybox stat -c 'tty %u' /dev/console; echo ready; exec busybox sleep 100",
            "{'Root': <'" TREE "'>, 'Ephemeral': <true>}", &attachment);
        read_over(attachment.console, "ready");
        const char *denied[] = {"PowerOffContainer", "RebootContainer"};
        for (guint i = 0; i < G_N_ELEMENTS(denied); i++)
                g_assert_cmpstr(outcome(bob, MANAGER_PATH, MANAGER_INTERFACE, denied[i], g_variant_new("(s)", "box")),
                                ==, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
        for (guint i = 0; i < 3; i++) {
                struct stat status;
                reboot_container(alice, "box");
                g_autoptr(GByteArray) again = read_until(attachment.console, "ready");
                g_assert_nonnull(memmem(again->data, again->len, "tty 0", 5));
                g_autofree char *proc = g_strdup_printf("/proc/%d", leader_of(alice, "box"));
                g_assert_no_errno(stat(proc, &status));
                g_assert_cmpuint(status.st_uid, ==, ALICE);
        }
        power_off(alice, "box");
        wait_for(alice, "box", "killed", SIGKILL);
        remove_tree();
}

static void test_reboot_lease(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "echo ready; exec sleep 100", "{'KillOnRelease': <true>}", &attachment);
        reboot_container(fixture->client, "box");
        g_free(manager_refuses(fixture->client, "ConsoleBusy", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        attachment_close(&attachment);
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_reboot_ring(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", "echo ready; read x; echo got; exec sleep 100", NULL);
        reboot_container(fixture->client, "box");
        attach(fixture->client, "box", FALSE, &attachment);
        write_line(attachment.console);
        read_over(attachment.console, "got");
        power_off(fixture->client, "box");
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_reboot_shared(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box",
            "for i in $(seq 40); do sh -c 'trap \"\" TERM; sleep 100; :' & done; echo ready; wait",
            "{'SharedNamespaces': <['pid']>}", &attachment);
        read_over(attachment.console, "ready");
        reboot_container(fixture->client, "box");
        read_over(attachment.console, "ready");
        terminate(fixture->client, "box");
}

static void test_reboot_streams(Fixture *fixture)
{
        create(fixture->client, "box", "exec sleep 100", "{'Terminal': <false>}");
        reboot_container(fixture->client, "box");
        g_autofree char *path = g_strdup_printf("/proc/%d/fd/0", leader_of(fixture->client, "box"));
        g_autofree char *target = g_file_read_link(path, NULL);
        g_assert_cmpstr(target, ==, "/dev/null");
        terminate(fixture->client, "box");
}

/* Who wants it off doesn't wait for it to be on again. */
static void test_off_while_rebooting(Fixture *fixture)
{
        const char *member = fixture->test->row;
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Pending) reboot = {}, off = {};

        run(fixture->client, "box", "trap 'echo asked; read x; exit 5' TERM; " WAIT_FOR_EVER, NULL, &attachment);
        read_over(attachment.console, "ready");
        call_later(fixture->client, "RebootContainer", "box", &reboot);
        read_over(attachment.console, "asked");
        catch_up(fixture->client, "box");
        assert_state(fixture->client, "box", "rebooting");
        call_later(fixture->client, member, "box", &off);
        catch_up(fixture->client, "box");
        write_line(attachment.console);
        await(reboot.is_done && off.is_done);
        g_assert_no_error(off.error);
        g_assert_cmpstr(client_error_name(reboot.error), ==, ERROR_PREFIX "NotRunning");
        g_variant_unref(manager_call(fixture->client, "WaitContainer", "(s)", "box"));
}

static void test_reboot_fails(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        g_assert_no_errno(g_mkdir(TEST_DIRECTORY "/gone", 0755));
        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exec sleep 100", "{'WorkingDirectory': <'" TEST_DIRECTORY "/gone'>}");
        g_assert_no_errno(g_rmdir(TEST_DIRECTORY "/gone"));
        g_autofree char *why = manager_refuses(fixture->client, "SetupFailed", "RebootContainer", "(s)", "box");
        g_assert_nonnull(strstr(why, "/gone"));
        await(signals.n_exited == 1);
        wait_for(fixture->client, "box", "exited", 1);
}

/* What can't come up is not started for ever. */
static void test_reboot_too_often(Fixture *fixture)
{
        g_autofree char *boots = NULL;

        if (lacks_busybox())
                return;
        create(fixture->client, "box", "echo >>" BOOTS "; exec busybox reboot -f", NULL);
        wait_for(fixture->client, "box", "exited", 1);
        g_assert_true(g_file_get_contents(BOOTS, &boots, NULL, NULL));
        g_assert_cmpuint(strlen(boots), ==, 101);
        g_unlink(BOOTS);
}

#define STOPS(test_name, test_row)                                                                             \
        {                                                                                                      \
                .name = "/power-off/" test_name, .function = test_power_off, .flags = ON_ALL, .row = &test_row \
        }
#define ROW(test_name, test_function, test_row)                                                \
        {                                                                                      \
                .name = test_name, .function = test_function, .flags = ON_ALL, .row = test_row \
        }

static const Test tests[] = {
        STOPS("lets-a-handler-decide", handler_row),
        STOPS("kills-who-would-not-notice", deaf_row),
        STOPS("kills-who-ignores-it", ignoring_row),
        STOPS("sends-the-signal-that-was-asked-for", own_signal_row),
        STOPS("ends-the-command-of-a-stub", stub_row),
        STOPS("ends-a-leader-among-the-hosts-processes", shared_row),
        STOPS("ends-many", many_row),
        STOPS("ends-many-among-the-hosts-processes", many_shared_row),
        TEST("/power-off/wakes-a-stopped-leader", test_power_off_stopped, ON_ALL),
        TEST("/power-off/answers-all-when-it-is-gone", test_power_off_twice, ON_ALL),
        TEST("/power-off/is-understood-by-busybox", test_power_off_busybox, ON_ALL),
        TEST("/power-off/is-refused-after-the-end", test_refused_when_ended, ON_BOTH),
        TEST("/reboot/changes-nothing-but-the-leader", test_reboot, ON_BOTH),
        TEST("/reboot/from-inside-ten-times", test_reboot_from_inside, ON_BOTH),
        TEST("/reboot/a-hundred-a-minute-are-enough", test_reboot_too_often, ON_BUS),
        TEST("/reboot/needs-no-manager", test_reboot_without_manager, ON_BUS),
        ROW("/reboot/of-busybox-in-its-own-tree", test_reboot_busybox, "{'Root': <'" TREE "'>}"),
        ROW("/reboot/keeps-what-is-ephemeral", test_reboot_busybox, "{'Root': <'" TREE "'>, 'Ephemeral': <true>}"),
        ROW("/reboot/keeps-it-in-a-user-namespace", test_reboot_busybox,
            "{'Root': <'" TREE "'>, 'Ephemeral': <true>, 'UserMaps': <[(uint32 0, uint32 700000000, uint32 65536)]>}"),
        {
                .name = "/reboot/is-as-confined-as-before",
                .function = test_reboot_confined,
                .flags = ON_BUS | WITH_POLKIT,
                .rules = rules,
        },
        TEST("/reboot/keeps-the-lease", test_reboot_lease, ON_ALL),
        TEST("/reboot/is-read-into-the-ring", test_reboot_ring, ON_ALL),
        TEST("/reboot/ends-the-others-in-a-shared-namespace", test_reboot_shared, ON_ALL),
        TEST("/reboot/has-no-streams", test_reboot_streams, ON_ALL),
        ROW("/reboot/gives-way-to-power-off", test_off_while_rebooting, "PowerOffContainer"),
        ROW("/reboot/gives-way-to-terminate", test_off_while_rebooting, "TerminateContainer"),
        TEST("/reboot/that-fails-is-the-end", test_reboot_fails, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
