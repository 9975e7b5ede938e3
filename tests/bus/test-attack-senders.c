/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks by senders
 *
 * Some of what the manager waits for is told by signals, and whoever is on the bus may send a signal to whomever they
 * like. Here systemd and machined are the test's own, which keep the manager waiting, and carol says what they would.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"
#include "common/macros.h"

#define JOB  "/org/freedesktop/systemd1/job/1"
#define UNIT "pflask-box.scope"

/* What speaks for somebody else: a name, an object, and the calls that it has had. */
typedef struct Double {
        Client *client;
        guint n_asked;   /* for a scope, or a machine */
        guint n_refused; /* how many of those are told that there is one already */
        const char *path, *interface;
} Double;

static const char systemd_xml[] =
        "<node><interface name='org.freedesktop.systemd1.Manager'>"
        "<method name='Subscribe'/>"
        "<method name='StartTransientUnit'><arg direction='in' type='s'/><arg direction='in' type='s'/>"
        "<arg direction='in' type='a(sv)'/><arg direction='in' type='a(sa(sv))'/><arg direction='out' "
        "type='o'/></method>"
        "<method name='StopUnit'><arg direction='in' type='s'/><arg direction='in' type='s'/>"
        "<arg direction='out' type='o'/></method>"
        "<method name='ListUnitsByPatterns'><arg direction='in' type='as'/><arg direction='in' type='as'/>"
        "<arg direction='out' type='a(ssssssouso)'/></method>"
        "</interface></node>";

static const char machined_xml[] =
        "<node><interface name='org.freedesktop.machine1.Manager'>"
        "<method name='RegisterMachineWithNetwork'><arg direction='in' type='s'/><arg direction='in' type='ay'/>"
        "<arg direction='in' type='s'/><arg direction='in' type='s'/><arg direction='in' type='u'/>"
        "<arg direction='in' type='s'/><arg direction='in' type='ai'/><arg direction='out' type='o'/></method>"
        "<method name='UnregisterMachine'><arg direction='in' type='s'/></method>"
        "</interface>"
        "<interface name='org.freedesktop.machine1.Machine'><property name='Service' type='s' access='read'/>"
        "</interface></node>";

/* ---- the doubles ---- */

static void double_called(GDBusConnection *connection _unused_, const char *sender _unused_, const char *path _unused_,
                          const char *interface _unused_, const char *member, GVariant *parameters _unused_,
                          GDBusMethodInvocation *invocation, void *data)
{
        Double *double_ = data;
        gboolean is_unit = g_str_equal(member, "StartTransientUnit");

        if (!is_unit && !g_str_equal(member, "RegisterMachineWithNetwork")) {
                GVariant *answer = g_str_equal(member, "StopUnit")              ? g_variant_new("(o)", JOB "2")
                                   : g_str_equal(member, "ListUnitsByPatterns") ? g_variant_new("(a(ssssssouso))", NULL)
                                                                                : NULL;
                g_dbus_method_invocation_return_value(invocation, answer);
                return;
        }
        if (double_->n_asked++ < double_->n_refused)
                g_dbus_method_invocation_return_dbus_error(invocation,
                                                           is_unit ? "org.freedesktop.systemd1.UnitExists"
                                                                   : "org.freedesktop.machine1.MachineExists",
                                                           "there is one");
        else
                g_dbus_method_invocation_return_value(
                        invocation, g_variant_new("(o)", is_unit ? JOB : "/org/freedesktop/machine1"));
}

/* Whose machine it is that is there already: ours. */
static GVariant *double_property(GDBusConnection *connection _unused_, const char *sender _unused_,
                                 const char *path _unused_, const char *interface _unused_,
                                 const char *property _unused_, GError **error _unused_, void *data _unused_)
{
        return g_variant_new_string("pflask");
}

static guint double_register(Double *double_, const char *xml, guint interface, const char *path)
{
        static const GDBusInterfaceVTable vtable = {.method_call = double_called, .get_property = double_property};
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, NULL);

        g_assert_nonnull(node);
        guint id = g_dbus_connection_register_object(double_->client->connection, path, node->interfaces[interface],
                                                     &vtable, double_, NULL, NULL);
        g_assert_cmpuint(id, >, 0);
        return id;
}

