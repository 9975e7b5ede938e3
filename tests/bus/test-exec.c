/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes in a running container
 *
 * What is sent in is where the leader is and what the leader is, no more and no less; its streams, its status and its
 * signals are the caller's; and it ends when nobody is there for whom it runs.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

#define TREE TEST_DIRECTORY "/tree"

/* Of KillProcess polkit isn't told a program. */
static const char rules[] = "polkit.addRule(function(action, subject) {\n"
                            "  if (action.id == 'org.pflask.manager1.run-own' && subject.user == 'alice')\n"
                            "    return polkit.Result.YES;\n"
                            "  if (action.id == 'org.pflask.manager1.exec' && subject.user == 'bob' &&\n"
                            "      action.lookup('program') == 'sh')\n"
                            "    return polkit.Result.YES;\n"
                            "});\n";

static const char *const idle = "exec sleep 1000";

/* ---- sending one in ---- */

/* A process, with what its caller holds of it: a pty, or the other ends of its streams. */
typedef struct Process {
        guint32 number;
        int console, lease;
        int streams[3];
} Process;

static void process_close(Process *process)
{
        fd_closep(&process->console);
        fd_closep(&process->lease);
        for (guint i = 0; i < G_N_ELEMENTS(process->streams); i++)
                fd_closep(&process->streams[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Process, process_close)

#define NO_PROCESS                             \
        {                                      \
                0, -EBADF, -EBADF,             \
                {                              \
                        -EBADF, -EBADF, -EBADF \
                }                              \
        }

/* Three pipes: their ends for the process, and in @process ours. */
static GUnixFDList *pipes(Process *process)
{
        GUnixFDList *list = g_unix_fd_list_new();

        for (guint i = 0; i < G_N_ELEMENTS(process->streams); i++) {
                int ends[2];
                g_assert_no_errno(pipe2(ends, O_CLOEXEC));
                process->streams[i] = ends[i == 0];
                g_unix_fd_list_append(list, ends[i != 0], NULL);
                fd_close(ends[i != 0]);
        }
        return list;
}

/* @parameters: of ExecContainer, or with @is_shell of OpenContainerShell. Return: FALSE with @error. */
static gboolean send_in(Client *client, gboolean is_shell, GVariant *parameters, Process *ret, GError **error)
{
        g_autoptr(GUnixFDList) given = is_shell ? NULL : pipes(ret), got = NULL;
        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE,
                                    is_shell ? "OpenContainerShell" : "ExecContainer", parameters, given, &got, error);
        gint32 handles[2] = {-1, -1};

        if (!reply)
                return FALSE;
        if (is_shell)
                g_variant_get(reply, "(uhh)", &ret->number, &handles[0], &handles[1]);
        else
                g_variant_get(reply, "(uh)", &ret->number, &handles[1]);
        if (is_shell)
                ret->console = g_unix_fd_list_get(got, handles[0], NULL);
        ret->lease = g_unix_fd_list_get(got, handles[1], NULL);
        g_assert_cmpint(ret->lease, >=, 0);
        return TRUE;
}

static GVariant *exec_parameters(const char *user, const char *const *command, const char *option_text)
{
        const char *const none[] = {NULL};

        return g_variant_new("(ss^as^ashhh@a{sv})", "box", user, command, none, 0, 1, 2, options(option_text));
}

static GVariant *shell_parameters(const char *user, const char *const *command, const char *option_text)
{
        const char *const none[] = {NULL};

        return g_variant_new("(ss^as^as@a{sv})", "box", user, command, none, options(option_text));
}

/* sh -c @script, without a pty, or with @is_shell on one; it must begin. */
static void begin(Client *client, gboolean is_shell, const char *user, const char *script, const char *option_text,
                  Process *ret)
{
        const char *const command[] = {"sh", "-c", script, NULL};
        g_autoptr(GError) error = NULL;

        send_in(client, is_shell,
                is_shell ? shell_parameters(user, command, option_text) : exec_parameters(user, command, option_text),
                ret, &error);
        g_assert_no_error(error);
}

static void ends(Client *client, const Process *process, const char *result, int status)
{
        g_autoptr(GVariant) reply = manager_call(client, "WaitProcess", "(su)", "box", process->number);
        const char *actual;
        int actual_status;

        g_variant_get(reply, "(&si)", &actual, &actual_status);
        g_assert_cmpstr(actual, ==, result);
        g_assert_cmpint(actual_status, ==, status);
}

/* What sh -c @script, which must succeed, writes to the stream of its output. Return: the caller's. */
static char *says(Client *client, gboolean is_shell, const char *user, const char *script, const char *option_text)
{
        g_auto(Process) process = NO_PROCESS;

        begin(client, is_shell, user, script, option_text, &process);
        GByteArray *said = read_until_end(is_shell ? process.console : process.streams[1]);
        g_byte_array_append(said, (const guint8 *)"", 1);
        ends(client, &process, "exited", 0);
        return (char *)g_byte_array_free(said, FALSE);
}

/* The name of the error that a command gets. Return: "" when it runs. */
static const char *refusal(Client *client, gboolean is_shell, const char *user, const char *program,
                           char **ret_sentence)
{
        const char *const command[] = {program, NULL};
        g_auto(Process) process = NO_PROCESS;
        g_autoptr(GError) error = NULL;

        if (send_in(client, is_shell,
                    is_shell ? shell_parameters(user, command, NULL) : exec_parameters(user, command, NULL), &process,
                    &error))
                ends(client, &process, "exited", 0);
        if (ret_sentence)
                *ret_sentence = g_strdup(error ? error->message : "");
        return client_error_name(error);
}

static void assert_has(const char *text, const char *part)
{
        if (!strstr(text, part))
                g_error("'%s' has no '%s'", text, part);
}

/* ---- the status ---- */

static void test_every_status(Fixture *fixture)
{
        static const struct {
                const char *script, *result;
                int status;
        } rows[] = {
                {"exit 0", "exited", 0},     {"exit 7", "exited", 7},       {"exit 255", "exited", 255},
                {"exit 126", "exited", 126}, {"exit 127", "exited", 127},   {"kill -TERM $$", "killed", SIGTERM},
                {"kill -9 $$", "killed", 9}, {"kill -HUP $$", "killed", 1},
        };

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
                g_auto(Process) process = NO_PROCESS;
                begin(fixture->client, i % 2, "", rows[i / 2].script, NULL, &process);
                ends(fixture->client, &process, rows[i / 2].result, rows[i / 2].status);
        }
        terminate(fixture->client, "box");
}

