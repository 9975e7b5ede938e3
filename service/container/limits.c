/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "common/macros.h"

_Static_assert(sizeof(rlim_t) == sizeof(uint64_t) && RLIM_INFINITY == UINT64_MAX, "a Limit is an rlimit");

enum { KIBI = 1024, MEBI = 1024 * KIBI };

typedef struct LimitRow {
        const char *name;
        rlim_t soft, hard;
} LimitRow;

/* What a service gets from systemd 252 as it comes, which is what the kernel gave its PID 1 but for two. */
static const LimitRow rows[RLIM_NLIMITS] = {
        [RLIMIT_AS] = {"AS", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_CORE] = {"CORE", 0, RLIM_INFINITY},
        [RLIMIT_CPU] = {"CPU", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_DATA] = {"DATA", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_FSIZE] = {"FSIZE", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_LOCKS] = {"LOCKS", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_MEMLOCK] = {"MEMLOCK", 8 * MEBI, 8 * MEBI},
        [RLIMIT_MSGQUEUE] = {"MSGQUEUE", 800 * KIBI, 800 * KIBI},
        [RLIMIT_NICE] = {"NICE", 0, 0},
        [RLIMIT_NOFILE] = {"NOFILE", KIBI, 512 * KIBI},
        [RLIMIT_NPROC] = {"NPROC", 0, 0},
        [RLIMIT_RSS] = {"RSS", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_RTPRIO] = {"RTPRIO", 0, 0},
        [RLIMIT_RTTIME] = {"RTTIME", RLIM_INFINITY, RLIM_INFINITY},
        [RLIMIT_SIGPENDING] = {"SIGPENDING", 0, 0},
        [RLIMIT_STACK] = {"STACK", 8 * MEBI, RLIM_INFINITY},
};

/* These the kernel gave PID 1 by the size of the machine. */
static bool is_by_machine(unsigned resource)
{
        return resource == RLIMIT_NPROC || resource == RLIMIT_SIGPENDING;
}

int limit_from_name(const char *name)
{
        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                if (strcmp(name, rows[i].name) == 0)
                        return (int)i;
        return -EINVAL;
}

const char *limit_name(int resource)
{
        return resource >= 0 && resource < RLIM_NLIMITS ? rows[resource].name : NULL;
}

static rlim_t lower(rlim_t one, rlim_t other)
{
        return one < other ? one : other;
}

static int limit_set(pid_t pid, unsigned resource, const struct rlimit *limit)
{
        return prlimit(pid, (enum __rlimit_resource)resource, limit, NULL) < 0 ? -errno : 0;
}

/* The default of @resource. PID 1 that won't tell leaves the child what it has. */
static int limit_default(pid_t pid, unsigned resource, struct rlimit *ret)
{
        enum __rlimit_resource which = (enum __rlimit_resource)resource;

        if (!is_by_machine(resource)) {
                *ret = (struct rlimit){.rlim_cur = rows[resource].soft, .rlim_max = rows[resource].hard};
                return 0;
        }
        if (prlimit(1, which, NULL, ret) < 0 && prlimit(pid, which, NULL, ret) < 0)
                return -errno;
        return 0;
}

/* Sets the default, or the most that can be: not every manager has CAP_SYS_RESOURCE, nor every kernel so many files. */
static int limit_set_default(pid_t pid, unsigned resource)
{
        struct rlimit wanted, present;

        int r = limit_default(pid, resource, &wanted);
        if (r < 0)
                return r;
        r = limit_set(pid, resource, &wanted);
        if (r != -EPERM)
                return r;
        if (prlimit(pid, (enum __rlimit_resource)resource, NULL, &present) < 0)
                return -errno;
        wanted.rlim_max = lower(wanted.rlim_max, present.rlim_max);
        wanted.rlim_cur = lower(wanted.rlim_cur, wanted.rlim_max);
        return limit_set(pid, resource, &wanted);
}

static int limit_set_given(pid_t pid, const Limit *limit, const Identity *identity, Failure *failure)
{
        const struct rlimit given = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
        unsigned resource = (unsigned)limit->resource;
        struct rlimit present;

        if (limit->soft > limit->hard)
                return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                                   "option 'Limits': the soft limit is above the hard one of %s", rows[resource].name);
        int r = prlimit(pid, (enum __rlimit_resource)resource, NULL, &present) < 0 ? -errno : 0;
        /* The authority used here is the supervisor's: it isn't the caller's to raise anything with. */
        if (r >= 0 && identity->is_confined && given.rlim_max > present.rlim_max)
                r = -EPERM;
        if (r >= 0)
                r = limit_set(pid, resource, &given);
        return r < 0 ? failure_step(failure, r, "set", "resource limit", rows[resource].name) : 0;
}

int limits_apply(pid_t pid, const Limit *limits, size_t n, const Identity *identity, Failure *failure)
{
        for (unsigned resource = 0; resource < ELEMENTS(rows); resource++) {
                int r = limit_set_default(pid, resource);
                if (r < 0)
                        return failure_step(failure, r, "set", "resource limit", rows[resource].name);
        }
        for (size_t i = 0; i < n; i++) {
                int r = limit_set_given(pid, &limits[i], identity, failure);
                if (r < 0)
                        return r;
        }
        return 0;
}