static void double_begin(Double *double_, Fixture *fixture, const char *name, const char *path, const char *xml)
{
        double_->client = client_new(fixture, 0);
        double_->path = path;
        double_->interface = g_str_has_suffix(name, "machine1") ? "org.freedesktop.machine1.Manager"
                                                                : "org.freedesktop.systemd1.Manager";
        double_register(double_, xml, 0, path);
        g_autoptr(GVariant) reply = client_bus_call(double_->client, "RequestName", g_variant_new("(su)", name, 4u));
        guint32 code;
        g_variant_get(reply, "(u)", &code);
        g_assert_cmpuint(code, ==, 1);
}

static void double_end(Double *double_)
{
        client_free(double_->client);
}

static void double_says(const Double *double_, const char *member, GVariant *parameters)
{
        g_assert_true(g_dbus_connection_emit_signal(double_->client->connection, NULL, double_->path,
                                                    double_->interface, member, parameters, NULL));
}

/* ---- carol ---- */

/* To everybody, as the true one is sent, and to the manager alone, which is what gets by a match of the bus's. */
static void carol_says(Client *carol, const Double *double_, const char *member, GVariant *parameters)
{
        g_autofree char *manager = manager_unique_name(carol);
        const char *const destinations[] = {NULL, manager};

        g_variant_ref_sink(parameters);
        for (guint i = 0; i < G_N_ELEMENTS(destinations); i++) {
                g_autoptr(GDBusMessage) signal = g_dbus_message_new_signal(double_->path, double_->interface, member);
                g_dbus_message_set_destination(signal, destinations[i]);
                g_dbus_message_set_body(signal, parameters);
                send_forged(carol, signal);
        }
        g_variant_unref(parameters);
}

/* Until the manager has read what carol sent, and what it did then has arrived. */
static void settle(Fixture *fixture, Client *carol, const Double *double_)
{
        n_containers(carol);
        n_containers(fixture->client);
        g_variant_unref(client_bus_call(double_->client, "GetId", NULL));
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

/* ---- the tests ---- */

static void systemd_begin(Double *systemd, Fixture *fixture)
{
        g_assert_cmpint(g_mkdir_with_parents("/run/systemd/system", 0755), ==, 0); /* sd_booted(3) */
        double_begin(systemd, fixture, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", systemd_xml);
        fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        fixture->descriptors_before = G_MAXUINT; /* of another manager */
}

static void systemd_end(Double *systemd, Fixture *fixture)
{
        g_assert_cmpint(rmdir("/run/systemd/system"), ==, 0);
        fixture_stop_manager(fixture, SIGTERM); /* which would miss it */
        double_end(systemd);
        fixture_start_manager(fixture);
}

static void create_later(Fixture *fixture, const char *option_text, Pending *pending)
{
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, option_text), pending);
}

/* Had it worked, anybody could have made any start fail, or have had it go on outside of the scope that limits it. */
static void test_job(Fixture *fixture)
{
        static const char *const results[] = {"done", "failed", "canceled"};
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};
        Double systemd = {};

        systemd_begin(&systemd, fixture);
        create_later(fixture, "{'Register': <'no'>}", &pending);
        await(systemd.n_asked == 1);
        for (guint i = 0; i < G_N_ELEMENTS(results); i++)
                carol_says(carol, &systemd, "JobRemoved", g_variant_new("(uoss)", 1u, JOB, UNIT, results[i]));
        settle(fixture, carol, &systemd);
        g_assert_false(pending.is_done);
        double_says(&systemd, "JobRemoved", g_variant_new("(uoss)", 1u, JOB, UNIT, "done"));
        await(pending.is_done);
        g_assert_no_error(pending.error);
        terminate(fixture->client, "box");
        systemd_end(&systemd, fixture);
}

