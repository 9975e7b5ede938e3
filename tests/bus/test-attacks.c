/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks
 *
 * What broke the neighbours, tried here by callers whom nobody trusts: each test is named after its row in the table of
 * attacks, and says what would have happened had it worked. A real polkitd decides, by rules in which alice may run her
 * own containers, and nothing else but what a row is about.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "common/fd.h"
#include "common/process.h"
#include "fixture.h"

#define DENIED      "org.freedesktop.DBus.Error.AccessDenied"
#define INTERACTIVE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

static const char *const idle = "exec sleep 100";

static const char rules[] =
        "polkit.addRule(function(action, subject) {\n"
        "  if (action.id == 'org.pflask.manager1.run-own')\n"
        "    return polkit.Result.YES;\n"
        "  if (action.id == 'org.pflask.manager1.run-privileged' && action.lookup('container') == 'granted')\n"
        "    return action.lookup('user') == 'root' ? polkit.Result.NO : polkit.Result.YES;\n"
        "  if (action.lookup('container') == 'slow') {\n"
        "    polkit.spawn(['/bin/sleep', '1']);\n"
        "    return subject.user == 'bob' && action.lookup('owner') == '0' ? polkit.Result.YES\n"
        "                                                                  : polkit.Result.NO;\n"
        "  }\n"
        "});\n";

/* ---- what the attackers have in common ---- */

static GVariant *create_parameters(const char *name, const char *script, const char *option_text)
{
        const char *const command[] = {"sh", "-c", script, NULL};

        return g_variant_new("(s^as@a{sv})", name, command, options(option_text));
}

static const char *creation_outcome(Client *client, const char *name, const char *script, const char *option_text)
{
        return outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                       create_parameters(name, script, option_text));
}

/* What sh -c @script writes to the console, as PID 1. Return: the caller's. */
static char *leader_says(Client *client, const char *name, const char *script, const char *option_text)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *whole = g_strconcat("stty -onlcr; ", script, NULL);

        run(client, name, whole, option_text, &attachment);
        GByteArray *content = read_until_end(attachment.console);
        g_byte_array_append(content, (const guint8 *)"", 1);
        return (char *)g_byte_array_free(content, FALSE);
}

/* The same of a process that is sent in. Return: the caller's; NULL with @error. */
static char *exec_says(Client *client, const char *name, const char *user, const char *script, const char *option_text,
                       GError **error)
{
        const char *const command[] = {"sh", "-c", script, NULL};
        const char *const environment[] = {NULL};
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new(), got = NULL;
        int ends[2];
        guint32 process;

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        _cleanup_(fd_closep) int reader = ends[0], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        g_unix_fd_list_append(fds, null, NULL);
        g_unix_fd_list_append(fds, ends[1], NULL);
        fd_close(ends[1]);
        g_autoptr(GVariant) reply = client_call(
                client, MANAGER_PATH, MANAGER_INTERFACE, "ExecContainer",
                g_variant_new("(ss^as^ashhh@a{sv})", name, user, command, environment, 0, 1, 1, options(option_text)),
                fds, &got, error);
        if (!reply)
                return NULL;
        g_variant_get(reply, "(uh)", &process, NULL);
        g_clear_object(&fds);
        GByteArray *content = read_until_end(reader);
        g_byte_array_append(content, (const guint8 *)"", 1);
        g_variant_unref(manager_call(client, "WaitProcess", "(su)", name, process));
        return (char *)g_byte_array_free(content, FALSE);
}

/* Sends in a process with nothing to say. Return: its number. */
static guint32 exec_begin(Client *client, const char *name, const char *script)
{
        const char *const command[] = {"sh", "-c", script, NULL}, *const environment[] = {NULL};
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new(), got = NULL;
        g_autoptr(GError) error = NULL;
        guint32 process;

        g_unix_fd_list_append(fds, null, NULL);
        g_autoptr(GVariant) reply = client_call(
                client, MANAGER_PATH, MANAGER_INTERFACE, "ExecContainer",
                g_variant_new("(ss^as^ashhh@a{sv})", name, "", command, environment, 0, 0, 0, options(NULL)), fds, &got,
                &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(uh)", &process, NULL);
        return process;
}

static const char *exec_outcome(Client *client, const char *name, const char *user, const char *script)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *said = exec_says(client, name, user, script, NULL, &error);

        g_test_message("%s", said ? said : error->message);
        return client_error_name(error);
}

/* Who writes what to the bus is theirs to choose: a message of @client's that no library would send. */
static void send_forged(Client *client, GDBusMessage *message)
{
        g_autoptr(GError) error = NULL;

        g_dbus_connection_send_message(client->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, &error);
        g_assert_no_error(error);
        g_dbus_connection_flush_sync(client->connection, NULL, NULL);
}

static char *manager_unique_name(Client *client)
{
        g_autoptr(GVariant) reply = client_bus_call(client, "GetNameOwner", g_variant_new("(s)", MANAGER_BUS_NAME));
        char *name;

        g_variant_get(reply, "(s)", &name);
        return name;
}

