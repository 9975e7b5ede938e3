/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delegation
 *
 * A scope with Delegate= is its processes' own to divide. It is divided in two, since a cgroup that shares out its
 * controllers has no processes of its own (cgroups(7)): the supervisor goes into one, and the other is the container's
 * whole world, to nest cgroups in as a systemd inside does. Limits are the scope's, and out of the container's reach.
 */
#pragma once

#include <sys/types.h>

#include "container/failure.h"
#include "container/idmap.h"

/**
 * delegation_make() - divide the scope that the calling process is in
 * @unit:    the scope
 * @leader:  in the scope, not reaped, and without a cgroup namespace yet: it is to begin in its part
 * @maps:    of its user namespace, whose root gets the container's part; NULL when it has none
 *
 * May be called again for another leader, when everything in the container is gone. Where the unified hierarchy is not
 * the one that systemd uses, nothing is divided.
 *
 * Return: 0; -errno.
 */
int delegation_make(const char *unit, pid_t leader, const IdMaps *maps, Failure *failure);

/**
 * delegation_give() - let root of a user namespace nest cgroups in one
 * @cgroup:  its directory, O_RDONLY
 *
 * Where the map has no root, nobody is given anything.
 *
 * Return: 0; -errno.
 */
int delegation_give(int cgroup, const IdMaps *maps);
