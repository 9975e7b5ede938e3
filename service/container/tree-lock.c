/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/tree-lock.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "common/process.h"
#include "container/ceiling.h"
#include "container/tree.h"

/* What the tree is called where it is staged. */
static const char *stage_name(size_t i, char buffer[static 8])
{
        snprintf(buffer, 8, "%u", (unsigned)i);
        return buffer;
}

static int stage_attach(int stage, size_t i, int tree)
{
        struct stat st;
        char name[8];

        if (fstat(tree, &st) < 0)
                return -errno;
        _cleanup_(fd_closep) int target = path_make(stage, stage_name(i, name),
                                                    S_ISDIR(st.st_mode) ? S_IFDIR : S_IFREG);
        return target < 0 ? target : tree_attach(tree, target);
}

/* On a file system of its own, that covers the root of a copy of the host's mounts. */
int lock_stage(const int *trees, size_t n)
{
        static const TreeOption options[] = {{"mode", "0755"}, {}};

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return -errno;
        _cleanup_(fd_closep) int stage = tree_make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
        if (stage < 0)
                return stage;
        int r = tree_stage(stage);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = stage_attach(stage, i, trees[i]);
        if (r < 0)
                return r;
        return fchdir(stage) < 0 ? -errno : 0;
}

static int copy_one(size_t i)
{
        char name[8];
        _cleanup_(fd_closep) int there = open(stage_name(i, name), O_PATH | O_CLOEXEC | O_NOFOLLOW);

        return there < 0 ? -errno : tree_clone(there);
}

/* The working directory is the one place that is carried over into the copied namespace: what is there is locked. */
int lock_copy(size_t n, int *ret)
{
        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        for (size_t i = 0; i < n; i++) {
                ret[i] = copy_one(i);
                if (ret[i] >= 0)
                        continue;
                int r = ret[i];
                while (i > 0)
                        fd_close(ret[--i]);
                return r;
        }
        return 0;
}

/* In a process of its own, with the supervisor's authority; then with that of the container's root. */
static int lock_run(const int *trees, size_t n, int leader, int socket, char byte)
{
        int locked[LOCK_TREES_MAX];

        int r = lock_stage(trees, n);
        if (r >= 0 && setns(leader, CLONE_NEWUSER) < 0)
                r = -errno;
        prctl(PR_SET_DUMPABLE, 0); /* a change of namespace may have undone it */
        if (r >= 0)
                r = lock_copy(n, locked);
        return r < 0 ? r : fd_send(socket, &byte, 1, locked, n);
}

int lock_trees(const int *trees, size_t n, int leader, int socket, char byte, Failure *failure)
{
        _cleanup_(fd_closep) int process = -EBADF;
        siginfo_t end = {};

        pid_t pid = process_fork(&process);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(-lock_run(trees, n, leader, socket, byte));
        }
        if (pid < 0)
                return ceiling_failure(failure, pid, "a process", 0, -EBADF);
        int r = waitid(P_PIDFD, (id_t)process, &end, WEXITED | __WALL) < 0 ? -errno : 0;
        if (r >= 0)
                r = end.si_code == CLD_EXITED ? -end.si_status : -EPROTO;
        return r < 0 ? failure_step(failure, r, "lock", "mounts", NULL) : 0;
}