static void write_file(const char *path, const char *content, mode_t mode, uid_t owner)
{
        g_assert_true(g_file_set_contents_full(path, content, -1, G_FILE_SET_CONTENTS_NONE, (int)mode, NULL));
        g_assert_cmpint(chmod(path, mode), ==, 0);
        g_assert_cmpint(chown(path, owner, owner), ==, 0);
}

static void make_directory(const char *path, mode_t mode, uid_t owner)
{
        g_assert_true(mkdir(path, mode) == 0 || errno == EEXIST);
        g_assert_cmpint(chmod(path, mode), ==, 0);
        g_assert_cmpint(chown(path, owner, owner), ==, 0);
}

/* ---- A1 ---- */

/*
 * Had it worked, a container's root would have written his own program over the one that the host's root runs next
 * (CVE-2019-5736). He has every capability here, and the stub of his PID 1 is that program.
 */
static void test_program_overwritten(Fixture *fixture)
{
        g_autofree char *stub = leader_says(
                fixture->client, "box", "exec 2>&1; chmod 0755 /proc/1/exe; : >> /proc/1/exe", "{'StubInit': <true>}");
        wait_for(fixture->client, "box", "exited", 2);
        g_assert_nonnull(strstr(stub, "Read-only file system"));
}

/* The program that joins is executed again by the container's own script; it must neither run for it nor be open. */
static void test_program_as_interpreter(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;

        write_file(TEST_DIRECTORY "/evil", "#!/proc/self/exe\n", 0755, ALICE);
        create(alice, "box", idle, "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/evil', '/bin/true'])]>}");
        for (guint i = 0; i < rounds(20); i++) {
                g_autofree char *said = exec_says(alice, "box", "",
                                                  "true; (: >> /proc/1/exe); for p in /proc/[0-9]*; "
                                                  "do readlink $p/exe; done",
                                                  NULL, &error);
                g_assert_no_error(error);
                g_assert_null(strstr(said, "pflask-supervisor"));
        }
        terminate(alice, "box");
}

/* ---- A14 ---- */

/*
 * Had it worked, anybody could have ended what root and others wait for, by saying that they had left: sd-bus takes a
 * signal of a stranger for one of the bus when it is sent to us alone.
 */
static void test_leaving_forged(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autofree char *manager = manager_unique_name(carol);
        const char *victim = g_dbus_connection_get_unique_name(alice->connection);
        g_auto(Pending) pending = {};

        create(fixture->client, "box", idle, NULL);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"),
                          &pending);
        n_containers(alice);
        g_autoptr(GDBusMessage)
                signal = g_dbus_message_new_signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged");
        g_dbus_message_set_destination(signal, manager);
        g_dbus_message_set_body(signal, g_variant_new("(sss)", victim, victim, ""));
        send_forged(carol, signal);
        n_containers(carol);
        terminate(fixture->client, "box");
        await_within(5, pending.is_done);
        g_assert_no_error(pending.error);
}

/* Had it worked, carol would have answered for polkit, and killed root's container. */
static void test_answer_forged(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autofree char *manager = manager_unique_name(carol);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", "slow", "leader", SIGKILL), &pending);
        n_containers(carol);
        for (guint32 serial = 1; serial < 200; serial++) {
                g_autoptr(GDBusMessage) answer = g_dbus_message_new();
                g_dbus_message_set_message_type(answer, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
                g_dbus_message_set_reply_serial(answer, serial);
                g_dbus_message_set_destination(answer, manager);
                g_dbus_message_set_body(answer,
                                        g_variant_new("((bb@a{ss}))", TRUE, FALSE, g_variant_new_parsed("@a{ss} {}")));
                send_forged(carol, answer);
        }
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, DENIED);
        g_autoptr(GVariant) state = property(fixture->client, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "slow");
}

/* ---- A5 ---- */

/*
 * Had it worked, an owner who was allowed once to run one program of no privilege without a user namespace would have
 * become root of the host: the leader makes a namespace of its own later, looks confined, and the owner sends in root.
 */
static void test_namespace_made_later(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        create(alice, "granted", "exec unshare -r sleep 100", "{'SharedNamespaces': <['user']>, 'User': <'alice'>}");
        g_autoptr(GVariant) leader = property(alice, "granted", "Leader");
        g_autofree char *map = g_strdup_printf("/proc/%u/uid_map", g_variant_get_uint32(leader));
        gboolean is_apart = FALSE;
        for (guint i = 0; i < 500 && !is_apart; i++) {
                g_autofree char *content = NULL;
                g_file_get_contents(map, &content, NULL, NULL);
                is_apart = content && strstr(content, "61001");
                n_containers(alice);
        }
        g_assert_true(is_apart);
        g_assert_cmpstr(exec_outcome(alice, "granted", "root", "id -u"), ==, INTERACTIVE);
        g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                                g_variant_new("(ssi)", "granted", "leader", SIGKILL)),
                        ==, INTERACTIVE);
        g_variant_unref(manager_call(fixture->client, "TerminateContainer", "(s)", "granted"));
        wait_for(alice, "granted", "killed", SIGKILL);
}

