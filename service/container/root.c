/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/root.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"
#include "container/devices.h"
#include "container/kernelfs.h"
#include "container/mounts.h"
#include "container/tree.h"

/* What is made or unmounted here from now on stays here; what the host unmounts goes here too. */
static int root_cut_ties(Failure *failure)
{
        struct mount_attr change = {.propagation = MS_SLAVE};

        if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &change, sizeof(change)) < 0)
                return failure_step(failure, -errno, "cut ties of", "mounts", "/");
        return 0;
}

/* Opens the two directories of the upper layer, which are there already on the tmpfs of an earlier leader. */
static int root_make_layers(int tmpfs, int *ret_upper, int *ret_work)
{
        _cleanup_(fd_closep) int upper = -EBADF, work = -EBADF;

        if ((mkdirat(tmpfs, "upper", 0755) < 0 || mkdirat(tmpfs, "work", 0755) < 0) && errno != EEXIST)
                return -errno;
        upper = openat(tmpfs, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        work = openat(tmpfs, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (upper < 0 || work < 0)
                return -errno;
        *ret_upper = TAKE_FD(upper);
        *ret_work = TAKE_FD(work);
        return 0;
}

/* Replaces what is kept by a clone of @tree, which is attached in our mount namespace. */
static int root_keep(int tree, int *kept)
{
        int clone = tree_clone(tree);

        if (clone < 0)
                return clone;
        fd_close(*kept);
        *kept = clone;
        return 0;
}

/*
 * The lower layer and the tmpfs stay staged: the overlay has clones of its own. What is kept for another leader is the
 * tmpfs, and not the overlay: that belongs to this leader's user namespace, and no set-user-id program on it would
 * work in the next one's.
 */
static int root_make_overlay(const RootInput *input)
{
        static const TreeOption options[] = {{"mode", "0755"}, {"size", "25%"}, {"nr_inodes", "2m"}, {}};
        bool is_again = input->kept && input->kept->layers >= 0;
        _cleanup_(fd_closep) int tmpfs = is_again ? fd_keep(input->kept->layers)
                                                  : tree_make("tmpfs", MOUNT_ATTR_NODEV, options);
        _cleanup_(fd_closep) int upper = -EBADF, work = -EBADF;
        int lower = input->sources->root, r;

        if (tmpfs < 0)
                return tmpfs;
        r = root_make_layers(tmpfs, &upper, &work);
        if (r >= 0)
                r = tree_stage(lower);
        if (r >= 0)
                r = tree_stage(tmpfs);
        if (r >= 0 && input->kept)
                r = root_keep(tmpfs, &input->kept->layers);
        return r < 0 ? r : tree_make_overlay(lower, upper, work, input->namespaces & CLONE_NEWUSER);
}

/* The root directory before anything is mounted in it. */
static int root_open(const RootInput *input, Failure *failure)
{
        bool is_ephemeral = input->spec->ephemeral;
        _cleanup_(fd_closep) int root = is_ephemeral ? root_make_overlay(input) : fd_keep(input->sources->root);
        int r = root;

        if (r >= 0 && is_ephemeral && input->spec->read_only)
                r = tree_change(root, MOUNT_ATTR_RDONLY, 0);
        if (r >= 0)
                r = tree_stage(root);
        if (r < 0)
                return tree_fail(failure, r, is_ephemeral ? "overlay" : "root directory", "/",
                                 is_ephemeral && r == -EINVAL ? "the root directory can't be a lower layer: it has "
                                                                "mounts beneath it, or is an overlay of overlays"
                                                              : NULL);
        return TAKE_FD(root);
}

static int root_mount_run(int root, Failure *failure)
{
        static const TreeOption options[] = {{"mode", "0755"}, {"size", "20%"}, {"nr_inodes", "800k"}, {}};
        _cleanup_(fd_closep) int run = tree_make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
        int r = run < 0 ? run : tree_attach_beneath(run, root, "/run");

        return r < 0 ? tree_fail(failure, r, "tmpfs", "/run", NULL) : 0;
}

static int root_mount_devices(const RootInput *input, int root, Failure *failure)
{
        int r = devices_mount(root, input->namespaces, input->devpts, input->terminal, failure);

        if (r < 0 || !input->kept || input->devpts < 0)
                return r;
        r = root_keep(input->devpts, &input->kept->devpts);
        return r < 0 ? failure_step(failure, r, "keep", "devpts", NULL) : 0;
}

/* What every container with a root of its own has in it. */
static int root_furnish(const RootInput *input, int root, int masks, Failure *failure)
{
        _cleanup_(fd_closep) int proc = kernelfs_mount_proc(root, input->namespaces, failure);
        int r;

        if (proc < 0)
                return proc;
        r = kernelfs_protect_proc(proc, masks, failure);
        if (r >= 0)
                r = kernelfs_mount_sys(root, input->namespaces, input->sources->sys, masks, failure);
        if (r >= 0 && input->spec->private_devices)
                r = root_mount_devices(input, root, failure);
        return r < 0 ? r : root_mount_run(root, failure);
}

/* What stays staged is staged before the root: root_enter() unmounts it with the host's tree. */
static int root_make_own(const RootInput *input, Failure *failure)
{
        _cleanup_(fd_closep) int masks = kernelfs_stage_masks(failure);

        if (masks < 0)
                return masks;
        _cleanup_(fd_closep) int root = root_open(input, failure);
        if (root < 0)
                return root;
        int r = root_furnish(input, root, masks, failure);
        return r < 0 ? r : TAKE_FD(root);
}

/* What stays the root; or what is to be entered instead of it, because it has to stay read-only. */
static int root_open_host(const RootInput *input, Failure *failure)
{
        bool is_copy = input->sources->host >= 0;
        _cleanup_(fd_closep) int root = is_copy ? fd_keep(input->sources->host)
                                                : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (root < 0)
                return failure_step(failure, is_copy ? root : -errno, "open", "/", NULL);
        int r = 0;
        if (is_copy)
                r = tree_stage(root);
        else if (input->spec->read_only)
                r = tree_change(root, MOUNT_ATTR_RDONLY, MS_PRIVATE);
        return r < 0 ? failure_step(failure, r, "make", "the host's tree read-only", NULL) : TAKE_FD(root);
}

/* Opens the host's tree, and renews in it what shows the container's own namespaces. */
static int root_renew_host(const RootInput *input, Failure *failure)
{
        _cleanup_(fd_closep) int root = root_open_host(input, failure);

        if (root < 0)
                return root;
        if (input->namespaces & CLONE_NEWPID) {
                _cleanup_(fd_closep) int proc = kernelfs_mount_proc(root, input->namespaces, failure);
                if (proc < 0)
                        return proc;
        }
        int r = input->namespaces & CLONE_NEWNET ? kernelfs_mount_own_sys(root, failure) : 0;
        return r < 0 ? r : TAKE_FD(root);
}

int root_build(const RootInput *input, int *ret_root, Failure *failure)
{
        bool has_root = input->sources->root >= 0, in_user_namespace = input->namespaces & CLONE_NEWUSER;
        _cleanup_(fd_closep) int root = -EBADF;
        int r;

        if (!(input->namespaces & CLONE_NEWNS)) {
                *ret_root = -EBADF;
                return 0;
        }
        r = root_cut_ties(failure);
        if (r < 0)
                return r;
        root = has_root ? root_make_own(input, failure) : root_renew_host(input, failure);
        if (root < 0)
                return root;
        r = mounts_apply(input->spec, input->sources, root, in_user_namespace, failure);
        if (r < 0)
                return r;
        *ret_root = has_root || input->sources->host >= 0 ? TAKE_FD(root) : -EBADF;
        return 0;
}

/*
 * Unmounts the tree that @host is the root directory of. What is staged lies on top of it, and umount2(2) takes the
 * uppermost, even from a descriptor; the tree itself is the last, and after that none of our namespace: EINVAL.
 * @descriptors is /proc/self/fd, opened while /proc was still the host's.
 */
static int root_unmount_host(int descriptors, int host)
{
        char name[TREE_NAME_SIZE];

        if (fchdir(descriptors) < 0)
                return -errno;
        snprintf(name, sizeof(name), "%d", host);
        while (umount2(name, MNT_DETACH) == 0)
                ;
        return errno == EINVAL ? 0 : -errno;
}

/* Is there nothing on top of the root: ".." in it leads to the uppermost. */
static int root_verify(int root)
{
        _cleanup_(fd_closep) int uppermost = open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (uppermost < 0)
                return -errno;
        int r = fd_is_same_file(root, uppermost);
        return r == 0 ? -EBUSY : r;
}

int root_enter(int root, Failure *failure)
{
        _cleanup_(fd_closep) int host = -EBADF, descriptors = -EBADF;
        int r;

        if (root < 0)
                return 0;
        host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        descriptors = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (host < 0 || descriptors < 0)
                return failure_step(failure, -errno, "open", "the host's tree", NULL);
        /* The second puts the host's tree on top of the new root. */
        if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
                return failure_step(failure, -errno, "change to", "root directory", NULL);
        r = root_unmount_host(descriptors, host);
        if (r >= 0 && chdir("/") < 0)
                r = -errno;
        if (r >= 0)
                r = root_verify(root);
        return r < 0 ? failure_step(failure, r, "unmount", "the host's tree", NULL) : 0;
}

int root_mount_cgroup(const Spec *spec, uint64_t namespaces, Failure *failure)
{
        bool has_own_sys = spec_has_root(spec) || (namespaces & CLONE_NEWNET);

        if (!(namespaces & CLONE_NEWNS) || !(namespaces & CLONE_NEWCGROUP) || !has_own_sys)
                return 0;
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return failure_step(failure, -errno, "open", "/", NULL);
        return kernelfs_mount_cgroup(root, failure);
}
