/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/kernelfs.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "container/tree.h"

enum { HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

/* What the rest of /proc is kept from. A name that a kernel doesn't have is passed over. */
static const struct {
        const char *path;
        bool hide; /* else read-only */
} proc_protections[] = {
        {"acpi", true}, {"asound", false},        {"bus", false},        {"fs", false},
        {"irq", false}, {"kallsyms", true},       {"kcore", true},       {"keys", true},
        {"kmsg", true}, {"latency_stats", true},  {"sched_debug", true}, {"scsi", true},
        {"sys", false}, {"sysrq-trigger", false}, {"timer_list", true},
};

static int kernelfs_bind_host(const char *path, uint64_t attributes)
{
        _cleanup_(fd_closep) int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        _cleanup_(fd_closep) int tree = tree_clone(fd);
        if (tree < 0)
                return tree;
        int r = tree_change(tree, attributes, MS_PRIVATE);
        return r < 0 ? r : TAKE_FD(tree);
}

int kernelfs_mount_proc(int root, uint64_t namespaces, Failure *failure)
{
        bool is_shared = (namespaces & CLONE_NEWUSER) && !(namespaces & CLONE_NEWPID);
        _cleanup_(fd_closep) int proc = is_shared ? kernelfs_bind_host("/proc", HARMLESS)
                                                  : tree_make("proc", HARMLESS, NULL);

        if (proc == -EPERM)
                return tree_fail(failure, proc, "proc", "/proc", "parts of the host's own /proc are hidden from here");
        if (proc < 0)
                return tree_fail(failure, proc, "proc", "/proc", NULL);
        int r = tree_attach_beneath(proc, root, "/proc");
        return r < 0 ? tree_fail(failure, r, "proc", "/proc", NULL) : TAKE_FD(proc);
}

static int kernelfs_make_masks(void)
{
        static const TreeOption options[] = {{"mode", "0700"}, {"size", "4k"}, {}};
        _cleanup_(fd_closep) int masks = tree_make("tmpfs", HARMLESS, options);

        if (masks < 0)
                return masks;
        _cleanup_(fd_closep) int file = openat(masks, "file", O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0);
        if (file < 0 || mkdirat(masks, "directory", 0) < 0)
                return -errno;
        int r = tree_change(masks, MOUNT_ATTR_RDONLY, MS_PRIVATE);
        return r < 0 ? r : TAKE_FD(masks);
}

int kernelfs_stage_masks(Failure *failure)
{
        _cleanup_(fd_closep) int masks = kernelfs_make_masks();
        int r = masks < 0 ? masks : tree_stage(masks);

        return r < 0 ? failure_step(failure, r, "make", "masks", "/proc") : TAKE_FD(masks);
}

static int kernelfs_clone_mask(int masks, int target)
{
        struct stat st;

        if (fstat(target, &st) < 0)
                return -errno;
        _cleanup_(fd_closep) int mask = openat(masks, S_ISDIR(st.st_mode) ? "directory" : "file",
                                               O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return mask < 0 ? -errno : tree_clone(mask);
}

static int kernelfs_protect(int proc, const char *path, int masks)
{
        _cleanup_(fd_closep) int target = openat(proc, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (target < 0)
                return errno == ENOENT ? 0 : -errno;
        _cleanup_(fd_closep) int tree = masks >= 0 ? kernelfs_clone_mask(masks, target) : tree_clone(target);
        if (tree < 0)
                return tree;
        /* A mask has it all from what it was cloned of. */
        int r = masks >= 0 ? 0 : tree_change(tree, KERNELFS_READ_ONLY, MS_PRIVATE);
        return r < 0 ? r : tree_attach(tree, target);
}

int kernelfs_protect_proc(int proc, int masks, Failure *failure)
{
        for (unsigned i = 0; i < ELEMENTS(proc_protections); i++) {
                const char *path = proc_protections[i].path;
                int r = kernelfs_protect(proc, path, proc_protections[i].hide ? masks : -EBADF);
                if (r < 0)
                        return failure_step(failure, r, "protect", path, "/proc");
        }
        return 0;
}

/* The host's cgroups, for a container that shares their namespace: it sees where it is and changes nothing. */
static int kernelfs_bind_cgroup(int sys, int shared)
{
        _cleanup_(fd_closep) int tree = shared >= 0 ? fd_keep(shared)
                                                    : kernelfs_bind_host("/sys/fs/cgroup", KERNELFS_READ_ONLY);

        if (tree == -ENOENT)
                return 0;
        if (tree < 0)
                return tree;
        _cleanup_(fd_closep) int target = openat(sys, "fs/cgroup", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return target < 0 ? -errno : tree_attach(tree, target);
}

/*
 * The kernel mounts these file systems for nobody but root of the host, and a systemd of any other root would call it a
 * failure of the whole system. Both directories are empty, so that /sys still counts as shown in full.
 */
static int kernelfs_cover_debug(int sys, int masks)
{
        static const char *const paths[] = {"kernel/debug", "kernel/tracing"};
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < ELEMENTS(paths); i++)
                r = kernelfs_protect(sys, paths[i], masks);
        return r;
}

int kernelfs_mount_sys(int root, uint64_t namespaces, int shared, int masks, Failure *failure)
{
        _cleanup_(fd_closep) int sys = tree_make("sysfs", KERNELFS_READ_ONLY, NULL);
        bool is_bound = sys == -EPERM;

        /* Only who owns the network namespace is given a sysfs, which shows its interfaces. */
        if (is_bound)
                sys = shared >= 0 && !(namespaces & CLONE_NEWNET) ? fd_keep(shared)
                                                                  : kernelfs_bind_host("/sys", KERNELFS_READ_ONLY);
        if (sys < 0)
                return tree_fail(failure, sys, "sysfs", "/sys", NULL);
        int r = tree_attach_beneath(sys, root, "/sys");
        if (r < 0)
                return tree_fail(failure, r, "sysfs", "/sys", NULL);
        r = namespaces & CLONE_NEWUSER ? kernelfs_cover_debug(sys, masks) : 0;
        if (r < 0)
                return failure_step(failure, r, "cover", "the kernel's debugging", "/sys");
        if (is_bound || (namespaces & CLONE_NEWCGROUP))
                return 0;
        r = kernelfs_bind_cgroup(sys, shared);
        return r < 0 ? tree_fail(failure, r, "cgroups", "/sys/fs/cgroup", NULL) : 0;
}

int kernelfs_mount_own_sys(int root, Failure *failure)
{
        _cleanup_(fd_closep) int sys = tree_make("sysfs", KERNELFS_READ_ONLY, NULL);

        if (sys == -EPERM)
                return 0;
        int r = sys < 0 ? sys : tree_attach_beneath(sys, root, "/sys");
        return r < 0 ? tree_fail(failure, r, "sysfs", "/sys", NULL) : 0;
}

int kernelfs_mount_cgroup(int root, Failure *failure)
{
        _cleanup_(fd_closep) int tree = tree_make("cgroup2", HARMLESS, NULL);

        if (tree == -ENODEV)
                return 0;
        int r = tree < 0 ? tree : tree_attach_beneath(tree, root, "/sys/fs/cgroup");
        return r < 0 ? tree_fail(failure, r, "cgroup2", "/sys/fs/cgroup", NULL) : 0;
}
