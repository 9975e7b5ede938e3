/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor as managers see it
 *
 * The built program, started as a manager starts it, on a register of the test's own. Each test ends by seeing that
 * nothing of its container is left.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <systemd/sd-bus.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "common/programs.h"
#include "common/record.h"

#define BOX       "box"
#define STOP_USEC (UINT64_C(60) * 1000000)

typedef struct Fixture {
        sd_bus *bus;   /* of the manager that makes the container */
        int directory; /* borrowed from nobody: an O_PATH descriptor, without the lock */
        int supervisor;
        pid_t supervisor_pid;
        char *name;
} Fixture;

/* ---- the manager's part ---- */

static sd_bus *bus_over(int fd)
{
        sd_bus *bus = NULL;

        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fd, fd), >=, 0);
        g_assert_cmpint(sd_bus_negotiate_fds(bus, true), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        return bus;
}

static char *path_of(const char *name)
{
        return g_build_filename(CONTAINERS_DIRECTORY, name, NULL);
}

static void spawn(Fixture *fixture, const char *name)
{
        g_autofree char *path = path_of(name);
        char *const argv[] = {(char *)(uintptr_t) "pflask-supervisor", (char *)(uintptr_t) "            ", NULL};
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int sockets[2];

        g_assert_no_errno(g_mkdir(path, 0700));
        _cleanup_(fd_closep) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(fd_closep) int program = program_open("pflask-supervisor");
        g_assert_cmpint(program, >=, 0);
        g_assert_no_errno(flock(directory, LOCK_EX | LOCK_NB));
        g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets));
        const Spawn what = {
                .executable = program,
                .argv = argv,
                .envp = environ,
                .fds = &sockets[1],
                .n_fds = 1,
                .stderr_fd = -EBADF,
        };
        fixture->supervisor = process_spawn(&what, &fixture->supervisor_pid);
        g_assert_cmpint(fixture->supervisor, >=, 0);
        fd_close(sockets[1]);
        fixture->bus = bus_over(sockets[0]);
        int r = sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Assign", &error, NULL,
                                   "sh", name, directory);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(r, >=, 0);
        fixture->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        fixture->name = g_strdup(name);
}

static void wait_for_supervisor(Fixture *fixture)
{
        struct pollfd ended = {.fd = fixture->supervisor, .events = POLLIN};
        Result result;
        int status;

        g_assert_cmpint(poll(&ended, 1, 10000), ==, 1);
        g_assert_cmpint(process_wait(fixture->supervisor, &result, &status), ==, 1);
        g_assert_cmpint(result, ==, RESULT_EXITED);
        g_assert_cmpint(status, ==, 0);
        fixture->supervisor = fd_close(fixture->supervisor);
}

static void setup(Fixture *fixture, const void *data _unused_)
{
        *fixture = (Fixture){.directory = -1, .supervisor = -1};
        spawn(fixture, BOX);
}

static unsigned n_entries(const char *path)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        unsigned n = 0;

        g_assert_nonnull(directory);
        while (g_dir_read_name(directory))
                n++;
        return n;
}

/* Who is told to go leaves the record of an end that nobody has asked for, and nothing else. */
static void take_record(void)
{
        g_autoptr(GDir) directory = g_dir_open(CONTAINERS_DIRECTORY, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(directory))) {
                g_autofree char *container = g_build_filename(CONTAINERS_DIRECTORY, name, NULL);
                g_autofree char *record = g_build_filename(container, RECORD_FILE, NULL);
                g_assert_cmpint(unlink(record), ==, 0);
                g_assert_cmpint(rmdir(container), ==, 0);
        }
}

static void teardown(Fixture *fixture, const void *data _unused_)
{
        if (fixture->supervisor >= 0) {
                kill(fixture->supervisor_pid, SIGTERM);
                wait_for_supervisor(fixture);
                take_record();
        }
        sd_bus_close_unref(fixture->bus);
        fd_close(fixture->directory);
        g_free(fixture->name);
        g_assert_cmpuint(n_entries(CONTAINERS_DIRECTORY), ==, 0);
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* nobody was left to us */
        g_assert_cmpint(errno, ==, ECHILD);
}

/* Another manager's connection. */
static sd_bus *connect_again(Fixture *fixture)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", fixture->directory);
        g_assert_no_errno(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
        return bus_over(fd);
}

/* ---- calls ---- */

typedef int (*AppendFunction)(sd_bus_message *message);

static sd_bus_message *new_call(sd_bus *bus, const char *member)
{
        sd_bus_message *call;

        g_assert_cmpint(sd_bus_message_new_method_call(bus, &call, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, member),
                        >=, 0);
        return call;
}

/* @options: "Key", "type", value, ..., as sd_bus_message_append(3) has them; NULL for none. */
static int create(Fixture *fixture, const char *name, const char *script, AppendFunction options, bool attach,
                  sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = new_call(fixture->bus, "Create"), *reply = NULL;
        const char *final_name;
        uint32_t leader;

        g_assert_cmpint(sd_bus_message_append(call, "sas", name, 3, "sh", "-c", script), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(call, 'a', "{sv}"), >=, 0);
        if (options)
                g_assert_cmpint(options(call), >=, 0);
        g_assert_cmpint(sd_bus_message_close_container(call), >=, 0);
        g_assert_cmpint(sd_bus_message_append(call, "(uuus)aubb", 0, 0, (uint32_t)getpid(), "", 0, 0, (int)attach), >=,
                        0);
        int r = sd_bus_call(fixture->bus, call, 0, error, &reply);
        if (r < 0)
                return r;
        g_assert_cmpint(sd_bus_message_read(reply, "us", &leader, &final_name), >=, 0);
        g_free(fixture->name);
        fixture->name = g_strdup(final_name);
        return (int)leader;
}

/* As a manager does when it has answered: from here on the lease is whoever asked's. */
static void give(int lease)
{
        g_assert_cmpint(write(lease, "g", 1), ==, 1);
}

static int start_as(Fixture *fixture, bool is_registered, int *ret_console, int *ret_lease, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int console, lease;
        int r = sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Start", error, &reply,
                                   "sbt", "", (int)is_registered, STOP_USEC);

        if (r < 0)
                return r;
        g_assert_cmpint(sd_bus_message_read(reply, "hh", &console, &lease), >=, 0);
        give(lease);
        if (ret_console)
                *ret_console = fd_keep(console);
        if (ret_lease)
                *ret_lease = fd_keep(lease);
        return 0;
}

