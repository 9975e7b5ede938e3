/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "common/fd.h"

static const struct {
        uint64_t flag;
        const char *file; /* in /proc/PID */
} kinds[NAMESPACES_MAX] = {
        {CLONE_NEWUSER, "ns/user"}, {CLONE_NEWPID, "ns/pid"}, {CLONE_NEWIPC, "ns/ipc"},
        {CLONE_NEWUTS, "ns/uts"},   {CLONE_NEWNET, "ns/net"}, {CLONE_NEWNS, "ns/mnt"},
};

void namespaces_init(Namespaces *namespaces)
{
        for (unsigned i = 0; i < NAMESPACES_MAX; i++)
                namespaces->fds[i] = -EBADF;
}

void namespaces_close(Namespaces *namespaces)
{
        for (unsigned i = 0; i < NAMESPACES_MAX; i++)
                namespaces->fds[i] = fd_close(namespaces->fds[i]);
}

int namespaces_open(int proc, uint64_t flags, Namespaces *ret)
{
        Namespaces opened;

        namespaces_init(&opened);
        for (unsigned i = 0; i < NAMESPACES_MAX; i++) {
                if (!(flags & kinds[i].flag))
                        continue;
                opened.fds[i] = openat(proc, kinds[i].file, O_RDONLY | O_CLOEXEC);
                if (opened.fds[i] < 0) {
                        int r = -errno;
                        namespaces_close(&opened);
                        return r;
                }
        }
        *ret = opened;
        return 0;
}

int namespaces_get(const Namespaces *namespaces, uint64_t flag)
{
        for (unsigned i = 0; i < NAMESPACES_MAX; i++)
                if (kinds[i].flag == flag)
                        return namespaces->fds[i];
        return -EBADF;
}

int namespaces_enter(const Namespaces *namespaces, uint64_t flags)
{
        for (unsigned i = 0; i < NAMESPACES_MAX; i++)
                if (flags & kinds[i].flag && namespaces->fds[i] >= 0 &&
                    setns(namespaces->fds[i], (int)kinds[i].flag) < 0)
                        return -errno;
        return 0;
}
