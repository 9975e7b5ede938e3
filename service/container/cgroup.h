/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control groups
 *
 * The cgroups of a container where no systemd makes scopes: one in each hierarchy that is concerned, beneath the
 * supervisor's own, held by descriptors from the day they are made. A hierarchy is of version 1 and has some
 * controllers, or is the unified one and has the rest: cgroups(7).
 *
 * A cgroup namespace has the cgroup as its root in which it was made, and clone3(2) makes it before it moves the child
 * with CLONE_INTO_CGROUP. So the leader unshares it once it is where it belongs.
 */
#pragma once

#include <sys/types.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/spec.h"

typedef struct Cgroup Cgroup;

/**
 * cgroup_create() - make the cgroups that a spec asks for
 * @name:     of the container; the cgroups are pflask-@name
 * @ret:      the caller's; NULL when the spec asks for none
 * @failure:  InvalidOption for a controller that the host hasn't, naming it
 *
 * Among the controllers "unified" stands for the unified hierarchy, with those that are shared out there.
 *
 * One that is left from a container that is gone, and is empty, is made anew.
 *
 * Return: 0; -errno, and then none is left.
 */
int cgroup_create(const Spec *spec, const char *name, Cgroup **ret, Failure *failure);

/**
 * cgroup_create_tracking() - make a cgroup only to know what belongs to a container
 *
 * In the unified hierarchy where there is one, else in any. For containers that share the pid namespace, where the
 * death of the leader ends nobody else, and for whole systems, each of which takes its cgroup for the top of them all.
 *
 * Return: 0; -EOPNOTSUPP when no hierarchy is mounted; -errno.
 */
int cgroup_create_tracking(const char *name, Cgroup **ret, Failure *failure);

/** cgroup_unified() - the directory in the unified hierarchy for process_clone(), borrowed; -EBADF: none there */
int cgroup_unified(const Cgroup *cgroup);

/**
 * cgroup_open_of() - where a process is in the unified hierarchy, which need not be where it began
 *
 * What was read of @pid counts only if it is alive afterwards.
 *
 * Return: the directory, the caller's; -EALREADY when the calling process is in the same; -EOPNOTSUPP when that
 * hierarchy isn't mounted; -errno.
 */
int cgroup_open_of(pid_t pid);

/**
 * cgroup_open_counting() - where a process is in the hierarchy that counts processes, that of the controller pids
 * @pid:  0: the calling process
 *
 * Return: the directory, the caller's; -EOPNOTSUPP when that hierarchy isn't mounted; -errno.
 */
int cgroup_open_counting(pid_t pid);

/** cgroup_add() - move a process into all of them, with every thread. Return: 0; -errno. */
int cgroup_add(const Cgroup *cgroup, pid_t pid, Failure *failure);

/**
 * cgroup_add_joining() - the same in those of version 1 only
 *
 * For who joins a container that may have nested cgroups of the unified hierarchy, where only the innermost have
 * processes: cgroups(7). It begins where the leader is, see cgroup_open_of().
 */
int cgroup_add_joining(const Cgroup *cgroup, pid_t pid, Failure *failure);

/**
 * cgroup_signal() - send a signal to each process in it or beneath it, once
 *
 * Goes on until no process is found that hasn't got it, so that no fork escapes. By pidfds, so a reused pid is never
 * hit.
 *
 * Return: 0; -ESRCH when it is empty; -EAGAIN when there are new ones without end; -errno.
 */
int cgroup_signal(const Cgroup *cgroup, int signal);

/** cgroup_kill() - SIGKILL for everything in it; doesn't wait. Return: 0; -errno. */
int cgroup_kill(const Cgroup *cgroup);

/**
 * cgroup_remove() - kill what is left, wait until it is gone, remove the cgroups and all that was made beneath them
 * @timeout_msec:  to wait at most
 *
 * Return: 0, also when they were gone; -EBUSY when something could not be killed in time; -errno.
 */
int cgroup_remove(Cgroup *cgroup, int timeout_msec);

/**
 * cgroup_remove_tree() - remove a cgroup and those beneath it, however deep a container has nested them
 * @parent:  directory of the cgroup that it is in
 *
 * Return: 0, also when it wasn't there; -EBUSY when one has processes; -errno.
 */
int cgroup_remove_tree(int parent, const char *name);

/**
 * cgroup_lines() - what leads to it when its owner is dead, for cgroup_remove_left(): a line for each hierarchy
 * @max:  bytes; what doesn't fit is left out
 *
 * Return: the caller's; NULL without memory, or when nothing fits.
 */
char *cgroup_lines(const Cgroup *cgroup, size_t max);

/**
 * cgroup_remove_left() - the cgroup of a container that has no owner any more: kill what is in it, and remove it
 * @lines:         of cgroup_lines(), and no more than a hint: only a cgroup that bears the name is touched
 * @timeout_msec:  to wait at most
 *
 * Return: as cgroup_remove(); -EINVAL for a line that isn't one.
 */
int cgroup_remove_left(const char *lines, const char *name, int timeout_msec);

/** cgroup_free() - takes NULL; closes, and removes nothing. Return: NULL. */
Cgroup *cgroup_free(Cgroup *cgroup);
DEFINE_CLEANUP(Cgroup, cgroup_free)
