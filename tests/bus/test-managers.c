/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several managers
 *
 * The directory is the register, and each manager a view of it: those of pflask --direct and that of the bus see the same
 * containers, whoever made them, and do each other no harm. A name has one winner, an end is told by each.
 */
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

static const char *const idle = "exec sleep 1000";

/* All that a container's properties say, in one string. */
static char *describe(Client *client, const char *name)
{
        g_autofree char *path = container_path(name);
        g_autoptr(GError) error = NULL;

        g_autoptr(GVariant) reply = client_call(client, path, "org.freedesktop.DBus.Properties", "GetAll",
                                                g_variant_new("(s)", CONTAINER_INTERFACE), NULL, NULL, &error);
        g_assert_no_error(error);
        return g_variant_print(reply, FALSE);
}

static void assert_same_view(Client *one, Client *other, const char *name)
{
        g_autofree char *here = describe(one, name), *there = describe(other, name);

        g_assert_cmpstr(here, ==, there);
}

static void test_same_register(Fixture *fixture)
{
        g_autoptr(Client) second = client_new_beside(fixture), third = client_new_beside(fixture);

        create(fixture->client, "first", idle, NULL);
        create(second, "second", idle, NULL);
        create(third, "third", idle, NULL);
        await_n_containers(fixture->client, 3);
        await_n_containers(second, 3);
        await_n_containers(third, 3);
        assert_same_view(fixture->client, second, "first");
        assert_same_view(fixture->client, third, "second");
        assert_same_view(fixture->client, second, "third");
        terminate(third, "first");
        terminate(fixture->client, "second");
        terminate(second, "third");
        await_n_containers(fixture->client, 0);
        await_n_containers(second, 0);
        await_n_containers(third, 0);
}

static void create_later(Client *client, const char *name, Pending *pending)
{
        static const char *const command[] = {"sleep", "1000", NULL};

        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          g_variant_new("(s^as@a{sv})", name, command, options(NULL)), pending);
}

static guint n_winners(Client *const *clients, guint n)
{
        g_autofree Pending *pending = g_new0(Pending, n);
        guint n_won = 0;

        for (guint i = 0; i < n; i++)
                create_later(clients[i], "same", &pending[i]);
        for (guint i = 0; i < n; i++) {
                await(pending[i].is_done);
                if (pending[i].error)
                        g_assert_cmpstr(client_error_name(pending[i].error), ==, ERROR_PREFIX "ContainerExists");
                n_won += !pending[i].error;
                pending_clear(&pending[i]);
        }
        return n_won;
}

static void test_one_winner(Fixture *fixture)
{
        g_autoptr(Client) second = client_new_beside(fixture), third = client_new_beside(fixture);
        Client *const clients[] = {fixture->client, second, third, fixture->client};

        for (guint i = 0; i < rounds(50); i++) {
                g_assert_cmpuint(n_winners(clients, G_N_ELEMENTS(clients)), ==, 1);
                /* Whoever lost, lost to a container that is there. */
                for (guint j = 0; j < G_N_ELEMENTS(clients); j++)
                        await_n_containers(clients[j], 1);
                terminate(clients[i % 3], "same");
        }
}

static void assert_killed(const Pending *pending)
{
        g_assert_no_error(pending->error);
        g_autofree char *told = g_variant_print(pending->reply, FALSE);
        g_assert_cmpstr(told, ==, "('killed', 9)");
}

static void test_every_wait(Fixture *fixture)
{
        g_autoptr(Client) second = client_new_beside(fixture), third = client_new_beside(fixture);
        Client *const clients[] = {fixture->client, second, third};
        Pending pending[G_N_ELEMENTS(clients)] = {};

        create(second, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
                await_n_containers(clients[i], 1);
                client_call_later(clients[i], MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                                  g_variant_new("(s)", "box"), &pending[i]);
                n_containers(clients[i]);
        }
        g_variant_unref(manager_call(third, "KillContainer", "(ssi)", "box", "leader", SIGKILL));
        for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
                await(pending[i].is_done);
                assert_killed(&pending[i]);
                pending_clear(&pending[i]);
        }
}

static void test_one_console(Fixture *fixture)
{
        g_autoptr(Client) second = client_new_beside(fixture);
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL}, taken = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "stty -echo; echo ready; read x; echo \"got $x\"; exec sleep 1000", NULL, &first);
        await_n_containers(second, 1);
        g_free(manager_refuses(second, "ConsoleBusy", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        /* The bus and the manager have let go of their copies when they have answered something else. */
        n_containers(fixture->client);
        attachment_close(&first);
        attach(second, "box", FALSE, &taken);
        g_free(manager_refuses(fixture->client, "ConsoleBusy", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        g_assert_cmpint(write(taken.console, "it\n", 3), ==, 3);
        g_byte_array_unref(read_until(taken.console, "got it"));
        terminate(fixture->client, "box");
}

/* Of CreateContainer whoever isn't answered has to ask what became of it. */
static void end_third(Client *client, gboolean is_certain)
{
        const char *error = outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer",
                                    g_variant_new("(s)", "third"));

        if (is_certain || !*error) {
                g_assert_cmpstr(error, ==, "");
                wait_for(client, "third", "killed", SIGKILL);
        } else {
                g_assert_cmpstr(error, ==, ERROR_PREFIX "NoSuchContainer");
        }
}

/* The manager that has made a container, or was just about to, is not needed by the others. */
static void test_one_is_killed(Fixture *fixture)
{
        g_autoptr(Client) second = client_new_beside(fixture);
        g_auto(Pending) pending = {};

        create(fixture->client, "first", idle, NULL);
        create(second, "second", idle, NULL);
        create_later(fixture->client, "third", &pending);
        fixture_stop_manager(fixture, SIGKILL);
        await(pending.is_done);
        end_third(second, !pending.error);
        terminate(second, "first");
        create(second, "first", "exit 3", NULL);
        wait_for(second, "first", "exited", 3);
        fixture_start_manager(fixture);
        await_n_containers(fixture->client, 1);
        terminate(fixture->client, "second");
}

static const Test tests[] = {
        TEST("/managers/see-the-same-register", test_same_register, ON_BOTH),
        TEST("/managers/have-one-winner-of-a-name", test_one_winner, ON_BOTH),
        TEST("/managers/answer-every-wait", test_every_wait, ON_BOTH),
        TEST("/managers/have-one-console", test_one_console, ON_BOTH),
        TEST("/managers/need-none-of-the-others", test_one_is_killed, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