/* Options by which a container would reach beyond its caller: each makes it one that polkit is asked about. */
static void test_reaching_options(Fixture *fixture)
{
        static const char *const reaching[] = {
                "{'SharedNamespaces': <['user']>}",
                "{'SharedNamespaces': <['user', 'mount', 'pid']>}",
                "{'UserMaps': <[(uint32 0, uint32 0, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 1), (uint32 1, uint32 0, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 2)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61002, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 1), (uint32 1, uint32 700000000, uint32 65537)]>}",
                "{'UserMaps': <[(uint32 0, uint32 699999999, uint32 2)]>}",
                "{'UserMaps': <[(uint32 0, uint32 700000000, uint32 4294967295)]>}",
                "{'Interfaces': <[('veth', ['pf0', 'eth0'])]>}",
                "{'Interfaces': <[('move', ['lo', 'lo1'])]>}",
                "{'Interfaces': <[('macvlan', ['eth0', 'mv0'])]>}",
                "{'Cgroups': <['memory']>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint i = 0; i < G_N_ELEMENTS(reaching); i++) {
                const char *error = creation_outcome(alice, "box", idle, reaching[i]);
                g_assert_true(g_str_equal(error, INTERACTIVE) || g_str_equal(error, ERROR_PREFIX "InvalidOption"));
        }
}

/* Had it worked, the file on disk would have decided whose container it is, and the manager after a crash believed it. */
static void test_altered_record(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        const char *file = CONTAINERS_DIRECTORY "/box/state";
        g_autofree char *before = NULL;

        create(fixture->client, "box", idle, NULL);
        g_assert_true(g_file_get_contents(file, &before, NULL, NULL));
        fixture_stop_manager(fixture, SIGKILL);
        g_autoptr(GString) altered = g_string_new(before);
        g_string_replace(altered, "OWNER=0", "OWNER=61001", 0);
        g_assert_cmpstr(altered->str, !=, before);
        write_file(file, altered->str, 0600, 0);
        fixture_start_manager(fixture);
        g_assert_cmpstr(exec_outcome(alice, "box", "root", "id"), ==, INTERACTIVE);
        g_autoptr(GVariant) owner = property(alice, "box", "Owner");
        g_assert_cmpuint(g_variant_get_uint32(owner), ==, 0);
        terminate(fixture->client, "box");
}

/* ---- A2 ---- */

/* Had it worked, the working directory would have been one of the host's, and "../.." its root (CVE-2024-21626). */
static void test_descriptor_as_directory(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < 64; i++) {
                g_autofree char *text = g_strdup_printf("{'WorkingDirectory': <'/proc/self/fd/%u'>}", i);
                g_autoptr(GError) error = NULL;
                g_assert_cmpstr(creation_outcome(fixture->client, "other", "pwd", text), !=, "");
                g_autofree char *said = exec_says(fixture->client, "box", "", "pwd", text, &error);
                g_assert_null(said);
        }
        terminate(fixture->client, "box");
}

/* Had it failed, whoever runs inside would hold something of the host's. */
static void test_three_descriptors(Fixture *fixture)
{
        static const char *const script = "ls /proc/$$/fd | tr '\\n' ' '";
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;

        g_autofree char *leader = leader_says(alice, "box", script, NULL);
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(leader, ==, "0 1 2 ");
        g_autofree char *stub = leader_says(alice, "box", "ls /proc/1/fd 2>&1; ls /proc/$$/fd | tr '\\n' ' '",
                                            "{'StubInit': <true>}");
        wait_for(alice, "box", "exited", 0);
        g_assert_true(g_str_has_suffix(stub, "0 1 2 "));
        create(alice, "box", idle, NULL);
        g_autofree char *joined = exec_says(alice, "box", "", script, NULL, &error);
        g_assert_cmpstr(joined, ==, "0 1 2 ");
        terminate(alice, "box");
}

/* ---- A3, A4 ---- */

/* Had it worked, the container would have held the joining process's descriptors, memory or root directory. */
static void test_joiner_watched(Fixture *fixture)
{
        static const char *const of_the_host[] = {"pflask-supervisor", "PFLASK_", "socket:", "pidfd"};
        static const char *const watch =
                "exec 2>/dev/null; while :; do for p in /proc/[0-9]*; do case $(cat $p/comm) in pflask*)"
                " readlink $p/exe $p/cwd $p/root $p/fd/*; tr '\\0' ' ' < $p/environ; esac; done; "
                "done";
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(alice, "box", watch, NULL, &attachment);
        for (guint i = 0; i < rounds(100); i++)
                g_assert_cmpstr(exec_outcome(alice, "box", "", "true"), ==, "");
        terminate(alice, "box");
        GByteArray *said = read_until_end(attachment.console);
        /* It may have become the command while it was looked at: that is the container's own. */
        g_byte_array_append(said, (const guint8 *)"", 1);
        for (guint i = 0; i < G_N_ELEMENTS(of_the_host); i++)
                g_assert_null(strstr((const char *)said->data, of_the_host[i]));
        g_byte_array_unref(said);
}

