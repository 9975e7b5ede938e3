/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that nobody reads, and calls that stay open
 *
 * The bus keeps answers, and counts them as the manager's: of 64 descriptors or 127 MiB it takes nothing more from the
 * manager, for whomever. So a user who doesn't read is refused before that, and everybody else is served; and who has
 * read is served again.
 */
#include <string.h>

#include <systemd/sd-bus.h>

#include "attack.h"
#include "common/macros.h"
#include "common/process.h"

/* Whoever reads only when told to. */
static sd_bus *silent_client(uid_t uid)
{
        sd_bus *bus = NULL;

        g_assert_cmpint(seteuid(uid), ==, 0);
        g_assert_cmpint(sd_bus_open_system(&bus), >=, 0);
        g_assert_cmpint(seteuid(0), ==, 0);
        return bus;
}

typedef struct Answers {
        guint n, n_refused;
} Answers;

static int count_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Answers *answers = userdata;

        answers->n++;
        answers->n_refused += sd_bus_message_is_method_error(reply, ERROR_PREFIX "LimitReached") > 0;
        return 0;
}

static void send_call(sd_bus *bus, const char *interface, const char *member, const char *name, Answers *answers)
{
        g_assert_cmpint(sd_bus_call_method_async(bus, NULL, MANAGER_BUS_NAME, MANAGER_PATH, interface, member,
                                                 count_answer, answers, name ? "s" : NULL, name),
                        >=, 0);
        g_assert_cmpint(sd_bus_flush(bus), >=, 0);
}

/* Until @n answers have come. */
static void read_answers(sd_bus *bus, Answers *answers, guint n)
{
        while (answers->n < n) {
                int r = sd_bus_process(bus, NULL);
                g_assert_cmpint(r, >=, 0);
                if (r == 0)
                        g_assert_cmpint(sd_bus_wait(bus, 30 * G_USEC_PER_SEC), >, 0);
        }
}

static void serve_with_descriptors(Fixture *fixture, Client *client, const char *name)
{
        g_auto(Attachment) attachment = {};

        run(client, name, "exit 3", NULL, &attachment);
        wait_for(client, name, "exited", 3);
        n_containers(fixture->client);
}

/* @n calls, few enough at a time for the bus; the answers fill the socket first, and then the bus keeps them. */
static void flood(Fixture *fixture, sd_bus *silent, const char *name, guint n, Answers *answers)
{
        enum { AT_A_TIME = 40 };

        for (guint i = 0; i < n; i++) {
                send_call(silent, MANAGER_INTERFACE, "OpenContainerRootDirectory", name, answers);
                if (i % AT_A_TIME == 0)
                        n_containers(fixture->client);
        }
}

static void test_descriptors(Fixture *fixture)
{
        enum { N = 1000 };
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        _cleanup_(sd_bus_close_unrefp) sd_bus *silent = silent_client(ALICE);
        Answers answers = {};

        create(alice, "box", idle, NULL);
        flood(fixture, silent, "box", N, &answers);
        serve_with_descriptors(fixture, bob, "bobs");
        serve_with_descriptors(fixture, fixture->client, "roots");
        /* The user's, whichever connection asks. */
        g_free(manager_refuses(alice, "LimitReached", "OpenContainerRootDirectory", "(s)", "box"));
        serve_with_descriptors(fixture, bob, "bobs");
        read_answers(silent, &answers, N);
        g_assert_cmpuint(answers.n_refused, >, 0);
        serve_with_descriptors(fixture, alice, "alices");
        terminate(alice, "box");
}

/* The same of several at once, and of root, which has more, but not all. */
static void test_descriptors_of_all(Fixture *fixture)
{
        enum { N = 1000 };
        static const uid_t uids[] = {ALICE, BOB, CAROL, 0};
        sd_bus *silent[G_N_ELEMENTS(uids)];
        Client *owners[G_N_ELEMENTS(uids)];
        Answers answers = {};

        for (guint i = 0; i < G_N_ELEMENTS(uids); i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                owners[i] = client_new(fixture, uids[i]);
                create(owners[i], name, idle, NULL);
                silent[i] = silent_client(uids[i]);
                flood(fixture, silent[i], name, N, &answers);
                g_assert_cmpuint(n_containers(owners[i]), ==, i + 1);
        }
        g_free(manager_refuses(fixture->client, "LimitReached", "OpenContainerRootDirectory", "(s)", "box0"));
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        for (guint i = 0; i < G_N_ELEMENTS(uids); i++)
                sd_bus_close_unref(silent[i]);
        serve_with_descriptors(fixture, fixture->client, "roots");
        for (guint i = 0; i < G_N_ELEMENTS(uids); i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                terminate(owners[i], name);
                client_free(owners[i]);
        }
}

