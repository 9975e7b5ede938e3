/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"

enum { ANSWER_TIMEOUT_MSEC = 30000 };

void client_free(Client *client)
{
        Result result;
        int status;

        if (!client)
                return;
        g_dbus_connection_close_sync(client->connection, NULL, NULL);
        g_object_unref(client->connection);
        if (client->manager >= 0) {
                g_assert_cmpint(poll(&(struct pollfd){client->manager, POLLIN, 0}, 1, ANSWER_TIMEOUT_MSEC), ==, 1);
                g_assert_cmpint(process_wait(client->manager, &result, &status), ==, 1);
                g_assert_cmpstr(result_name(result), ==, "exited");
                g_assert_cmpint(status, ==, 0);
                fd_close(client->manager);
        }
        g_free(client);
}

void attachment_close(Attachment *attachment)
{
        fd_closep(&attachment->console);
        fd_closep(&attachment->lease);
        g_clear_pointer(&attachment->backlog, g_bytes_unref);
}

void pending_clear(Pending *pending)
{
        g_clear_pointer(&pending->reply, g_variant_unref);
        g_clear_object(&pending->fds);
        g_clear_error(&pending->error);
}

/* ---- calls ---- */

GVariant *client_call(Client *client, const char *path, const char *interface, const char *member, GVariant *parameters,
                      GUnixFDList *fds, GUnixFDList **ret_fds, GError **error)
{
        return g_dbus_connection_call_with_unix_fd_list_sync(client->connection, client->destination, path, interface,
                                                             member, parameters, NULL, G_DBUS_CALL_FLAGS_NONE,
                                                             ANSWER_TIMEOUT_MSEC, fds, ret_fds, NULL, error);
}

const char *client_error_name(const GError *error)
{
        if (!error)
                return "";
        g_autofree char *name = g_dbus_error_get_remote_error(error);
        return name ? g_intern_string(name) : "";
}

const char *outcome(Client *client, const char *path, const char *interface, const char *member, GVariant *parameters)
{
        g_autoptr(GError) error = NULL;

        GVariant *reply = client_call(client, path, interface, member, parameters, NULL, NULL, &error);
        g_clear_pointer(&reply, g_variant_unref);
        g_test_message("%s: %s", member, error ? error->message : "done");
        return client_error_name(error);
}

static void pending_answered(GObject *connection, GAsyncResult *result, void *data)
{
        Pending *pending = data;

        pending->reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(connection), &pending->fds,
                                                                         result, &pending->error);
        pending->is_done = TRUE;
}

void client_call_later_with_fds(Client *client, const char *path, const char *interface, const char *member,
                                GVariant *parameters, GUnixFDList *fds, Pending *pending)
{
        *pending = (Pending){};
        g_dbus_connection_call_with_unix_fd_list(client->connection, client->destination, path, interface, member,
                                                 parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, fds, NULL,
                                                 pending_answered, pending);
}

void client_call_later(Client *client, const char *path, const char *interface, const char *member,
                       GVariant *parameters, Pending *pending)
{
        client_call_later_with_fds(client, path, interface, member, parameters, NULL, pending);
}

static GVariant *parameters_new(const char *format, va_list *arguments)
{
        return format ? g_variant_new_va(format, NULL, arguments) : NULL;
}

GVariant *manager_call(Client *client, const char *member, const char *format, ...)
{
        g_autoptr(GError) error = NULL;
        va_list arguments;

        va_start(arguments, format);
        GVariant *parameters = parameters_new(format, &arguments);
        va_end(arguments);
        GVariant *reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, member, parameters, NULL, NULL, &error);
        g_assert_no_error(error);
        return reply;
}

GVariant *client_bus_call(Client *client, const char *member, GVariant *parameters)
{
        g_autoptr(GError) error = NULL;

        GVariant *reply = g_dbus_connection_call_sync(
                client->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member,
                parameters, NULL, G_DBUS_CALL_FLAGS_NONE, ANSWER_TIMEOUT_MSEC, NULL, &error);
        g_assert_no_error(error);
        return reply;
}

char *manager_refuses(Client *client, const char *error_name, const char *member, const char *format, ...)
{
        g_autoptr(GError) error = NULL;
        va_list arguments;

        va_start(arguments, format);
        GVariant *parameters = parameters_new(format, &arguments);
        va_end(arguments);
        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, member, parameters, NULL, NULL, &error);
        g_assert_null(reply);
        g_autofree char *full = strchr(error_name, '.') ? g_strdup(error_name)
                                                        : g_strconcat(ERROR_PREFIX, error_name, NULL);
        g_test_message("%s: %s", member, error->message);
        g_assert_cmpstr(client_error_name(error), ==, full);
        g_dbus_error_strip_remote_error(error);
        return g_strdup(error->message);
}

/* ---- containers ---- */

GVariant *options(const char *text)
{
        g_autoptr(GError) error = NULL;

        GVariant *parsed = g_variant_parse(G_VARIANT_TYPE_VARDICT, text ? text : "{}", NULL, NULL, &error);
        g_assert_no_error(error);
        return parsed;
}

static GVariant *container_parameters(const char *name, const char *script, const char *option_text)
{
        const char *const command[] = {"sh", "-c", script, NULL};

        return g_variant_new("(s^as@a{sv})", name, command, options(option_text));
}

char *container_path(const char *name)
{
        GString *path = g_string_new(CONTAINER_PATH_PREFIX "/");

        for (const char *c = name; *c; c++)
                if (g_ascii_isalpha(*c) || (c > name && g_ascii_isdigit(*c)))
                        g_string_append_c(path, *c);
                else
                        g_string_append_printf(path, "_%02x", (unsigned char)*c);
        return g_string_free(path, FALSE);
}