static gboolean is_ours(const char *pid)
{
        g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
        g_autofree char *comm = NULL;

        return g_file_get_contents(path, &comm, NULL, NULL) && g_str_has_prefix(comm, "pflask-");
}

/* Tries all that a process of the same uid could. Return: whether one of it worked. */
static gboolean can_reach_into(const char *entry)
{
        pid_t pid = atoi(entry);
        g_autofree char *memory = g_build_filename("/proc", entry, "mem", NULL);
        _cleanup_(fd_closep) int pidfd = pidfd_open(pid, 0);
        _cleanup_(fd_closep) int mem = open(memory, O_RDWR | O_CLOEXEC);
        int stolen = pidfd >= 0 ? (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0) : -1;
        gboolean is_seized = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;

        fd_close(stolen);
        return (mem >= 0 || stolen >= 0 || is_seized) && is_ours(entry);
}

/* In a process of its own, with alice's ids, for as long as it is let live. */
_noreturn_ static void attack_same_uid(int report)
{
        if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0)
                _exit(EXIT_FAILURE);
        for (;;) {
                g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
                const char *entry;
                while ((entry = g_dir_read_name(proc)))
                        if (atoi(entry) > 1 && is_ours(entry) && can_reach_into(entry))
                                fd_write_all(report, "!", 1);
        }
}

/* Had it worked, alice would have steered the set-up, which holds descriptors that she could not have opened. */
static void test_set_up_traced(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
        pid_t attacker = fork();
        if (attacker == 0)
                attack_same_uid(ends[1]);
        g_assert_cmpint(attacker, >, 0);
        for (guint i = 0; i < rounds(20); i++) {
                create(alice, "box", idle, NULL);
                g_assert_cmpstr(exec_outcome(alice, "box", "", "true"), ==, "");
                terminate(alice, "box");
        }
        g_assert_cmpint(kill(attacker, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(attacker, NULL, 0), ==, attacker);
        char byte;
        g_assert_cmpint(read(ends[0], &byte, 1), ==, -1);
        fd_close(ends[0]);
        fd_close(ends[1]);
}

/* ---- A10 ---- */

/* Had it worked, a rule that refuses root would have let in who spells it as a number. */
static void test_root_as_a_number(Fixture *fixture)
{
        static const char *const spellings[] = {"root", "0", "00", "0000000000"};
        static const char *const nobody[] = {"4294967296", "4294967295", "-1", "+0", "0x0", " 0", "0 "};
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
                g_autofree char *text = g_strdup_printf("{'SharedNamespaces': <['user']>, 'User': <'%s'>}",
                                                        spellings[i]);
                g_assert_cmpstr(creation_outcome(alice, "granted", "id", text), ==, DENIED);
        }
        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(nobody); i++)
                g_assert_cmpstr(exec_outcome(fixture->client, "box", nobody[i], "id"), ==, ERROR_PREFIX "NoSuchUser");
        terminate(fixture->client, "box");
}

/* ---- A11, A21 ---- */

/* Had it worked, a value would have become another option, of systemd or of a file system (CVE-2022-0811). */
static void test_smuggled_options(Fixture *fixture)
{
        static const char *const refused[] = {
                "{'Properties': <[('ExecStart', <'/bin/sh'>)]>}",
                "{'Properties': <[('User', <'root'>)]>}",
                "{'Properties': <[('Slice', <'system.slice'>)]>}",
                "{'Properties': <[('DevicePolicy', <'auto'>)]>}",
                "{'Properties': <[('MemoryMax=1\\nDelegate', <uint64 1>)]>}",
                "{'Hostname': <'a\\nb'>}",
                "{'Hostname': <'a/b'>}",
                "{'Environment': <['=x']>}",
                "{'Environment': <['novalue']>}",
                "{'WorkingDirectory': <'tmp'>}",
                "{'Limits': <[('NOFILE,NPROC', uint64 1, uint64 1)]>}",
                "{'SharedNamespaces': <['user,mount']>}",
                "{'Capabilities': <['all,sys_admin']>}",
                "{'Mounts': <[('bind,suid', ['/', '/mnt'])]>}",
                "{'Mounts': <[('tmp', ['/tmp', 'mode=0,uid=0'])]>}",
                "{'Mounts': <[('tmp', ['../tmp'])]>}",
                "{'Root ': <'/'>}",
                "{'root': <'/'>}",
                "{'Root\\n': <'/'>}",
        };

        for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
                g_assert_cmpstr(creation_outcome(fixture->client, "box", "true", refused[i]), !=, "");
}