/* machinectl's users have asked for this since 2016. */
static void test_status_for_ordinary_user(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        create(alice, "box", idle, NULL);
        for (guint is_shell = 0; is_shell < 2; is_shell++) {
                g_auto(Process) process = NO_PROCESS;
                begin(alice, is_shell, "", "exit 7", NULL, &process);
                ends(alice, &process, "exited", 7);
        }
        terminate(alice, "box");
}

static void test_what_cannot_be_executed(Fixture *fixture)
{
        static const struct {
                const char *program, *error;
        } rows[] = {
                {"/no/such", ERROR_PREFIX "CommandNotFound"},
                {"nosuchprogram", ERROR_PREFIX "CommandNotFound"},
                {"/usr", ERROR_PREFIX "CommandNotExecutable"},
                {"/etc/passwd", ERROR_PREFIX "CommandNotExecutable"},
        };

        create(fixture->client, "box", idle, NULL);
        for (guint round = 0; round < rounds(200); round++)
                for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                        g_autofree char *sentence = NULL;
                        g_assert_cmpstr(refusal(fixture->client, round % 2, "", rows[i].program, &sentence), ==,
                                        rows[i].error);
                        g_assert_nonnull(strstr(sentence, rows[i].program));
                }
        terminate(fixture->client, "box");
}

static void test_users_that_are_not_there(Fixture *fixture)
{
        static const char *const users[] = {"nobody-here", "4294967296", "4294967295", "-1", "+0", "0x0", "1 "};

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < 2 * G_N_ELEMENTS(users); i++)
                g_assert_cmpstr(refusal(fixture->client, i % 2, users[i / 2], "true", NULL), ==,
                                ERROR_PREFIX "NoSuchUser");
        terminate(fixture->client, "box");
}

/* What fails early fails in its own words too, however soon. */
static void test_early_failure(Fixture *fixture)
{
        const char *const command[] = {"true", NULL};

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < rounds(100); i++) {
                g_auto(Process) process = NO_PROCESS;
                g_autoptr(GError) error = NULL;
                g_assert_false(send_in(fixture->client, FALSE,
                                       exec_parameters("", command, "{'WorkingDirectory': <'/no/such'>}"), &process,
                                       &error));
                assert_has(error->message, "cannot enter /no/such: ");
        }
        terminate(fixture->client, "box");
}

/* One of many that run at once, each of which has much to say and ends at once. */
typedef struct Quick {
        Client *client;
        Process process;
        gboolean is_true;
        guint *n_left;
} Quick;