void create(Client *client, const char *name, const char *script, const char *option_text)
{
        g_autoptr(GVariant) reply = manager_call(client, "CreateContainer", "@(sasa{sv})",
                                                 container_parameters(name, script, option_text));
        g_autofree char *expected = container_path(name);
        const char *final_name, *path;

        g_variant_get(reply, "(&s&o)", &final_name, &path);
        g_assert_cmpstr(final_name, ==, name);
        g_assert_cmpstr(path, ==, expected);
}

static int take_fd(GUnixFDList *fds, int handle)
{
        g_autoptr(GError) error = NULL;
        int fd = g_unix_fd_list_get(fds, handle, &error);

        g_assert_no_error(error);
        return fd;
}

int pending_take_fd(const Pending *pending, int n)
{
        return take_fd(pending->fds, n);
}

void run(Client *client, const char *name, const char *script, const char *option_text, Attachment *ret)
{
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GError) error = NULL;
        int console, lease;

        g_autoptr(GVariant) reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "RunContainer",
                                                container_parameters(name, script, option_text), NULL, &fds, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(&s&ohh)", NULL, NULL, &console, &lease);
        *ret = (Attachment){take_fd(fds, console), take_fd(fds, lease), NULL};
}

void attach(Client *client, const char *name, gboolean take, Attachment *ret)
{
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GVariant) backlog = NULL;
        g_autoptr(GError) error = NULL;
        int console, lease;

        g_autoptr(GVariant) reply = client_call(
                client, MANAGER_PATH, MANAGER_INTERFACE, "AttachContainer",
                g_variant_new("(s@a{sv})", name, options(take ? "{'Take': <true>}" : NULL)), NULL, &fds, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(hh@ay)", &console, &lease, &backlog);
        *ret = (Attachment){take_fd(fds, console), take_fd(fds, lease), g_variant_get_data_as_bytes(backlog)};
}

void wait_for(Client *client, const char *name, const char *result, int status)
{
        g_autoptr(GVariant) reply = manager_call(client, "WaitContainer", "(s)", name);
        const char *actual_result;
        int actual_status;

        g_variant_get(reply, "(&si)", &actual_result, &actual_status);
        g_assert_cmpstr(actual_result, ==, result);
        g_assert_cmpint(actual_status, ==, status);
}

void terminate(Client *client, const char *name)
{
        g_variant_unref(manager_call(client, "TerminateContainer", "(s)", name));
        wait_for(client, name, "killed", SIGKILL);
}

GVariant *property(Client *client, const char *name, const char *property)
{
        g_autofree char *path = container_path(name);
        g_autoptr(GVariant) value = NULL;
        g_autoptr(GError) error = NULL;

        g_autoptr(GVariant)
                reply = client_call(client, path, "org.freedesktop.DBus.Properties", "Get",
                                    g_variant_new("(ss)", CONTAINER_INTERFACE, property), NULL, NULL, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(v)", &value);
        return g_steal_pointer(&value);
}

gsize n_containers(Client *client)
{
        g_autoptr(GVariant) reply = manager_call(client, "ListContainers", NULL);
        g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);

        return g_variant_n_children(list);
}

/* ---- signals ---- */

static void signal_arrived(GDBusConnection *connection _unused_, const char *sender _unused_, const char *path _unused_,
                           const char *interface _unused_, const char *member, GVariant *parameters, void *data)
{
        Signals *signals = data;
        g_autofree char *before = signals->sequence;

        signals->sequence = g_strconcat(before, member, " ", NULL);
        signals->n_new += g_str_equal(member, "ContainerNew");
        signals->n_removed += g_str_equal(member, "ContainerRemoved");
        if (g_str_equal(member, "ContainerExited")) {
                g_clear_pointer(&signals->result, g_free);
                g_variant_get(parameters, "(&ssi)", NULL, &signals->result, &signals->status);
                signals->n_exited++;
        }
}

void signals_watch(Client *client, const char *name, Signals *ret)
{
        *ret = (Signals){.connection = client->connection, .sequence = g_strdup("")};
        ret->subscription = g_dbus_connection_signal_subscribe(client->connection, NULL, MANAGER_INTERFACE, NULL,
                                                               MANAGER_PATH, name, G_DBUS_SIGNAL_FLAGS_NONE,
                                                               signal_arrived, ret, NULL);
        /* Subscribing isn't waited for, but what is called next comes after it. */
        n_containers(client);
}

void signals_stop(Signals *signals)
{
        if (signals->subscription)
                g_dbus_connection_signal_unsubscribe(signals->connection, signals->subscription);
        g_clear_pointer(&signals->sequence, g_free);
        g_clear_pointer(&signals->result, g_free);
}

/* ---- consoles ---- */

/* False at the end: of a pipe, or of a pty whose other side has no opener left (EIO). */
static gboolean read_some(int fd, GByteArray *content)
{
        guint8 buffer[16384];

        g_assert_cmpint(poll(&(struct pollfd){fd, POLLIN, 0}, 1, ANSWER_TIMEOUT_MSEC), ==, 1);
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n > 0)
                g_byte_array_append(content, buffer, (guint)n);
        return n > 0 || (n < 0 && errno == EAGAIN);
}

GByteArray *read_until_end(int fd)
{
        GByteArray *content = g_byte_array_new();

        while (read_some(fd, content))
                ;
        return content;
}

GByteArray *read_until(int fd, const char *text)
{
        GByteArray *content = g_byte_array_new();

        while (content->len == 0 || !memmem(content->data, content->len, text, strlen(text)))
                if (!read_some(fd, content))
                        g_error("'%s' was not in: %.*s", text, (int)content->len, (const char *)content->data);
        return content;
}
