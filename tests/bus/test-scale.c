/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many containers, and floods of calls
 *
 * Hundreds of containers need no limit raised by hand; where one is reached, the answer names it and the others go on.
 * What one user sends, however much, is that user's to be refused: the manager's memory and descriptors are bounded,
 * and everybody else is answered. How long things take is not measured here: tests/bench/scale.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

static const char *const sleeper[] = {"sleep", "infinity", NULL};

static void create_numbered(Fixture *fixture, const char *prefix, guint n)
{
        for (guint i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i);
                g_variant_unref(manager_call(fixture->client, "CreateContainer", "(s^as@a{sv})", name, sleeper,
                                             options("{'Terminal': <false>}")));
        }
}

static void terminate_numbered(Fixture *fixture, const char *prefix, guint n)
{
        for (guint i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("%s%u", prefix, i);
                terminate(fixture->client, name);
        }
}

/* A manager that was started with another soft limit than the test, as by a login or by systemd. */
static void restart_manager(Fixture *fixture, rlim_t soft)
{
        struct rlimit before;

        fixture_stop_manager(fixture, SIGTERM);
        g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &(struct rlimit){soft, before.rlim_max}), ==, 0);
        fixture_start_manager(fixture);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
}

/* ---- many ---- */

static void test_three_hundred(Fixture *fixture)
{
        guint n = rounds(300);

        restart_manager(fixture, 256);
        create_numbered(fixture, "box", n);
        g_assert_cmpuint(n_containers(fixture->client), ==, n);
        terminate_numbered(fixture, "box", n);
}

/* The last ones are refused by name, with the limit's; the manager, and what it has, goes on. */
static void test_no_descriptors(Fixture *fixture)
{
        static const struct rlimit few = {128, 128};
        guint n = 0;

        g_assert_cmpint(prlimit(process_pid(fixture->manager), RLIMIT_NOFILE, &few, NULL), ==, 0);
        for (;; n++) {
                g_autofree char *name = g_strdup_printf("box%u", n);
                g_autoptr(GError) error = NULL;
                GVariant *reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                              g_variant_new("(s^as@a{sv})", name, sleeper, options(NULL)), NULL, NULL,
                                              &error);
                if (!reply) {
                        g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "LimitReached");
                        g_assert_nonnull(strstr(error->message, "RLIMIT_NOFILE"));
                        break;
                }
                g_variant_unref(reply);
        }
        g_assert_cmpuint(n, >, 10);
        g_assert_cmpuint(n_containers(fixture->client), ==, n);
        terminate_numbered(fixture, "box", n);
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
}

static void write_number(const char *directory, const char *file, int number)
{
        g_autofree char *path = g_build_filename(directory, file, NULL);
        g_autofree char *text = g_strdup_printf("%d", number);

        g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
}

static void assert_names_pids_max(const GError *error)
{
        g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "LimitReached");
        g_assert_nonnull(strstr(error->message, "pids.max=1 of /sys/fs/cgroup/pids/"));
}

/* The supervisor is alone in a cgroup that takes no other: there is no leader, or nobody to send in. */
static void test_no_processes(Fixture *fixture)
{
        g_autofree char *cgroup = g_strdup_printf("/sys/fs/cgroup/pids/pflask-scale-%d", (int)getpid());
        g_autoptr(GError) creation = NULL, execution = NULL;

        if (mkdir(cgroup, 0755) < 0)
                return g_test_skip("no hierarchy of the pids controller of version 1 is mounted here");
        write_number(cgroup, "pids.max", 1);
        write_number(cgroup, "cgroup.procs", await_spare(fixture->client));
        g_assert_null(client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                  create_parameters("box", "exit 3", NULL), NULL, NULL, &creation));
        assert_names_pids_max(creation);
        create(fixture->client, "box", idle, NULL);
        g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
        write_number(cgroup, "cgroup.procs", (int)g_variant_get_uint32(supervisor));
        g_assert_null(exec_says(fixture->client, "box", "root", "true", NULL, &execution));
        assert_names_pids_max(execution);
        terminate(fixture->client, "box");
        while (rmdir(cgroup) < 0) /* until the kernel has forgotten who was in it */
                g_assert_cmpint(errno, ==, EBUSY);
}

