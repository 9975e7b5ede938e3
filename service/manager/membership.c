/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/membership.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"

enum { DEPTH_MAX = 64 }; /* the kernel nests no more than 32 pid namespaces; ancestors are bounded by us */

static int open_pid_namespace(pid_t pid)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Is the pid namespace behind @fd, or one around it, that of the container? Ours is where it ends. */
static bool is_within(int fd, int container_namespace)
{
        _cleanup_(fd_closep) int current = fd_keep(fd);

        for (int depth = 0; current >= 0 && depth < DEPTH_MAX; depth++) {
                if (fd_is_same_file(current, container_namespace) > 0)
                        return true;
                int parent = ioctl(current, NS_GET_PARENT);
                fd_close(current);
                current = parent;
        }
        return false;
}

static bool descends_from(pid_t pid, pid_t leader)
{
        for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
                if (pid == leader)
                        return true;
                pid = process_parent(pid);
        }
        return false;
}

static bool is_member(const Container *container, pid_t pid, int pid_namespace, int own_namespace)
{
        if (container->supervisor == pid || container->leader == pid)
                return true;
        if (container->leader <= 0 || container->leader_fd < 0)
                return false;
        _cleanup_(fd_closep) int theirs = open_pid_namespace(container->leader);
        if (theirs < 0 || !process_is_alive(container->leader_fd))
                return false;
        if (fd_is_same_file(theirs, own_namespace) > 0)
                return descends_from(pid, container->leader);
        return is_within(pid_namespace, theirs);
}

int membership_find(Manager *manager, pid_t pid, Container **ret)
{
        Container *container;

        _cleanup_(fd_closep) int pidfd = pidfd_open(pid, 0);
        if (pidfd < 0)
                return -ESRCH;
        _cleanup_(fd_closep) int its = open_pid_namespace(pid);
        _cleanup_(fd_closep) int ours = open_pid_namespace(getpid());
        if (its < 0 || ours < 0)
                return -ESRCH;
        TAILQ_FOREACH(container, &manager->list, others) {
                if (!container->is_published || container->state == STATE_EXITED ||
                    !is_member(container, pid, its, ours))
                        continue;
                if (!process_is_alive(pidfd))
                        return -ESRCH;
                *ret = container;
                return 0;
        }
        return process_is_alive(pidfd) ? -ENXIO : -ESRCH;
}