static void on_quick_end(GObject *source, GAsyncResult *result, gpointer userdata)
{
        g_autoptr(GError) error = NULL;
        Quick *quick = userdata;
        const char *how;
        int status;

        g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(&si)", &how, &status);
        g_assert_cmpstr(how, ==, "exited");
        g_assert_cmpint(status, ==, quick->is_true ? 0 : 1);
        process_close(&quick->process);
        --*quick->n_left;
}

static void on_quick_begin(GObject *source, GAsyncResult *result, gpointer userdata)
{
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GError) error = NULL;
        Quick *quick = userdata;

        g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), &fds,
                                                                                    result, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(uh)", &quick->process.number, NULL);
        g_dbus_connection_call(quick->client->connection, quick->client->destination, MANAGER_PATH, MANAGER_INTERFACE,
                               "WaitProcess", g_variant_new("(su)", "box", quick->process.number), NULL,
                               G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_quick_end, quick);
}

static void test_quickest_commands(Fixture *fixture)
{
        const char *const commands[2][4] = {{"sh", "-c", "seq 1000; exit 1", NULL}, {"sh", "-c", "seq 1000", NULL}};
        Quick quicks[20];

        create(fixture->client, "box", idle, NULL);
        for (guint round = 0; round < rounds(1000) / G_N_ELEMENTS(quicks) + 1; round++) {
                guint n_left = G_N_ELEMENTS(quicks);
                for (guint i = 0; i < G_N_ELEMENTS(quicks); i++) {
                        quicks[i] = (Quick){fixture->client, NO_PROCESS, i % 2, &n_left};
                        g_autoptr(GUnixFDList) fds = pipes(&quicks[i].process);
                        g_dbus_connection_call_with_unix_fd_list(
                                fixture->client->connection, fixture->client->destination, MANAGER_PATH,
                                MANAGER_INTERFACE, "ExecContainer", exec_parameters("", commands[i % 2], NULL), NULL,
                                G_DBUS_CALL_FLAGS_NONE, -1, fds, NULL, on_quick_begin, &quicks[i]);
                }
                await(n_left == 0);
        }
        terminate(fixture->client, "box");
}

/* ---- the streams ---- */

static void test_streams(Fixture *fixture)
{
        g_auto(Process) process = NO_PROCESS;

        create(fixture->client, "box", idle, NULL);
        begin(fixture->client, FALSE, "", "cat; echo apart >&2; echo after", NULL, &process);
        g_assert_cmpint(write(process.streams[0], "given\n", 6), ==, 6);
        fd_closep(&process.streams[0]);
        g_autoptr(GByteArray) out = read_until_end(process.streams[1]), err = read_until_end(process.streams[2]);
        g_assert_cmpmem(out->data, out->len, "given\nafter\n", 12);
        g_assert_cmpmem(err->data, err->len, "apart\n", 6);
        ends(fixture->client, &process, "exited", 0);
        terminate(fixture->client, "box");
}

/* What was started in the background has the streams still, and it is no reason to wait. */
static void test_background(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        for (guint is_shell = 0; is_shell < 2; is_shell++) {
                g_auto(Process) process = NO_PROCESS;
                begin(fixture->client, is_shell, "", "trap '' HUP; sleep 1000 & exit 3", NULL, &process);
                ends(fixture->client, &process, "exited", 3);
                struct pollfd open_still = {.fd = is_shell ? process.console : process.streams[1], .events = POLLIN};
                g_assert_cmpint(poll(&open_still, 1, 0), ==, 0);
        }
        terminate(fixture->client, "box");
}

/* ---- the end ---- */

/* Reads up to @text what the process writes: it is there, and its handlers are. */
static void await_text(const Process *process, const char *text)
{
        g_byte_array_unref(read_until(process->console >= 0 ? process->console : process->streams[1], text));
}

static void test_kill(Fixture *fixture)
{
        g_autoptr(Client) other = client_new(fixture, 0);

        create(fixture->client, "box", idle, NULL);
        for (guint is_shell = 0; is_shell < 2; is_shell++) {
                g_auto(Process) process = NO_PROCESS;
                begin(fixture->client, is_shell, "", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done",
                      NULL, &process);
                await_text(&process, "ready");
                g_free(manager_refuses(fixture->client, "NoSuchProcess", "KillProcess", "(sui)", "box", 4711, SIGUSR1));
                g_variant_unref(manager_call(other, "KillProcess", "(sui)", "box", process.number, SIGUSR1));
                ends(fixture->client, &process, "exited", 9);
                g_free(manager_refuses(fixture->client, "NoSuchProcess", "KillProcess", "(sui)", "box", process.number,
                                       SIGKILL));
                g_free(manager_refuses(fixture->client, "NoSuchProcess", "WaitProcess", "(su)", "box", process.number));
        }
        terminate(fixture->client, "box");
}