/* The limit is the container's: in what is sent into it there is nobody who could look it up. */
static void test_full_container(Fixture *fixture)
{
        g_autofree char *own = NULL, *cgroup = NULL;
        g_autoptr(GError) execution = NULL;

        g_assert_true(g_file_get_contents("/proc/self/cgroup", &own, NULL, NULL));
        const char *line = strstr(own, ":pids:");
        if (!line)
                return g_test_skip("no hierarchy of the pids controller of version 1 is mounted here");
        create(fixture->client, "box", idle, "{'Cgroups': <['pids']>}");
        *strchr(line, '\n') = '\0';
        cgroup = g_build_filename("/sys/fs/cgroup/pids", line + strlen(":pids:"), "pflask-box", NULL);
        write_number(cgroup, "pids.max", 1);
        g_assert_null(exec_says(fixture->client, "box", "root", "true", NULL, &execution));
        g_assert_cmpstr(client_error_name(execution), ==, ERROR_PREFIX "LimitReached");
        g_autofree char *reason = g_strdup_printf("cannot clone a process: pids.max=1 of %s is reached", cgroup);
        g_assert_nonnull(strstr(execution->message, reason));
        terminate(fixture->client, "box");
}

/* Since Linux 6.14 each pid namespace has its own, and this one is the test's. */
static gboolean has_own_pid_max(void)
{
        struct utsname name;
        unsigned major, minor;

        g_assert_no_errno(uname(&name));
        g_assert_cmpint(sscanf(name.release, "%u.%u", &major, &minor), ==, 2);
        return major > 6 || (major == 6 && minor >= 14);
}

/* Children, until there is no number for another. Return: their group. */
static pid_t use_numbers_up(void)
{
        pid_t group = 0, pid;

        while ((pid = fork()) > 0) {
                group = group ?: pid;
                g_assert_no_errno(setpgid(pid, group));
        }
        if (pid == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
        g_assert_cmpint(errno, ==, EAGAIN);
        return group;
}

static void test_no_numbers(Fixture *fixture)
{
        g_autoptr(GError) execution = NULL;
        g_autofree char *before = NULL;

        if (!has_own_pid_max())
                return g_test_skip("kernel.pid_max is the whole machine's here");
        create(fixture->client, "other", idle, NULL);
        await_spare(fixture->client);
        g_assert_true(g_file_get_contents("/proc/sys/kernel/pid_max", &before, NULL, NULL));
        write_number("/proc/sys/kernel", "pid_max", 400);
        pid_t group = use_numbers_up();
        g_assert_null(exec_says(fixture->client, "other", "root", "true", NULL, &execution));
        g_autofree char *creation = creation_sentence(fixture->client, NULL);
        g_assert_no_errno(kill(-group, SIGKILL));
        while (waitpid(-group, NULL, 0) > 0)
                ;
        write_number("/proc/sys/kernel", "pid_max", atoi(before));
        g_assert_nonnull(strstr(creation, "kernel.pid_max=400 is reached"));
        g_assert_nonnull(strstr(execution->message, "cannot clone a process: kernel.pid_max=400 is reached"));
        terminate(fixture->client, "other");
}

/* The terminals of a file system of our own, which has few. */
static void test_no_terminals(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        GVariant *reply;
        guint n = 0;

        g_assert_no_errno(mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666,max=3"));
        g_assert_no_errno(mount("/dev/pts/ptmx", "/dev/ptmx", NULL, MS_BIND, NULL));
        do {
                g_autofree char *name = g_strdup_printf("box%u", n++);
                reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                    create_parameters(name, idle, NULL), NULL, NULL, &error);
                g_clear_pointer(&reply, g_variant_unref);
        } while (!error);
        g_assert_cmpstr(client_error_name(error), ==, ERROR_PREFIX "LimitReached");
        g_assert_nonnull(strstr(error->message, "kernel.pty.max"));
        g_assert_cmpuint(n, ==, 4);
        terminate_numbered(fixture, "box", n - 1);
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        g_assert_no_errno(umount2("/dev/ptmx", MNT_DETACH));
        g_assert_no_errno(umount2("/dev/pts", MNT_DETACH));
}

/* A list is answered from what the manager knows: nobody has to be awake for it. */
static void test_stopped_supervisors(Fixture *fixture)
{
        enum { N = 20 };
        int supervisors[N];

        create_numbered(fixture, "box", N);
        for (guint i = 0; i < N; i++) {
                g_autofree char *name = g_strdup_printf("box%u", i);
                g_autoptr(GVariant) pid = property(fixture->client, name, "Supervisor");
                g_autoptr(GVariant) leader = property(fixture->client, name, "Leader");
                supervisors[i] = (int)g_variant_get_uint32(pid);
                g_assert_cmpint(kill((pid_t)g_variant_get_uint32(leader), SIGSTOP), ==, 0);
                g_assert_cmpint(kill(supervisors[i], SIGSTOP), ==, 0);
        }
        g_assert_cmpuint(n_containers(fixture->client), ==, N);
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        for (guint i = 0; i < N; i++)
                g_assert_cmpint(kill(supervisors[i], SIGCONT), ==, 0);
        terminate_numbered(fixture, "box", N);
}

/* ---- floods ---- */

static gsize manager_kb(const Fixture *fixture)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)process_pid(fixture->manager));
        g_autofree char *status = NULL;

        g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
        const char *line = strstr(status, "RssAnon:");
        g_assert_nonnull(line);
        return (gsize)g_ascii_strtoull(line + strlen("RssAnon:"), NULL, 10);
}

