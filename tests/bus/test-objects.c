/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects
 *
 * A program that shows containers needs no polling: GDBusObjectManagerClient, which knows nothing of us, sees them
 * come, change and go.
 */
#include <signal.h>
#include <string.h>

#include "common/fd.h"
#include "fixture.h"

static const char *const idle = "exec sleep 100";

static GDBusObjectManager *object_manager(Client *client)
{
        g_autoptr(GError) error = NULL;

        GDBusObjectManager *manager = g_dbus_object_manager_client_new_sync(
                client->connection, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, client->destination, MANAGER_PATH, NULL,
                NULL, NULL, NULL, &error);
        g_assert_no_error(error);
        return manager;
}

static void count_object(GDBusObjectManager *manager _unused_, GDBusObject *object _unused_, void *data)
{
        ++*(guint *)data;
}

/* A cached property, as the client believes it to be. */
static char *cached(GDBusObjectManager *manager, const char *name, const char *which)
{
        g_autofree char *path = container_path(name);
        g_autoptr(GDBusInterface) interface = g_dbus_object_manager_get_interface(manager, path, CONTAINER_INTERFACE);

        if (!interface)
                return g_strdup("no object");
        g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(G_DBUS_PROXY(interface), which);
        return value ? g_variant_print(value, FALSE) : g_strdup("no value");
}

static gboolean cached_is(GDBusObjectManager *manager, const char *name, const char *which, const char *expected)
{
        g_autofree char *value = cached(manager, name, which);

        return g_str_equal(value, expected);
}

static void test_come_and_go(Fixture *fixture)
{
        g_autoptr(GDBusObjectManager) manager = object_manager(fixture->client);
        guint n_added = 0, n_removed = 0;

        g_signal_connect(manager, "object-added", G_CALLBACK(count_object), &n_added);
        g_signal_connect(manager, "object-removed", G_CALLBACK(count_object), &n_removed);
        create(fixture->client, "box", idle, NULL);
        await(n_added == 1);
        g_assert_true(cached_is(manager, "box", "Name", "'box'"));
        g_assert_true(cached_is(manager, "box", "State", "'running'"));
        terminate(fixture->client, "box");
        await(n_removed == 1);
        g_assert_cmpuint(n_added, ==, 1);
}

static void test_there_already(Fixture *fixture)
{
        create(fixture->client, "one", idle, NULL);
        create(fixture->client, "two", idle, NULL);
        g_autoptr(GDBusObjectManager) manager = object_manager(fixture->client);
        GList *objects = g_dbus_object_manager_get_objects(manager);
        g_assert_cmpuint(g_list_length(objects), ==, 2);
        g_list_free_full(objects, g_object_unref);
        g_assert_true(cached_is(manager, "two", "State", "'running'"));
        terminate(fixture->client, "one");
        terminate(fixture->client, "two");
}

static void test_changes(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", idle, NULL);
        g_autoptr(GDBusObjectManager) manager = object_manager(fixture->client);
        g_assert_true(cached_is(manager, "box", "ConsoleAttached", "false"));
        attach(fixture->client, "box", FALSE, &attachment);
        await(cached_is(manager, "box", "ConsoleAttached", "true"));
        attachment_close(&attachment);
        await(cached_is(manager, "box", "ConsoleAttached", "false"));
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGKILL));
        await(cached_is(manager, "box", "State", "'exited'"));
        g_assert_true(cached_is(manager, "box", "Result", "'killed'"));
        g_assert_true(cached_is(manager, "box", "ExitStatus", "9"));
        g_assert_true(cached_is(manager, "box", "Leader", "0"));
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void properties_changed(GDBusConnection *connection _unused_, const char *sender _unused_,
                               const char *path _unused_, const char *interface _unused_, const char *member _unused_,
                               GVariant *parameters, void *data)
{
        g_autoptr(GVariant) changed = NULL;

        g_variant_get(parameters, "(&s@a{sv}^a&s)", NULL, &changed, NULL);
        g_variant_lookup(changed, "NContainers", "u", data);
}

static void test_count(Fixture *fixture)
{
        guint count = 0;
        guint subscription = g_dbus_connection_signal_subscribe(
                fixture->client->connection, NULL, "org.freedesktop.DBus.Properties", "PropertiesChanged", MANAGER_PATH,
                MANAGER_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, properties_changed, &count, NULL);

        create(fixture->client, "one", idle, NULL);
        await(count == 1);
        create(fixture->client, "two", idle, NULL);
        await(count == 2);
        terminate(fixture->client, "one");
        await(count == 1);
        terminate(fixture->client, "two");
        await(count == 0);
        g_dbus_connection_signal_unsubscribe(fixture->client->connection, subscription);
}

static void test_signals(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 5", NULL);
        wait_for(fixture->client, "box", "exited", 5);
        await(signals.n_removed == 1);
        g_assert_cmpstr(signals.sequence, ==, "ContainerNew ContainerExited ContainerRemoved ");
        g_assert_cmpstr(signals.result, ==, "exited");
        g_assert_cmpint(signals.status, ==, 5);
}

/* Who got the name of a container in the reply can use its object at once. */
static void test_object_is_there_with_the_reply(Fixture *fixture)
{
        g_autofree char *path = container_path("box");

        for (guint i = 0; i < rounds(20); i++) {
                create(fixture->client, "box", idle, NULL);
                g_assert_cmpstr(outcome(fixture->client, path, CONTAINER_INTERFACE, "Terminate", NULL), ==, "");
                wait_for(fixture->client, "box", "killed", SIGKILL);
        }
}

static void test_object_verbs(Fixture *fixture)
{
        g_autofree char *path = container_path("a.b-c_d");
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply = NULL, log = NULL, description = NULL, killed = NULL;
        g_auto(Pending) pending = {};

        create(fixture->client, "a.b-c_d", idle, NULL);
        reply = client_call(fixture->client, path, CONTAINER_INTERFACE, "Attach",
                            g_variant_new("(@a{sv})", options(NULL)), NULL, &fds, &error);
        g_assert_no_error(error);
        g_assert_cmpint(g_unix_fd_list_get_length(fds), ==, 2);
        log = client_call(fixture->client, path, CONTAINER_INTERFACE, "ReadLog", NULL, NULL, NULL, &error);
        g_assert_no_error(error);
        description = client_call(fixture->client, path, CONTAINER_INTERFACE, "Describe", NULL, NULL, NULL, &error);
        g_assert_no_error(error);
        client_call_later(fixture->client, path, CONTAINER_INTERFACE, "Wait", NULL, &pending);
        killed = client_call(fixture->client, path, CONTAINER_INTERFACE, "Kill", g_variant_new("(si)", "all", SIGKILL),
                             NULL, NULL, &error);
        g_assert_no_error(error);
        await(pending.is_done);
        g_assert_no_error(pending.error);
}

static const Test tests[] = {
        TEST("/objects/come-and-go", test_come_and_go, ON_BOTH),
        TEST("/objects/that-were-there-are-seen", test_there_already, ON_BOTH),
        TEST("/objects/tell-their-changes", test_changes, ON_BOTH),
        TEST("/objects/are-there-with-the-reply", test_object_is_there_with_the_reply, ON_BOTH),
        TEST("/objects/have-every-verb", test_object_verbs, ON_BOTH),
        TEST("/objects/are-counted", test_count, ON_BOTH),
        TEST("/signals/come-once-and-in-order", test_signals, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