static int start(Fixture *fixture, int *ret_console, int *ret_lease, sd_bus_error *error)
{
        return start_as(fixture, false, ret_console, ret_lease, error);
}

/* A container that nobody is attached to. Return: the leader's pid. */
static pid_t run(Fixture *fixture, const char *script, AppendFunction options)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int leader = create(fixture, BOX, script, options, false, &error);

        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(leader, >, 0);
        start(fixture, NULL, NULL, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        return leader;
}

static void run_attached(Fixture *fixture, const char *script, AppendFunction options, int *ret_console, int *ret_lease)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        create(fixture, BOX, script, options, true, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        start(fixture, ret_console, ret_lease, &error);
        g_assert_cmpstr(error.message, ==, NULL);
}

static int attach_as(sd_bus *bus, uint32_t pid, bool take, int *ret_console, int *ret_lease, char **ret_backlog,
                     sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int console, lease;
        const void *backlog;
        size_t n;
        int r = sd_bus_call_method(bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Attach", error, &reply, "(uus)b",
                                   pid, 1000, "ann", (int)take);

        if (r < 0)
                return r;
        g_assert_cmpint(sd_bus_message_read(reply, "hh", &console, &lease), >=, 0);
        g_assert_cmpint(sd_bus_message_read_array(reply, 'y', &backlog, &n), >=, 0);
        give(lease);
        *ret_console = fd_keep(console);
        *ret_lease = fd_keep(lease);
        *ret_backlog = g_strndup(backlog, n);
        return 0;
}

static GByteArray *read_log(Fixture *fixture, uint64_t *ret_dropped)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        GByteArray *log = g_byte_array_new();
        const void *bytes;
        size_t n;

        g_assert_cmpint(sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "ReadLog", NULL,
                                           &reply, NULL),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_read_array(reply, 'y', &bytes, &n), >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "t", ret_dropped), >=, 0);
        g_byte_array_append(log, bytes, (guint)n);
        return log;
}

static void assert_log(Fixture *fixture, const char *text)
{
        uint64_t dropped;
        g_autoptr(GByteArray) log = read_log(fixture, &dropped);

        g_byte_array_append(log, (const guint8 *)"", 1);
        g_assert_cmpstr((const char *)log->data, ==, text);
        g_assert_cmpuint(dropped, ==, 0);
}

static char *get_string(sd_bus *bus, const char *property)
{
        char *value = NULL;

        g_assert_cmpint(
                sd_bus_get_property_string(bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, property, NULL, &value),
                >=, 0);
        return value;
}

static void assert_state(Fixture *fixture, const char *expected)
{
        _cleanup_(freep) char *state = get_string(fixture->bus, "State");

        g_assert_cmpstr(state, ==, expected);
}

static void get_number(sd_bus *bus, const char *property, char type, void *ret)
{
        g_assert_cmpint(sd_bus_get_property_trivial(bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, property, NULL,
                                                    type, ret),
                        >=, 0);
}

static int call(Fixture *fixture, const char *member, sd_bus_error *error)
{
        return sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, member, error, NULL, NULL);
}

static int kill_it(Fixture *fixture, const char *who, int signal, sd_bus_error *error)
{
        return sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Kill", error, NULL, "si",
                                  who, signal);
}

/* Asked for, since it may have been told before anybody listened. */
static void wait_for_state(Fixture *fixture, const char *expected)
{
        for (;;) {
                _cleanup_(freep) char *state = get_string(fixture->bus, "State");
                if (strcmp(state, expected) == 0)
                        return;
                int r = sd_bus_process(fixture->bus, NULL);
                g_assert_cmpint(r, >=, 0);
                if (r == 0)
                        g_assert_cmpint(sd_bus_wait(fixture->bus, 10000000), >, 0);
        }
}

static void assert_exit(Fixture *fixture, const char *result, int status)
{
        int32_t actual;
        uint32_t leader;

        wait_for_state(fixture, "exited");
        _cleanup_(freep) char *actual_result = get_string(fixture->bus, "Result");
        get_number(fixture->bus, "ExitStatus", 'i', &actual);
        get_number(fixture->bus, "Leader", 'u', &leader);
        g_assert_cmpstr(actual_result, ==, result);
        g_assert_cmpint(actual, ==, status);
        g_assert_cmpuint(leader, ==, 0);
}

static void forget(Fixture *fixture)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        call(fixture, "Forget", &error);
        g_assert_cmpstr(error.message, ==, NULL);
        wait_for_supervisor(fixture);
}

/* What comes until @word has come, or nobody can write any more. */
static char *read_until(int console, const char *word)
{
        GString *text = g_string_new(NULL);
        char bytes[4096];

        while (!word || !strstr(text->str, word)) {
                struct pollfd readable = {.fd = console, .events = POLLIN};
                g_assert_cmpint(poll(&readable, 1, 10000), ==, 1);
                ssize_t n = read(console, bytes, sizeof(bytes));
                if (n <= 0)
                        break;
                g_string_append_len(text, bytes, n);
        }
        return g_string_free(text, FALSE);
}

static int option(sd_bus_message *message, const char *key, const char *type, int value)
{
        return sd_bus_message_append(message, "{sv}", key, type, value);
}

static int without_terminal(sd_bus_message *message)
{
        return option(message, "Terminal", "b", false);
}

static int killed_on_release(sd_bus_message *message)
{
        return option(message, "KillOnRelease", "b", true);
}

static int killed_on_release_without_terminal(sd_bus_message *message)
{
        int r = without_terminal(message);

        return r < 0 ? r : killed_on_release(message);
}

static int sharing_pids(sd_bus_message *message)
{
        return sd_bus_message_append(message, "{sv}", "SharedNamespaces", "as", 1, "pid");
}

static int sized(sd_bus_message *message)
{
        return sd_bus_message_append(message, "{sv}", "Size", "(qq)", 33, 111);
}

static int with_root(sd_bus_message *message)
{
        int r = sd_bus_message_append(message, "{sv}", "Root", "s", "/");

        return r < 0 ? r : option(message, "ReadOnly", "b", true);
}

/* ---- beginning ---- */