/* Had it worked, the comma would have begun another option of the overlay, or the colon another lower layer. */
static void test_separators_in_paths(Fixture *fixture)
{
        static const char *const names[] = {"a,upperdir=b", "a:b", "a=b", "a%sb", "a+b", "a\\\\b", "a\\nb", "-o suid"};

        make_directory(TEST_DIRECTORY "/odd", 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *name = g_strcompress(names[i]);
                g_autofree char *upper = g_build_filename(TEST_DIRECTORY "/odd", name, NULL);
                g_autofree char *work = g_strconcat(upper, ".work", NULL);
                g_autofree char *made = g_build_filename(upper, "made", NULL);
                g_autofree char *text = g_strdup_printf("{'Mounts': <[('overlay', ['" TEST_DIRECTORY "/odd/%s', '/srv',"
                                                        " '" TEST_DIRECTORY "/odd/%s.work'])]>}",
                                                        names[i], names[i]);
                make_directory(upper, 0755, 0);
                make_directory(work, 0755, 0);
                create(fixture->client, "box", "touch /srv/made", text);
                wait_for(fixture->client, "box", "exited", 0);
                g_assert_true(g_file_test(made, G_FILE_TEST_EXISTS));
        }
}

/* ---- A12 ---- */

/* Had it worked, alice's container would have typed into root's shell (CVE-2017-5226). */
static void test_terminal_in_anothers(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL}, *const environment[] = {NULL};
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        _cleanup_(fd_closep) int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        g_assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
        _cleanup_(fd_closep) int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        create(alice, "box", idle, NULL);
        g_unix_fd_list_append(fds, null, NULL);
        g_unix_fd_list_append(fds, terminal, NULL);
        for (int stream = 0; stream < 3; stream++) {
                g_autoptr(GError) error = NULL;
                GVariant *reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "ExecContainer",
                                              g_variant_new("(ss^as^ashhh@a{sv})", "box", "", command, environment,
                                                            stream == 0, stream == 1, stream == 2, options(NULL)),
                                              fds, NULL, &error);
                g_assert_null(reply);
                g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "InvalidOption");
        }
        terminate(alice, "box");
}

/* Had it worked, her own container would have typed into the shell that she started it from: TIOCSTI, TIOCLINUX, and
   with bits above those that the kernel looks at. */
static void test_keys_pushed(Fixture *fixture)
{
        static const char *const push = "perl -e 'for (0x5412, 0x541c, 0x5412 + 2**32) { my $x = \"x\"; "
                                        "print ioctl(STDIN, $_, $x) ? \"typed \" : \"refused \" }'";
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;
        _cleanup_(fd_closep) int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        int ends[2];

        g_assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
        _cleanup_(fd_closep) int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        g_assert_cmpint(fchown(terminal, ALICE, ALICE), ==, 0);
        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        g_unix_fd_list_append(fds, terminal, NULL);
        g_unix_fd_list_append(fds, ends[1], NULL);
        fd_close(ends[1]);
        _cleanup_(fd_closep) int reader = ends[0];
        GVariant *reply = client_call(
                alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                create_parameters("box", push, "{'Terminal': <false>, 'Stdin': <handle 0>, 'Stdout': <handle 1>}"), fds,
                NULL, &error);
        g_assert_no_error(error);
        g_variant_unref(reply);
        g_clear_object(&fds);
        wait_for(alice, "box", "exited", 0);
        GByteArray *said = read_until_end(reader);
        g_assert_cmpmem(said->data, said->len, "refused refused refused ", 24);
        g_byte_array_unref(said);
}

/* ---- A13 ---- */

/* Had it worked, polkit's yes to the end of root's container would have ended alice's, who took the name meanwhile. */
static void test_replaced_by_another_user(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        client_call_later(bob, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", "slow", "leader", SIGKILL), &pending);
        n_containers(bob);
        terminate(fixture->client, "slow");
        create(alice, "slow", idle, NULL);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "NoSuchContainer");
        g_autoptr(GVariant) state = property(alice, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(alice, "slow");
}

/* ---- A15 ---- */

static char *creation_sentence(Client *client, const char *option_text)
{
        g_autoptr(GError) error = NULL;
        GVariant *reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                      create_parameters("box", "true", option_text), NULL, NULL, &error);

        g_assert_null(reply);
        g_dbus_error_strip_remote_error(error);
        return g_strdup(error->message);
}

