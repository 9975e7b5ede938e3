/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/delegation.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/cgroup.h"

#define SUPERVISOR "supervisor"
#define PAYLOAD    "payload"

enum { CGROUP_FILE_MAX_BYTES = 64 * 1024 };

/* Is @path a unit's own cgroup, or where an earlier call has put the supervisor; cuts the latter's name off. */
static bool path_is_of_unit(char *path, const char *unit)
{
        char *last = strrchr(path, '/');

        if (last && strcmp(last, "/" SUPERVISOR) == 0) {
                *last = '\0';
                last = strrchr(path, '/');
        }
        return last && strcmp(last + 1, unit) == 0;
}

/* Return: the scope's directory; -EOPNOTSUPP without the unified hierarchy; -errno. */
static int scope_open(const char *unit)
{
        _cleanup_(fd_closep) int top = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(freep) char *lines = NULL;
        struct statfs fs;

        if (top < 0 || fstatfs(top, &fs) < 0)
                return -errno;
        if (fs.f_type != CGROUP2_SUPER_MAGIC)
                return -EOPNOTSUPP;
        int r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", CGROUP_FILE_MAX_BYTES, &lines, NULL);
        if (r < 0)
                return r;
        char *path = strncmp(lines, "0::", 3) == 0 ? lines : strstr(lines, "\n0::");
        if (!path)
                return -EOPNOTSUPP;
        path += strspn(path, "\n0:");
        path[strcspn(path, "\n")] = '\0';
        if (!path_is_of_unit(path, unit))
                return -ESRCH;
        return path_open(top, path, O_RDONLY | O_DIRECTORY);
}

/* Return: the directory, which is there afterwards; -errno. */
static int part_open(int scope, const char *name)
{
        if (mkdirat(scope, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        int part = openat(scope, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return part < 0 ? -errno : part;
}

static int part_add(int part, pid_t pid)
{
        _cleanup_(fd_closep) int processes = openat(part, "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        char number[16];

        if (processes < 0)
                return -errno;
        int n = snprintf(number, sizeof(number), "%d", (int)pid);
        return fd_write_all(processes, number, (size_t)n);
}

/* What whoever a cgroup is delegated to may write: the kernel's list in /sys/kernel/cgroup/delegate, as of 6.1. */
int delegation_give(int cgroup, const IdMaps *maps)
{
        static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", ""};
        uint32_t uid, gid;

        if (!idmap_to_host(maps->uids, maps->n_uids, 0, &uid) || !idmap_to_host(maps->gids, maps->n_gids, 0, &gid))
                return 0; /* no root inside, so nobody who could make cgroups */
        for (unsigned i = 0; i < ELEMENTS(files); i++)
                if (fchownat(cgroup, files[i], uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
                        return -errno;
        return 0;
}

/*
 * Lets the parts have the controllers that the scope has. One that can't be shared out is missing inside, as it would
 * be on a machine without it; what it does to the scope as a whole is done all the same.
 */
static int scope_share(int scope)
{
        _cleanup_(freep) char *controllers = NULL;
        int r = fd_read_file(scope, "cgroup.controllers", CGROUP_FILE_MAX_BYTES, &controllers, NULL);

        if (r < 0)
                return r;
        _cleanup_(fd_closep) int control = openat(scope, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (control < 0)
                return -errno;
        char *rest = controllers;
        for (char *name; (name = strsep(&rest, " \n")) && *name;)
                dprintf(control, "+%s", name);
        return 0;
}

int delegation_make(const char *unit, pid_t leader, const IdMaps *maps, Failure *failure)
{
        _cleanup_(fd_closep) int scope = scope_open(unit);
        _cleanup_(fd_closep) int supervisor = -EBADF, payload = -EBADF;

        if (scope == -EOPNOTSUPP)
                return 0;
        if (scope < 0)
                return failure_step(failure, scope, "find", "the cgroup of", unit);
        /* What an earlier leader has made in its part would be in the next one's way. */
        int r = cgroup_remove_tree(scope, PAYLOAD);
        if (r >= 0)
                r = supervisor = part_open(scope, SUPERVISOR);
        if (r >= 0)
                r = payload = part_open(scope, PAYLOAD);
        if (r >= 0)
                r = part_add(payload, leader);
        if (r >= 0)
                r = part_add(supervisor, getpid());
        if (r >= 0)
                r = scope_share(scope);
        if (r >= 0 && maps)
                r = delegation_give(payload, maps);
        return r < 0 ? failure_step(failure, r, "divide", "cgroup", unit) : 0;
}