static int compare_lines(const void *one, const void *other)
{
        return strcmp(*(char *const *)one, *(char *const *)other);
}

/* One line a member, in the order of the alphabet. Comments and the order of the file don't count. */
static char *interface_text(const char *xml)
{
        g_autoptr(GError) problem = NULL;
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &problem);
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        g_assert_no_error(problem);
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, SUPERVISOR_INTERFACE);
        g_assert_nonnull(info);
        for (GDBusMethodInfo **method = info->methods; method && *method; method++) {
                GString *line = g_string_new((*method)->name);
                for (GDBusArgInfo **in = (*method)->in_args; in && *in; in++)
                        g_string_append_printf(line, " <%s %s", (*in)->signature, (*in)->name);
                for (GDBusArgInfo **out = (*method)->out_args; out && *out; out++)
                        g_string_append_printf(line, " >%s %s", (*out)->signature, (*out)->name);
                g_ptr_array_add(lines, g_string_free(line, FALSE));
        }
        for (GDBusSignalInfo **signal = info->signals; signal && *signal; signal++) {
                GString *line = g_string_new((*signal)->name);
                for (GDBusArgInfo **argument = (*signal)->args; argument && *argument; argument++)
                        g_string_append_printf(line, " !%s %s", (*argument)->signature, (*argument)->name);
                g_ptr_array_add(lines, g_string_free(line, FALSE));
        }
        for (GDBusPropertyInfo **property = info->properties; property && *property; property++)
                g_ptr_array_add(lines, g_strdup_printf("%s =%s %s", (*property)->name, (*property)->signature,
                                                       g_dbus_annotation_info_lookup(
                                                               (*property)->annotations,
                                                               "org.freedesktop.DBus.Property.EmitsChangedSignal")
                                                               ?: "true"));
        g_ptr_array_sort(lines, compare_lines);
        g_ptr_array_add(lines, NULL);
        return g_strjoinv("\n", (char **)lines->pdata);
}

static void test_interface(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        g_autofree char *file = g_build_filename(g_getenv("PFLASK_INTERFACES_DIRECTORY"), SUPERVISOR_INTERFACE ".xml",
                                                 NULL);
        g_autofree char *written = NULL;
        const char *live;

        g_assert_true(g_file_get_contents(file, &written, NULL, NULL));
        g_assert_cmpint(sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, "org.freedesktop.DBus.Introspectable",
                                           "Introspect", NULL, &reply, NULL),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &live), >=, 0);
        g_autofree char *expected = interface_text(written), *actual = interface_text(live);
        g_assert_cmpstr(actual, ==, expected);
}

static void test_runs(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *record = NULL;
        uint32_t leader;

        pid_t pid = run(fixture, "read line", NULL);
        assert_state(fixture, "running");
        get_number(fixture->bus, "Leader", 'u', &leader);
        g_assert_cmpint((pid_t)leader, ==, pid);
        int directory = openat(fixture->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(record_read(directory, &record), ==, 0);
        g_assert_cmpstr(record->name, ==, BOX);
        g_assert_cmpint(record->state, ==, STATE_RUNNING);
        g_assert_cmpint(record->leader, ==, pid);
        g_assert_cmpint(record->supervisor, ==, fixture->supervisor_pid);
        g_assert_cmpint(flock(directory, LOCK_EX | LOCK_NB), ==, -1); /* it has an owner */
        fd_close(directory);
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        g_assert_cmpint(create(fixture, BOX, "true", NULL, false, &error), <, 0);
        assert_state(fixture, "running");
}

static void test_named_after_leader(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        sd_bus_close_unref(fixture->bus);
        wait_for_supervisor(fixture);
        fd_close(fixture->directory);
        g_free(fixture->name);
        spawn(fixture, ".new-0123");
        int leader = create(fixture, "", "exit 3", NULL, false, &error);
        g_assert_cmpint(leader, >, 0);
        g_autofree char *name = g_strdup_printf("pflask-%d", leader), *path = path_of(name);
        g_assert_cmpstr(fixture->name, ==, name);
        g_assert_true(g_file_test(path, G_FILE_TEST_IS_DIR));
        g_assert_cmpint(start(fixture, NULL, NULL, &error), ==, 0);
        assert_exit(fixture, "exited", 3);
        forget(fixture);
}

static void test_maker_gone(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int leader = create(fixture, BOX, "exec sleep 1000", NULL, false, &error);

        g_assert_cmpint(leader, >, 0);
        fixture->bus = sd_bus_close_unref(fixture->bus);
        wait_for_supervisor(fixture);
        g_assert_cmpint(kill(leader, 0), ==, -1);
}

/* The maker dies with the answer of Start in its hands: whoever asked for the container will never hear of it. */
static void maker_dies_with_answer(Fixture *fixture, bool attach)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int leader = create(fixture, BOX, "exec sleep 1000", NULL, attach, &error);

        g_assert_cmpint(sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Start", &error,
                                           &reply, "sbt", "", 0, STOP_USEC),
                        >=, 0);
        assert_state(fixture, "starting");
        fixture->bus = sd_bus_close_unref(fixture->bus);
        reply = sd_bus_message_unref(reply);
        wait_for_supervisor(fixture);
        g_assert_cmpint(kill(leader, 0), ==, -1);
}

static void test_maker_gone_with_answer(Fixture *fixture, const void *data _unused_)
{
        maker_dies_with_answer(fixture, false);
}

static void test_maker_gone_with_lease(Fixture *fixture, const void *data _unused_)
{
        maker_dies_with_answer(fixture, true);
}

static void test_manager_gone(Fixture *fixture, const void *data _unused_)
{
        run(fixture, "read line; exit 4", NULL);
        sd_bus *other = connect_again(fixture);
        _cleanup_(freep) char *state = get_string(other, "State");
        g_assert_cmpstr(state, ==, "running");
        sd_bus_close_unref(fixture->bus);
        fixture->bus = other;
        assert_state(fixture, "running");
}

