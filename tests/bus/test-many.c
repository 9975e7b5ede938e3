/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many at once, and nonsense
 *
 * A name has one winner. Whatever a client sends, or stops reading, costs that client only: the others are answered,
 * and when it has gone nothing of it is left.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

static const char *const idle = "exec sleep 100";

static void create_later(Client *client, const char *name, const char *script, Pending *pending)
{
        const char *const command[] = {"sh", "-c", script, NULL};

        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          g_variant_new("(s^as@a{sv})", name, command, options(NULL)), pending);
}

/* On the direct transport each client is a manager of its own, and the register alone decides. */
static void one_of_many_wins(Fixture *fixture, guint n)
{
        g_autofree Client **clients = g_new0(Client *, n);
        g_autofree Pending *pending = g_new0(Pending, n);
        guint n_won = 0;

        for (guint i = 0; i < n; i++)
                clients[i] = client_new(fixture, 0);
        for (guint i = 0; i < n; i++)
                create_later(clients[i], "same", idle, &pending[i]);
        for (guint i = 0; i < n; i++) {
                await(pending[i].is_done);
                if (pending[i].error)
                        g_assert_cmpstr(client_error_name(pending[i].error), ==, ERROR_PREFIX "ContainerExists");
                else
                        n_won++;
                pending_clear(&pending[i]);
        }
        g_assert_cmpuint(n_won, ==, 1);
        await_n_containers(fixture->client, 1);
        terminate(fixture->client, "same");
        for (guint i = 0; i < n; i++)
                client_free(clients[i]);
}

static void test_forty_clients(Fixture *fixture)
{
        one_of_many_wins(fixture, fixture->transport == ON_BUS ? 40 : 8);
}

static void test_fifty_containers(Fixture *fixture)
{
        enum { N = 50 };
        g_autofree Pending *pending = g_new0(Pending, N);

        for (guint i = 0; i < N; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                create_later(fixture->client, name, idle, &pending[i]);
        }
        for (guint i = 0; i < N; i++) {
                await(pending[i].is_done);
                g_assert_no_error(pending[i].error);
                pending_clear(&pending[i]);
        }
        g_assert_cmpuint(n_containers(fixture->client), ==, N);
        for (guint i = 0; i < N; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                terminate(fixture->client, name);
        }
}

/* A thousand very short commands, many at a time: no status is lost or mixed up. */
static void test_many_statuses(Fixture *fixture)
{
        guint n = rounds(1000), at_a_time = 20;
        g_autofree Pending *pending = g_new0(Pending, at_a_time);

        for (guint done = 0; done < n; done += at_a_time) {
                for (guint i = 0; i < at_a_time; i++) {
                        g_autofree char *name = g_strdup_printf("box%u", i);
                        g_autofree char *script = g_strdup_printf("seq 1 2000; exit %u", i);
                        create_later(fixture->client, name, script, &pending[i]);
                }
                for (guint i = 0; i < at_a_time; i++) {
                        g_autofree char *name = g_strdup_printf("box%u", i);
                        await(pending[i].is_done);
                        g_assert_no_error(pending[i].error);
                        pending_clear(&pending[i]);
                        wait_for(fixture->client, name, "exited", (int)i);
                }
        }
}

static void test_client_leaves_while_creating(Fixture *fixture)
{
        for (guint i = 0; i < rounds(10); i++) {
                Client *client = client_new(fixture, 0);
                Pending pending = {};
                create_later(client, "box", idle, &pending);
                g_dbus_connection_flush_sync(client->connection, NULL, NULL);
                g_dbus_connection_close_sync(client->connection, NULL, NULL);
                await(pending.is_done);
                pending_clear(&pending);
                client_free(client);
        }
        /* The containers may have been made or not: a name that is listed is whole, and one that isn't is free. */
        if (n_containers(fixture->client) == 1)
                terminate(fixture->client, "box");
        create(fixture->client, "box", "exit 2", NULL);
        wait_for(fixture->client, "box", "exited", 2);
}

static void test_waits_of_a_client_that_leaves(Fixture *fixture)
{
        enum { N = 100 }; /* the bus lets a connection have 128 */
        g_autofree Pending *pending = g_new0(Pending, N);
        Client *client = client_new(fixture, 0);

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < N; i++)
                client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"),
                                  &pending[i]);
        n_containers(client);
        g_dbus_connection_close_sync(client->connection, NULL, NULL);
        for (guint i = 0; i < N; i++) {
                await(pending[i].is_done);
                pending_clear(&pending[i]);
        }
        client_free(client);
        terminate(fixture->client, "box");
}

/* ---- nonsense ---- */

/* A value of a random type, which is often one that the option table has. */
static GVariant *random_value(guint depth)
{
        static const char *const texts[] = {"''",
                                            "'box'",
                                            "'../x'",
                                            "'%n%s'",
                                            "['A=B']",
                                            "['', '=', '/']",
                                            "true",
                                            "uint32 0",
                                            "int32 -1",
                                            "uint64 0",
                                            "(uint16 0, uint16 0)",
                                            "[(uint32 0, uint32 0, uint32 4294967295)]",
                                            "[('NOFILE', uint64 0, uint64 18446744073709551615)]",
                                            "[('bind', ['/', '/x'])]",
                                            "@a(sas) []",
                                            "@as []",
                                            "byte 0x00",
                                            "[byte 0x00]",
                                            "'a\\nb'",
                                            "'all'",
                                            "<<<1>>>",
                                            "objectpath '/'"};
        GVariant *value = g_variant_parse(NULL, texts[g_test_rand_int_range(0, G_N_ELEMENTS(texts))], NULL, NULL, NULL);

        g_assert_nonnull(value);
        return depth > 0 && g_test_rand_bit() ? g_variant_new_variant(random_value(depth - 1)) : value;
}

