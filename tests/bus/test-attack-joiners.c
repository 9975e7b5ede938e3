/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on who joins
 *
 * Whoever goes into a container, or sets one up, brings something that the container has not: a program of the host's,
 * descriptors, capabilities, a terminal. A container of alice's, or she herself beside it, tries to have some of that.
 */
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

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

/* Holds on to the program of every process that joins, and writes to it whenever it may be written to. */
static const char overwrite[] =
        "$| = 1; print \"ready\\n\"; for (;;) { opendir D, '/proc'; for my $p (grep /^\\d+$/, readdir D) {"
        " my $exe = readlink \"/proc/$p/exe\"; next if !defined $exe || $exe =~ /perl/;"
        " print \"seen\\n\" if !$seen++; my $held; push @held, $held if open $held, '<', \"/proc/$p/exe\";"
        " shift @held if @held > 8; print \"changed\\n\" if chmod 0755, \"/proc/$p/exe\";"
        " for (\"/proc/$p/exe\", map { '/proc/self/fd/' . fileno $_ } @held) {"
        " for my $mode ('+<', '>>') { next if !open F, $mode, $_; print \"overwritten\\n\"; syswrite F, 'evil' } } } }";

/* What is to stay as it is. Return: the caller's. */
static char *programs_sum(void)
{
        static const char *const programs[] = {"service/supervisor/pflask-supervisor", "service/manager/pflask-manager",
                                               "cli/pflask"};
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        for (guint i = 0; i < G_N_ELEMENTS(programs); i++) {
                g_autofree char *path = build_path(programs[i]), *content = NULL;
                gsize length;
                g_assert_true(g_file_get_contents(path, &content, &length, NULL));
                g_checksum_update(sum, (const guchar *)content, (gssize)length);
        }
        return g_strdup(g_checksum_get_string(sum));
}

static void join_shell(Client *client)
{
        g_autoptr(GUnixFDList) got = NULL;
        g_autoptr(GError) error = NULL;
        guint32 process;

        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "OpenContainerShell",
                                    g_variant_new("(ss@as@as@a{sv})", "box", "", g_variant_new_strv(NULL, 0),
                                                  g_variant_new_strv(NULL, 0), options(NULL)),
                                    NULL, &got, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(uhh)", &process, NULL, NULL);
        g_variant_unref(manager_call(client, "WaitProcess", "(su)", "box", process));
}

/* Alternately a command and a shell are sent into what runs overwrite(). Return: what it says of that. */
static char *race(Client *client, guint n)
{
        static const char *const command[] = {"perl", "-e", overwrite, NULL};
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        g_variant_unref(manager_call(client, "CreateContainer", "(s^as@a{sv})", "box", command,
                                     options("{'Mounts': <[('bind', ['" TEST_DIRECTORY "/evil', '/bin/sh']),"
                                             " ('bind', ['" TEST_DIRECTORY "/evil', '/bin/bash'])]>}")));
        attach(client, "box", FALSE, &attachment);
        for (guint i = 0; i < n; i++) {
                exec_succeeds(client, "box", "true");
                join_shell(client);
        }
        terminate(client, "box");
        GByteArray *said = read_until_end(attachment.console);
        g_byte_array_prepend(said, g_bytes_get_data(attachment.backlog, NULL),
                             (guint)g_bytes_get_size(attachment.backlog));
        g_byte_array_append(said, (const guint8 *)"", 1);
        return (char *)g_byte_array_free(said, FALSE);
}

/*
 * The attack itself: the container's shell has the program of whoever joins for its interpreter, and the container's
 * root, who is the host's or alice, waits for that program. With -m slow it is 10,000 commands and 10,000 shells each.
 */
static void test_program_raced(Fixture *fixture)
{
        static const uid_t owners[] = {0, ALICE};
        g_autofree char *before = programs_sum();

        write_file(TEST_DIRECTORY "/evil", "#!/proc/self/exe\n", 0755, ALICE);
        for (guint i = 0; i < G_N_ELEMENTS(owners); i++) {
                g_autoptr(Client) owner = client_new(fixture, owners[i]);
                g_autofree char *said = race(owner, rounds(g_test_slow() ? 10000 : 100));
                g_test_message("%s", said);
                g_assert_nonnull(strstr(said, "ready"));
                g_assert_nonnull(strstr(said, "seen"));
                g_assert_null(strstr(said, "overwritten"));
                g_assert_null(strstr(said, "changed"));
        }
        g_autofree char *after = programs_sum();
        g_assert_cmpstr(after, ==, before);
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
        static const char *const script = "ls -m /proc/$$/fd; :"; /* not in a pipe, which would be of the shell's */
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;

        g_autofree char *leader = leader_says(alice, "box", script, NULL);
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(leader, ==, "0, 1, 2\n");
        g_autofree char *stub = leader_says(alice, "box",
                                            "ls /proc/1/fd 2>&1; ls -m /proc/$$/fd; :", "{'StubInit': <true>}");
        wait_for(alice, "box", "exited", 0);
        g_assert_true(g_str_has_suffix(stub, "0, 1, 2\n"));
        create(alice, "box", idle, NULL);
        g_autofree char *joined = exec_says(alice, "box", "", script, NULL, &error);
        g_assert_cmpstr(joined, ==, "0, 1, 2\n");
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

/* Again and again, with her ids. */
static void attack_same_uid(const void *report)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(proc)))
                if (atoi(entry) > 1 && is_ours(entry) && can_reach_into(entry))
                        fd_write_all(*(const int *)report, "!", 1);
}