/* What Start answers, and what is left when it fails. */
static void assert_start_fails(Fixture *fixture, const char *command, const char *name)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *request = new_call(fixture->bus, "Create");

        g_assert_cmpint(sd_bus_message_append(request, "sasa{sv}(uuus)aubb", BOX, 1, command, 0, 0, 0, 1, "", 0, 0, 0),
                        >=, 0);
        g_assert_cmpint(sd_bus_call(fixture->bus, request, 0, &error, NULL), >=, 0);
        g_assert_cmpint(start(fixture, NULL, NULL, &error), <, 0);
        g_assert_cmpstr(error.name, ==, name);
        g_assert_nonnull(strstr(error.message, command));
        wait_for_supervisor(fixture);
}

static void test_not_found(Fixture *fixture, const void *data _unused_)
{
        assert_start_fails(fixture, "no-such-program", ERROR_COMMAND_NOT_FOUND);
}

static void test_not_executable(Fixture *fixture, const void *data _unused_)
{
        assert_start_fails(fixture, "/etc", ERROR_COMMAND_NOT_EXECUTABLE);
}

static int in_no_directory(sd_bus_message *message)
{
        return sd_bus_message_append(message, "{sv}", "Root", "s", "/nowhere");
}

static void test_create_fails(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        g_assert_cmpint(create(fixture, BOX, "true", in_no_directory, false, &error), <, 0);
        g_assert_cmpstr(error.name, ==, ERROR_SETUP_FAILED);
        g_assert_nonnull(strstr(error.message, "/nowhere"));
        wait_for_supervisor(fixture);
}

static void test_strangers(Fixture *fixture, const void *data _unused_)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char byte;

        run(fixture, "read line", NULL);
        /* Even where the modes wouldn't keep them out. */
        g_autofree char *path = path_of(BOX), *control = g_build_filename(path, CONTROL_SOCKET, NULL);
        struct stat st;
        g_assert_no_errno(stat(control, &st));
        g_assert_cmpuint(st.st_mode & 07777, ==, 0600);
        g_assert_no_errno(chmod(path, 0755));
        g_assert_no_errno(chmod(control, 0666));
        g_strlcpy(address.sun_path, control, sizeof(address.sun_path));
        g_assert_no_errno(seteuid(1000));
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = connect(fd, (const struct sockaddr *)&address, sizeof(address));
        g_assert_no_errno(seteuid(0));
        g_assert_no_errno(r);
        g_assert_cmpint(read(fd, &byte, 1), ==, 0);
}

/* ---- the end ---- */

static void test_exit_code(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *record = NULL;

        run(fixture, "exit 7", NULL);
        assert_exit(fixture, "exited", 7);
        int directory = openat(fixture->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(record_read(directory, &record), ==, 0);
        fd_close(directory);
        g_assert_cmpint(record->state, ==, STATE_EXITED);
        g_assert_cmpint(record->result, ==, RESULT_EXITED);
        g_assert_cmpint(record->status, ==, 7);
        forget(fixture);
}

static void test_death_by_signal(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        run(fixture, "exec sleep 1000", sharing_pids);
        g_assert_cmpint(kill_it(fixture, "leader", SIGUSR1, &error), >=, 0);
        assert_exit(fixture, "killed", SIGUSR1);
        g_assert_cmpint(kill_it(fixture, "leader", SIGTERM, &error), <, 0);
        g_assert_cmpstr(error.name, ==, ERROR_NOT_RUNNING);
        forget(fixture);
}

static void test_forget_early(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        run(fixture, "read line", NULL);
        g_assert_cmpint(call(fixture, "Forget", &error), <, 0);
        g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_FAILED);
        assert_state(fixture, "running");
}

static void test_terminate(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        run(fixture, "trap '' TERM INT HUP; while :; do sleep 1; done", NULL);
        g_assert_cmpint(call(fixture, "Terminate", &error), >=, 0);
        assert_state(fixture, "exited");
        assert_exit(fixture, "killed", SIGKILL);
        forget(fixture);
}

/* ---- power ---- */

#define LISTENS "trap : TERM; echo ready; while :; do sleep 1; done"

static void await_ready(Fixture *fixture)
{
        bool is_ready;

        do {
                uint64_t dropped;
                g_autoptr(GByteArray) log = read_log(fixture, &dropped);
                g_byte_array_append(log, (const guint8 *)"", 1);
                is_ready = strstr((const char *)log->data, "ready");
        } while (!is_ready);
}

static void test_power_off_in_vain(Fixture *fixture, const void *data _unused_)
{
        const uint64_t timeout_usec = 300000;

        run(fixture, LISTENS, NULL);
        await_ready(fixture);
        gint64 before = g_get_monotonic_time();
        g_assert_cmpint(sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "PowerOff", NULL,
                                           NULL, "t", timeout_usec),
                        >=, 0);
        g_assert_cmpint(g_get_monotonic_time() - before, >=, (gint64)timeout_usec);
        assert_exit(fixture, "killed", SIGKILL);
        forget(fixture);
}

static int reboot_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        *(int *)userdata = sd_bus_message_is_method_error(reply, NULL) ? -1 : 1;
        return 0;
}

static void reboot_later(Fixture *fixture, int *answered)
{
        *answered = 0;
        g_assert_cmpint(sd_bus_call_method_async(fixture->bus, NULL, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE,
                                                 "Reboot", reboot_answered, answered, "t", UINT64_C(300000)),
                        >=, 0);
}

static int resume(Fixture *fixture, bool is_registered)
{
        return sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Resume", NULL, NULL, "b",
                                  (int)is_registered);
}

/* A leader that is to be registered doesn't run before it is, and then it does. */
static void test_reboot_registers(Fixture *fixture, const void *data _unused_)
{
        int answered, value;
        uint32_t leader;

        g_assert_cmpint(create(fixture, BOX, LISTENS, NULL, false, NULL), >, 0);
        g_assert_cmpint(start_as(fixture, true, NULL, NULL, NULL), ==, 0);
        g_assert_cmpint(resume(fixture, true), <, 0);
        reboot_later(fixture, &answered);
        do {
                get_number(fixture->bus, "Registering", 'b', &value);
        } while (!value);
        assert_state(fixture, "rebooting");
        get_number(fixture->bus, "Leader", 'u', &leader);
        g_assert_cmpint(resume(fixture, true), >=, 0);
        wait_for_state(fixture, "running");
        while (!answered)
                g_assert_cmpint(sd_bus_process(fixture->bus, NULL), >=, 0);
        g_assert_cmpint(answered, ==, 1);
        get_number(fixture->bus, "Registering", 'b', &value);
        g_assert_false(value);
        get_number(fixture->bus, "Registered", 'b', &value);
        g_assert_true(value);
        get_number(fixture->bus, "Leader", 'u', &value);
        g_assert_cmpint(value, ==, leader);
        g_assert_cmpint(call(fixture, "Terminate", NULL), >=, 0);
        forget(fixture);
}