/* A closed lease is a closed terminal: all of the session is hung up, and what doesn't care is killed. */
static void test_release(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        for (guint is_shell = 0; is_shell < 2; is_shell++) {
                g_auto(Process) polite = NO_PROCESS, stubborn = NO_PROCESS, detached = NO_PROCESS, kept = NO_PROCESS;
                const char *on = "{'KillOnRelease': <true>}";
                begin(fixture->client, is_shell, "", "trap 'exit 5' HUP; echo ready; while :; do sleep 0.01; done", on,
                      &polite);
                begin(fixture->client, is_shell, "", "trap '' HUP; sleep 1000 & echo ready; wait", on, &stubborn);
                begin(fixture->client, is_shell, "", "echo ready; exec sleep 1000", on, &detached);
                begin(fixture->client, is_shell, "", "echo ready; exec sleep 1000", NULL, &kept);
                await_text(&polite, "ready");
                await_text(&stubborn, "ready");
                g_assert_cmpint(write(detached.lease, "d", 1), ==, 1);
                fd_closep(&polite.lease);
                fd_closep(&stubborn.lease);
                fd_closep(&detached.lease);
                fd_closep(&kept.lease);
                ends(fixture->client, &polite, "exited", 5);
                ends(fixture->client, &stubborn, "killed", SIGKILL);
                g_variant_unref(manager_call(fixture->client, "KillProcess", "(sui)", "box", detached.number, SIGTERM));
                g_variant_unref(manager_call(fixture->client, "KillProcess", "(sui)", "box", kept.number, SIGTERM));
                ends(fixture->client, &detached, "killed", SIGTERM);
                ends(fixture->client, &kept, "killed", SIGTERM);
        }
        terminate(fixture->client, "box");
}

static void test_container_ends(Fixture *fixture)
{
        g_auto(Process) process = NO_PROCESS;
        g_auto(Pending) pending = {};
        const char *result;
        int status;

        create(fixture->client, "box", idle, NULL);
        begin(fixture->client, TRUE, "", "trap '' HUP TERM; echo ready; while :; do sleep 1; done", NULL, &process);
        await_text(&process, "ready");
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitProcess",
                          g_variant_new("(su)", "box", process.number), &pending);
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGKILL));
        await(pending.is_done);
        g_assert_no_error(pending.error);
        g_variant_get(pending.reply, "(&si)", &result, &status);
        g_assert_cmpstr(result, ==, "killed");
        g_assert_cmpint(status, ==, SIGKILL);
        g_byte_array_unref(read_until_end(process.console));
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

/* Who has started a process may signal it, whatever else is not theirs; and the next manager knows that too. */
static void test_starter_after_restart(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Process) process = NO_PROCESS;

        create(fixture->client, "box", idle, NULL);
        begin(bob, FALSE, "", "echo ready; exec sleep 1000", NULL, &process);
        await_text(&process, "ready");
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
        g_variant_unref(manager_call(bob, "KillProcess", "(sui)", "box", process.number, SIGTERM));
        ends(bob, &process, "killed", SIGTERM);
        terminate(fixture->client, "box");
}

/* ---- where and who it is ---- */

static void test_place(Fixture *fixture)
{
        static const char *const script = "pwd; echo $A $B $container $HOME";

        create(fixture->client, "box", idle, "{'WorkingDirectory': <'/usr/lib'>, 'Environment': <['A=1', 'B=2']>}");
        g_autofree char *own = says(fixture->client, FALSE, "", script, NULL);
        g_assert_cmpstr(own, ==, "/usr/lib\n1 2 pflask /root\n");
        g_autofree char *asked = says(fixture->client, FALSE, "alice", script, "{'WorkingDirectory': <'/usr/bin'>}");
        g_assert_true(g_str_has_prefix(asked, "/usr/bin\n1 2 pflask /"));
        g_assert_null(strstr(asked, "/root"));
        g_autofree char *inner = says(fixture->client, FALSE, "alice", "script -qc tty /dev/null", NULL);
        g_assert_true(g_str_has_prefix(inner, "/dev/pts/"));
        terminate(fixture->client, "box");
}