/* Had it worked, alice would have steered the set-up, which holds descriptors that she could not have opened. */
static void test_set_up_traced(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
        pid_t pid = attacker(attack_same_uid, &ends[1]);
        for (guint i = 0; i < rounds(20); i++) {
                create(alice, "box", idle, NULL);
                g_assert_cmpstr(exec_outcome(alice, "box", "", "true"), ==, "");
                terminate(alice, "box");
        }
        end_attacker(pid);
        char byte;
        g_assert_cmpint(read(ends[0], &byte, 1), ==, -1);
        fd_close(ends[0]);
        fd_close(ends[1]);
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

/* ---- A17 ---- */

/*
 * Had it worked, a leader without any privilege would have had root's next command in its container executed from a
 * tree of its own making: with the host's user namespace, and root's authority. It goes to a mount namespace of its
 * own, and what root calls "id" there is alice's program.
 */
static void test_leader_goes_elsewhere(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autoptr(GError) error = NULL;

        write_file(TEST_DIRECTORY "/evil", "#!/bin/sh\necho moved along\n", 0755, ALICE);
        run(alice, "granted",
            "exec unshare -rm sh -c 'mount --bind " TEST_DIRECTORY "/evil /usr/bin/id; echo READY; exec sleep 100'",
            "{'SharedNamespaces': <['user']>, 'User': <'alice'>}", &attachment);
        g_byte_array_unref(read_until(attachment.console, "READY"));
        g_autofree char *said = exec_says(fixture->client, "granted", "", "id -u", NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(said, ==, "0\n");
        terminate(fixture->client, "granted");
        wait_for(alice, "granted", "killed", SIGKILL);
}

static gboolean key_is_in(const char *keys)
{
        return strstr(keys, "pflask-login") != NULL;
}

/* A key of a login session's, which all have who have that session's keyring, and nobody else: not even its user. */
static gboolean login_with_key(void)
{
        enum { POSSESSOR_ALL = 0x3f000000 };
        g_autofree char *keys = NULL;
        long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        long key = ring < 0 ? ring
                            : syscall(SYS_add_key, "user", "pflask-login", "secret", strlen("secret"),
                                      KEY_SPEC_SESSION_KEYRING);

        if (key < 0)
                return FALSE;
        g_assert_no_errno((int)syscall(SYS_keyctl, KEYCTL_SETPERM, key, POSSESSOR_ALL));
        return g_file_get_contents("/proc/keys", &keys, NULL, NULL) && key_is_in(keys);
}

/* Had it worked, a container would have had the keys of whoever started the manager: of a file system, or a ticket. */
static void test_login_keys(Fixture *fixture)
{
        if (!login_with_key())
                return g_test_skip("this kernel has no keys");
        fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        g_autofree char *leader = leader_says(fixture->client, "box", "cat /proc/keys", NULL);
        g_assert_nonnull(strstr(leader, "keyring"));
        g_assert_false(key_is_in(leader));
        g_variant_unref(manager_call(fixture->client, "WaitContainer", "(s)", "box"));
        create(fixture->client, "box", idle, NULL);
        g_autofree char *joiner = exec_says(fixture->client, "box", "root", "cat /proc/keys", NULL, NULL);
        g_assert_nonnull(strstr(joiner, "keyring"));
        g_assert_false(key_is_in(joiner));
        terminate(fixture->client, "box");
        syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        fixture->descriptors_before = G_MAXUINT; /* of another manager */
}

static const Test tests[] = {
        TEST("/attack/A1-the-supervisor-is-no-writable-file", test_program_overwritten, ON_BUS),
        ATTACK("/attack/A1-the-program-that-joins-stays-as-it-is", test_program_raced),
        TEST("/attack/A2-a-descriptor-as-working-directory", test_descriptor_as_directory, ON_BOTH),
        ATTACK("/attack/A2-three-descriptors-and-no-more", test_three_descriptors),
        ATTACK("/attack/A3-who-joins-is-watched-in-vain", test_joiner_watched),
        ATTACK("/attack/A4-the-set-up-is-not-traced", test_set_up_traced),
        ATTACK("/attack/A12-no-terminal-in-anothers-container", test_terminal_in_anothers),
        ATTACK("/attack/A12-keys-for-the-callers-shell", test_keys_pushed),
        ATTACK("/attack/A17-a-leader-that-goes-elsewhere", test_leader_goes_elsewhere),
        ATTACK("/attack/A24-who-joins-is-like-the-leader", test_joined_is_like_the_leader),
        ATTACK("/attack/keys-of-a-login", test_login_keys),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
