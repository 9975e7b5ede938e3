/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client on a terminal
 *
 * Keys pass as bytes, the size follows, and on every way out the terminal is as it was.
 */
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "fixture.h"

/* Reads the rest, and asserts how the script on the terminal ended. */
static char *finish(int master, pid_t pid, int expected)
{
        int status;

        g_autoptr(GByteArray) rest = read_until_end(master);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_test_message("%.*s", (int)rest->len, (const char *)rest->data);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, expected);
        fd_close(master);
        return g_strndup((const char *)rest->data, rest->len);
}

static void type(int master, const char *keys, gsize n)
{
        g_assert_cmpint(fd_write_all(master, keys, n), ==, 0);
}

static void test_is_a_terminal(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(fixture, "$pflask -- sh -c 'test -t 0 && test -t 1 && echo yes; exit 6'", 24, 80,
                                       &pid);

        g_autofree char *text = finish(master, pid, 6);
        g_assert_nonnull(strstr(text, "yes\r\n"));
}

static void test_size(Fixture *fixture)
{
        for (guint i = 0; i < rounds(20); i++) {
                pid_t pid;
                int master = shell_on_terminal(fixture, "exec $pflask -- stty size", 33, 101, &pid);
                g_autofree char *text = finish(master, pid, 0);
                g_assert_nonnull(strstr(text, "33 101\r\n"));
        }
}

