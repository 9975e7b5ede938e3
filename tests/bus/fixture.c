/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"

#define POLICY        "org.pflask.manager1.policy"
#define BUS_ADDRESS   "unix:path=/run/dbus/system_bus_socket"
#define CONFIGURATION "/run/pflask/manager.conf.d"

enum { DEADLINE_SEC = 30 };

/* Where the build leaves programs that look for each other in one directory once they are installed. */
#define PROGRAM_DIRECTORIES "service/manager", "service/supervisor", "service/container", "cli"

/* The policy of a system bus, as dbus-daemon ships it, with ours and polkit's, and what systemd's own comes to. */
static const char bus_configuration[] =
        "<busconfig><type>system</type><auth>EXTERNAL</auth><listen>" BUS_ADDRESS "</listen>"
        "<servicedir>" BUS_SERVICES_DIRECTORY "</servicedir>"
        "<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/><deny send_type=\"method_call\"/>"
        "<allow send_type=\"signal\"/><allow send_requested_reply=\"true\" send_type=\"method_return\"/>"
        "<allow send_requested_reply=\"true\" send_type=\"error\"/><allow receive_type=\"method_call\"/>"
        "<allow receive_type=\"method_return\"/><allow receive_type=\"error\"/><allow receive_type=\"signal\"/>"
        "<allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus\"/>"
        "<allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus.Introspectable\"/>"
        "<allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus.Properties\"/>"
        "<allow send_destination=\"org.freedesktop.systemd1\"/><allow send_destination=\"org.freedesktop.machine1\"/>"
        "</policy>"
        "<policy user=\"root\"><allow own=\"org.freedesktop.systemd1\"/><allow own=\"org.freedesktop.machine1\"/>"
        "<allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus.Debug.Stats\"/>"
        "</policy>"
        "<include ignore_missing=\"yes\">/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>"
        "<include>%s/org.pflask.Manager1.conf</include></busconfig>";

/* ---- waiting ---- */

static gboolean deadline_passed(void *condition)
{
        g_error("waited too long for: %s", (const char *)condition);
        return G_SOURCE_REMOVE;
}

guint await_start(guint seconds, const char *condition)
{
        return g_timeout_add_seconds(seconds, deadline_passed, (void *)(uintptr_t)condition);
}

void await_process(int pidfd)
{
        g_assert_cmpint(poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, DEADLINE_SEC * 1000), ==, 1);
}

/* ---- starting programs ---- */

char *build_path(const char *name)
{
        const char *build = g_getenv("PFLASK_BUILD_DIRECTORY");

        g_assert_nonnull(build);
        return g_build_filename(build, name, NULL);
}

guint rounds(guint n)
{
        const char *limit = g_getenv("PFLASK_TEST_ROUNDS");

        return limit ? MIN(n, (guint)atoi(limit)) : n;
}

static void build_environment(void)
{
        static const char *const directories[] = {PROGRAM_DIRECTORIES};
        g_autoptr(GString) list = g_string_new(NULL);

        for (unsigned i = 0; i < ELEMENTS(directories); i++) {
                g_autofree char *path = build_path(directories[i]);
                g_string_append_printf(list, "%s%s", i ? ":" : "", path);
        }
        g_setenv("PFLASK_LIBEXEC_DIRECTORY", list->str, TRUE);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", BUS_ADDRESS, TRUE);
}

/* @command: its words, with one space between them; @fd: becomes 3, unless -EBADF. Return: the pidfd. */
static int start(Fixture *fixture, const char *path, const char *command, int fd)
{
        g_auto(GStrv) argv = g_strsplit(command, " ", -1);
        _cleanup_(fd_closep) int executable = open(path, O_RDONLY | O_CLOEXEC);
        g_auto(GStrv) environment = g_get_environ();
        pid_t pid;

        if (executable < 0)
                g_error("cannot open %s: %s", path, g_strerror(errno));
        int pidfd = process_spawn(&(Spawn){.executable = executable,
                                           .argv = argv,
                                           .envp = environment,
                                           .fds = &fd,
                                           .n_fds = fd >= 0,
                                           .stderr_fd = -EBADF},
                                  &pid);
        g_assert_cmpint(pidfd, >=, 0);
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(pid));
        return pidfd;
}