/* The next leader is ended on its way as the first would have been, and there is no third. */
static void test_terminate_reboot(Fixture *fixture, const void *data _unused_)
{
        int answered, value;

        g_assert_cmpint(create(fixture, BOX, LISTENS, NULL, false, NULL), >, 0);
        g_assert_cmpint(start_as(fixture, true, NULL, NULL, NULL), ==, 0);
        reboot_later(fixture, &answered);
        do {
                get_number(fixture->bus, "Registering", 'b', &value);
        } while (!value);
        g_assert_cmpint(call(fixture, "Terminate", NULL), >=, 0);
        while (!answered)
                g_assert_cmpint(sd_bus_process(fixture->bus, NULL), >=, 0);
        g_assert_cmpint(answered, ==, -1);
        assert_exit(fixture, "killed", SIGKILL);
        forget(fixture);
}

static void assert_leaves_nobody(Fixture *fixture, AppendFunction options)
{
        g_autofree char *mark = g_strdup_printf("10%d", (int)getpid());
        g_autofree char *script = g_strdup_printf("(setsid sleep %s &) ; sleep %s & echo hi", mark, mark);
        g_autofree char *search = g_strdup_printf("pgrep -fx 'sleep %s'", mark);
        int status;

        gint64 before = g_get_monotonic_time();
        run(fixture, script, options);
        assert_exit(fixture, "exited", 0);
        g_assert_cmpint(g_get_monotonic_time() - before, <, G_USEC_PER_SEC);
        assert_log(fixture, "hi\r\n");
        g_assert_true(g_spawn_command_line_sync(search, NULL, NULL, &status, NULL));
        g_assert_cmpint(WEXITSTATUS(status), ==, 1);
        forget(fixture);
}

static void test_background(Fixture *fixture, const void *data _unused_)
{
        assert_leaves_nobody(fixture, NULL);
}

static void test_background_shared(Fixture *fixture, const void *data _unused_)
{
        assert_leaves_nobody(fixture, sharing_pids);
}

static void test_term(Fixture *fixture, const void *data _unused_)
{
        int leader = run(fixture, "exec sleep 1000", NULL);

        kill(fixture->supervisor_pid, SIGTERM);
        wait_for_supervisor(fixture);
        g_assert_cmpint(kill(leader, 0), ==, -1);
        take_record();
}

static void assert_says(const char *fifo, const char *word)
{
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(fifo, &content, NULL, NULL));
        g_assert_cmpstr(g_strchomp(content), ==, word);
}

/* @trap: what the leader does about SIGTERM, with the fifo $f. Return: the leader, which is ready for it. */
static int run_that_hears(Fixture *fixture, const char *fifo, const char *trap)
{
        g_autofree char *script = g_strdup_printf(
                "f=%s; trap '%s' TERM; echo ready >$f; while :; do sleep 1000 & wait; done", fifo, trap);

        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        int leader = run(fixture, script, NULL);
        assert_says(fifo, "ready");
        return leader;
}

/* Its scope is stopped: the leader is asked to end, and only who insists doesn't wait for it. */
static void test_stop(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *directory = g_dir_make_tmp("pflask-XXXXXX", NULL);
        g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
        int leader = run_that_hears(fixture, fifo, "echo asked >$f; exit 5");

        kill(fixture->supervisor_pid, SCOPE_STOP_SIGNAL);
        assert_says(fifo, "asked");
        wait_for_supervisor(fixture);
        g_assert_cmpint(kill(leader, 0), ==, -1);
        take_record();
        g_remove(fifo);
        g_rmdir(directory);
}

static void test_stop_at_once(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *directory = g_dir_make_tmp("pflask-XXXXXX", NULL);
        g_autofree char *fifo = g_build_filename(directory, "fifo", NULL);
        int leader = run_that_hears(fixture, fifo, "echo no >$f");

        kill(fixture->supervisor_pid, SCOPE_STOP_SIGNAL);
        assert_says(fifo, "no");
        g_assert_cmpint(kill(leader, 0), ==, 0);
        kill(fixture->supervisor_pid, SIGTERM);
        wait_for_supervisor(fixture);
        g_assert_cmpint(kill(leader, 0), ==, -1);
        take_record();
        g_remove(fifo);
        g_rmdir(directory);
}

