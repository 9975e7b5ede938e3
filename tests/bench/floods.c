/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floods
 *
 * What one user's floods cost the others: the time of bob's ListContainers, and of root's CreateContainer and the Wait
 * after it, beside alice's flood and, right before it, without. A question to the bus alone is timed with them, and
 * bob's Ping to a bystander, a service that does nothing and that nobody floods: what makes those slower, no service on
 * the bus can help. The program fails where a median is more than three times as long as without, and more than three
 * times what becomes of those two. It is run by hand, with the machine to itself: meson test --benchmark floods.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "../bus/fixture.h"
#include "common/fd.h"
#include "common/process.h"

enum {
        SAMPLE = 200,
        CONNECTIONS = 8,
        OPEN_CALLS = 1000,
        FDS_PER_CALL = 16, /* as many as the bus lets pass */
        UNTIL_BEGUN = 500, /* rounds, after which a flood is one */
        MAX_MANAGER_KB = 32768,
};
#define MAX_RATIO 3.0

/* ---- floods: each in a process of alice's, which writes a byte to @begun when it is in full flow ---- */

static void begin(int begun)
{
        if (write(begun, "", 1) != 1)
                _exit(EXIT_FAILURE);
}

static sd_bus *connect_bus(void)
{
        sd_bus *bus = NULL;

        return sd_bus_open_system(&bus) < 0 ? NULL : bus;
}

/* @types and what follows: as for sd_bus_message_append(3). */
static int send_call(sd_bus *bus, const char *member, const char *types, ...)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        uint64_t cookie;
        va_list arguments;
        int r = sd_bus_message_new_method_call(bus, &message, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE,
                                               member);

        va_start(arguments, types);
        if (r >= 0 && types)
                r = sd_bus_message_appendv(message, types, arguments);
        va_end(arguments);
        return r < 0 ? r : sd_bus_send(bus, message, &cookie);
}

static void read_answers(sd_bus *bus)
{
        while (sd_bus_process(bus, NULL) > 0)
                ;
}

static void open_calls(int begun)
{
        for (unsigned i = 0; i < CONNECTIONS; i++) {
                sd_bus *bus = connect_bus();
                sd_bus_call_method(bus, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers", NULL, NULL,
                                   NULL);
                for (unsigned j = 0; j < OPEN_CALLS / CONNECTIONS; j++)
                        send_call(bus, "WaitContainer", "s", "roots");
                sd_bus_flush(bus);
        }
        begin(begun);
        pause();
}

static void never_read(int begun)
{
        sd_bus *bus = connect_bus();

        for (unsigned i = 0;; i++) {
                send_call(bus, "ListContainers", NULL);
                sd_bus_flush(bus);
                if (i == UNTIL_BEGUN)
                        begin(begun);
        }
}

static void pass_descriptors(int begun)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        sd_bus *bus = connect_bus();

        for (unsigned i = 0;; i++) {
                uint64_t cookie;
                sd_bus_message_new_method_call(bus, &message, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE,
                                               "CreateContainer");
                sd_bus_message_append(message, "sas", "flood", 1, "true");
                sd_bus_message_open_container(message, 'a', "{sv}");
                for (unsigned j = 0; j < FDS_PER_CALL; j++)
                        sd_bus_message_append(message, "{sv}", "None", "h", STDERR_FILENO);
                sd_bus_message_close_container(message);
                sd_bus_send(bus, message, &cookie);
                message = sd_bus_message_unref(message);
                sd_bus_flush(bus);
                read_answers(bus);
                if (i == UNTIL_BEGUN)
                        begin(begun);
        }
}

static void never_read_descriptors(int begun)
{
        sd_bus *bus = connect_bus();

        for (unsigned i = 0;; i++) {
                send_call(bus, "OpenContainerRootDirectory", "s", "alices");
                sd_bus_flush(bus);
                if (i == UNTIL_BEGUN)
                        begin(begun);
        }
}

static void subscribe(int begun)
{
        for (unsigned i = 0; i < CONNECTIONS; i++)
                sd_bus_add_match(connect_bus(), NULL, "type='signal'", NULL, NULL);
        begin(begun);
        pause();
}