/* Until it has ended. Return: how. */
static Result reap(Fixture *fixture, int *pidfd, int *ret_status)
{
        Result result;

        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(process_pid(*pidfd)));
        await_process(*pidfd);
        /* A pidfd can be readable a moment before there is something to reap. */
        g_assert_no_errno(waitid(P_PIDFD, (id_t)*pidfd, &(siginfo_t){}, WEXITED | WNOWAIT));
        g_assert_cmpint(process_wait(*pidfd, &result, ret_status), ==, 1);
        fd_closep(pidfd);
        *pidfd = -EBADF;
        return result;
}

static void stop(Fixture *fixture, int *pidfd, int signal)
{
        int status;

        if (*pidfd < 0)
                return;
        process_signal(*pidfd, signal);
        Result result = reap(fixture, pidfd, &status);
        if (result == RESULT_EXITED)
                g_assert_cmpint(status, ==, 0);
        else
                g_assert_cmpint(status, ==, signal);
}

static void bus_start(Fixture *fixture)
{
        g_autofree char *content = g_strdup_printf(bus_configuration, g_getenv("PFLASK_BUS_POLICY_DIRECTORY"));
        g_autoptr(GError) error = NULL;
        int fds[2];
        char first;

        g_file_set_contents(TEST_DIRECTORY "/bus.conf", content, -1, &error);
        g_assert_no_error(error);
        g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
        fixture->bus = start(fixture, "/usr/bin/dbus-daemon",
                             "dbus-daemon --config-file=" TEST_DIRECTORY "/bus.conf --nofork --print-address=3",
                             fds[1]);
        fd_close(fds[1]);
        g_assert_cmpint(read(fds[0], &first, 1), ==, 1);
        fd_close(fds[0]);
}

static void name_appeared(GDBusConnection *connection _unused_, const char *name _unused_, const char *owner _unused_,
                          void *data)
{
        *(gboolean *)data = TRUE;
}

static GDBusConnection *bus_connect(void)
{
        g_autoptr(GError) error = NULL;
        GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
                BUS_ADDRESS,
                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
                NULL, &error);

        g_assert_no_error(error);
        return connection;
}

static void name_vanished(GDBusConnection *connection _unused_, const char *name _unused_, void *data)
{
        *(gboolean *)data = TRUE;
}

/* The bus may hear of the end of a process later than its parent does. */
static void await_no_name(const char *name)
{
        g_autoptr(GDBusConnection) connection = bus_connect();
        gboolean is_gone = FALSE;

        guint watch = g_bus_watch_name_on_connection(connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                     name_vanished, &is_gone, NULL);
        await(is_gone);
        g_bus_unwatch_name(watch);
        g_dbus_connection_close_sync(connection, NULL, NULL);
}

static gboolean process_ended(int pidfd _unused_, GIOCondition condition _unused_, void *data)
{
        *(gboolean *)data = TRUE;
        return G_SOURCE_CONTINUE;
}

/* @pidfd: of the process whose name it is going to be */
static void await_name(const char *name, int pidfd)
{
        g_autoptr(GDBusConnection) connection = bus_connect();
        gboolean is_there = FALSE, has_ended = FALSE;

        guint watch = g_bus_watch_name_on_connection(connection, name, G_BUS_NAME_WATCHER_FLAGS_NONE, name_appeared,
                                                     NULL, &is_there, NULL);
        guint end = g_unix_fd_add(pidfd, G_IO_IN, process_ended, &has_ended);
        await(is_there || has_ended);
        g_assert_false(has_ended);
        g_source_remove(end);
        g_bus_unwatch_name(watch);
        g_dbus_connection_close_sync(connection, NULL, NULL);
}