/* Had it worked, a confined caller would have read what root alone may, or learned what is there. */
static void test_what_root_alone_may_see(Fixture *fixture)
{
        static const char *const forms[] = {
                "{'Root': <'" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/self/root" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/1/root" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/1/cwd/run/test/secret/%s'>}",
                "{'Root': <'" TEST_DIRECTORY "/../test/secret/%s'>}",
                "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/secret/%s', '/mnt'])]>}",
                "{'Mounts': <[('overlay', ['" TEST_DIRECTORY "/secret/%s', '/mnt', '/tmp'])]>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_directory(TEST_DIRECTORY "/secret", 0700, 0);
        make_directory(TEST_DIRECTORY "/secret/there", 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
                g_auto(GStrv) parts = g_strsplit(forms[i], "%s", 2);
                g_autofree char *there = g_strconcat(parts[0], "there", parts[1], NULL);
                g_autofree char *absent = g_strconcat(parts[0], "never", parts[1], NULL);
                g_autofree char *one = creation_sentence(alice, there);
                g_autofree char *two = creation_sentence(alice, absent);
                g_autoptr(GString) other = g_string_new(two);
                g_string_replace(other, "never", "there", 0);
                g_assert_cmpstr(one, ==, other->str);
        }
        create(alice, "box", idle, NULL);
        g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "BindMountContainer",
                                g_variant_new("(sssbb)", "box", TEST_DIRECTORY "/secret/there", "/mnt", TRUE, FALSE)),
                        !=, "");
        terminate(alice, "box");
}

/* Swaps a directory of alice's with a link to what root alone may read, as fast as it goes, until killed. */
_noreturn_ static void swap_for_ever(void)
{
        if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0)
                _exit(EXIT_FAILURE);
        for (;;)
                renameat2(AT_FDCWD, TEST_DIRECTORY "/hers/a", AT_FDCWD, TEST_DIRECTORY "/hers/b", RENAME_EXCHANGE);
}

/* Had it worked, root's directory would now and then have come into the container (CVE-2021-30465). */
static void test_swapped_link(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_directory(TEST_DIRECTORY "/secret", 0700, 0);
        write_file(TEST_DIRECTORY "/secret/canary", "", 0644, 0);
        make_directory(TEST_DIRECTORY "/hers", 0755, ALICE);
        make_directory(TEST_DIRECTORY "/hers/a", 0755, ALICE);
        g_assert_cmpint(symlink(TEST_DIRECTORY "/secret", TEST_DIRECTORY "/hers/b"), ==, 0);
        pid_t attacker = fork();
        if (attacker == 0)
                swap_for_ever();
        for (guint i = 0; i < rounds(100); i++)
                if (g_str_equal(creation_outcome(alice, "box", "test ! -e /mnt/canary",
                                                 "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/hers/a', '/mnt'])]>}"),
                                ""))
                        wait_for(alice, "box", "exited", 0);
        g_assert_cmpint(kill(attacker, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(attacker, NULL, 0), ==, attacker);
}

/* ---- A16, A24 ---- */

typedef struct Likeness {
        uid_t uid;
        const char *options;
        const char *user; /* to join as who the leader is */
} Likeness;

/* Had it failed, whoever is sent in would be more than the container was allowed to be (CVE-2022-27649). */
static void test_joined_is_like_the_leader(Fixture *fixture)
{
        static const char *const facts = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status;"
                                         "readlink /proc/self/ns/*; cat /proc/self/cgroup;"
                                         "cat /proc/self/attr/current 2>/dev/null; cat /proc/self/oom_score_adj;";
        static const Likeness rows[] = {
                {0, NULL, ""},
                {0, "{'NoNewPrivileges': <true>}", ""},
                {0, "{'Capabilities': <['-all']>}", ""},
                {0, "{'Capabilities': <['-sys_admin', '-sys_ptrace']>}", ""},
                {0, "{'SharedNamespaces': <['uts', 'ipc', 'cgroup']>}", ""},
                {0, "{'UserMaps': <[(uint32 0, uint32 700000000, uint32 65536)]>}", ""},
                {0, "{'User': <'alice'>}", "alice"},
                {0, "{'PrivateNetwork': <true>}", ""},
                {ALICE, NULL, ""},
                {ALICE, "{'NoNewPrivileges': <true>}", ""},
                {ALICE, "{'Capabilities': <['-all', '+net_bind_service']>}", ""},
                {ALICE, "{'User': <'alice'>}", "alice"},
        };
        g_autofree char *script = g_strconcat("stty -onlcr; ", facts, "echo END; exec sleep 100", NULL);

        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Client) client = client_new(fixture, rows[i].uid);
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                g_autoptr(GError) error = NULL;
                run(client, "box", script, rows[i].options, &attachment);
                GByteArray *leader = read_until(attachment.console, "END");
                g_autofree char *expected = g_strndup((char *)leader->data, leader->len - strlen("END\n"));
                g_byte_array_unref(leader);
                g_autofree char *joined = exec_says(client, "box", rows[i].user, facts, NULL, &error);
                g_assert_no_error(error);
                g_test_message("%s", rows[i].options);
                g_assert_cmpstr(joined, ==, expected);
                g_assert_nonnull(strstr(joined, "CapInh:\t0000000000000000"));
                terminate(client, "box");
        }
}

/* ---- A18 ---- */