/* A tree whose user database has a user that the host hasn't. */
static void make_tree(Fixture *fixture)
{
        g_autofree char *out = NULL, *err = NULL;
        int status = shell(fixture,
                           "rm -rf " TREE "; mkdir -p " TREE " && cd " TREE
                           " && mkdir -p bin sbin etc proc sys dev tmp "
                           "run root home/ann mnt && cp /bin/busybox bin/ && "
                           "for p in sh sleep stat tty id cat pwd env stty true test; do ln -s busybox "
                           "bin/$p; done && "
                           "printf 'root:x:0:0::/root:/bin/sh\\nann:x:1234:1235::/home/ann:/bin/sh\\n' >etc/passwd && "
                           "printf 'root:x:0:\\nann:x:1235:\\nextra:x:1236:ann\\ntty:x:5:\\n' >etc/group && "
                           "chown -R 1234:1235 home/ann && chmod 1777 tmp",
                           &out, &err);

        g_assert_cmpstr(err, ==, "");
        g_assert_cmpint(status, ==, 0);
}

static gboolean lacks_busybox(void)
{
        if (g_file_test("/bin/busybox", G_FILE_TEST_IS_EXECUTABLE))
                return FALSE;
        g_test_skip("there is no /bin/busybox");
        return TRUE;
}

/* Types @line at the prompt of a login shell, and returns what is written up to @until. */
static char *answer_to(const Process *shell, const char *line, const char *until)
{
        g_assert_cmpint(write(shell->console, line, strlen(line)), ==, (gssize)strlen(line));
        GByteArray *said = read_until(shell->console, until);
        g_byte_array_append(said, (const guint8 *)"", 1);
        return (char *)g_byte_array_free(said, FALSE);
}

/* All of it in a tree of one program and without anybody's help: its PID 1 is stopped, and nothing else runs there. */
static void test_login_shell(Fixture *fixture)
{
        const char *const none[] = {NULL};
        g_auto(Process) shell = NO_PROCESS;
        g_autoptr(GError) error = NULL;

        if (lacks_busybox())
                return;
        make_tree(fixture);
        create(fixture->client, "box", idle, "{'Root': <'" TREE "'>}");
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGSTOP));
        send_in(fixture->client, TRUE, shell_parameters("ann", none, "{'Size': <(uint16 33, uint16 77)>}"), &shell,
                &error);
        g_assert_no_error(error);
        g_autofree char *said = answer_to(&shell,
                                          "echo $0 $HOME $USER; pwd; stty size; tty; stat -c %U:%G:%a $(tty); id; "
                                          "echo en''d\n",
                                          "end");
        assert_has(said, "-sh /home/ann ann\r\n/home/ann\r\n33 77\r\n/dev/pts/");
        assert_has(said, "ann:tty:620\r\n");
        assert_has(said, "uid=1234(ann) gid=1235(ann) groups=1235(ann),1236(extra)\r\n");
        g_free(answer_to(&shell, "exec 3<>/dev/ptmx && echo op''ened\n", "opened"));
        g_assert_cmpint(write(shell.console, "exit 4\n", 7), ==, 7);
        ends(fixture->client, &shell, "exited", 4);
        terminate(fixture->client, "box");
}

/* Nobody is handed something for a terminal that isn't one, whatever the container has under that name. */
static void test_terminal_that_is_none(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        const char *const none[] = {NULL};
        g_auto(Process) shell = NO_PROCESS;
        g_autoptr(GError) error = NULL;

        run(fixture->client, "box",
            "mount -t tmpfs none /dev/pts && mknod /dev/pts/ptmx c 1 3 && echo READY; exec sleep 1000", NULL,
            &attachment);
        g_byte_array_unref(read_until(attachment.console, "READY"));
        g_assert_false(send_in(fixture->client, TRUE, shell_parameters("", none, NULL), &shell, &error));
        g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "SetupFailed");
        assert_has(error->message, "cannot use /dev/pts/ptmx");
        terminate(fixture->client, "box");
}

static void test_everything_in_a_stopped_tree(Fixture *fixture)
{
        if (lacks_busybox())
                return;
        make_tree(fixture);
        create(fixture->client, "box", idle, "{'Root': <'" TREE "'>}");
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGSTOP));
        g_autofree char *who = says(fixture->client, FALSE, "ann", "id -u; pwd", NULL);
        g_assert_cmpstr(who, ==, "1234\n/\n");
        g_variant_unref(manager_call(fixture->client, "CopyToContainer", "(sss@a{sv})", "box", "/etc/hosts",
                                     "/tmp/hosts", options(NULL)));
        g_variant_unref(
                manager_call(fixture->client, "BindMountContainer", "(sssbb)", "box", "/etc", "/mnt", TRUE, FALSE));
        g_autofree char *same = says(fixture->client, FALSE, "", "test $(cat /tmp/hosts | id -u) = 0 && cat /mnt/hosts",
                                     NULL);
        g_autofree char *hosts = NULL;
        g_assert_true(g_file_get_contents("/etc/hosts", &hosts, NULL, NULL));
        g_assert_cmpstr(same, ==, hosts);
        g_variant_unref(manager_call(fixture->client, "CopyFromContainer", "(sss@a{sv})", "box", "/tmp/hosts",
                                     TEST_DIRECTORY "/hosts", options("{'Replace': <true>}")));
        terminate(fixture->client, "box");
}