static void polkit_write(const char *path, const char *content)
{
        g_autoptr(GError) error = NULL;

        g_file_set_contents_full(path, content ? content : "", -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
        g_assert_no_error(error);
}

/* As it is installed: with gettext the build has made one that speaks other languages too. */
static char *policy_path(void)
{
        g_autofree char *built = build_path("bus-policy/" POLICY);

        return g_access(built, R_OK) == 0 ? g_steal_pointer(&built)
                                          : g_build_filename(g_getenv("PFLASK_BUS_POLICY_DIRECTORY"), POLICY, NULL);
}

static void polkit_start(Fixture *fixture, const char *rules)
{
        static const char *const programs[] = {"/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd"};
        g_autofree char *actions = NULL;
        g_autoptr(GError) error = NULL;

        polkit_write("/etc/polkit-1/rules.d/test.rules", rules);
        g_autofree char *policy = policy_path();
        g_file_get_contents(policy, &actions, NULL, &error);
        g_assert_no_error(error);
        polkit_write("/usr/share/polkit-1/actions/" POLICY, actions);
        for (unsigned i = 0; i < ELEMENTS(programs); i++)
                if (fixture->polkit < 0 && g_access(programs[i], X_OK) == 0)
                        fixture->polkit = start(fixture, programs[i], "polkitd --no-debug", -EBADF);
        await_name("org.freedesktop.PolicyKit1", fixture->polkit);
}

/* ---- managers and their clients ---- */

int direct_manager(Fixture *fixture, int *ret_socket)
{
        g_autofree char *path = build_path("service/manager/pflask-manager");
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        int pidfd = start(fixture, path, "pflask-manager --direct 3", fds[1]);
        fd_close(fds[1]);
        *ret_socket = fds[0];
        return pidfd;
}

static GDBusConnection *socket_connect(void)
{
        g_autoptr(GError) error = NULL;
        GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
                PRIVATE_ADDRESS, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);

        g_assert_no_error(error);
        return connection;
}

static Client *client_new_direct(Fixture *fixture)
{
        g_autoptr(GSocketConnection) stream = NULL;
        g_autoptr(GError) error = NULL;
        Client *client = g_new0(Client, 1);
        int fd;

        client->manager = direct_manager(fixture, &fd);
        g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
        g_assert_no_error(error);
        stream = g_socket_connection_factory_create_connection(socket);
        client->connection = g_dbus_connection_new_sync(
                G_IO_STREAM(stream), NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, &error);
        g_assert_no_error(error);
        return client;
}

Client *client_new_beside(Fixture *fixture)
{
        return client_new_direct(fixture);
}

Client *client_new_with_groups(Fixture *fixture, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups)
{
        if (fixture->transport == ON_DIRECT)
                return client_new_direct(fixture);
        Client *client = g_new0(Client, 1);
        client->manager = -EBADF;
        if (fixture->transport == ON_SOCKET && uid == 0) {
                client->connection = socket_connect();
                return client;
        }
        client->destination = MANAGER_BUS_NAME;
        g_assert_cmpint(setgroups(n_groups, groups), ==, 0);
        g_assert_cmpint(setegid(gid), ==, 0);
        g_assert_cmpint(seteuid(uid), ==, 0);
        client->connection = bus_connect();
        g_assert_cmpint(seteuid(0), ==, 0);
        g_assert_cmpint(setegid(0), ==, 0);
        g_assert_cmpint(setgroups(0, NULL), ==, 0);
        return client;
}

Client *client_new(Fixture *fixture, uid_t uid)
{
        return client_new_with_groups(fixture, uid, uid, NULL, 0);
}

/* The name is there a moment before the socket is; who is answered on the bus finds both. */
static void await_socket(void)
{
        g_autoptr(Client) client = g_new0(Client, 1);

        *client = (Client){.connection = bus_connect(), .destination = MANAGER_BUS_NAME, .manager = -EBADF};
        n_containers(client);
}