/* Had it worked, a program of the host's that is root for everybody would have been root of the host in the container. */
static void test_set_user_id(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;
        g_autofree char *out = NULL;

        make_directory(TEST_DIRECTORY "/suid", 0755, 0);
        g_assert_cmpint(mount("tmpfs", TEST_DIRECTORY "/suid", "tmpfs", 0, "mode=0755"), ==, 0);
        g_assert_cmpint(shell(fixture,
                              "cp /usr/bin/id suid/id && chmod 4755 suid/id && "
                              "setpriv --reuid 61001 --clear-groups suid/id -u",
                              &out, NULL),
                        ==, 0);
        g_assert_cmpstr(out, ==, "0\n");
        g_autofree char *self = leader_says(alice, "box", TEST_DIRECTORY "/suid/id -u", "{'User': <'alice'>}");
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(self, ==, "61001\n");
        create(alice, "box", idle, "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/suid', '/mnt'])]>}");
        g_autofree char *other = exec_says(alice, "box", "5", TEST_DIRECTORY "/suid/id -u; /mnt/id -u", NULL, &error);
        g_assert_cmpstr(other, ==, "5\n5\n");
        terminate(alice, "box");
        g_assert_cmpint(umount2(TEST_DIRECTORY "/suid", MNT_DETACH), ==, 0);
}

/* ---- A22 ---- */

static void assert_others_are_served(Fixture *fixture)
{
        gint64 begin = g_get_monotonic_time();

        n_containers(fixture->client);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, G_TIME_SPAN_SECOND);
}

/* Had it worked, the service would have waited for a byte of the container's for ever, or have read until its end. */
static void test_odd_files(Fixture *fixture)
{
        static const char *const files[] = {TEST_DIRECTORY "/fifo", TEST_DIRECTORY "/sparse", "/dev/zero", "/dev/full",
                                            TEST_DIRECTORY "/lines"};
        static const char *const places[] = {"/etc/passwd", "/etc/group", "/usr/lib/os-release"};
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GString) lines = g_string_new(NULL);

        for (guint i = 0; i < 1000000; i++)
                g_string_append(lines, "x:x:5:5::/:\n");
        write_file(TEST_DIRECTORY "/lines", lines->str, 0644, ALICE);
        write_file(TEST_DIRECTORY "/sparse", "", 0644, ALICE);
        g_assert_cmpint(truncate(TEST_DIRECTORY "/sparse", INT64_C(10) << 30), ==, 0);
        g_assert_cmpint(mkfifo(TEST_DIRECTORY "/fifo", 0666), ==, 0);
        for (guint i = 0; i < G_N_ELEMENTS(files) * G_N_ELEMENTS(places); i++) {
                g_autofree char *text = g_strdup_printf("{'Mounts': <[('bind', ['%s', '%s'])]>}",
                                                        files[i / G_N_ELEMENTS(places)],
                                                        places[i % G_N_ELEMENTS(places)]);
                gint64 begin = g_get_monotonic_time();
                g_test_message("%s", text);
                if (g_str_equal(creation_outcome(alice, "box", idle, text), "")) {
                        exec_outcome(alice, "box", "x", "true");
                        outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "GetContainerOSRelease",
                                g_variant_new("(s)", "box"));
                        assert_others_are_served(fixture);
                        terminate(alice, "box");
                }
                g_assert_cmpint(g_get_monotonic_time() - begin, <, 2 * G_TIME_SPAN_SECOND);
        }
}

/* ---- A23 ---- */

/* Had it worked, a uid above INT_MAX would have been -1 or 0 somewhere on its way (systemd#11026). */
static void test_uid_above_int_max(Fixture *fixture)
{
        g_autoptr(Client) odd = client_new_with_groups(fixture, ODD, CAROL, NULL, 0);
        g_autoptr(GError) error = NULL;

        create(odd, "box", idle, NULL);
        g_autoptr(GVariant) owner = property(odd, "box", "Owner");
        g_assert_cmpuint(g_variant_get_uint32(owner), ==, ODD);
        g_autofree char *map = exec_says(odd, "box", "", "tr -s ' ' < /proc/self/uid_map", NULL, &error);
        g_assert_cmpstr(map, ==, " 0 4000000000 1\n");
        create(fixture->client, "other", idle, NULL);
        g_assert_cmpstr(exec_outcome(odd, "other", "", "true"), ==, INTERACTIVE);
        terminate(odd, "box");
        terminate(fixture->client, "other");
}

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

/* ---- descriptors, sockets, sizes ---- */

static const char *root_outcome(Client *client, int fd)
{
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(fd, >=, 0);
        g_unix_fd_list_append(fds, fd, NULL);
        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                    create_parameters("box", "true", "{'Root': <handle 0>}"), fds, NULL, &error);
        g_assert_null(reply);
        g_test_message("%s", error->message);
        return client_error_name(error);
}