static void test_resize(Fixture *fixture)
{
        struct winsize size = {.ws_row = 44, .ws_col = 132};
        pid_t pid;
        int master = shell_on_terminal(fixture,
                                       "exec $pflask -- sh -c 'trap \"stty size; exit 5\" WINCH; echo ready; "
                                       "while :; do sleep 0.05; done'",
                                       24, 80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        g_assert_cmpint(ioctl(master, TIOCSWINSZ, &size), ==, 0);
        g_autofree char *text = finish(master, pid, 5);
        g_assert_nonnull(strstr(text, "44 132"));
}

static void test_ctrl_c(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(fixture,
                                       "exec $pflask -- sh -c 'trap \"echo caught; exit 3\" INT; echo ready; "
                                       "while :; do sleep 0.05; done'",
                                       24, 80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        type(master, "\x03", 1);
        g_autofree char *text = finish(master, pid, 3);
        g_assert_nonnull(strstr(text, "caught"));
}

static void test_keys(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(fixture, "exec $pflask -- sh -c 'echo ready; read x; echo \"got $x\"'", 24, 80,
                                       &pid);

        g_byte_array_unref(read_until(master, "ready"));
        type(master, "word\r", 5);
        g_autofree char *text = finish(master, pid, 0);
        g_assert_nonnull(strstr(text, "got word"));
}

static void test_detach(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(fixture,
                                       "stty -g >before; $pflask --name=box -- sh -c 'echo ready; read x; exit 4'; "
                                       "stty -g | cmp - before && echo restored; rm before",
                                       24, 80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        type(master, "\0", 1);
        g_autofree char *text = finish(master, pid, 0);
        g_assert_nonnull(strstr(text, "restored"));
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        master = shell_on_terminal(fixture, "exec $pflask attach box", 24, 80, &pid);
        type(master, "\r", 1);
        g_free(finish(master, pid, 4));
}

static void test_detach_keys_off(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(
                fixture, "exec $pflask --detach-keys= -- sh -c 'stty raw; echo ready; head -c1 | od -An -tx1; exit 4'",
                24, 80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        type(master, "\0", 1);
        g_autofree char *text = finish(master, pid, 4);
        g_assert_nonnull(strstr(text, "00"));
}

static void test_attach_by_pid(Fixture *fixture)
{
        pid_t pid;

        create(fixture->client, "box", "echo before; read x; exit 4", NULL);
        g_autoptr(GVariant) leader = property(fixture->client, "box", "Leader");
        g_autofree char *script = g_strdup_printf("exec $pflask --attach=%u", g_variant_get_uint32(leader));
        int master = shell_on_terminal(fixture, script, 24, 80, &pid);
        g_byte_array_unref(read_until(master, "before"));
        type(master, "\r", 1);
        g_free(finish(master, pid, 4));
}

/* Does something as soon as pflask, in the foreground, has made the terminal raw. */
#define WHEN_RAW(what)                                                                                        \
        "rm -f pid; { until [ -s pid ] && stty -a </dev/tty | grep -q -- -icanon; do :; done; " what "; } & " \
        "pflask=$pflask sh -c 'echo $$ >pid; "

static void test_restored(Fixture *fixture)
{
        static const char *const ways[] = {
                "$pflask -- true",
                "$pflask -- sh -c 'exit 9'",
                "$pflask -- no-such-command",
                "$pflask -- sh -c 'kill -9 $$'",
                WHEN_RAW("kill -INT $(cat pid)") "exec $pflask -- sleep 100'",
                WHEN_RAW("kill -TERM $(cat pid)") "exec $pflask -- sleep 100'",
                WHEN_RAW("kill -HUP $(cat pid)") "exec $pflask -- sleep 100'",
                WHEN_RAW("kill -QUIT $(cat pid)") "exec $pflask -- sleep 100'",
                WHEN_RAW("$pflask kill -s KILL box") "exec $pflask --name=box -- sleep 100'",
                WHEN_RAW("$pflask terminate box") "exec $pflask --name=box --no-stub-init -- sleep 100'",
                WHEN_RAW("kill -STOP $(cat pid); kill -CONT $(cat pid); kill -TERM $(cat pid)") "exec $pflask -- sleep "
                                                                                                "100'",
        };

        for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autofree char *script = g_strdup_printf(
                        "stty -g >before; %s; stty -g | cmp - before && echo restored; rm before", ways[i]);
                pid_t pid;
                int master = shell_on_terminal(fixture, script, 24, 80, &pid);
                g_autofree char *text = finish(master, pid, 0);
                g_assert_nonnull(strstr(text, "restored"));
        }
}

/* The console needs no manager, and how it ended the next one can tell. */
static void test_manager_killed(Fixture *fixture)
{
        pid_t pid;
        int master = shell_on_terminal(
                fixture, "exec $pflask --name=box -- sh -c 'echo ready; read x; echo \"got $x\"; read y; exit 4'", 24,
                80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        fixture_stop_manager(fixture, SIGKILL);
        type(master, "word\r", 5);
        g_byte_array_unref(read_until(master, "got word"));
        type(master, "\r", 1);
        fixture_start_manager(fixture);
        g_free(finish(master, pid, 4));
}

static void name_changed(GDBusConnection *connection _unused_, const char *sender _unused_, const char *path _unused_,
                         const char *interface _unused_, const char *member _unused_, GVariant *arguments, void *data)
{
        const char *owner;

        g_variant_get(arguments, "(&s&s&s)", NULL, NULL, &owner);
        if (*owner)
                *(gboolean *)data = TRUE;
}

static gboolean is_readable(int fd _unused_, GIOCondition condition _unused_, void *data)
{
        *(gboolean *)data = TRUE;
        return G_SOURCE_REMOVE;
}

/* In the manager's door, which it may come to again. Return: a listener at which nobody is ever let in. */
static int stand_in_door(void)
{
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUNTIME_DIRECTORY "/" PRIVATE_SOCKET};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(unlink(address.sun_path), ==, 0);
        g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
        g_assert_cmpint(listen(fd, 16), ==, 0);
        return fd;
}

/* Nor does the console stand still while the next one cannot be reached, or doesn't answer. */
static void test_manager_stuck(Fixture *fixture)
{
        gboolean has_come = FALSE;
        pid_t pid;
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        int master = shell_on_terminal(
                fixture, "exec $pflask --name=box -- sh -c 'echo ready; read x; echo \"got $x\"; read y; exit 4'", 24,
                80, &pid);

        g_byte_array_unref(read_until(master, "ready"));
        _cleanup_(fd_closep) int door = stand_in_door();
        guint source = g_unix_fd_add(door, G_IO_IN, is_readable, &has_come);
        guint subscription = g_dbus_connection_signal_subscribe(
                alice->connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", NULL, NULL,
                G_DBUS_SIGNAL_FLAGS_NONE, name_changed, &has_come, NULL);
        n_containers(alice);
        process_signal(fixture->manager, SIGKILL);
        await(has_come);
        type(master, "word\r", 5);
        g_byte_array_unref(read_until(master, "got word"));
        type(master, "\r", 1);
        g_dbus_connection_signal_unsubscribe(alice->connection, subscription);
        g_source_remove(source);
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
        g_free(finish(master, pid, 4));
}

/* A terminal that is closed takes the container along, as it took everything else that ran on it. */
static void test_hang_up(Fixture *fixture)
{
        g_auto(Signals) signals = {};
        int status;
        pid_t pid;

        signals_watch(fixture->client, "box", &signals);
        int master = shell_on_terminal(fixture, "exec $pflask --name=box -- sh -c 'echo ready; exec sleep 100'", 24, 80,
                                       &pid);
        g_byte_array_unref(read_until(master, "ready"));
        await_n_containers(fixture->client, 1); /* without a bus another manager than ours has made it */
        fd_close(master);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        if (fixture->transport == ON_BUS)
                await(signals.n_exited == 1);
        outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"));
}

/* Drawn while the copy lasts and taken away before anything else is printed; a pipe has nothing of it. */
static void test_progress(Fixture *fixture)
{
        pid_t pid;

        create(fixture->client, "box", "exec sleep 100", "{'Mounts': <[('tmp', ['/mnt'])]>}");
        int master = shell_on_terminal(fixture, "TERM=xterm; $pflask copy-to box /etc/passwd /mnt/a && echo copied", 24,
                                       80, &pid);
        g_autofree char *text = finish(master, pid, 0);
        g_assert_nonnull(strstr(text, "100% ["));
        g_assert_nonnull(strstr(text, "\r\033[Kcopied"));
        master = shell_on_terminal(
                fixture, "TERM=xterm; $pflask copy-to box /etc/passwd /mnt/b 2>&1 | cat && echo copied", 24, 80, &pid);
        g_autofree char *piped = finish(master, pid, 0);
        g_assert_cmpstr(piped, ==, "copied\r\n");
        terminate(fixture->client, "box");
}

static void test_colours(Fixture *fixture)
{
        static const struct {
                const char *script;
                gboolean is_coloured;
        } rows[] = {
                {"TERM=xterm $pflask list", TRUE},
                {"TERM=xterm $pflask --help", TRUE},
                {"TERM=xterm NO_COLOR=1 $pflask list", FALSE},
                {"TERM=xterm NO_COLOR= $pflask --help", FALSE},
                {"TERM=dumb $pflask list", FALSE},
                {"TERM=xterm $pflask list | cat", FALSE},
                {"TERM=xterm $pflask list --json=pretty", FALSE},
        };
        pid_t pid;

        create(fixture->client, "box", "exec sleep 100", NULL);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                int master = shell_on_terminal(fixture, rows[i].script, 24, 80, &pid);
                g_autofree char *text = finish(master, pid, 0);
                g_assert_true(!strchr(text, '\033') == !rows[i].is_coloured);
        }
        terminate(fixture->client, "box");
}

static const Test tests[] = {
        TEST("/terminal/is-one-inside-too", test_is_a_terminal, ON_ALL),
        TEST("/terminal/has-its-size-from-the-first-byte", test_size, ON_ALL),
        TEST("/terminal/follows-the-outer-size", test_resize, ON_ALL),
        TEST("/terminal/ctrl-c-is-a-byte", test_ctrl_c, ON_ALL),
        TEST("/terminal/keys-arrive", test_keys, ON_ALL),
        TEST("/terminal/ctrl-at-detaches-and-attach-returns", test_detach, ON_ALL),
        TEST("/terminal/detach-keys-can-be-off", test_detach_keys_off, ON_ALL),
        TEST("/terminal/attach-by-pid-shows-what-was-written-before", test_attach_by_pid, ON_ALL),
        TEST("/terminal/is-restored-on-every-way-out", test_restored, ON_ALL),
        TEST("/terminal/alone-has-colours-and-not-with-no-color", test_colours, ON_ALL),
        TEST("/terminal/shows-how-far-a-copy-is", test_progress, ON_ALL),
        TEST("/terminal/outlives-the-manager", test_manager_killed, ON_BUS | ON_SOCKET),
        TEST("/terminal/stays-usable-when-no-manager-answers", test_manager_stuck, ON_SOCKET),
        TEST("/terminal/hanging-up-ends-the-container", test_hang_up, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
