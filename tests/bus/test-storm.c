/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storm
 *
 * Many clients make many containers at once, while the manager is killed at random times, and another follows. In the
 * end each call has succeeded, and its container is there or has ended as it should; or it has failed, and there is
 * nothing. What is random comes from GTest's seed, which it prints and takes: --seed.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

/* With fewer, the first kill would hit them all. */
enum { CLIENTS = 8, CREATIONS = 500, LEAST_CREATIONS = 100, AT_ONCE = 16 };

typedef struct Creation {
        Pending pending;
        char name[16];
        gboolean is_run; /* RunContainer, else CreateContainer */
        gboolean is_short;
        gboolean is_counted;
} Creation;

typedef struct Storm {
        Fixture *fixture;
        Client *clients[CLIENTS];
        Creation *creations;
        guint n, begun, answered, kills;
        gboolean is_kill_due;
} Storm;

static int status_of(guint i)
{
        return (int)(i % 200);
}

static void storm_begin_one(Storm *storm)
{
        guint i = storm->begun++;
        Creation *creation = &storm->creations[i];
        g_autofree char *script = NULL;

        creation->is_run = g_test_rand_bit();
        creation->is_short = g_test_rand_bit();
        g_snprintf(creation->name, sizeof(creation->name), "box%u", i);
        script = creation->is_short ? g_strdup_printf("exit %d", status_of(i)) : g_strdup("exec sleep 1000");
        const char *const command[] = {"sh", "-c", script, NULL};
        client_call_later(storm->clients[i % CLIENTS], MANAGER_PATH, MANAGER_INTERFACE,
                          creation->is_run ? "RunContainer" : "CreateContainer",
                          g_variant_new("(s^as@a{sv})", creation->name, command, options(NULL)), &creation->pending);
}

/* Nobody has to hold a lease: who says that he detaches has had it. */
static void creation_detach(Creation *creation)
{
        _cleanup_(fd_closep) int lease = -EBADF;

        if (!creation->is_run || creation->pending.error)
                return;
        lease = pending_take_fd(&creation->pending, 1);
        g_assert_cmpint(write(lease, "d", 1), ==, 1);
        g_clear_object(&creation->pending.fds);
}

static void storm_count(Storm *storm)
{
        for (guint i = 0; i < storm->begun; i++) {
                Creation *creation = &storm->creations[i];
                if (creation->is_counted || !creation->pending.is_done)
                        continue;
                creation->is_counted = TRUE;
                storm->answered++;
                creation_detach(creation);
        }
}

static gboolean kill_due(void *data)
{
        Storm *storm = data;

        storm->is_kill_due = TRUE;
        return G_SOURCE_REMOVE;
}

static void storm_kill(Storm *storm)
{
        storm->is_kill_due = FALSE;
        storm->kills++;
        fixture_stop_manager(storm->fixture, SIGKILL);
        fixture_start_manager(storm->fixture);
        g_timeout_add((guint)g_test_rand_int_range(1, 400), kill_due, storm);
}

static void storm_blow(Storm *storm)
{
        storm_kill(storm);
        while (storm->answered < storm->n) {
                while (storm->begun < storm->n && storm->begun - storm->answered < AT_ONCE)
                        storm_begin_one(storm);
                g_main_context_iteration(NULL, TRUE);
                storm_count(storm);
                if (storm->is_kill_due)
                        storm_kill(storm);
        }
        await(storm->is_kill_due);
        storm_kill(storm);
        await(storm->is_kill_due);
}

static gboolean is_listed(Client *client, const char *name)
{
        return g_str_equal(outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "GetContainer", g_variant_new("(s)", name)),
                           "");
}

static void end_and_check(Client *client, const Creation *creation, guint i)
{
        if (creation->is_short)
                wait_for(client, creation->name, "exited", status_of(i));
        else
                terminate(client, creation->name);
}

/*
 * CreateContainer has one instant, between two system calls, in which the container is certain and its caller not yet
 * told; killed there, who asks finds it. RunContainer has none: its lease tells.
 */
static void storm_check(const Storm *storm)
{
        Client *client = storm->fixture->client;
        guint n_failed = 0, n_untold = 0;

        for (guint i = 0; i < storm->n; i++) {
                const Creation *creation = &storm->creations[i];
                n_failed += creation->pending.error != NULL;
                if (creation->pending.error && !is_listed(client, creation->name))
                        continue;
                n_untold += creation->pending.error != NULL;
                g_assert_false(creation->pending.error && creation->is_run);
                end_and_check(client, creation, i);
        }
        g_test_message("%u calls, %u kills, %u calls failed, %u containers of which nobody was told", storm->n,
                       storm->kills, n_failed, n_untold);
        g_assert_cmpuint(n_untold, <=, storm->kills / 2);
        g_assert_cmpuint(n_failed, <, storm->n);
        await_n_containers(client, 0);
}

static void test_storm(Fixture *fixture)
{
        guint n = MAX(rounds(CREATIONS), LEAST_CREATIONS);
        g_autofree Creation *creations = g_new0(Creation, n);
        Storm storm = {.fixture = fixture, .creations = creations, .n = n};

        for (guint i = 0; i < CLIENTS; i++)
                storm.clients[i] = client_new(fixture, 0);
        storm_blow(&storm);
        storm_check(&storm);
        for (guint i = 0; i < CLIENTS; i++)
                client_free(storm.clients[i]);
        for (guint i = 0; i < n; i++)
                pending_clear(&creations[i].pending);
}

static const Test tests[] = {
        TEST("/storm/each-call-has-made-its-container-or-nothing", test_storm, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
