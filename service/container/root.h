/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root
 *
 * The tree that the container sees, built by its leader in a mount namespace of its own. It is built on top of the
 * host's tree, since the kernel lets a user namespace mount proc and sysfs only where it can see one already; then the
 * leader enters it and the host's tree is unmounted, with everything that was only needed for building.
 */
#pragma once

#include <stdint.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/sources.h"
#include "container/spec.h"

/* What outlives a leader for the next one of the same container, as detached mounts; -EBADF where there is none. */
typedef struct RootKept {
        int devpts; /* the container's own */
        int layers; /* of an ephemeral root: the tmpfs with everything that was written to it */
} RootKept;

/* What the leader builds from. Everything is borrowed. */
typedef struct RootInput {
        const Spec *spec;
        const Sources *sources;
        uint64_t namespaces; /* CLONE_NEW... of those of its own; NEWCGROUP too, though it's unshared later */
        int devpts;          /* detached mount for /dev/pts; -EBADF: one is made */
        int terminal;        /* pty of that devpts, for /dev/console; -EBADF: there is none */
        RootKept *kept;      /* its layers are used again; filled with what can be kept now. NULL: nothing is kept */
} RootInput;

/**
 * root_build() - every mount of the container but its cgroups
 * @ret_root:  descriptor of the new root directory, the caller's; -EBADF: the container stays in the host's tree
 * @failure:   filled on failure
 *
 * The caller is the leader, in the mount namespace to build in, with every capability in the user namespace that owns
 * it and with a uid and gid that are mapped there. Nothing is left to clean up on failure: what was mounted is gone
 * with the namespace.
 *
 * With a root: the root directory (ephemeral: an overlay, whose upper layer is a tmpfs of at most 25 % of the memory,
 * charged to the leader's cgroup), read-only if asked for, /proc, /sys, /dev, /run, then the spec's mounts in their
 * order. A mount point that is missing is made, unless the root is read-only. Mounts beneath the root directory are no
 * part of an ephemeral root: what is written to them could not be thrown away. In a user namespace before Linux 6.6,
 * where tmpfs has no user.* attributes, a directory that was removed from it can't be made again.
 *
 * What is read-only stays so in a container with a user namespace, where the sources have been locked: tree-lock.h. In
 * others it does for processes without CAP_SYS_ADMIN.
 *
 * In the host's tree: a new pid namespace gets a new /proc, a new network namespace a new /sys where the kernel allows
 * it, then come the spec's mounts. Without a mount namespace nothing is done at all.
 *
 * Return: 0; -errno.
 */
int root_build(const RootInput *input, int *ret_root, Failure *failure);

/**
 * root_enter() - make @root the root of the mount namespace, and unmount what was there
 * @root:  as root_build() answered it; -EBADF: nothing is done
 *
 * The working directory is the new root. pivot_root(2), NOTES.
 *
 * Return: 0; -errno.
 */
int root_enter(int root, Failure *failure);

/**
 * root_mount_cgroup() - the container's own view of its cgroups, on /sys/fs/cgroup
 * @namespaces:  as in RootInput
 *
 * After root_enter() and after unshare(CLONE_NEWCGROUP), which fixes what the root of the view is. A container that
 * shares the host's cgroup namespace has got the host's view from root_build(), read-only.
 *
 * Return: 0; -errno.
 */
int root_mount_cgroup(const Spec *spec, uint64_t namespaces, Failure *failure);