/* More than may be on the way at once, of somebody who reads: all are answered. */
static void test_descriptors_read(Fixture *fixture)
{
        guint n = rounds(200);
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autofree Pending *pending = g_new0(Pending, n);

        create(alice, "box", idle, NULL);
        for (guint i = 0; i < n; i++)
                client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "OpenContainerRootDirectory",
                                  g_variant_new("(s)", "box"), &pending[i]);
        for (guint i = 0; i < n; i++) {
                await(pending[i].is_done);
                if (pending[i].error) /* of the bus: 128 may be open */
                        g_assert_cmpstr(client_error_name(pending[i].error), ==,
                                        "org.freedesktop.DBus.Error.LimitsExceeded");
                pending_clear(&pending[i]);
        }
        terminate(alice, "box");
}

/* 127 MiB are 16,000 answers to Introspect. Each connection alone has less. */
static void test_bytes(Fixture *fixture)
{
        enum { CONNECTIONS = 4, N = 30000, AT_A_TIME = 60 };
        sd_bus *silent[CONNECTIONS];
        Answers answers = {};

        for (guint i = 0; i < CONNECTIONS; i++)
                silent[i] = silent_client(ALICE);
        for (guint i = 0; i < N; i++) {
                send_call(silent[i % CONNECTIONS], "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &answers);
                if (i % AT_A_TIME == 0)
                        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        }
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        for (guint i = 0; i < CONNECTIONS; i++)
                sd_bus_close_unref(silent[i]);
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_assert_cmpuint(n_containers(alice), ==, 0);
}

/* ---- calls that stay open ---- */

/* All of them have been passed on when the bus has answered what was asked after them. */
static void open_calls(sd_bus *bus, const char *name, guint n, Answers *answers)
{
        for (guint i = 0; i < n; i++)
                send_call(bus, MANAGER_INTERFACE, "WaitContainer", name, answers);
        g_assert_cmpint(sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                           "GetId", NULL, NULL, NULL),
                        >=, 0);
}

/* A user may have 1,024; who asks for more is refused, nobody else is, and all that were taken in are answered. */
static void test_open_calls(Fixture *fixture)
{
        enum { CONNECTIONS = 9, CALLS = 125, REFUSED = CONNECTIONS * CALLS - 1024 };
        g_autoptr(Client) bob = client_new(fixture, BOB);
        sd_bus *silent[CONNECTIONS];
        Answers answers[CONNECTIONS] = {};

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < CONNECTIONS; i++) {
                silent[i] = silent_client(ALICE);
                open_calls(silent[i], "box", CALLS, &answers[i]);
                n_containers(bob);
        }
        read_answers(silent[CONNECTIONS - 1], &answers[CONNECTIONS - 1], REFUSED);
        g_assert_cmpuint(answers[CONNECTIONS - 1].n_refused, ==, REFUSED);
        serve_with_descriptors(fixture, bob, "bobs");
        serve_with_descriptors(fixture, fixture->client, "roots");
        terminate(fixture->client, "box");
        for (guint i = 0; i < CONNECTIONS; i++) {
                read_answers(silent[i], &answers[i], CALLS);
                g_assert_cmpuint(answers[i].n_refused, ==, i < CONNECTIONS - 1 ? 0 : REFUSED);
                sd_bus_close_unref(silent[i]);
        }
}

/* ---- signals ---- */

/* The bus takes no more than @bytes at once from whoever connects from here on. */
static void limit_bus(Fixture *fixture, guint bytes)
{
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(TEST_DIRECTORY "/bus.conf", &content, NULL, NULL));
        g_autofree char *limited = g_strdup_printf("<busconfig><limit name=\"max_incoming_bytes\">%u</limit>%s", bytes,
                                                   content + strlen("<busconfig>"));
        g_assert_true(g_file_set_contents(TEST_DIRECTORY "/bus.conf", limited, -1, NULL));
        g_variant_unref(client_bus_call(fixture->client, "ReloadConfig", NULL));
}

static gsize manager_kb(const Fixture *fixture)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)process_pid(fixture->manager));
        g_autofree char *status = NULL;

        g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
        return (gsize)g_ascii_strtoull(strstr(status, "RssAnon:") + strlen("RssAnon:"), NULL, 10);
}

static int ignore_signal(sd_bus_message *signal _unused_, void *userdata _unused_, sd_bus_error *error _unused_)
{
        return 0;
}