/* Had it worked, anybody could have had the manager ask PID 1 again and again. */
static void test_unit(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};
        Double systemd = {.n_refused = 2};

        systemd_begin(&systemd, fixture);
        create_later(fixture, "{'Register': <'no'>}", &pending);
        await(systemd.n_asked == 2); /* once more when it listens: scope_stop_remains() */
        carol_says(carol, &systemd, "UnitRemoved", g_variant_new("(so)", UNIT, JOB));
        settle(fixture, carol, &systemd);
        g_assert_cmpuint(systemd.n_asked, ==, 2);
        double_says(&systemd, "UnitRemoved", g_variant_new("(so)", UNIT, JOB));
        await(systemd.n_asked == 3);
        g_assert_false(pending.is_done);
        double_says(&systemd, "JobRemoved", g_variant_new("(uoss)", 1u, JOB, UNIT, "done"));
        await(pending.is_done);
        g_assert_no_error(pending.error);
        terminate(fixture->client, "box");
        systemd_end(&systemd, fixture);
}

/* The same of machined. */
static void test_machine(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};
        Double machined = {.n_refused = 2};

        double_begin(&machined, fixture, "org.freedesktop.machine1", "/org/freedesktop/machine1", machined_xml);
        double_register(&machined, machined_xml, 1, "/org/freedesktop/machine1/machine/box");
        create_later(fixture, "{'Register': <'yes'>}", &pending);
        await(machined.n_asked == 2);
        carol_says(carol, &machined, "MachineRemoved", g_variant_new("(so)", "box", machined.path));
        settle(fixture, carol, &machined);
        g_assert_cmpuint(machined.n_asked, ==, 2);
        g_assert_false(pending.is_done);
        double_says(&machined, "MachineRemoved", g_variant_new("(so)", "box", machined.path));
        await(pending.is_done);
        g_assert_no_error(pending.error);
        g_assert_cmpuint(machined.n_asked, ==, 3);
        terminate(fixture->client, "box");
        double_end(&machined);
}

/* Writes a message that begins as @message does, with every @from in it a @to. */
static void write_raw(int fd, GDBusMessage *message, guint32 serial, const char *from, const char *to)
{
        g_autoptr(GError) error = NULL;
        gsize length;

        g_dbus_message_set_serial(message, serial);
        g_autofree guchar *blob = g_dbus_message_to_blob(message, &length, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        for (guchar *at; (at = memmem(blob, length, from, strlen(from)));)
                memcpy(at, to, strlen(from));
        g_assert_cmpint(fd_write_all(fd, blob, length), ==, 0);
}

/* A connection of carol's without a library, which would refuse what follows. */
static int connect_raw(void)
{
        static const char begin[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket"};
        g_autoptr(GDBusMessage) hello = g_dbus_message_new_method_call("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                                       "org.freedesktop.DBus", "Hello");
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(seteuid(CAROL), ==, 0);
        g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
        g_assert_cmpint(seteuid(0), ==, 0);
        g_assert_cmpint(fd_write_all(fd, begin, sizeof(begin) - 1), ==, 0);
        write_raw(fd, hello, 1, "?", "?");
        g_byte_array_unref(read_until(fd, "NameAcquired"));
        return fd;
}

/* Had it worked, anybody could have ended the manager: this is what its own library says when the bus has gone. */
static void test_bus_gone(Fixture *fixture)
{
        g_autofree char *manager = manager_unique_name(fixture->client);

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < 2; i++) {
                _cleanup_(fd_closep) int fd = connect_raw();
                g_autoptr(GDBusMessage) signal = g_dbus_message_new_signal(
                        "/org/freedesktop/DBus/Lokal", "org.freedesktop.DBus.Lokal", "Disconnected");
                g_dbus_message_set_destination(signal, i == 0 ? manager : NULL);
                write_raw(fd, signal, 2, "Lokal", "Local");
                g_byte_array_unref(read_until_end(fd)); /* the bus has no patience with that */
        }
        assert_others_are_served(fixture);
        g_autofree char *still = manager_unique_name(fixture->client);
        g_assert_cmpstr(still, ==, manager);
        terminate(fixture->client, "box");
}

static const Test tests[] = {
        TEST("/attack/A14-a-job-that-has-not-ended", test_job, ON_BUS),
        TEST("/attack/A14-a-unit-that-has-not-gone", test_unit, ON_BUS),
        TEST("/attack/A14-a-machine-that-has-not-gone", test_machine, ON_BUS),
        TEST("/attack/A14-a-bus-that-has-not-gone", test_bus_gone, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