/* The leader dies with it, and what is left can be cleaned up by whoever gets the lock. */
static void test_killed(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *record = NULL;
        Result result;
        int status;

        pid_t leader = run(fixture, "exec sleep 1000", NULL);
        assert_state(fixture, "running");
        _cleanup_(fd_closep) int pidfd = pidfd_open(leader, 0);
        g_assert_cmpint(kill(fixture->supervisor_pid, SIGKILL), ==, 0);
        struct pollfd ended[] = {{.fd = fixture->supervisor, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
        for (int i = 0; i < 2; i++)
                g_assert_cmpint(poll(&ended[i], 1, 5000), ==, 1);
        g_assert_cmpint(process_wait(fixture->supervisor, &result, &status), ==, 1);
        fixture->supervisor = fd_close(fixture->supervisor);
        g_autofree char *path = path_of(BOX);
        _cleanup_(fd_closep) int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_no_errno(flock(directory, LOCK_EX | LOCK_NB));
        g_assert_cmpint(record_read(directory, &record), ==, 0);
        g_assert_cmpint(record->state, ==, STATE_RUNNING);
        g_assert_no_errno(unlinkat(directory, CONTROL_SOCKET, 0));
        g_assert_no_errno(unlinkat(directory, RECORD_FILE, 0));
        g_assert_no_errno(rmdir(path));
}

static int on_exited(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        const char *result;
        int32_t status;

        g_assert_cmpint(sd_bus_message_read(message, "si", &result, &status), >=, 0);
        g_assert_cmpstr(result, ==, "exited");
        *(int *)userdata = status;
        return 0;
}

static void test_tells_all(Fixture *fixture, const void *data _unused_)
{
        int console, lease, status[2] = {-1, -1};

        run_attached(fixture, "read line; exit 5", NULL, &console, &lease);
        sd_bus *buses[] = {fixture->bus, connect_again(fixture)};
        for (int i = 0; i < 2; i++) {
                g_assert_cmpint(sd_bus_match_signal(buses[i], NULL, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE,
                                                    "Exited", on_exited, &status[i]),
                                >=, 0);
                _cleanup_(freep) char *state = get_string(buses[i], "State");
                g_assert_cmpstr(state, ==, "running");
        }
        g_assert_cmpint(write(console, "\n", 1), ==, 1);
        for (int i = 0; i < 2; i++)
                while (status[i] < 0) {
                        int r = sd_bus_process(buses[i], NULL);
                        g_assert_cmpint(r, >=, 0);
                        if (r == 0)
                                g_assert_cmpint(sd_bus_wait(buses[i], 10000000), >, 0);
                }
        g_assert_cmpint(status[0], ==, 5);
        g_assert_cmpint(status[1], ==, 5);
        sd_bus_close_unref(buses[1]);
        fd_close(console);
        fd_close(lease);
        forget(fixture);
}

/* What nobody reads is not kept for ever. Others don't notice. */
static void test_deaf_manager(Fixture *fixture, const void *data _unused_)
{
        run(fixture, "read line", NULL);
        sd_bus *deaf = connect_again(fixture);
        free(get_string(deaf, "State"));
        struct pollfd cut = {.fd = sd_bus_get_fd(deaf), .events = POLLRDHUP};
        for (int i = 0; poll(&cut, 1, 0) == 0; i++) {
                g_autofree char *backlog = NULL;
                int console, lease, attached = true;
                g_assert_cmpint(i, <, 100000);
                g_assert_cmpint(attach_as(fixture->bus, 1, false, &console, &lease, &backlog, NULL), ==, 0);
                fd_close(console);
                fd_close(lease);
                while (attached)
                        get_number(fixture->bus, "ConsoleAttached", 'b', &attached);
                while (sd_bus_process(fixture->bus, NULL) > 0)
                        ;
        }
        sd_bus_close_unref(deaf);
        assert_state(fixture, "running");
}

/* ---- signals ---- */

static void test_signal_all(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(fd_closep) int console = -EBADF;
        _cleanup_(fd_closep) int lease = -EBADF;

        run_attached(fixture,
                     "stty -echo; trap 'echo leader' USR1; (trap 'echo other; exit' USR1; echo ready; "
                     "while :; do sleep 0.1; done) & wait; wait; sleep 1000",
                     NULL, &console, &lease);
        g_free(read_until(console, "ready"));
        g_assert_cmpint(kill_it(fixture, "all", SIGUSR1, &error), >=, 0);
        g_autofree char *text = read_until(console, "other");
        if (!strstr(text, "leader"))
                g_free(read_until(console, "leader"));
}

static void test_signal_all_shared(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        run(fixture, "sleep 1000 & (setsid sleep 1001 &); exec sleep 1002", sharing_pids);
        g_assert_cmpint(kill_it(fixture, "all", SIGTERM, &error), >=, 0);
        assert_exit(fixture, "killed", SIGTERM);
        forget(fixture);
}

static void test_bad_signals(Fixture *fixture, const void *data _unused_)
{
        static const int signals[] = {0, -1, 65, 1 << 30};

        run(fixture, "read line", NULL);
        for (unsigned i = 0; i < ELEMENTS(signals); i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                g_assert_cmpint(kill_it(fixture, "all", signals[i], &error), <, 0);
                g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_INVALID_ARGS);
        }
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        g_assert_cmpint(kill_it(fixture, "some", SIGTERM, &error), <, 0);
        g_assert_cmpstr(error.name, ==, SD_BUS_ERROR_INVALID_ARGS);
        assert_state(fixture, "running");
}

/* ---- the console ---- */

static void test_size(Fixture *fixture, const void *data _unused_)
{
        run(fixture, "stty size", sized);
        assert_exit(fixture, "exited", 0);
        assert_log(fixture, "33 111\r\n");
        forget(fixture);
}

static void test_own_root(Fixture *fixture, const void *data _unused_)
{
        run(fixture, "tty; test -c /dev/console && test -c /dev/ptmx && stty size", with_root);
        assert_exit(fixture, "exited", 0);
        assert_log(fixture, "/dev/pts/0\r\n24 80\r\n");
        forget(fixture);
}

static void test_nobody_reads(Fixture *fixture, const void *data _unused_)
{
        uint64_t dropped;

        run(fixture, "stty -opost; head -c 10485760 /dev/zero; echo end", NULL);
        assert_exit(fixture, "exited", 0);
        g_autoptr(GByteArray) log = read_log(fixture, &dropped);
        g_assert_cmpuint(log->len, ==, 65536);
        g_assert_cmpmem(log->data + 65536 - 4, 4, "end\n", 4);
        g_assert_cmpuint(dropped + log->len, ==, 10485760 + 4);
        g_autoptr(GByteArray) again = read_log(fixture, &dropped);
        g_assert_cmpmem(log->data, log->len, again->data, again->len);
        forget(fixture);
}

static void test_attach(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        g_autofree char *backlog = NULL, *more = NULL;
        int console, lease, second_console, second_lease;
        int attached;

        run(fixture, "stty -echo -opost; echo one; read line; echo two; read line", NULL);
        for (uint64_t dropped, have = 0; have < 4;) {
                g_autoptr(GByteArray) log = read_log(fixture, &dropped);
                have = log->len;
        }
        g_assert_cmpint(attach_as(fixture->bus, 77, false, &console, &lease, &backlog, &error), ==, 0);
        g_assert_cmpstr(backlog, ==, "one\n");
        get_number(fixture->bus, "ConsoleAttached", 'b', &attached);
        g_assert_true(attached);
        g_assert_cmpint(attach_as(fixture->bus, 78, false, &second_console, &second_lease, &more, &error), <, 0);
        g_assert_cmpstr(error.name, ==, ERROR_CONSOLE_BUSY);
        g_assert_nonnull(strstr(error.message, "77"));
        g_assert_nonnull(strstr(error.message, "1000"));
        g_assert_cmpint(write(console, "\n", 1), ==, 1);
        g_autofree char *read = read_until(console, "two\n");
        g_assert_cmpstr(read, ==, "two\n");
        fd_close(lease);
        fd_close(console);
        g_assert_cmpint(attach_as(fixture->bus, 79, false, &console, &lease, &more, NULL), ==, 0);
        g_assert_cmpstr(more, ==, ""); /* each byte once */
        assert_log(fixture, "one\n");
        fd_close(lease);
        fd_close(console);
}

typedef struct Taken {
        int r;
        int console, lease;
        char *error;
} Taken;

static int on_taken(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        Taken *taken = userdata;
        int console, lease;

        taken->r = 1;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                taken->error = g_strdup(sd_bus_message_get_error(reply)->name);
                return 0;
        }
        g_assert_cmpint(sd_bus_message_read(reply, "hh", &console, &lease), >=, 0);
        give(lease);
        taken->console = fd_keep(console);
        taken->lease = fd_keep(lease);
        return 0;
}

