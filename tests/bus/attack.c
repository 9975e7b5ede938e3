/* SPDX-License-Identifier: BSD-2-Clause */
#include "attack.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"

const char *const idle = "exec sleep 100";

const char attack_rules[] =
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

GVariant *create_parameters(const char *name, const char *script, const char *option_text)
{
        const char *const command[] = {"sh", "-c", script, NULL};

        return g_variant_new("(s^as@a{sv})", name, command, options(option_text));
}

const char *creation_outcome(Client *client, const char *name, const char *script, const char *option_text)
{
        return outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                       create_parameters(name, script, option_text));
}

/* What sh -c @script writes to the console, as PID 1. Return: the caller's. */
char *leader_says(Client *client, const char *name, const char *script, const char *option_text)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *whole = g_strconcat("stty -onlcr; ", script, NULL);

        run(client, name, whole, option_text, &attachment);
        GByteArray *content = read_until_end(attachment.console);
        g_byte_array_append(content, (const guint8 *)"", 1);
        return (char *)g_byte_array_free(content, FALSE);
}

/* The same of a process that is sent in. Return: the caller's; NULL with @error. */
char *exec_says(Client *client, const char *name, const char *user, const char *script, const char *option_text,
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
guint32 exec_begin(Client *client, const char *name, const char *script)
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

gboolean exec_succeeds(Client *client, const char *name, const char *script)
{
        guint32 process = exec_begin(client, name, script);
        int status;

        g_autoptr(GVariant) end = manager_call(client, "WaitProcess", "(su)", name, process);
        g_variant_get(end, "(si)", NULL, &status);
        return status == 0;
}

const char *exec_outcome(Client *client, const char *name, const char *user, const char *script)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *said = exec_says(client, name, user, script, NULL, &error);

        g_test_message("%s", said ? said : error->message);
        return client_error_name(error);
}

/* Who writes what to the bus is theirs to choose: a message of @client's that no library would send. */
void send_forged(Client *client, GDBusMessage *message)
{
        g_autoptr(GError) error = NULL;

        g_dbus_connection_send_message(client->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, &error);
        g_assert_no_error(error);
        g_dbus_connection_flush_sync(client->connection, NULL, NULL);
}

char *manager_unique_name(Client *client)
{
        g_autoptr(GVariant) reply = client_bus_call(client, "GetNameOwner", g_variant_new("(s)", MANAGER_BUS_NAME));
        char *name;

        g_variant_get(reply, "(s)", &name);
        return name;
}

gboolean has_cgroup(Fixture *fixture)
{
        g_autofree char *paths = NULL;

        shell(fixture, "find /sys/fs/cgroup -name pflask-box", &paths, NULL);
        return *paths != '\0';
}

void write_file(const char *path, const char *content, mode_t mode, uid_t owner)
{
        g_assert_true(g_file_set_contents_full(path, content, -1, G_FILE_SET_CONTENTS_NONE, (int)mode, NULL));
        g_assert_cmpint(chmod(path, mode), ==, 0);
        g_assert_cmpint(chown(path, owner, owner), ==, 0);
}

void make_directory(const char *path, mode_t mode, uid_t owner)
{
        g_assert_true(mkdir(path, mode) == 0 || errno == EEXIST);
        g_assert_cmpint(chmod(path, mode), ==, 0);
        g_assert_cmpint(chown(path, owner, owner), ==, 0);
}

void assert_others_are_served(Fixture *fixture)
{
        n_containers(fixture->client); /* or it fails: client.h */
}

/* Until polkit has answered all that it was asked before. */
void await_polkit(Client *client)
{
        g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
                client->connection, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                "org.freedesktop.PolicyKit1.Authority", "EnumerateActions", g_variant_new("(s)", ""), NULL,
                G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

        g_assert_nonnull(reply);
}