/* ---- by the client ---- */

typedef struct ClientRow {
        const char *promise;
        const char *script; /* $pflask is the client; "box" runs */
        int status;
        const char *out;
} ClientRow;

/* A shell has background jobs ignore SIGINT and SIGQUIT. Who is interrupted before it listens ends as others do. */
#define BEGIN(handler)                                                                        \
        "rm -f f g; env --default-signal=INT,QUIT $pflask exec -T box sh -c 'trap \"" handler \
        "\" INT TERM HUP QUIT; echo ready; while :; do sleep 0.01; done' >f & p=$!; "         \
        "until grep -qs ready f && ls -l /proc/$p/fd | grep -q signalfd; do :; done; "

static const ClientRow client_rows[] = {
        {"a-tree-goes-through-as-an-archive",
         "mkdir -p a/b; echo 1 >a/b/f; ln -s f a/b/l; rm -rf t; mkdir t; "
         "tar c a | $pflask exec box tar x -C /run/test/t && diff -r --no-dereference a t/a && rm -r a t",
         0, ""},
        {"64-MiB-are-the-same",
         "head -c 64M /dev/urandom >big; a=$(sha256sum <big); "
         "b=$($pflask exec box cat <big | sha256sum); c=$($pflask exec box sha256sum <big); rm big; "
         "[ \"$a\" = \"$b\" ] && [ \"$a\" = \"$c\" ]",
         0, ""},
        {"nothing-is-a-terminal-when-a-stream-is-none",
         "script -qec 'a=$(stty -g); '\"$pflask\"' exec box printf \"a\\nb\\n\" | od -An -c; "
         "[ \"$a\" = \"$(stty -g)\" ]' /dev/null </dev/null",
         0, "   a  \\n   b  \\n\r\n"},
        {"a-background-job-is-not-waited-for", "$pflask exec -t box sh -c 'sleep 1000 & exit 3' </dev/null", 3, ""},
        {"death-by-a-signal-is-128-and-its-number", "$pflask exec box sh -c 'kill -TERM $$'", 143, ""},
        {"a-directory-is-126", "$pflask exec box /usr 2>/dev/null", 126, ""},
        {"a-name-that-is-not-there-is-127", "$pflask exec box nosuchprogram 2>/dev/null", 127, ""},
        {"SIGINT-reaches-it", BEGIN("exit 5") "kill -INT $p; wait $p", 5, ""},
        {"SIGTERM-reaches-it", BEGIN("exit 5") "kill -TERM $p; wait $p", 5, ""},
        {"SIGHUP-reaches-it", BEGIN("exit 5") "kill -HUP $p; wait $p", 5, ""},
        {"SIGQUIT-reaches-it", BEGIN("exit 5") "kill -QUIT $p; wait $p", 5, ""},
        {"a-killed-client-hangs-it-up",
         BEGIN("echo hung-up >g; exit") "kill -KILL $p; wait $p 2>/dev/null; until grep -s hung g; do :; done", 0,
         "hung-up\n"},
        {"a-killed-client-leaves-nothing-that-runs",
         "rm -f end; mkfifo end; $pflask exec -T box sh -c 'exec 3>end; echo ready; exec sleep 1000' >f & p=$!; "
         "exec 4<end; until grep -qs ready f; do :; done; kill -KILL $p; wait $p 2>/dev/null; cat <&4",
         0, ""},
};

static void test_client(Fixture *fixture)
{
        const ClientRow *row = fixture->test->row;
        g_autofree char *out = NULL, *err = NULL;

        create(fixture->client, "box", idle, "{'WorkingDirectory': <'" TEST_DIRECTORY "'>}");
        int status = shell(fixture, row->script, &out, &err);
        g_test_message("%s: status %d, stderr: %s", row->script, status, err);
        g_assert_cmpstr(out, ==, row->out);
        g_assert_cmpint(status, ==, row->status);
        terminate(fixture->client, "box");
}

/* ---- what it is allowed ---- */