static GVariant *random_options(void)
{
        static const char *const keys[] = {
                "Root",        "Ephemeral", "ReadOnly",   "WorkingDirectory", "Hostname", "User",
                "Environment", "Mounts",    "UserMaps",   "Capabilities",     "Cgroups",  "Limits",
                "Terminal",    "Size",      "StubInit",   "StopSignal",       "Register", "Take",
                "Properties",  "Nonsense",  "Interfaces", "SharedNamespaces"};
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
        int n = g_test_rand_int_range(1, 4);

        for (int i = 0; i < n; i++)
                g_variant_builder_add(&builder, "{sv}", keys[g_test_rand_int_range(0, G_N_ELEMENTS(keys))],
                                      random_value(2));
        return g_variant_builder_end(&builder);
}

static GVariant *random_arguments(guint kind)
{
        static const char *const names[] = {"", "box", "..", "a b", "absent", "\x01"};
        static const char *const command[] = {"true", NULL};
        const char *name = names[g_test_rand_int_range(0, G_N_ELEMENTS(names))];

        switch (kind) {
        case 0:
                return g_variant_new("(s^as@a{sv})", name, command, random_options());
        case 1:
                return g_variant_new("(s@a{sv})", name, random_options());
        case 2:
                return g_variant_new("(s)", name);
        case 3:
                return g_variant_new("(ssi)", name, name, g_test_rand_int());
        case 4:
                return g_variant_new("(u)", (guint32)g_test_rand_int());
        default:
                return g_variant_new("(v)", random_value(3));
        }
}

static void end_everything(Client *client)
{
        g_autoptr(GVariantIter) list = NULL;
        g_autoptr(GVariant) reply = manager_call(client, "ListContainers", NULL);
        const char *name;

        g_variant_get(reply, "(a(susuo))", &list);
        while (g_variant_iter_next(list, "(&susuo)", &name, NULL, NULL, NULL, NULL)) {
                outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer", g_variant_new("(s)", name));
                g_variant_unref(manager_call(client, "WaitContainer", "(s)", name));
        }
}

static void test_nonsense(Fixture *fixture)
{
        static const char *const members[] = {"CreateContainer",    "RunContainer",      "GetContainer",
                                              "GetContainerByPID",  "AttachContainer",   "KillContainer",
                                              "TerminateContainer", "DescribeContainer", "ReadContainerLog",
                                              "ListContainers",     "GetContainer",      "Nonsense"};

        for (guint i = 0; i < rounds(2000); i++) {
                GVariant *arguments = random_arguments((guint)g_test_rand_int_range(0, 6));
                const char *member = members[g_test_rand_int_range(0, G_N_ELEMENTS(members))];
                g_autoptr(GError) error = NULL;
                GVariant *reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, member, arguments, NULL,
                                              NULL, &error);
                g_clear_pointer(&reply, g_variant_unref);
                /* Every answer is fine, but silence is not. */
                if (error)
                        g_assert_cmpstr(client_error_name(error), !=, "");
        }
        end_everything(fixture->client);
}

static void test_deep_variant(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};
        GVariant *value = g_variant_new_string("deep");

        for (guint i = 0; i < 30; i++)
                value = g_variant_new_variant(value);
        g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
        g_variant_builder_add(&builder, "{sv}", "Hostname", value);
        g_free(manager_refuses(fixture->client, "InvalidOption", "CreateContainer", "(s^as@a{sv})", "box", command,
                               g_variant_builder_end(&builder)));
}

static void test_long_array(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *megabyte = g_strnfill(1024 * 1024, 'x');
        g_auto(GVariantBuilder) command = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_STRING_ARRAY);

        for (guint i = 0; i < 16; i++)
                g_variant_builder_add(&command, "s", megabyte);
        g_autoptr(GVariant)
                reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                    g_variant_new("(sas@a{sv})", "box", &command, options(NULL)), NULL, NULL, &error);
        g_assert_null(reply);
        g_assert_true(g_str_has_prefix(client_error_name(error), ERROR_PREFIX) ||
                      g_str_has_prefix(client_error_name(error), "org.freedesktop.DBus.Error."));
}

static void test_many_descriptors(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};

        for (guint i = 0; i < rounds(50); i++) {
                g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
                g_autoptr(GError) error = NULL;
                for (guint j = 0; j < 16; j++)
                        g_unix_fd_list_append(fds, STDERR_FILENO, NULL);
                GVariant *reply = client_call(
                        fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                        g_variant_new("(s^as@a{sv})", "box", command, options("{'Nonsense': <handle 3>}")), fds, NULL,
                        &error);
                g_assert_null(reply);
                g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "InvalidOption");
        }
}

static const Test tests[] = {
        TEST("/many/of-forty-with-one-name-one-wins", test_forty_clients, ON_BOTH),
        TEST("/many/fifty-containers-come-and-go", test_fifty_containers, ON_BOTH),
        TEST("/many/a-thousand-statuses-are-right", test_many_statuses, ON_BOTH),
        TEST("/leaving/while-creating-leaves-a-whole-container-or-none", test_client_leaves_while_creating, ON_BUS),
        TEST("/leaving/ends-ones-waits", test_waits_of_a_client_that_leaves, ON_BUS),
        TEST("/nonsense/is-answered-by-name", test_nonsense, ON_BOTH),
        TEST("/nonsense/a-deep-variant", test_deep_variant, ON_BOTH),
        TEST("/nonsense/a-long-command", test_long_array, ON_BOTH),
        TEST("/nonsense/descriptors-that-nobody-asked-for", test_many_descriptors, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