gboolean make_tree(const char *path, uid_t owner)
{
        static const char *const directories[] = {"", "bin", "etc", "dev", "proc", "sys", "run", "tmp", "mnt"};
        g_autofree char *program = g_build_filename(path, "bin/busybox", NULL);
        g_autofree char *shell_link = g_build_filename(path, "bin/sh", NULL);
        g_autofree char *passwd = g_build_filename(path, "etc/passwd", NULL);
        g_autofree char *content = NULL;
        gsize length;

        if (!g_file_get_contents("/bin/busybox", &content, &length, NULL)) {
                g_test_skip("there is no /bin/busybox");
                return FALSE;
        }
        g_autofree char *clear = g_strdup_printf("sh -c 'rm -rf %s/*'", path);
        g_assert_true(g_spawn_command_line_sync(clear, NULL, NULL, NULL, NULL));
        for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
                g_autofree char *directory = g_build_filename(path, directories[i], NULL);
                make_directory(directory, 0755, owner);
        }
        g_assert_true(g_file_set_contents(program, content, (gssize)length, NULL));
        g_assert_cmpint(chmod(program, 0755), ==, 0);
        g_assert_true(symlink("busybox", shell_link) == 0 || errno == EEXIST);
        write_file(passwd, "root:x:0:0::/:/bin/sh\ninside:x:0:0::/:/bin/sh\n", 0644, owner);
        return TRUE;
}

/* ---- attackers beside the service ---- */

pid_t attacker(void (*attack)(const void *data), const void *data)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid > 0)
                return pid;
        if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0)
                _exit(EXIT_FAILURE);
        for (;;)
                attack(data);
}

void end_attacker(pid_t pid)
{
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

void swap_for_ever(const void *data)
{
        const char *const *paths = data;

        for (;;)
                renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE);
}
char *creation_sentence(Client *client, const char *option_text)
{
        g_autoptr(GError) error = NULL;
        GVariant *reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                      create_parameters("box", "true", option_text), NULL, NULL, &error);

        g_assert_null(reply);
        g_dbus_error_strip_remote_error(error);
        return g_strdup(error->message);
}

static gboolean is_supervisor(const char *pid, const char *word)
{
        g_autofree char *path = g_build_filename("/proc", pid, "cmdline", NULL);
        g_autofree char *command = NULL;
        gsize length;

        if (!g_file_get_contents(path, &command, &length, NULL) || !g_str_has_suffix(command, "pflask-supervisor"))
                return FALSE;
        gsize place = strlen(command) + 1;
        return length > place && g_str_has_prefix(command + place, word);
}

/* Whose first argument begins with @word. Return: 0: there is none. */
static pid_t find_supervisor(const char *word)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(proc)))
                if (atoi(entry) > 1 && is_supervisor(entry, word))
                        return atoi(entry);
        return 0;
}

static pid_t await_supervisor(Client *client, const char *word)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
        pid_t pid;

        while ((pid = find_supervisor(word)) == 0 && g_get_monotonic_time() < deadline)
                n_containers(client);
        g_assert_cmpint(pid, >, 0);
        return pid;
}

pid_t await_spare(Client *client)
{
        return await_supervisor(client, " "); /* its place for a name is still blank */
}

pid_t await_nursery(Client *client)
{
        return await_supervisor(client, "--nursery");
}

/* ---- file systems that do not answer ---- */

int mount_hanging(const char *path)
{
        struct {
                struct fuse_in_header header;
                char rest[FUSE_MIN_READ_BUFFER];
        } request;
        _cleanup_(fd_closep) int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        g_autofree char *data = g_strdup_printf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", server, ALICE, ALICE);

        if (server < 0 || mount("hanging", path, "fuse", MS_NOSUID | MS_NODEV, data) < 0)
                return -EBADF;
        g_assert_cmpint(read(server, &request, sizeof(request)), >, 0);
        g_assert_cmpuint(request.header.opcode, ==, FUSE_INIT);
        const struct {
                struct fuse_out_header header;
                struct fuse_init_out init;
        } answer = {
                .header = {.len = sizeof(answer), .unique = request.header.unique},
                .init = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096},
        };
        g_assert_cmpint(write(server, &answer, sizeof(answer)), ==, sizeof(answer));
        return TAKE_FD(server);
}

pid_t await_hanging(int server)
{
        union {
                struct fuse_in_header header;
                char whole[2 * FUSE_MIN_READ_BUFFER];
        } request;

        g_assert_cmpint(read(server, &request, sizeof(request)), >, 0);
        return (pid_t)request.header.pid;
}