/* The lines of /proc/PID/status that say what a process may. */
static const char *const status_fields[] = {
        "Umask:",  "Uid:",    "Gid:",    "Groups:", "NoNewPrivs:", "Seccomp:",           "Seccomp_filters:",
        "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",     "Cpus_allowed_list:", "Speculation_Store_Bypass:",
        "SigBlk:", "SigIgn:",
};

static char *value_of(const char *status, const char *field)
{
        const char *line = strstr(status, field);

        g_assert_nonnull(line);
        return g_strstrip(g_strndup(line + strlen(field), strcspn(line, "\n") - strlen(field)));
}

static void append_status(GString *text, const char *directory, gboolean may_inherit)
{
        g_autofree char *path = g_build_filename(directory, "status", NULL), *content = NULL;

        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        for (guint i = 0; i < G_N_ELEMENTS(status_fields); i++) {
                const char *line = strstr(content, status_fields[i]);
                if (line)
                        g_string_append_len(text, line, (gssize)strcspn(line, "\n") + 1);
        }
        /* What is inheritable outlives the fall from root to a user (CVE-2022-27649): that is what was named for one. */
        g_autofree char *inheritable = value_of(content, "CapInh:"), *ambient = value_of(content, "CapAmb:");
        g_assert_cmpstr(inheritable, ==, ambient);
        if (!may_inherit)
                g_assert_cmpstr(inheritable, ==, "0000000000000000");
}

static void append_namespaces(GString *text, const char *directory)
{
        static const char *const names[] = {"user", "mnt", "net", "ipc", "uts", "pid", "cgroup", "time"};

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(directory, "ns", names[i], NULL);
                g_autofree char *target = g_file_read_link(path, NULL);
                g_string_append_printf(text, "%s %s\n", names[i], target);
        }
}

static void append_files(GString *text, const char *directory)
{
        static const char *const names[] = {"cgroup",       "limits",    "oom_score_adj",  "uid_map",  "gid_map",
                                            "attr/current", "attr/exec", "attr/keycreate", "setgroups"};

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(directory, names[i], NULL), *content = NULL;
                g_file_get_contents(path, &content, NULL, NULL);
                g_string_append_printf(text, "%s:\n%s\n", names[i], content ? content : "unreadable");
        }
}

/* All that says what a process may, as the host sees it. */
static char *authority_of(int pid, gboolean may_inherit)
{
        g_autofree char *directory = g_strdup_printf("/proc/%d", pid);
        GString *text = g_string_new(NULL);

        append_status(text, directory, may_inherit);
        append_namespaces(text, directory);
        append_files(text, directory);
        return g_string_free(text, FALSE);
}

static int number_of(Client *client, const char *which)
{
        g_autoptr(GVariant) value = property(client, "box", which);

        return (int)g_variant_get_uint32(value);
}

/* Of the supervisor's children the one that isn't the leader; whoever sent it in may be there still. */
static int joined_pid(Client *client)
{
        int supervisor = number_of(client, "Supervisor"), leader = number_of(client, "Leader");
        g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", supervisor, supervisor), *text = NULL;
        int found = 0;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        for (char *rest = text, *next; *rest; rest = next) {
                int pid = (int)strtol(rest, &next, 10);
                if (next == rest)
                        break;
                g_autofree char *file = g_strdup_printf("/proc/%d/comm", pid), *comm = NULL;
                if (pid != leader && g_file_get_contents(file, &comm, NULL, NULL) && g_str_equal(comm, "sleep\n"))
                        found = pid;
        }
        g_assert_cmpint(found, >, 0);
        return found;
}

static void assert_same_lines(const char *one, const char *other)
{
        g_auto(GStrv) ones = g_strsplit(one, "\n", -1), others = g_strsplit(other, "\n", -1);

        for (guint i = 0; ones[i] || others[i]; i++)
                g_assert_cmpstr(ones[i], ==, others[i]);
}

typedef struct ConfinementRow {
        uid_t caller;
        const char *user; /* the same as the leader's, where the comparison makes sense */
        const char *options;
        gboolean has_named; /* capabilities, for a user who isn't root */
} ConfinementRow;