static void come_and_go(int begun)
{
        for (unsigned i = 0;; i++) {
                sd_bus *bus = connect_bus();
                if (bus)
                        send_call(bus, "ListContainers", NULL);
                sd_bus_flush_close_unref(bus);
                if (i == UNTIL_BEGUN)
                        begin(begun);
        }
}

typedef struct Flood {
        const char *name;
        void (*flood)(int begun);
} Flood;

static const Flood floods[] = {
        {"1,000 open calls", open_calls},
        {"answers never read", never_read},
        {"16 descriptors a call", pass_descriptors},
        {"descriptors never read", never_read_descriptors},
        {"subscribed to everything", subscribe},
        {"coming and going", come_and_go},
};

/* @said: what the process writes at first, at most @size with a NUL at the end of it. */
static pid_t begin_process(uid_t uid, void (*function)(int begun), char *said, size_t size)
{
        int ends[2];

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0)
                        function(ends[1]);
                _exit(EXIT_FAILURE);
        }
        fd_close(ends[1]);
        ssize_t n = read(ends[0], said, size);
        g_assert_cmpint(n, >, 0);
        g_assert_cmpint(said[n - 1], ==, 0);
        fd_close(ends[0]);
        return pid;
}

static pid_t flood_begin(const Flood *flood)
{
        char byte;

        return begin_process(ALICE, flood->flood, &byte, 1);
}

static void end_process(pid_t pid)
{
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* ---- the bystander ---- */

static const char bystander_policy[] =
        "<busconfig><policy context=\"mandatory\"><allow send_interface=\"org.freedesktop.DBus.Peer\"/></policy>";

static void allow_bystander(Fixture *fixture)
{
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(TEST_DIRECTORY "/bus.conf", &content, NULL, NULL));
        g_autofree char *allowed = g_strconcat(bystander_policy, content + strlen("<busconfig>"), NULL);
        g_assert_true(g_file_set_contents(TEST_DIRECTORY "/bus.conf", allowed, -1, NULL));
        g_variant_unref(client_bus_call(fixture->client, "ReloadConfig", NULL));
}

/* sd-bus answers a Ping by itself. The name is written to @begun. */
static void stand_by(int begun)
{
        const char *name = "";
        sd_bus *bus = connect_bus();

        if (!bus || sd_bus_get_unique_name(bus, &name) < 0 ||
            write(begun, name, strlen(name) + 1) != (ssize_t)strlen(name) + 1)
                return;
        for (int r = 0; r >= 0; r = r == 0 ? sd_bus_wait(bus, UINT64_MAX) : r)
                r = sd_bus_process(bus, NULL);
}

static void ping(Client *bob, const char *bystander)
{
        g_autoptr(GError) error = NULL;
        GVariant *reply = g_dbus_connection_call_sync(bob->connection, bystander, "/", "org.freedesktop.DBus.Peer",
                                                      "Ping", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

        g_assert_no_error(error);
        g_variant_unref(reply);
}

/* ---- figures ---- */

static int compare_times(const void *one, const void *other)
{
        const gint64 *first = one, *second = other;

        return (*first > *second) - (*first < *second);
}

static double median_ms(gint64 *times)
{
        qsort(times, SAMPLE, sizeof(*times), compare_times);
        return (double)times[SAMPLE / 2] / 1000;
}

typedef struct Medians {
        double bus, ping, list, create; /* ms */
} Medians;

static Medians measure(Fixture *fixture, Client *bob, const char *bystander)
{
        gint64 questions[SAMPLE], pings[SAMPLE], lists[SAMPLE], creations[SAMPLE];

        for (guint i = 0; i < SAMPLE; i++) {
                gint64 begin = g_get_monotonic_time();
                g_variant_unref(client_bus_call(bob, "GetId", NULL));
                questions[i] = g_get_monotonic_time() - begin;
                begin = g_get_monotonic_time();
                ping(bob, bystander);
                pings[i] = g_get_monotonic_time() - begin;
                begin = g_get_monotonic_time();
                n_containers(bob);
                lists[i] = g_get_monotonic_time() - begin;
                begin = g_get_monotonic_time();
                create(fixture->client, "box", "exit 3", NULL);
                wait_for(fixture->client, "box", "exited", 3);
                creations[i] = g_get_monotonic_time() - begin;
        }
        return (Medians){median_ms(questions), median_ms(pings), median_ms(lists), median_ms(creations)};
}

/* @others: by what factor those that have nothing to do with the flood were slower. */
static void check(const char *what, double alone, double beside, double others)
{
        double ratio = beside / alone;
        gboolean holds = ratio <= MAX_RATIO * MAX(others, 1.0);

        g_print("#   %-8s %8.2f ms, alone %6.2f: %6.2f%s\n", what, beside, alone, ratio,
                ratio <= MAX_RATIO ? ""
                : holds            ? "  more than it may be, as others are"
                                   : "  BROKEN");
        if (!holds)
                g_test_fail();
}

static guint64 anonymous_kb(int pidfd)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", process_pid(pidfd));
        g_autofree char *status = NULL;

        g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
        return g_ascii_strtoull(strstr(status, "RssAnon:") + strlen("RssAnon:"), NULL, 10);
}