static void take(Fixture *fixture, Taken *taken)
{
        g_assert_cmpint(sd_bus_call_method_async(fixture->bus, NULL, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE,
                                                 "Attach", on_taken, taken, "(uus)b", 80, 1001, "", 1),
                        >=, 0);
}

static void wait_for_taken(Fixture *fixture, const Taken *taken)
{
        while (!taken->r) {
                int r = sd_bus_process(fixture->bus, NULL);
                g_assert_cmpint(r, >=, 0);
                if (r == 0)
                        g_assert_cmpint(sd_bus_wait(fixture->bus, 10000000), >, 0);
        }
}

static void test_take(Fixture *fixture, const void *data _unused_)
{
        Taken taken = {}, refused = {};
        int console, lease;
        char word;

        run_attached(fixture, "read line; echo still; read line", killed_on_release, &console, &lease);
        take(fixture, &taken);
        take(fixture, &refused); /* one is waiting already */
        wait_for_taken(fixture, &refused);
        g_assert_cmpstr(refused.error, ==, ERROR_CONSOLE_BUSY);
        struct pollfd asked = {.fd = lease, .events = POLLIN};
        g_assert_cmpint(poll(&asked, 1, 5000), ==, 1);
        g_assert_cmpint(read(lease, &word, 1), ==, 1);
        g_assert_cmpint(word, ==, 'r');
        fd_close(console);
        fd_close(lease);
        wait_for_taken(fixture, &taken);
        g_assert_null(taken.error);
        g_assert_cmpint(write(taken.console, "\n", 1), ==, 1);
        g_free(read_until(taken.console, "still"));
        fd_close(taken.console);
        fd_close(taken.lease);
        assert_state(fixture, "running"); /* who was asked to let go hasn't abandoned it */
        g_free(refused.error);
}

static void test_take_refused(Fixture *fixture, const void *data _unused_)
{
        Taken taken = {};
        int console, lease;

        run_attached(fixture, "read line", NULL, &console, &lease);
        gint64 before = g_get_monotonic_time();
        take(fixture, &taken);
        wait_for_taken(fixture, &taken);
        g_assert_cmpstr(taken.error, ==, ERROR_CONSOLE_BUSY);
        g_assert_cmpint(g_get_monotonic_time() - before, >=, 2 * G_USEC_PER_SEC);
        g_free(taken.error);
        fd_close(console);
        fd_close(lease);
}

static void test_kill_on_release(Fixture *fixture, const void *data _unused_)
{
        int console, lease;

        run_attached(fixture, "exec sleep 1000", killed_on_release, &console, &lease);
        fd_close(lease);
        assert_exit(fixture, "killed", SIGKILL);
        fd_close(console);
        forget(fixture);
}

static void test_detach(Fixture *fixture, const void *data _unused_)
{
        int console, lease, attached = true;

        run_attached(fixture, "exec sleep 1000", killed_on_release_without_terminal, &console, &lease);
        g_assert_cmpint(write(lease, "d", 1), ==, 1);
        fd_close(lease);
        fd_close(console);
        while (attached)
                get_number(fixture->bus, "ConsoleAttached", 'b', &attached);
        assert_state(fixture, "running");
}

static void test_no_console(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        g_autofree char *backlog = NULL;
        int console, lease;
        struct stat st;

        run_attached(fixture, "exec sleep 1000", without_terminal, &console, &lease);
        g_assert_no_errno(fstat(console, &st));
        g_assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
        fd_close(console);
        g_assert_cmpint(attach_as(fixture->bus, 1, false, &console, &lease, &backlog, &error), <, 0);
        g_assert_cmpstr(error.name, ==, ERROR_NO_CONSOLE);
        fd_close(lease);
}

/* Printed just before the end: whole in the log, and whole for a holder. */
static void test_last_words(Fixture *fixture, const void *data _unused_)
{
        for (int i = 0; i < 30; i++) {
                if (i > 0)
                        spawn(fixture, BOX);
                uint64_t dropped;
                run(fixture, "stty -opost; exec seq 1 10000", NULL);
                assert_exit(fixture, "exited", 0);
                g_autoptr(GByteArray) log = read_log(fixture, &dropped);
                g_assert_cmpuint(log->len, ==, 48894);
                g_assert_cmpmem(log->data + log->len - 6, 6, "10000\n", 6);
                forget(fixture);
                fixture->bus = sd_bus_close_unref(fixture->bus);
                fixture->directory = fd_close(fixture->directory);
                g_clear_pointer(&fixture->name, g_free);
        }
}

static void test_last_words_attached(Fixture *fixture, const void *data _unused_)
{
        for (int i = 0; i < 30; i++) {
                if (i > 0)
                        spawn(fixture, BOX);
                int console, lease;
                run_attached(fixture, "stty -opost; exec seq 1 10000", NULL, &console, &lease);
                g_autofree char *text = read_until(console, NULL);
                g_assert_cmpuint(strlen(text), ==, 48894);
                assert_exit(fixture, "exited", 0);
                fd_close(console);
                fd_close(lease);
                forget(fixture);
                fixture->bus = sd_bus_close_unref(fixture->bus);
                fixture->directory = fd_close(fixture->directory);
                g_clear_pointer(&fixture->name, g_free);
        }
}

