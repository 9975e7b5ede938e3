/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/limits.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "common/macros.h"

static const Identity privileged = {};
static const Identity confined = {.uid = 1000, .gid = 1000, .is_confined = true};

static const struct {
        const char *name;
        int resource;
} names[] = {
        {"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
        {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
        {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
        {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
        {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
        {"STACK", RLIMIT_STACK},
};

/* A child that only waits, to be given limits. */
typedef struct Leader {
        pid_t pid;
} Leader;

static void leader_begin(Leader *leader, gconstpointer data _unused_)
{
        leader->pid = fork();
        g_assert_cmpint(leader->pid, >=, 0);
        if (leader->pid == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
}

static void leader_end(Leader *leader, gconstpointer data _unused_)
{
        g_assert_no_errno(kill(leader->pid, SIGKILL));
        g_assert_cmpint(waitpid(leader->pid, NULL, 0), ==, leader->pid);
}

static struct rlimit limit_of(pid_t pid, int resource)
{
        struct rlimit limit;

        g_assert_no_errno(prlimit(pid, (enum __rlimit_resource)resource, NULL, &limit));
        return limit;
}

static rlim_t at_most(rlim_t wanted, int resource)
{
        return MIN(wanted, limit_of(getpid(), resource).rlim_max);
}

static void apply(const Leader *leader, const Limit *limits, size_t n, const Identity *identity, int expected)
{
        Failure failure = {};

        g_assert_cmpint(limits_apply(leader->pid, limits, n, identity, &failure), ==, expected);
        if (expected < 0)
                g_assert_nonnull(strstr(failure.sentence, limit_name(limits[n - 1].resource)));
}

static void names_are_those_of_getrlimit(void)
{
        g_assert_cmpuint(ELEMENTS(names), ==, RLIM_NLIMITS);
        for (unsigned i = 0; i < ELEMENTS(names); i++) {
                g_assert_cmpint(limit_from_name(names[i].name), ==, names[i].resource);
                g_assert_cmpstr(limit_name(names[i].resource), ==, names[i].name);
        }
        g_assert_cmpint(limit_from_name("RLIMIT_NOFILE"), <, 0);
        g_assert_cmpint(limit_from_name("nofile"), <, 0);
        g_assert_cmpint(limit_from_name(""), <, 0);
        g_assert_null(limit_name(-1));
        g_assert_null(limit_name(RLIM_NLIMITS));
}

/* What this process may raise to is a bound on a machine where root may not raise limits. */
static void defaults_are_those_of_a_service(Leader *leader, gconstpointer data _unused_)
{
        apply(leader, NULL, 0, &privileged, 0);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NOFILE).rlim_cur, ==, 1024);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NOFILE).rlim_max, >=, at_most(524288, RLIMIT_NOFILE));
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_MEMLOCK).rlim_max, ==, at_most(8 << 20, RLIMIT_MEMLOCK));
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_CORE).rlim_cur, ==, 0);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_STACK).rlim_cur, ==, at_most(8 << 20, RLIMIT_STACK));
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NPROC).rlim_max, ==,
                         at_most(limit_of(1, RLIMIT_NPROC).rlim_max, RLIMIT_NPROC));
}

static void manager_s_own_are_not_inherited(Leader *leader, gconstpointer data _unused_)
{
        const struct rlimit low = {.rlim_cur = 64, .rlim_max = limit_of(leader->pid, RLIMIT_NOFILE).rlim_max};

        g_assert_no_errno(prlimit(leader->pid, RLIMIT_NOFILE, &low, NULL));
        apply(leader, NULL, 0, &privileged, 0);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NOFILE).rlim_cur, ==, 1024);
}

static void given_ones_win(Leader *leader, gconstpointer data _unused_)
{
        const Limit limits[] = {{RLIMIT_NOFILE, 100, 200}, {RLIMIT_CPU, UINT64_MAX, UINT64_MAX}, {RLIMIT_AS, 0, 1}};

        apply(leader, limits, ELEMENTS(limits), &confined, 0);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NOFILE).rlim_cur, ==, 100);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_NOFILE).rlim_max, ==, 200);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_CPU).rlim_max, ==, RLIM_INFINITY);
        g_assert_cmpuint(limit_of(leader->pid, RLIMIT_AS).rlim_max, ==, 1);
}

/* Had it worked, a user's limits (limits.conf(5)) would be worth nothing. */
static void confined_caller_raises_nothing(Leader *leader, gconstpointer data _unused_)
{
        static const Limit higher[] = {
                {RLIMIT_MEMLOCK, 0, UINT64_MAX}, {RLIMIT_NOFILE, 1024, 524289},
                {RLIMIT_RTPRIO, 0, 1},           {RLIMIT_NICE, 0, 1},
                {RLIMIT_MSGQUEUE, 0, 819201},    {RLIMIT_NPROC, 0, UINT64_MAX},
        };

        for (unsigned i = 0; i < ELEMENTS(higher); i++)
                apply(leader, &higher[i], 1, &confined, -EPERM);
        apply(leader, &(Limit){RLIMIT_NOFILE, 2, 1}, 1, &privileged, -EINVAL);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*function)(Leader *leader, gconstpointer data);
        } tests[] = {
                {"/limits/defaults-are-those-of-a-service", defaults_are_those_of_a_service},
                {"/limits/the-manager's-own-are-not-inherited", manager_s_own_are_not_inherited},
                {"/limits/given-ones-win", given_ones_win},
                {"/limits/a-confined-caller-raises-nothing", confined_caller_raises_nothing},
        };

        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/limits/names-are-those-of-getrlimit", names_are_those_of_getrlimit);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Leader, NULL, leader_begin, tests[i].function, leader_end);
        return g_test_run();
}