static void subscribe(sd_bus *silent)
{
        g_assert_cmpint(sd_bus_add_match(silent, NULL, "type='signal'", ignore_signal, NULL), >=, 0);
}

/* What is told to everybody is kept by the bus for who doesn't listen, not by the manager. */
static void test_subscribers(Fixture *fixture)
{
        enum { SUBSCRIBERS = 20 };
        sd_bus *silent[SUBSCRIBERS];

        for (guint i = 0; i < SUBSCRIBERS; i++) {
                silent[i] = silent_client(ALICE);
                subscribe(silent[i]);
        }
        gsize before_kb = manager_kb(fixture);
        for (guint i = 0; i < rounds(1000); i++) {
                create(fixture->client, "box", "exit 3", NULL);
                wait_for(fixture->client, "box", "exited", 3);
        }
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
        g_assert_cmpuint(manager_kb(fixture), <, before_kb + 512);
#else
        g_test_message("%zu kB more", manager_kb(fixture) - before_kb);
#endif
        for (guint i = 0; i < SUBSCRIBERS; i++)
                sd_bus_close_unref(silent[i]);
}

static void end_all(Client *client)
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

/* In the end it is too much for the bus. Then the manager leaves it, and the next one has lost nothing. */
static void test_jam(Fixture *fixture)
{
        const char *error = "";

        limit_bus(fixture, 256 * 1024);
        fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        create(fixture->client, "box", "exec sleep 100", NULL);
        _cleanup_(sd_bus_close_unrefp) sd_bus *silent = silent_client(ALICE);
        subscribe(silent);
        while (!*error) {
                error = creation_outcome(fixture->client, "flood", "exit 3", NULL);
                if (!*error)
                        error = outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                                        g_variant_new("(s)", "flood"));
        }
        g_assert_cmpstr(error, ==, "org.freedesktop.DBus.Error.NoReply");
        fixture_await_failure(fixture);
        fixture_start_manager(fixture); /* the silent one is still there */
        g_autoptr(GVariant) state = property(fixture->client, "box", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        end_all(fixture->client);
        fixture->descriptors_before = G_MAXUINT; /* of another manager */
}

/* The socket is there a moment after the name. */
static gboolean connect_privately(const Fixture *fixture, Client *client)
{
        client->connection = g_dbus_connection_new_for_address_sync(
                PRIVATE_ADDRESS, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);
        if (!client->connection)
                g_variant_unref(client_bus_call(fixture->client, "GetId", NULL));
        return client->connection != NULL;
}

/* Calls nobody over the bus: after such a call the manager looks whether the bus is jammed. */
static Client *guest(const Fixture *fixture)
{
        Client *client = g_new0(Client, 1);

        client->manager = -EBADF;
        await(connect_privately(fixture, client));
        return client;
}

/* Root, who needs no bus, notices nothing of that, and what is to be told meanwhile keeps the manager from nothing. */
static void test_jam_behind(Fixture *fixture)
{
        enum { CREATIONS = 2000 }; /* told of, they are more than the bus keeps and its socket takes */

        limit_bus(fixture, 64 * 1024);
        fixture_stop_manager(fixture, SIGTERM);
        fixture_start_manager(fixture);
        _cleanup_(sd_bus_close_unrefp) sd_bus *silent = silent_client(ALICE);
        subscribe(silent);
        g_autoptr(Client) root = guest(fixture);
        for (guint i = 0; i < CREATIONS; i++) {
                create(root, "flood", "exit 3", NULL);
                wait_for(root, "flood", "exited", 3);
        }
        g_assert_cmpstr(outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers", NULL), ==,
                        "org.freedesktop.DBus.Error.NoReply");
        fixture_await_failure(fixture);
        fixture_start_manager(fixture);
        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        fixture->descriptors_before = G_MAXUINT; /* of another manager */
}

static const Test tests[] = {
        ATTACK("/unread/descriptors-are-one-users-loss", test_descriptors),
        ATTACK("/unread/descriptors-of-all-users-leave-the-manager-alive", test_descriptors_of_all),
        ATTACK("/unread/descriptors-that-are-read-have-no-limit", test_descriptors_read),
        ATTACK("/unread/open-calls-beyond-a-users-share-are-refused", test_open_calls),
        TEST("/unread/subscribers-cost-the-manager-nothing", test_subscribers, ON_BUS),
        TEST("/unread/signals-without-end-cost-a-restart", test_jam, ON_BUS),
        TEST("/unread/signals-behind-a-jam-keep-nobody-from-leaving-it", test_jam_behind, ON_BUS),
        TEST("/unread/bytes-are-one-connections-loss", test_bytes, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