/* AddressSanitizer keeps what was freed: with it the figure says nothing. */
static void assert_grown_less(const Fixture *fixture, gsize before_kb, gsize kb)
{
#ifndef __SANITIZE_ADDRESS__
        g_assert_cmpuint(manager_kb(fixture), <, before_kb + kb);
#else
        g_test_message("%zu kB more, of less than %zu", manager_kb(fixture) - before_kb, kb);
#endif
}

/* Calls of alice that polkit is asked about, and that polkit, which is stopped, doesn't answer. */
static void create_privileged_later(Client *client, const char *name, const char *filler, Pending *pending)
{
        const char *const command[] = {"true", filler, NULL};

        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          g_variant_new("(s^as@a{sv})", name, command, options("{'SharedNamespaces': <['user']>}")),
                          pending);
}

static guint count_refused(const Pending *pending, guint n)
{
        guint n_refused = 0;

        for (guint i = 0; i < n; i++)
                n_refused += pending[i].is_done &&
                             strcmp(client_error_name(pending[i].error), ERROR_PREFIX "LimitReached") == 0;
        return n_refused;
}

/* @n calls of alice with @filler, of which at least @n_refused must be refused at once; then she leaves. */
static void flood(Fixture *fixture, const char *filler, guint n, guint n_refused)
{
        g_autofree Pending *pending = g_new0(Pending, n);
        Client *alice = client_new(fixture, ALICE);

        g_variant_unref(manager_call(alice, "ListContainers", NULL)); /* the bus has told who she is */
        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        for (guint i = 0; i < n; i++) {
                g_autofree char *name = g_strdup_printf("flood%u", i);
                create_privileged_later(alice, name, filler, &pending[i]);
        }
        await(count_refused(pending, n) >= n_refused);
        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        g_assert_cmpuint(count_refused(pending, n), ==, n_refused);
        g_dbus_connection_close_sync(alice->connection, NULL, NULL);
        g_assert_cmpint(process_signal(fixture->polkit, SIGCONT), ==, 0);
        for (guint i = 0; i < n; i++) {
                await(pending[i].is_done);
                pending_clear(&pending[i]);
        }
        client_free(alice);
}

static void test_names(Fixture *fixture)
{
        flood(fixture, "", 100, 100 - 64); /* NAMES_PER_UID */
}

static void test_bytes(Fixture *fixture)
{
        g_autofree char *half = g_strnfill(512 * 1024, 'x');
        gsize before_kb = manager_kb(fixture);

        flood(fixture, half, 60, 60 - 31); /* BYTES_PER_UID */
        assert_grown_less(fixture, before_kb, 64 * 1024);
}

static void test_large_call(Fixture *fixture)
{
        g_autofree char *large = g_strnfill(1 << 20, 'x');
        const char *const command[] = {"true", large, NULL};

        g_free(manager_refuses(fixture->client, "LimitReached", "CreateContainer", "(s^as@a{sv})", "box", command,
                               options(NULL)));
}