/* What a holder who was killed left in the pty is in the log, though the leader has ended. */
static void test_left_by_holder(Fixture *fixture, const void *data _unused_)
{
        int console, lease;
        int attached = true;

        run_attached(fixture, "stty -opost; echo unread", NULL, &console, &lease);
        assert_exit(fixture, "exited", 0);
        fd_close(console);
        fd_close(lease);
        while (attached)
                get_number(fixture->bus, "ConsoleAttached", 'b', &attached);
        assert_log(fixture, "unread\n");
        forget(fixture);
}

/* CPU time of the supervisor, in clock ticks: proc(5). */
static unsigned long cpu_of(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid), *stat = NULL;
        unsigned long user, kernel;

        g_assert_true(g_file_get_contents(path, &stat, NULL, NULL));
        g_assert_cmpint(
                sscanf(strrchr(stat, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel), ==,
                2);
        return user + kernel;
}

/* The leader closes its terminal and lives on, and every manager is gone. */
static void test_does_not_spin(Fixture *fixture, const void *data _unused_)
{
        run(fixture, "echo bye; exec sleep 1000 </dev/null >/dev/null 2>&1", NULL);
        sd_bus_close_unref(fixture->bus);
        unsigned long before = cpu_of(fixture->supervisor_pid);
        g_usleep(2 * G_USEC_PER_SEC); /* the promise is about time that passes */
        g_assert_cmpuint(cpu_of(fixture->supervisor_pid) - before, <=, 2);
        fixture->bus = connect_again(fixture);
        assert_log(fixture, "bye\r\n");
}

/* ---- description ---- */

static void test_describe(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(strings_freep) char **environment = NULL;
        const char *words[3], *key;
        int terminal;

        run(fixture, "read line", killed_on_release);
        g_assert_cmpint(sd_bus_call_method(fixture->bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Describe", NULL,
                                           &reply, NULL),
                        >=, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "as", 3, &words[0], &words[1], &words[2]), >=, 0);
        g_assert_cmpstr(words[2], ==, "read line");
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'a', "{sv}"), >, 0);
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'e', "sv"), >, 0);
        g_assert_cmpint(sd_bus_message_read(reply, "s", &key), >, 0);
        g_assert_cmpstr(key, ==, "Environment");
        g_assert_cmpint(sd_bus_message_enter_container(reply, 'v', "as"), >, 0);
        g_assert_cmpint(sd_bus_message_read_strv(reply, &environment), >=, 0);
        g_assert_true(g_strv_contains((const char *const *)environment, "container=pflask"));
        g_assert_cmpint(sd_bus_message_exit_container(reply), >=, 0);
        g_assert_cmpint(sd_bus_message_exit_container(reply), >=, 0);
        do {
                g_assert_cmpint(sd_bus_message_read(reply, "{sv}", &key, "b", &terminal), >, 0);
        } while (!g_str_equal(key, "Terminal"));
}

/* A register of our own, where nobody else's containers are. */
static void isolate(void)
{
        g_assert_no_errno(unshare(CLONE_NEWNS));
        g_assert_no_errno(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
        g_assert_no_errno(mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"));
        g_assert_no_errno(g_mkdir_with_parents(CONTAINERS_DIRECTORY, 0755));
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*test)(Fixture *fixture, const void *data);
        } tests[] = {
                {"/supervisor/is-what-its-interface-says", test_interface},
                {"/supervisor/runs-a-command", test_runs},
                {"/supervisor/names-after-the-leader", test_named_after_leader},
                {"/supervisor/leaves-nothing-when-its-maker-goes", test_maker_gone},
                {"/supervisor/leaves-nothing-that-nobody-was-told-of", test_maker_gone_with_answer},
                {"/supervisor/leaves-nothing-whose-lease-nobody-got", test_maker_gone_with_lease},
                {"/supervisor/does-not-need-a-manager", test_manager_gone},
                {"/supervisor/says-command-not-found", test_not_found},
                {"/supervisor/says-command-not-executable", test_not_executable},
                {"/supervisor/says-why-the-set-up-failed", test_create_fails},
                {"/supervisor/lets-no-stranger-in", test_strangers},
                {"/supervisor/records-the-exit-code", test_exit_code},
                {"/supervisor/records-the-signal", test_death_by_signal},
                {"/supervisor/does-not-forget-what-runs", test_forget_early},
                {"/supervisor/terminates", test_terminate},
                {"/supervisor/kills-what-takes-too-long-to-end", test_power_off_in_vain},
                {"/supervisor/lets-a-rebooted-leader-be-registered", test_reboot_registers},
                {"/supervisor/ends-a-leader-that-is-to-be-registered", test_terminate_reboot},
                {"/supervisor/ends-with-the-leader", test_background},
                {"/supervisor/ends-with-the-leader-in-shared-pids", test_background_shared},
                {"/supervisor/ends-when-told-to", test_term},
                {"/supervisor/asks-first-when-its-scope-is-stopped", test_stop},
                {"/supervisor/insists-when-told-twice", test_stop_at_once},
                {"/supervisor/tells-all-managers", test_tells_all},
                {"/supervisor/takes-the-leader-along", test_killed},
                {"/supervisor/cuts-off-who-does-not-listen", test_deaf_manager},
                {"/supervisor/signals-all", test_signal_all},
                {"/supervisor/signals-all-in-shared-pids", test_signal_all_shared},
                {"/supervisor/refuses-bad-signals", test_bad_signals},
                {"/supervisor/sets-the-size-first", test_size},
                {"/supervisor/gives-a-root-its-own-ptys", test_own_root},
                {"/supervisor/reads-where-nobody-does", test_nobody_reads},
                {"/supervisor/attaches-one-at-a-time", test_attach},
                {"/supervisor/hands-the-console-over", test_take},
                {"/supervisor/hands-over-nothing-by-force", test_take_refused},
                {"/supervisor/kills-on-release", test_kill_on_release},
                {"/supervisor/lets-who-detaches-go", test_detach},
                {"/supervisor/has-no-console-without-terminal", test_no_console},
                {"/supervisor/keeps-the-last-words", test_last_words},
                {"/supervisor/keeps-the-last-words-for-the-holder", test_last_words_attached},
                {"/supervisor/reads-what-a-holder-left", test_left_by_holder},
                {"/supervisor/does-not-spin", test_does_not_spin},
                {"/supervisor/describes", test_describe},
        };

        g_test_init(&argc, &argv, NULL);
        errors_register();
        isolate();
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