void fixture_start_manager(Fixture *fixture)
{
        if (fixture->transport == ON_DIRECT) {
                fixture->client = client_new_direct(fixture);
                fixture->manager = fd_keep(fixture->client->manager);
                return;
        }
        g_autofree char *path = build_path("service/manager/pflask-manager");
        fixture->manager = start(fixture, path, "pflask-manager", -EBADF);
        await_name(MANAGER_BUS_NAME, fixture->manager);
        if (fixture->transport == ON_SOCKET)
                await_socket();
        if (!fixture->client)
                fixture->client = client_new(fixture, 0);
}

void fixture_stop_manager(Fixture *fixture, int signal)
{
        if (fixture->transport != ON_BUS) {
                fixture->client->manager = fd_close(fixture->client->manager);
                g_clear_pointer(&fixture->client, client_free);
        }
        stop(fixture, &fixture->manager, signal);
        if (fixture->transport != ON_DIRECT)
                await_no_name(MANAGER_BUS_NAME);
}

void fixture_configure(Fixture *fixture, const char *line)
{
        g_autofree char *content = g_strdup_printf("[Manager]\n%s\n", line);

        g_assert_no_errno(mkdir(CONFIGURATION, 0755));
        g_assert_true(g_file_set_contents_full(CONFIGURATION "/test.conf", content, -1, G_FILE_SET_CONTENTS_NONE, 0644,
                                               NULL));
        fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        g_assert_no_errno(unlink(CONFIGURATION "/test.conf"));
        g_assert_no_errno(rmdir(CONFIGURATION));
        fixture->descriptors_before = G_MAXUINT; /* of another manager */
}

void fixture_await_failure(Fixture *fixture)
{
        int status;

        g_assert_cmpint(reap(fixture, &fixture->manager, &status), ==, RESULT_EXITED);
        g_assert_cmpint(status, ==, EXIT_FAILURE);
        await_no_name(MANAGER_BUS_NAME);
}

void fixture_fail_manager(Fixture *fixture)
{
        g_autofree char *path = build_path("service/manager/pflask-manager");
        _cleanup_(fd_closep) int socket = -EBADF;

        fixture->manager = fixture->transport == ON_DIRECT ? direct_manager(fixture, &socket)
                                                           : start(fixture, path, "pflask-manager", -EBADF);
        await_process(fixture->manager);
        stop(fixture, &fixture->manager, SIGKILL);
}

/* ---- the client program ---- */

/* Root who names no bus comes by the socket. */
static char *shell_script(Fixture *fixture, const char *script)
{
        g_autofree char *program = build_path("cli/pflask");

        return g_strconcat(fixture->transport == ON_SOCKET ? "unset DBUS_SYSTEM_BUS_ADDRESS; pflask='" : "pflask='",
                           program, fixture->transport == ON_DIRECT ? " --direct'; " : "'; ", script, NULL);
}

int shell(Fixture *fixture, const char *script, char **ret_out, char **ret_err)
{
        g_autofree char *whole = shell_script(fixture, script);
        char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", whole, NULL};
        g_autoptr(GError) error = NULL;
        int status;

        g_spawn_sync(TEST_DIRECTORY, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, ret_out, ret_err, &status, &error);
        g_assert_no_error(error);
        g_assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

int shell_on_terminal(Fixture *fixture, const char *script, guint16 rows, guint16 columns, pid_t *ret_pid)
{
        g_autofree char *whole = shell_script(fixture, script);
        struct winsize size = {.ws_row = rows, .ws_col = columns};
        int master;

        *ret_pid = forkpty(&master, NULL, NULL, &size);
        g_assert_cmpint(*ret_pid, >=, 0);
        if (*ret_pid == 0) {
                if (chdir(TEST_DIRECTORY) == 0)
                        execl("/bin/sh", "sh", "-c", whole, NULL);
                _exit(127);
        }
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(*ret_pid));
        return master;
}

/* ---- what is left ---- */

static guint count_entries(const char *path)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        guint n = 0;

        while (directory && g_dir_read_name(directory))
                n++;
        return n;
}