/* Had it worked, the root would have been a file, or where a link leads when the set-up follows it. */
static void test_root_that_is_no_directory(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        Client *const clients[] = {alice, fixture->client};
        _cleanup_(fd_closep) int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        _cleanup_(fd_closep) int place = open("/etc/passwd", O_PATH | O_CLOEXEC);
        _cleanup_(fd_closep) int link = open("/proc/self/root", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_(fd_closep) int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int fds[] = {file, place, link, socket_fd};

        for (guint i = 0; i < G_N_ELEMENTS(fds) * G_N_ELEMENTS(clients); i++)
                g_assert_cmpstr(root_outcome(clients[i % 2], fds[i / 2]), !=, "");
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

/* Until polkit has answered all that it was asked before. */
static void await_polkit(Client *client)
{
        g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
                client->connection, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                "org.freedesktop.PolicyKit1.Authority", "EnumerateActions", g_variant_new("(s)", ""), NULL,
                G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

        g_assert_nonnull(reply);
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

/* The supervisor that is kept ready for the next container. Return: its pid; 0 while there is none. */
static pid_t find_supervisor(void)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(proc))) {
                g_autofree char *path = g_build_filename("/proc", entry, "comm", NULL);
                g_autofree char *comm = NULL;
                if (atoi(entry) > 1 && g_file_get_contents(path, &comm, NULL, NULL) &&
                    g_str_has_prefix(comm, "pflask-supervis"))
                        return atoi(entry);
        }
        return 0;
}

/* Had it worked, polkit would have been asked about a container without an id, and its answer have fitted any other. */
static void test_asked_while_being_made(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_auto(Pending) pending = {};
        pid_t supervisor = find_supervisor();

        g_assert_cmpint(supervisor, >, 0);
        g_assert_cmpint(kill(supervisor, SIGSTOP), ==, 0);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, NULL), &pending);
        n_containers(alice);
        await_polkit(alice);
        g_assert_cmpstr(
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "GetContainer", g_variant_new("(s)", "box")),
                ==, ERROR_PREFIX "NoSuchContainer");
        g_assert_cmpint(kill(supervisor, SIGCONT), ==, 0);
        await(pending.is_done);
        g_assert_no_error(pending.error);
        terminate(alice, "box");
}

#define HERS(test_name, test_function)                                                                      \
        {                                                                                                   \
                .name = test_name, .function = test_function, .flags = ON_BUS | WITH_POLKIT, .rules = rules \
        }

static const Test tests[] = {
        TEST("/attack/A1-the-supervisor-is-no-writable-file", test_program_overwritten, ON_BUS),
        HERS("/attack/A1-who-joins-is-no-interpreter", test_program_as_interpreter),
        HERS("/attack/A5-a-namespace-that-is-made-later", test_namespace_made_later),
        HERS("/attack/A5-options-that-reach-further", test_reaching_options),
        HERS("/attack/A5-a-record-that-was-altered", test_altered_record),
        TEST("/attack/A2-a-descriptor-as-working-directory", test_descriptor_as_directory, ON_BOTH),
        HERS("/attack/A2-three-descriptors-and-no-more", test_three_descriptors),
        HERS("/attack/A3-who-joins-is-watched-in-vain", test_joiner_watched),
        HERS("/attack/A4-the-set-up-is-not-traced", test_set_up_traced),
        HERS("/attack/A10-root-as-a-number-is-root", test_root_as_a_number),
        TEST("/attack/A11-no-value-is-an-option", test_smuggled_options, ON_BOTH),
        TEST("/attack/A21-separators-in-paths-separate-nothing", test_separators_in_paths, ON_BUS),
        HERS("/attack/A14-a-leaving-that-is-forged", test_leaving_forged),
        HERS("/attack/A14-an-answer-that-is-forged", test_answer_forged),
        HERS("/attack/A12-no-terminal-in-anothers-container", test_terminal_in_anothers),
        HERS("/attack/A12-keys-for-the-callers-shell", test_keys_pushed),
        HERS("/attack/A13-a-name-taken-by-another-user", test_replaced_by_another_user),
        HERS("/attack/A15-what-root-alone-may-see", test_what_root_alone_may_see),
        HERS("/attack/A6-a-link-swapped-for-a-directory", test_swapped_link),
        HERS("/attack/A24-who-joins-is-like-the-leader", test_joined_is_like_the_leader),
        HERS("/attack/A18-a-set-user-id-program", test_set_user_id),
        HERS("/attack/A22-files-that-never-end", test_odd_files),
        HERS("/attack/A23-a-uid-above-int-max", test_uid_above_int_max),
        TEST("/attack/A25-names-that-are-more-than-names", test_names, ON_BOTH),
        HERS("/attack/a-root-that-is-no-directory", test_root_that_is_no_directory),
        HERS("/attack/too-much-at-once", test_too_much),
        HERS("/attack/the-control-socket-is-roots", test_control_socket),
        HERS("/attack/A19-waits-without-end", test_endless_waits),
        HERS("/attack/A19-more-containers-than-allowed", test_more_containers_than_allowed),
        TEST("/attack/A19-answers-that-nobody-reads", test_answers_never_read, ON_BUS),
        HERS("/attack/A19-an-end-that-is-taken-away", test_end_taken_away),
        HERS("/attack/A19-a-record-that-is-wiped-out", test_record_wiped_out),
        HERS("/attack/A13-asked-while-it-is-being-made", test_asked_while_being_made),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
