/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floods
 *
 * What one user's floods cost the others: the time of bob's ListContainers, and of root's CreateContainer and the Wait
 * after it, beside alice's flood and, right before it, without. A question to the bus alone is timed with them: what
 * makes that slower, no service on the bus can help. The program fails where a median is more than three times as long
 * as without, and more than three times what the bus alone makes of it. It is run by hand, with the machine to itself:
 * meson test --benchmark floods.
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

static pid_t flood_begin(const Flood *flood)
{
        int ends[2];
        char byte;

        g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (setresgid(ALICE, ALICE, ALICE) == 0 && setresuid(ALICE, ALICE, ALICE) == 0)
                        flood->flood(ends[1]);
                _exit(EXIT_FAILURE);
        }
        fd_close(ends[1]);
        g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
        fd_close(ends[0]);
        return pid;
}

static void flood_end(pid_t pid)
{
        g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
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
        double bus, list, create; /* ms */
} Medians;

static Medians measure(Fixture *fixture, Client *bob)
{
        gint64 questions[SAMPLE], lists[SAMPLE], creations[SAMPLE];

        for (guint i = 0; i < SAMPLE; i++) {
                gint64 begin = g_get_monotonic_time();
                g_variant_unref(client_bus_call(bob, "GetId", NULL));
                questions[i] = g_get_monotonic_time() - begin;
                begin = g_get_monotonic_time();
                n_containers(bob);
                lists[i] = g_get_monotonic_time() - begin;
                begin = g_get_monotonic_time();
                create(fixture->client, "box", "exit 3", NULL);
                wait_for(fixture->client, "box", "exited", 3);
                creations[i] = g_get_monotonic_time() - begin;
        }
        return (Medians){median_ms(questions), median_ms(lists), median_ms(creations)};
}

/* @bus: by what factor the bus alone was slower. */
static void check(const char *what, double alone, double beside, double bus)
{
        double ratio = beside / alone;
        gboolean holds = ratio <= MAX_RATIO * MAX(bus, 1.0);

        g_print("#   %-8s %8.2f ms, alone %6.2f: %6.2f%s\n", what, beside, alone, ratio,
                ratio <= MAX_RATIO ? ""
                : holds            ? "  more than it may be, as the bus is"
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

static void measure_beside(Fixture *fixture, Client *bob, const char *name, const Flood *first, guint n)
{
        pid_t pids[G_N_ELEMENTS(floods)];
        Medians alone = measure(fixture, bob);

        for (guint i = 0; i < n; i++)
                pids[i] = flood_begin(&first[i]);
        Medians beside = measure(fixture, bob);
        guint64 kb = anonymous_kb(fixture->manager);
        double bus = beside.bus / alone.bus;
        g_print("# %s: the manager has %" G_GUINT64_FORMAT " kB, the bus %" G_GUINT64_FORMAT " kB\n", name, kb,
                anonymous_kb(fixture->bus));
        g_print("#   %-8s %8.2f ms, alone %6.2f: %6.2f\n", "bus", beside.bus, alone.bus, bus);
        for (guint i = 0; i < n; i++)
                flood_end(pids[i]);
        check("list", alone.list, beside.list, bus);
        check("create", alone.create, beside.create, bus);
        if (kb > MAX_MANAGER_KB)
                g_test_fail();
}

static void test_floods(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) bob = client_new(fixture, BOB);

        create(fixture->client, "roots", "exec sleep 1000", NULL);
        create(alice, "alices", "exec sleep 1000", NULL);
        measure(fixture, bob); /* programs and libraries are in memory from here */
        for (guint i = 0; i < G_N_ELEMENTS(floods); i++)
                measure_beside(fixture, bob, floods[i].name, &floods[i], 1);
        measure_beside(fixture, bob, "all at once", floods, G_N_ELEMENTS(floods));
        terminate(alice, "alices");
        terminate(fixture->client, "roots");
}

static const char rules[] =
        "polkit.addRule(function(action, subject) {"
        " return action.id == 'org.pflask.manager1.run-own' ? polkit.Result.YES : polkit.Result.NO; });";

static const Test tests[] = {
        {.name = "/floods/are-the-flooders", .function = test_floods, .flags = ON_BUS | WITH_POLKIT, .rules = rules},
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