/* Without timers: sd-event makes one for each clock when it is first needed, and keeps it. */
static guint count_descriptors(int pidfd)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", process_pid(pidfd));
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        const char *entry;
        guint n = 0;

        while ((entry = g_dir_read_name(directory))) {
                g_autofree char *link = g_build_filename(path, entry, NULL);
                g_autofree char *target = g_file_read_link(link, NULL);
                n += target && !strstr(target, "timerfd");
        }
        return n;
}

static char *read_mounts(void)
{
        char *content = NULL;

        g_assert_true(g_file_get_contents("/proc/self/mountinfo", &content, NULL, NULL));
        return content;
}

/* The nursery of a manager of the bus, or the supervisor that it keeps ready: the place for a name is still blank. */
static gboolean is_spare(int pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
        g_autofree char *command = NULL;
        gsize length = 0;

        if (!g_file_get_contents(path, &command, &length, NULL))
                return FALSE;
        gsize name = strlen(command);
        return g_str_has_suffix(command, "pflask-supervisor") && length > name + 1 &&
               (command[name + 1] == ' ' || strcmp(command + name + 1, "--nursery") == 0);
}

static unsigned count_pidfds(int pidfd)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", process_pid(pidfd));
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        const char *entry;
        unsigned n = 0;

        while ((entry = g_dir_read_name(directory))) {
                g_autofree char *link = g_build_filename(path, entry, NULL);
                g_autofree char *target = g_file_read_link(link, NULL);
                n += target && strstr(target, "pidfd");
        }
        return n;
}

/* Without a container, the manager holds two processes: the nursery, and the spare when it has been told of it. */
static void await_spare(Fixture *fixture)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;

        while (count_pidfds(fixture->manager) < 2 && g_get_monotonic_time() < deadline)
                n_containers(fixture->client);
        g_assert_cmpuint(count_pidfds(fixture->manager), ==, 2);
}

/* Processes that the fixture does not know must be on their way out: supervisors answer before they end. */
static void await_strangers(Fixture *fixture)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(proc))) {
                int pid = atoi(entry);
                if (pid <= 1 || pid == getpid() || g_hash_table_contains(fixture->expected, GINT_TO_POINTER(pid)))
                        continue;
                if (fixture->manager >= 0 && is_spare(pid))
                        continue;
                /* One that has only just been cloned is known for a spare after its execve(2). */
                _cleanup_(fd_closep) int pidfd = pidfd_open(pid, 0);
                if (pidfd >= 0 && poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, 5000) == 0 &&
                    (fixture->manager < 0 || !is_spare(pid))) {
                        g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", pid);
                        g_autofree char *command = NULL;
                        g_file_get_contents(path, &command, NULL, NULL);
                        g_error("process %d is left over: %s", pid, command);
                }
        }
}

static void show_descriptors(int pidfd)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", process_pid(pidfd));
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(directory))) {
                g_autofree char *link = g_build_filename(path, entry, NULL);
                g_autofree char *target = g_file_read_link(link, NULL);
                g_test_message("descriptor %s: %s", entry, target);
        }
}

/* A manager closes its end when it has seen the other one close, and each answer shows that it has looked again. */
static void await_descriptors(Fixture *fixture)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
        guint n;

        /* Counted once each time: a spare that is just being made has one for a moment, which is no leak. */
        while ((n = count_descriptors(fixture->manager)) > fixture->descriptors_before &&
               g_get_monotonic_time() < deadline)
                n_containers(fixture->client);
        if (n > fixture->descriptors_before)
                show_descriptors(fixture->manager);
        g_assert_cmpuint(n, <=, fixture->descriptors_before);
}

void await_n_containers(Client *client, gsize n)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;

        while (n_containers(client) != n && g_get_monotonic_time() < deadline)
                ;
        g_assert_cmpuint(n_containers(client), ==, n);
}

guint count_interfaces(void)
{
        struct if_nameindex *interfaces = if_nameindex();
        guint n = 0;

        g_assert_nonnull(interfaces);
        while (interfaces[n].if_name)
                n++;
        if_freenameindex(interfaces);
        return n;
}