/* Somebody who comes and goes is remembered no longer than that: the fixture counts what is left. */
static void test_coming_and_going(Fixture *fixture)
{
        gsize before_kb = manager_kb(fixture);

        for (guint i = 0; i < rounds(500); i++) {
                Client *alice = client_new(fixture, ALICE);
                Pending pending = {};
                create_privileged_later(alice, "box", "", &pending);
                if (i % 2)
                        n_containers(alice);
                g_dbus_connection_close_sync(alice->connection, NULL, NULL);
                await(pending.is_done);
                pending_clear(&pending);
                client_free(alice);
        }
        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        assert_grown_less(fixture, before_kb, 1024);
}

/* More than are taken up at once, over more connections than one may have so many from; in the end all are answered. */
static void test_open_calls(Fixture *fixture)
{
        enum { CONNECTIONS = 8, CALLS = 1000 };
        g_autofree Pending *pending = g_new0(Pending, CALLS);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        Client *alice[CONNECTIONS];

        create(fixture->client, "box", idle, NULL);
        gsize before_kb = manager_kb(fixture);
        for (guint i = 0; i < CONNECTIONS; i++)
                alice[i] = client_new(fixture, ALICE);
        for (guint i = 0; i < CALLS; i++)
                client_call_later(alice[i % CONNECTIONS], MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer",
                                  g_variant_new("(s)", "box"), &pending[i]);
        g_assert_cmpuint(n_containers(bob), ==, 1);
        create(fixture->client, "other", "exit 3", NULL);
        wait_for(fixture->client, "other", "exited", 3);
        assert_grown_less(fixture, before_kb, 8 * 1024);
        for (guint i = 0; i < CONNECTIONS; i++) /* which is answered when all that she called before has begun */
                g_variant_unref(manager_call(alice[i], "ListContainers", NULL));
        for (guint i = 0; i < CALLS; i++)
                g_assert_false(pending[i].is_done);
        terminate(fixture->client, "box");
        for (guint i = 0; i < CALLS; i++) {
                await(pending[i].is_done);
                g_assert_no_error(pending[i].error);
                pending_clear(&pending[i]);
        }
        for (guint i = 0; i < CONNECTIONS; i++)
                client_free(alice[i]);
}

static void come_and_go(const void *data _unused_)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        if (sd_bus_open_system(&bus) >= 0)
                sd_bus_call_method_async(bus, NULL, MANAGER_BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers",
                                         NULL, NULL, NULL);
}

static void test_coming_and_going_beside(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        gsize before_kb = manager_kb(fixture);
        pid_t alice = attacker(come_and_go, NULL);

        g_hash_table_add(fixture->expected, GINT_TO_POINTER(alice));
        for (guint i = 0; i < rounds(100); i++) {
                create(fixture->client, "box", "exit 3", NULL);
                wait_for(fixture->client, "box", "exited", 3);
                n_containers(bob);
        }
        g_assert_cmpint(waitpid(alice, NULL, WNOHANG), ==, 0);
        end_attacker(alice);
        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(alice));
        assert_grown_less(fixture, before_kb, 1024);
}

static const char rules[] = "polkit.addRule(function(action, subject) { return polkit.Result.NO; });";

#define FLOOD(test_name, test_function)                                                                     \
        {                                                                                                   \
                .name = test_name, .function = test_function, .flags = ON_BUS | WITH_POLKIT, .rules = rules \
        }

static const Test tests[] = {
        TEST("/scale/three-hundred-need-no-limit-raised", test_three_hundred, ON_BUS),
        TEST("/scale/without-descriptors-the-limit-is-named", test_no_descriptors, ON_BUS),
        TEST("/scale/without-processes-the-limit-is-named", test_no_processes, ON_BUS),
        TEST("/scale/a-full-container-names-its-own-limit", test_full_container, ON_BUS),
        TEST("/scale/without-numbers-the-limit-is-named", test_no_numbers, ON_BUS),
        TEST("/scale/without-terminals-the-limit-is-named", test_no_terminals, ON_BUS),
        TEST("/scale/who-is-stopped-does-not-hold-up-the-list", test_stopped_supervisors, ON_BUS),
        FLOOD("/flood/of-names-takes-a-few", test_names),
        FLOOD("/flood/of-bytes-is-bounded", test_bytes),
        TEST("/flood/a-call-has-a-size", test_large_call, ON_BOTH),
        FLOOD("/flood/of-connections-is-forgotten", test_coming_and_going),
        FLOOD("/flood/of-open-calls-is-that-users-alone", test_open_calls),
        FLOOD("/flood/of-connections-is-that-users-alone", test_coming_and_going_beside),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
