/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root's own way in
 *
 * A socket at which the manager of the system bus serves root without a bus in between. Whatever can be done there can
 * be done elsewhere, and most of that is tested elsewhere, with this as a transport; here is who is let in, and what
 * becomes of who leaves.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "common/record.h"
#include "fixture.h"

#define SOCKET_PATH RUNTIME_DIRECTORY "/" PRIVATE_SOCKET

enum { GUESTS_MAX = 512 };

static const char *const idle = "exec sleep 1000";

/* Return: connected; -errno. */
static int knock(uid_t uid)
{
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = 0;

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(seteuid(uid), ==, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                r = -errno;
        g_assert_cmpint(seteuid(0), ==, 0);
        return r < 0 ? r : TAKE_FD(fd);
}

static gboolean is_shown_out(int fd)
{
        char byte;

        g_assert_cmpint(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 30000), ==, 1);
        return recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* The mode keeps others out, and if it were another one the manager would. */
static void test_only_root(Fixture *fixture)
{
        struct stat st;

        g_assert_cmpint(lstat(SOCKET_PATH, &st), ==, 0);
        g_assert_cmpuint(st.st_mode, ==, S_IFSOCK | 0600);
        g_assert_cmpuint(st.st_uid, ==, 0);
        g_assert_cmpint(knock(ALICE), ==, -EACCES);
        g_assert_cmpint(chmod(SOCKET_PATH, 0666), ==, 0);
        _cleanup_(fd_closep) int fd = knock(ALICE);
        g_assert_cmpint(fd, >=, 0);
        g_assert_true(is_shown_out(fd));
        n_containers(fixture->client);
}

/* Whoever leaves takes along what was begun for it, and nothing of others'. */
static void test_leaving(Fixture *fixture)
{
        g_auto(Pending) waits = {};

        create(fixture->client, "box", idle, NULL);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                          g_variant_new("(s)", "box"), &waits);
        for (guint i = 0; i < rounds(50); i++) {
                g_autoptr(Client) other = client_new(fixture, 0);
                g_auto(Pending) cut_off = {};
                client_call_later(other, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"),
                                  &cut_off);
                g_assert_cmpuint(n_containers(other), ==, 1);
                g_dbus_connection_close_sync(other->connection, NULL, NULL);
                await(cut_off.is_done);
                g_assert_nonnull(cut_off.error);
        }
        g_assert_false(waits.is_done);
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGKILL));
        await(waits.is_done);
        g_assert_no_error(waits.error);
}

/* The manager, which stands still meanwhile, finds that the owner has gone and that the container has ended at once. */
static void leave_and_end(Fixture *fixture, Client *owner, const char *name)
{
        Pending unheard = {};
        gboolean has_ended = FALSE;

        client_call_later(owner, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", name),
                          &unheard);
        n_containers(owner);
        g_autoptr(GVariant) leader = property(fixture->client, name, "Leader");
        _cleanup_(fd_closep) int pidfd = pidfd_open((pid_t)g_variant_get_uint32(leader), 0);
        g_assert_cmpint(pidfd, >=, 0);
        process_signal(fixture->manager, SIGSTOP);
        client_free(owner);
        process_signal(pidfd, SIGKILL);
        await_process(pidfd);
        /* The supervisor has said so when it has written it down. */
        g_autofree char *record = g_strdup_printf(CONTAINERS_DIRECTORY "/%s/" RECORD_FILE, name);
        while (!has_ended) {
                g_autofree char *content = NULL;
                g_assert_true(g_file_get_contents(record, &content, NULL, NULL));
                has_ended = strstr(content, "exited") != NULL;
        }
        process_signal(fixture->manager, SIGCONT);
        await(unheard.is_done);
        g_assert_nonnull(unheard.error);
        pending_clear(&unheard);
}