void fixture_check(Fixture *fixture)
{
        g_autofree char *mounts = read_mounts();

        await_n_containers(fixture->client, 0);
        await_strangers(fixture);
        await_descriptors(fixture);
        g_assert_cmpstr(mounts, ==, fixture->mounts_before);
        g_assert_cmpuint(count_entries(CONTAINERS_DIRECTORY), ==, 0);
}

/* ---- set-up and tear-down ---- */

static void fixture_set_up(Fixture *fixture, const Test *test, TestFlags transport)
{
        *fixture = (Fixture){.test = test, .transport = transport, .bus = -EBADF, .polkit = -EBADF, .manager = -EBADF};
        fixture->expected = g_hash_table_new(NULL, NULL);
        if (transport != ON_DIRECT)
                bus_start(fixture);
        if (test->flags & WITH_POLKIT)
                polkit_start(fixture, test->rules);
        fixture_start_manager(fixture);
        n_containers(fixture->client);
        if (transport != ON_DIRECT)
                await_spare(fixture);
        fixture->mounts_before = read_mounts();
        fixture->descriptors_before = count_descriptors(fixture->manager);
}

static void fixture_tear_down(Fixture *fixture, const void *test _unused_)
{
        fixture_check(fixture);
        if (fixture->transport != ON_DIRECT)
                fixture_stop_manager(fixture, SIGTERM);
        else
                fixture->manager = fd_close(fixture->manager);
        g_clear_pointer(&fixture->client, client_free);
        await_strangers(fixture);
        stop(fixture, &fixture->polkit, SIGTERM);
        stop(fixture, &fixture->bus, SIGTERM);
        g_hash_table_unref(fixture->expected);
        g_free(fixture->mounts_before);
}

static void set_up_on_bus(Fixture *fixture, const void *test)
{
        fixture_set_up(fixture, test, ON_BUS);
}

static void set_up_at_socket(Fixture *fixture, const void *test)
{
        fixture_set_up(fixture, test, ON_SOCKET);
}

static void set_up_direct(Fixture *fixture, const void *test)
{
        fixture_set_up(fixture, test, ON_DIRECT);
}

static void run_test(Fixture *fixture, const void *test)
{
        ((const Test *)test)->function(fixture);
}

static const char *reason_to_skip(const Test *test)
{
        if (test->flags & WITH_POLKIT && access("/usr/lib/polkit-1/polkitd", X_OK) < 0 &&
            access("/usr/libexec/polkitd", X_OK) < 0)
                return "there is no polkitd";
        return NULL;
}

static void skip_test(Fixture *fixture _unused_, const void *test)
{
        g_test_skip(reason_to_skip(test));
}

static void add_test(const Test *test, TestFlags transport, void (*set_up)(Fixture *, const void *))
{
        const char *way = transport == ON_BUS ? "/bus" : transport == ON_SOCKET ? "/socket" : "/direct";
        g_autofree char *path = g_strconcat(way, test->name, NULL);

        if (!(test->flags & transport))
                return;
        if (reason_to_skip(test))
                g_test_add(path, Fixture, test, NULL, skip_test, NULL);
        else
                g_test_add(path, Fixture, test, set_up, run_test, fixture_tear_down);
}

/* Who runs the suite with nohup(1), or behind a shell's '&', ignores some: that is not what is tested. */
static void heed_signals(void)
{
        static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

        for (unsigned i = 0; i < ELEMENTS(numbers); i++)
                signal(numbers[i], SIG_DFL);
}

int test_program(int argc, char **argv, const Test *tests, size_t n_tests)
{
        heed_signals();
        isolate();
        g_test_init(&argc, &argv, NULL);
        build_environment();
        for (size_t i = 0; i < n_tests; i++) {
                add_test(&tests[i], ON_BUS, set_up_on_bus);
                add_test(&tests[i], ON_SOCKET, set_up_at_socket);
                add_test(&tests[i], ON_DIRECT, set_up_direct);
        }
        return g_test_run();
}
