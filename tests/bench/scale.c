/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scale
 *
 * What a thousand containers at once cost: the time to make the last ones beside that of the first ones, and beside
 * somebody who lists without end, a listing, and the memory and the descriptors of the manager. Each figure has a bound,
 * and the program fails when one is broken. Times are of this machine, so it is run by hand, with the machine to itself:
 * meson test --benchmark scale.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "../bus/attack.h"
#include "common/macros.h"
#include "common/process.h"

enum {
        N_CONTAINERS = 1000,
        N_WARM = 5,
        SAMPLE = 50,
        MAX_LIST_USEC = 5000,
        MAX_BYTES_PER_CONTAINER = 4096,
        MAX_MANAGER_KB = 8192,
        MAX_ALL_KB = 1024 * 1024,
};
#define MAX_CREATE_RATIO 1.5
#define MAX_LISTED_RATIO 2.0

/* ---- figures ---- */

static int compare_times(const void *one, const void *other)
{
        const gint64 *first = one, *second = other;

        return (*first > *second) - (*first < *second);
}

static gint64 median(const gint64 *times, gsize n)
{
        g_autofree gint64 *sorted = g_memdup2(times, n * sizeof(*times));

        qsort(sorted, n, sizeof(*sorted), compare_times);
        return sorted[n / 2];
}

/* A field of one of a process's files in proc(5) whose lines are "Name:  NUMBER kB"; 0 when it has gone. */
static guint64 proc_kb(int pid, const char *file, const char *field)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, file);
        g_autofree char *content = NULL;
        g_autofree char *start = g_strconcat("\n", field, ":", NULL);

        if (!g_file_get_contents(path, &content, NULL, NULL))
                return 0;
        const char *line = strstr(content, start);
        return line ? g_ascii_strtoull(line + strlen(start), NULL, 10) : 0;
}

static int manager_pid(const Fixture *fixture)
{
        return (int)process_pid(fixture->manager);
}

/* CPU time of the manager so far. */
static gint64 manager_usec(const Fixture *fixture)
{
        struct timespec time;
        clockid_t clock;

        g_assert_cmpint(clock_getcpuclockid(manager_pid(fixture), &clock), ==, 0);
        g_assert_cmpint(clock_gettime(clock, &time), ==, 0);
        return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* Of every process there is: its fair share of what is shared. */
static guint64 all_kb(void)
{
        g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
        guint64 sum = 0;
        const char *entry;

        while ((entry = g_dir_read_name(proc)))
                if (atoi(entry) > 1 && atoi(entry) != getpid())
                        sum += proc_kb(atoi(entry), "smaps_rollup", "Pss");
        return sum;
}

static guint64 available_kb(void)
{
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents("/proc/meminfo", &content, NULL, NULL));
        return g_ascii_strtoull(strstr(content, "MemAvailable:") + strlen("MemAvailable:"), NULL, 10);
}

static guint n_descriptors(const Fixture *fixture)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", manager_pid(fixture));
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        guint n = 0;

        while (g_dir_read_name(directory))
                n++;
        return n;
}

/* ---- containers ---- */

static gint64 create_one(Fixture *fixture, guint number, const char *option_text)
{
        static const char *const command[] = {"sleep", "infinity", NULL};
        g_autofree char *name = g_strdup_printf("box%u", number);
        gint64 begin = g_get_monotonic_time();

        g_variant_unref(
                manager_call(fixture->client, "CreateContainer", "(s^as@a{sv})", name, command, options(option_text)));
        return g_get_monotonic_time() - begin;
}

static void remove_all(Fixture *fixture, guint n)
{
        for (guint i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                terminate(fixture->client, name);
        }
}

/* The manager's share of a listing: its CPU time, since nobody else asks it anything. */
static gint64 list_usec(Fixture *fixture)
{
        enum { ROUNDS = 20 };
        gint64 before = manager_usec(fixture);

        for (guint i = 0; i < ROUNDS; i++)
                g_assert_cmpuint(n_containers(fixture->client), ==, N_CONTAINERS);
        return (manager_usec(fixture) - before) / ROUNDS;
}

/* Whoever lists all the time, as a panel of a desktop might that knows no signals. */
static void list_for_ever(const void *data _unused_)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;

        if (sd_bus_open_system(&bus) < 0)
                _exit(EXIT_FAILURE);
        for (;;)
                if (sd_bus_call_method(bus, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers", NULL,
                                       NULL, NULL) < 0)
                        _exit(EXIT_FAILURE);
}

/* What the next containers take while somebody lists. */
static gint64 create_beside_lists(Fixture *fixture)
{
        gint64 times[SAMPLE];
        pid_t lister = attacker(list_for_ever, NULL);

        g_hash_table_add(fixture->expected, GINT_TO_POINTER(lister));
        g_usleep(G_USEC_PER_SEC / 10); /* until it does */
        for (guint i = 0; i < SAMPLE; i++)
                times[i] = create_one(fixture, N_CONTAINERS + i, NULL);
        g_assert_cmpint(waitpid(lister, NULL, WNOHANG), ==, 0);
        end_attacker(lister);
        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(lister));
        return median(times, SAMPLE);
}

static void check(const char *what, double is, double at_most)
{
        g_print("# %-52s %9.2f of at most %9.2f%s\n", what, is, at_most, is <= at_most ? "" : "  BROKEN");
        if (is > at_most)
                g_test_fail();
}

static void test_thousand(Fixture *fixture)
{
        static gint64 times[N_CONTAINERS];

        for (guint i = 0; i < N_WARM; i++) /* programs and libraries are in memory from here */
                create_one(fixture, i, NULL);
        remove_all(fixture, N_WARM);
        guint64 base_kb = proc_kb(manager_pid(fixture), "status", "RssAnon"), free_kb = available_kb();
        for (guint i = 0; i < N_CONTAINERS; i++)
                times[i] = create_one(fixture, i, NULL);
        gint64 first = median(times, SAMPLE), last = median(times + N_CONTAINERS - SAMPLE, SAMPLE);
        guint64 anonymous_kb = proc_kb(manager_pid(fixture), "status", "RssAnon");

        g_print("# creation: %.2f ms each of the first %d, %.2f ms each of the last\n", (double)first / 1000, SAMPLE,
                (double)last / 1000);
        g_print("# manager: %u descriptors, %" G_GUINT64_FORMAT " kB before, %" G_GUINT64_FORMAT " kB now\n",
                n_descriptors(fixture), base_kb, anonymous_kb);
        g_print("# machine: %" G_GUINT64_FORMAT " kB less are available\n", free_kb - available_kb());
        check("creation, last to first", (double)last / (double)first, MAX_CREATE_RATIO);
        check("listing, us of the manager", (double)list_usec(fixture), MAX_LIST_USEC);
        check("manager's memory, bytes a container", (double)(anonymous_kb - base_kb) * 1024 / N_CONTAINERS,
              MAX_BYTES_PER_CONTAINER);
        check("manager's memory, kB", (double)proc_kb(manager_pid(fixture), "smaps_rollup", "Pss"), MAX_MANAGER_KB);
        check("all processes, kB", (double)all_kb(), MAX_ALL_KB);
        check("creation, beside endless lists to without", (double)create_beside_lists(fixture) / (double)last,
              MAX_LISTED_RATIO);
        remove_all(fixture, N_CONTAINERS + SAMPLE);
}

static const Test tests[] = {
        TEST("/scale/a-thousand-cost-what-they-may", test_thousand, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
