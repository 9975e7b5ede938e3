/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources
 *
 * What a container takes from the host's file systems: its root and what its mounts are made of, as descriptors. Whose
 * authority opens a path decides who opens it. For a privileged container that is the supervisor, before the leader
 * is cloned. For a confined one it is the leader, with the caller's ids and in its own copy of the host's mounts: the
 * kernel then refuses what the caller couldn't have done, and the flags of the host's mounts (nodev, nosuid, ro) are
 * locked, so that the container's root can't lift them: mount_namespaces(7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/identity.h"
#include "container/spec.h"

/* What one of spec->mounts is made of. -EBADF where its kind has no use for it. */
typedef struct Source {
        int tree;  /* of a bind: detached; of an overlay: the detached mount that holds upper and work, if any */
        int upper; /* of an overlay: directory */
        int work;  /* of an overlay: directory */
        bool is_directory; /* of a bind: what its destination has to be */
        bool is_unlocked;  /* of a bind: its attributes are yet to be locked */
} Source;

typedef struct Sources {
        int root; /* detached tree; -EBADF: the container has the host's own */
        int host; /* a detached copy of that, read-only and to be locked; -EBADF: it is used as it is */
        int sys;  /* detached, read-only and to be locked: /sys, or /sys/fs/cgroup for a /sys of its own; or -EBADF */
        bool is_root_unlocked;
        Source *mounts; /* one for each of spec->mounts */
        size_t n_mounts;
} Sources;

/**
 * sources_stand_in_root() - go to the directory of a Root that was given as a descriptor, before the leader is cloned
 *
 * For a confined container; does nothing without such a Root. A descriptor keeps pointing into the mount namespace
 * that it comes from, where the leader may clone nothing. The working directory is the one place that clone(2) carries
 * over into the copied namespace, so the leader finds the same directory there, never resolved again and with the
 * flags of its mount locked. The supervisor goes back by chdir("/") once it has cloned the leader.
 *
 * Return: 0; -errno.
 */
int sources_stand_in_root(const Spec *spec, Failure *failure);

/**
 * sources_open() - open what @spec takes from the host
 * @identity:  is_confined: the caller is the leader, in its own mount namespace, and stands in a Root that was given as
 *             a descriptor; binds become nosuid and nodev. Otherwise the caller is the supervisor
 * @ret:       the caller's; a child cloned afterwards has it too
 *
 * Nothing is made on the host, and no mount that is made later in the container reaches it.
 *
 * Return: 0; -errno.
 */
int sources_open(const Spec *spec, const Identity *identity, Sources **ret, Failure *failure);

/**
 * sources_map_root() - let a tree of the host appear with the container's ids, owners on disk staying as they are
 * @userns:  the container's user namespace, its maps written
 *
 * An idmapped mount: mount_setattr(2), MOUNT_ATTR_IDMAP. Only for a privileged container: it lets who is root inside
 * write as the tree's owner. The supervisor calls it before the leader calls root_build(), which has the same mount by
 * descriptor.
 *
 * The map is right for a tree whose root directory belongs to an id as the container counts them (0, mostly). A tree
 * that belongs to the container's ids as the host counts them has been shifted before, and is used as it is. So is one
 * whose file system can't be mapped. Mounts beneath the root are mapped with it if every one of them can be; if not,
 * they are used as they are.
 *
 * Return: 1 when it is mapped, 0 when it is used as it is; -errno.
 */
int sources_map_root(const Sources *sources, const Spec *spec, int userns, Failure *failure);

/**
 * sources_unlocked() - the trees whose attributes the root of a container with a user namespace could lift: tree-lock.h
 * @ret:  where to find each of them, to be exchanged for one that is locked; has room for 2 + n_mounts
 *
 * Of a privileged container that is each one; of a confined one those that were made read-only here, since everything
 * else comes from the leader's own copy of the host's mounts, and has been locked with that.
 *
 * Return: how many.
 */
size_t sources_unlocked(Sources *sources, int **ret);

/** sources_free() - takes NULL, closes everything. Return: NULL. */
Sources *sources_free(Sources *sources);
DEFINE_CLEANUP(Sources, sources_free)