static void measure_beside(Fixture *fixture, Client *bob, const char *bystander, const char *name, const Flood *first,
                           guint n)
{
        pid_t pids[G_N_ELEMENTS(floods)];
        Medians alone = measure(fixture, bob, bystander);

        for (guint i = 0; i < n; i++)
                pids[i] = flood_begin(&first[i]);
        Medians beside = measure(fixture, bob, bystander);
        guint64 kb = anonymous_kb(fixture->manager);
        double bus = beside.bus / alone.bus, ping = beside.ping / alone.ping;
        g_print("# %s: the manager has %" G_GUINT64_FORMAT " kB, the bus %" G_GUINT64_FORMAT " kB\n", name, kb,
                anonymous_kb(fixture->bus));
        g_print("#   %-8s %8.2f ms, alone %6.2f: %6.2f\n", "bus", beside.bus, alone.bus, bus);
        g_print("#   %-8s %8.2f ms, alone %6.2f: %6.2f\n", "ping", beside.ping, alone.ping, ping);
        for (guint i = 0; i < n; i++)
                end_process(pids[i]);
        check("list", alone.list, beside.list, MAX(bus, ping));
        check("create", alone.create, beside.create, MAX(bus, ping));
        if (kb > MAX_MANAGER_KB)
                g_test_fail();
}

/* Of one flood, or of all where the test has no row. */
static void test_floods(Fixture *fixture)
{
        const Flood *flood = fixture->test->row;
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        char bystander[32];

        allow_bystander(fixture);
        pid_t pid = begin_process(0, stand_by, bystander, sizeof(bystander));
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(pid));
        create(fixture->client, "roots", "exec sleep 1000", NULL);
        create(alice, "alices", "exec sleep 1000", NULL);
        measure(fixture, bob, bystander); /* programs and libraries are in memory from here */
        if (flood)
                measure_beside(fixture, bob, bystander, flood->name, flood, 1);
        else
                measure_beside(fixture, bob, bystander, "all at once", floods, G_N_ELEMENTS(floods));
        terminate(alice, "alices");
        terminate(fixture->client, "roots");
        end_process(pid);
        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(pid));
}

static const char rules[] =
        "polkit.addRule(function(action, subject) {"
        " return action.id == 'org.pflask.manager1.run-own' ? polkit.Result.YES : polkit.Result.NO; });";

#define FLOOD(test_name, test_row)                                                                                    \
        {                                                                                                             \
                .name = "/floods/" test_name, .function = test_floods, .flags = ON_BUS | WITH_POLKIT, .rules = rules, \
                .row = test_row                                                                                       \
        }
static const Test tests[] = {
        FLOOD("open-calls", &floods[0]),
        FLOOD("answers-never-read", &floods[1]),
        FLOOD("descriptors-passed", &floods[2]),
        FLOOD("descriptors-never-read", &floods[3]),
        FLOOD("subscriptions", &floods[4]),
        FLOOD("visits", &floods[5]),
        FLOOD("all-at-once", NULL),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