static const ConfinementRow confinements[] = {
        {0, "", NULL, FALSE},
        {0, "", "{'Terminal': <false>}", FALSE},
        {0, "alice", "{'User': <'alice'>}", FALSE},
        {0, "", "{'Capabilities': <['-all', '+chown', '+setuid']>}", FALSE},
        {0, "alice", "{'User': <'alice'>, 'Capabilities': <['-all', '+net_raw']>, 'NoNewPrivileges': <true>}", TRUE},
        {0, "", "{'NoNewPrivileges': <true>, 'PrivateNetwork': <true>, 'Hostname': <'box'>}", FALSE},
        {0, "", "{'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>}", FALSE},
        {0, "1000", "{'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>, 'User': <'1000'>}", FALSE},
        {0, "", "{'SharedNamespaces': <['pid', 'net', 'ipc', 'uts', 'cgroup']>}", FALSE},
        {0, "", "{'SharedNamespaces': <['mount']>}", FALSE},
        {0, "", "{'StubInit': <true>}", FALSE},
        {0, "", "{'Limits': <[('NOFILE', uint64 77, uint64 88), ('CORE', uint64 4096, uint64 8192)]>}", FALSE},
        {ALICE, "", NULL, FALSE},
        {ALICE, "", "{'StubInit': <true>, 'Capabilities': <['-all']>, 'PrivateNetwork': <true>}", FALSE},
};

/* A16, A24: had it failed, what is sent in would be a way to more, or to less, than the container was given. */
static void test_confinement(Fixture *fixture)
{
        const char *const sleeper[] = {"sleep", "1000", NULL};

        for (guint i = 0; i < G_N_ELEMENTS(confinements); i++) {
                const ConfinementRow *row = &confinements[i];
                g_autoptr(Client) caller = client_new(fixture, row->caller);
                g_test_message("%s", row->options ? row->options : "{}");
                create(caller, "box", idle, row->options);
                g_autofree char *leader = authority_of(number_of(caller, "Leader"), row->has_named);
                for (guint is_shell = 0; is_shell < 2; is_shell++) {
                        g_auto(Process) process = NO_PROCESS;
                        g_autoptr(GError) error = NULL;
                        send_in(caller, is_shell,
                                is_shell ? shell_parameters(row->user, sleeper, NULL)
                                         : exec_parameters(row->user, sleeper, NULL),
                                &process, &error);
                        g_assert_no_error(error);
                        g_autofree char *joined = authority_of(joined_pid(caller), row->has_named);
                        assert_same_lines(joined, leader);
                        g_variant_unref(manager_call(caller, "KillProcess", "(sui)", "box", process.number, SIGKILL));
                        ends(caller, &process, "killed", SIGKILL);
                }
                terminate(caller, "box");
        }
}

static const Test tests[] = {
        TEST("/exec/has-every-exit-status", test_every_status, ON_ALL),
        {"/exec/has-a-status-for-ordinary-users", test_status_for_ordinary_user, ON_BUS | WITH_POLKIT, rules, NULL},
        TEST("/exec/says-what-is-not-there-or-no-program", test_what_cannot_be_executed, ON_ALL),
        TEST("/exec/knows-no-user-that-is-none", test_users_that_are_not_there, ON_BUS),
        TEST("/exec/says-what-failed-however-soon", test_early_failure, ON_BUS),
        TEST("/exec/knows-how-the-quickest-command-ended", test_quickest_commands, ON_BUS),
        TEST("/exec/streams-arrive-unmixed", test_streams, ON_ALL),
        TEST("/exec/ends-though-its-streams-are-open", test_background, ON_ALL),
        TEST("/exec/gets-the-signals-that-are-sent", test_kill, ON_BUS),
        {"/exec/is-its-starters-to-signal-after-a-restart-too", test_starter_after_restart, ON_BUS | WITH_POLKIT, rules,
         NULL},
        TEST("/exec/is-hung-up-when-its-lease-closes", test_release, ON_BUS),
        TEST("/exec/ends-with-the-container", test_container_ends, ON_ALL),
        TEST("/exec/begins-where-it-was-asked", test_place, ON_BUS),
        TEST("/shell/is-the-users-own-on-a-terminal-of-the-container", test_login_shell, ON_ALL),
        TEST("/shell/has-no-terminal-that-is-none", test_terminal_that_is_none, ON_BUS),
        TEST("/exec/needs-nothing-that-runs-inside", test_everything_in_a_stopped_tree, ON_ALL),
        {"/exec/A24-is-confined-as-the-leader-is", test_confinement, ON_BUS | WITH_POLKIT, rules, NULL},
};

int main(int argc, char **argv)
{
        static Test all[G_N_ELEMENTS(tests) + G_N_ELEMENTS(client_rows)];
        guint n = 0;

        for (; n < G_N_ELEMENTS(tests); n++)
                all[n] = tests[n];
        for (guint i = 0; i < G_N_ELEMENTS(client_rows); i++)
                all[n++] = (Test){
                        .name = g_strconcat("/exec/", client_rows[i].promise, NULL),
                        .function = test_client,
                        .flags = ON_ALL,
                        .row = &client_rows[i],
                };
        return test_program(argc, argv, all, n);
}