/* An end is forgotten when its owner has heard of it, and not when the owner has asked and gone. */
static void test_end_is_kept(Fixture *fixture)
{
        for (guint i = 0; i < rounds(20); i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                Client *early = i % 2 ? client_new(fixture, 0) : NULL;
                create(fixture->client, name, idle, NULL);
                leave_and_end(fixture, early ? early : client_new(fixture, 0), name);
                wait_for(fixture->client, name, "killed", SIGKILL);
        }
}

/* A bus writes the sender into each message; here whoever sends could write anything. */
static void test_false_name(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;

        create(fixture->client, "box", idle, NULL);
        n_containers(alice);
        g_autoptr(GDBusMessage)
                call = g_dbus_message_new_method_call(NULL, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer");
        g_dbus_message_set_sender(call, g_dbus_connection_get_unique_name(alice->connection));
        g_dbus_message_set_body(call, g_variant_new("(ssi)", "box", "leader", SIGKILL));
        g_autoptr(GDBusMessage) reply = g_dbus_connection_send_message_with_reply_sync(
                fixture->client->connection, call, G_DBUS_SEND_MESSAGE_FLAGS_NONE, 30000, NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpint(g_dbus_message_get_message_type(reply), ==, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

/* Once all places are taken, whoever comes is sent away at once, and those who are there notice nothing. */
static void test_crowd(Fixture *fixture)
{
        int guests[GUESTS_MAX - 1]; /* the fixture's client is one */

        for (guint i = 0; i < ELEMENTS(guests); i++) {
                guests[i] = knock(0);
                g_assert_cmpint(guests[i], >=, 0);
        }
        _cleanup_(fd_closep) int last = knock(0);
        g_assert_true(is_shown_out(last));
        g_autofree char *out = NULL, *err = NULL;
        g_assert_cmpint(shell(fixture, "exec $pflask -- true", &out, &err), ==, 0);
        g_assert_cmpstr(err, ==, "");
        n_containers(fixture->client);
        for (guint i = 0; i < ELEMENTS(guests); i++)
                fd_close(guests[i]);
        g_autoptr(Client) next = NULL;
        await_n_containers(fixture->client, 0); /* by then it has heard of some at least */
        next = client_new(fixture, 0);
        n_containers(next);
}

/* Who is killed leaves the file behind, which is nobody's door; who goes takes it along. */
static void test_file(Fixture *fixture)
{
        g_autofree char *out = NULL, *err = NULL;

        fixture_stop_manager(fixture, SIGKILL);
        g_assert_cmpint(access(SOCKET_PATH, F_OK), ==, 0);
        g_assert_cmpint(knock(0), ==, -ECONNREFUSED);
        g_assert_cmpint(shell(fixture, "$pflask list", &out, &err), ==, 125);
        g_assert_nonnull(strstr(err, "is not on the system bus"));
        fixture_start_manager(fixture);
        n_containers(fixture->client);
        fixture_stop_manager(fixture, SIGTERM);
        g_assert_cmpint(access(SOCKET_PATH, F_OK), <, 0);
        fixture_start_manager(fixture);
}

/* Without it, and for who names the bus, there is the bus. */
static void test_bus_instead(Fixture *fixture)
{
        g_autofree char *out = NULL, *err = NULL;
        static const char script[] = "$pflask -- true && mv " SOCKET_PATH " " SOCKET_PATH "~ && $pflask -- true && "
                                     "mv " SOCKET_PATH "~ " SOCKET_PATH " && "
                                     "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere $pflask list";

        g_assert_cmpint(shell(fixture, script, &out, &err), ==, 0);
        g_assert_nonnull(strstr(err, "there is no system bus"));
}

/* Accepts one, and ends with it before it has greeted. */
static void *turn_away(void *data)
{
        int fd = accept4(GPOINTER_TO_INT(data), NULL, NULL, SOCK_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        fd_close(fd);
        return NULL;
}

/* Who is not let in, for whatever reason, goes by the bus and says nothing about it. */
static void test_turned_away(Fixture *fixture)
{
        static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
        _cleanup_(fd_closep) int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_autofree char *out = NULL, *err = NULL;

        g_assert_cmpint(unlink(SOCKET_PATH), ==, 0);
        g_assert_cmpint(bind(door, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
        g_assert_cmpint(listen(door, 1), ==, 0);
        GThread *thread = g_thread_new(NULL, turn_away, GINT_TO_POINTER(door));
        g_assert_cmpint(shell(fixture, "exec $pflask -- echo made", &out, &err), ==, 0);
        g_thread_join(thread);
        g_assert_cmpstr(out, ==, "made\n");
        g_assert_cmpstr(err, ==, "");
        unlink(SOCKET_PATH);
}

/* A manager of another bus, as for a trial, doesn't stand in the service's door. */
static void test_other_bus(Fixture *fixture)
{
        g_autofree char *address = g_strdup(g_getenv("DBUS_SYSTEM_BUS_ADDRESS"));

        fixture_stop_manager(fixture, SIGTERM);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/./system_bus_socket", TRUE);
        fixture_start_manager(fixture);
        g_assert_cmpint(access(SOCKET_PATH, F_OK), <, 0);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
}

/* Greets, and asks @n times for a long answer without reading any. */
static void ask_deafly(int fd, guint32 n)
{
        static const char greeting[] = "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        g_autoptr(GByteArray) stream = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        gsize size;

        g_byte_array_append(stream, (const guint8 *)greeting, sizeof(greeting) - 1);
        for (guint32 serial = 1; serial <= n; serial++) {
                g_autoptr(GDBusMessage) call = g_dbus_message_new_method_call(
                        NULL, MANAGER_PATH, "org.freedesktop.DBus.Introspectable", "Introspect");
                g_dbus_message_set_serial(call, serial);
                g_autofree guint8 *blob = g_dbus_message_to_blob(call, &size, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
                g_assert_no_error(error);
                g_byte_array_append(stream, blob, (guint)size);
        }
        g_assert_cmpint(send(fd, stream->data, stream->len, MSG_NOSIGNAL), ==, (gssize)stream->len);
}

/* Whoever is there when the manager ends is left behind: one who says nothing, and one who reads nothing. */
static void test_ending(Fixture *fixture)
{
        enum { CALLS = 3000 }; /* whose answers are more than a socket takes */
        int silent = knock(0), deaf = knock(0);

        g_assert_cmpint(silent, >=, 0);
        g_assert_cmpint(deaf, >=, 0);
        ask_deafly(deaf, CALLS);
        for (guint i = 0; i < CALLS; i++) /* each in its turn, so by then the other's are answered */
                n_containers(fixture->client);
        fixture_stop_manager(fixture, SIGTERM);
        g_assert_true(is_shown_out(silent));
        fd_close(silent);
        fd_close(deaf);
        fixture_start_manager(fixture);
}

int main(int argc, char **argv)
{
        static const Test tests[] = {
                TEST("/entrance/lets-nobody-in-but-root", test_only_root, ON_SOCKET),
                TEST("/entrance/leaver-takes-its-calls-along", test_leaving, ON_SOCKET),
                TEST("/entrance/end-that-nobody-has-heard-of-is-kept", test_end_is_kept, ON_SOCKET),
                TEST("/entrance/what-a-guest-calls-itself-counts-for-nothing", test_false_name, ON_SOCKET),
                TEST("/entrance/guests-keep-nobody-from-ending", test_ending, ON_SOCKET),
                TEST("/entrance/has-a-limit", test_crowd, ON_SOCKET),
                TEST("/entrance/file-of-the-dead-is-replaced", test_file, ON_SOCKET),
                TEST("/entrance/bus-is-used-where-there-is-none", test_bus_instead, ON_SOCKET),
                TEST("/entrance/who-is-turned-away-goes-by-the-bus", test_turned_away, ON_SOCKET),
                TEST("/entrance/is-that-of-the-system-bus-alone", test_other_bus, ON_BUS),
        };

        return test_program(argc, argv, tests, ELEMENTS(tests));
}
