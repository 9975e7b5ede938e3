/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "supervisor/lease.h"

typedef struct Fixture {
        sd_event *event;
        Lease *lease;
        int client;
        int n_ended;
        int n_given;
        LeaseEnd end;
} Fixture;

static void lease_over(Lease *lease, LeaseEnd end, void *userdata)
{
        Fixture *fixture = userdata;

        g_assert_true(lease == fixture->lease);
        fixture->lease = lease_free(lease);
        fixture->end = end;
        fixture->n_ended++;
}

static void lease_arrived(void *userdata)
{
        Fixture *fixture = userdata;

        fixture->n_given++;
}

static void setup(Fixture *fixture, const void *data)
{
        const Holder holder = {.pid = 42, .uid = 1000};

        *fixture = (Fixture){.client = -1};
        g_assert_cmpint(sd_event_new(&fixture->event), >=, 0);
        g_assert_cmpint(lease_new(fixture->event, holder, lease_over, fixture, &fixture->lease, &fixture->client), ==,
                        0);
        g_assert_cmpint(lease_holder(fixture->lease).pid, ==, 42);
        g_assert_cmpuint(lease_holder(fixture->lease).uid, ==, 1000);
        lease_on_given(fixture->lease, lease_arrived);
        if (!data)
                g_assert_cmpint(write(fixture->client, "g", 1), ==, 1);
}

static void teardown(Fixture *fixture, const void *data _unused_)
{
        lease_free(fixture->lease);
        if (fixture->client >= 0)
                close(fixture->client);
        sd_event_unref(fixture->event);
}

/* All that has happened so far, and no more. */
static void dispatch(Fixture *fixture)
{
        while (sd_event_run(fixture->event, 0) > 0)
                ;
}

static void client_close(Fixture *fixture)
{
        g_assert_cmpint(close(fixture->client), ==, 0);
        fixture->client = -1;
}

static void assert_ended(Fixture *fixture, LeaseEnd end)
{
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 1);
        g_assert_cmpint(fixture->end, ==, end);
}

static void test_lasts(Fixture *fixture, const void *data _unused_)
{
        g_assert_cmpint(fcntl(fixture->client, F_GETFD), ==, FD_CLOEXEC);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
}

static void test_last_copy(Fixture *fixture, const void *data _unused_)
{
        int copy = dup(fixture->client);

        client_close(fixture);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
        close(copy);
        assert_ended(fixture, LEASE_CLOSED);
}

static void test_killed_holder(Fixture *fixture, const void *data _unused_)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0)
                for (;;)
                        pause();
        client_close(fixture);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        assert_ended(fixture, LEASE_CLOSED);
}

static void test_detach(Fixture *fixture, const void *data _unused_)
{
        g_assert_cmpint(write(fixture->client, "d", 1), ==, 1);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
        client_close(fixture);
        assert_ended(fixture, LEASE_DETACHED);
}

static void test_detach_at_once(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *noise = g_strnfill(5000, 'x');

        g_assert_cmpint(write(fixture->client, noise, 5000), ==, 5000);
        g_assert_cmpint(write(fixture->client, "d", 1), ==, 1);
        client_close(fixture);
        assert_ended(fixture, LEASE_DETACHED);
}

static void test_asked_back(Fixture *fixture, const void *data _unused_)
{
        char word;

        g_assert_cmpint(lease_ask_back(fixture->lease), ==, 0);
        g_assert_cmpint(read(fixture->client, &word, 1), ==, 1);
        g_assert_cmpint(word, ==, 'r');
        client_close(fixture);
        assert_ended(fixture, LEASE_RETURNED);
}

/* The socket is reset then, rather than closed: unix(7). */
static void test_asked_back_unread(Fixture *fixture, const void *data _unused_)
{
        g_assert_cmpint(lease_ask_back(fixture->lease), ==, 0);
        client_close(fixture);
        assert_ended(fixture, LEASE_RETURNED);
}

static void test_never_reads(Fixture *fixture, const void *data _unused_)
{
        for (int i = 0; i < 10000; i++)
                g_assert_cmpint(lease_ask_back(fixture->lease), ==, 0);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
}

static void test_given_up(Fixture *fixture, const void *data _unused_)
{
        char word;

        dispatch(fixture);
        fixture->lease = lease_free(fixture->lease);
        g_assert_cmpint(read(fixture->client, &word, 1), ==, 0);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_ended, ==, 0);
}

static void test_given(Fixture *fixture, const void *data _unused_)
{
        dispatch(fixture);
        g_assert_cmpint(fixture->n_given, ==, 0);
        g_assert_cmpint(write(fixture->client, "gg", 2), ==, 2);
        dispatch(fixture);
        g_assert_cmpint(fixture->n_given, ==, 1);
        client_close(fixture);
        assert_ended(fixture, LEASE_CLOSED);
}

/* The giver may be slower than who got it: whatever is said on the lease, it has arrived. */
static void test_quick_holder(Fixture *fixture, const void *data _unused_)
{
        g_assert_cmpint(write(fixture->client, "d", 1), ==, 1);
        client_close(fixture);
        assert_ended(fixture, LEASE_DETACHED);
        g_assert_cmpint(fixture->n_given, ==, 1);
}

static void test_dead_giver(Fixture *fixture, const void *data _unused_)
{
        lease_giver_died(fixture->lease);
        client_close(fixture);
        assert_ended(fixture, LEASE_UNGIVEN);
        g_assert_cmpint(fixture->n_given, ==, 0);
}

/* It was given, or it would have gone with its giver; only the word for that had not been said. */
static void test_outlives_giver(Fixture *fixture, const void *data _unused_)
{
        lease_giver_died(fixture->lease);
        lease_giver_died(fixture->lease);
        while (fixture->n_given == 0)
                g_assert_cmpint(sd_event_run(fixture->event, 10000000), >, 0);
        client_close(fixture);
        assert_ended(fixture, LEASE_CLOSED);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*test)(Fixture *fixture, const void *data);
                gboolean is_on_its_way;
        } tests[] = {
                {"/lease/lasts", test_lasts, FALSE},
                {"/lease/ends-when-the-last-copy-closes", test_last_copy, FALSE},
                {"/lease/ends-with-a-killed-holder", test_killed_holder, FALSE},
                {"/lease/tells-detaching", test_detach, FALSE},
                {"/lease/tells-detaching-after-noise", test_detach_at_once, FALSE},
                {"/lease/is-asked-back", test_asked_back, FALSE},
                {"/lease/is-returned-unread", test_asked_back_unread, FALSE},
                {"/lease/does-not-wait-for-a-holder-that-never-reads", test_never_reads, FALSE},
                {"/lease/shows-the-holder-its-end", test_given_up, FALSE},
                {"/lease/tells-when-it-is-given", test_given, TRUE},
                {"/lease/is-given-when-its-holder-speaks", test_quick_holder, TRUE},
                {"/lease/of-a-dead-giver-was-never-given", test_dead_giver, TRUE},
                {"/lease/that-outlives-its-giver-was-given", test_outlives_giver, TRUE},
        };

        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Fixture, tests[i].is_on_its_way ? tests : NULL, setup, tests[i].test,
                           teardown);
        return g_test_run();
}
