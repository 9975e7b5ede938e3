/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eviction
 *
 * What a dead supervisor could not clean up: whoever is left in its cgroup is killed, and when they have gone, so do the
 * cgroup and the directory, and the name is free. The killed may take a while, in a file system that doesn't answer for
 * ever, and the loop waits for nobody: it looks again.
 */
#pragma once

#include "manager/claim.h"
#include "manager/manager.h"

/** eviction_warn() - kill who is left in the cgroup of @claim, which stays as it is */
void eviction_warn(const Claim *claim);

/** eviction_begin() - @claim is consumed. Return: 0 when all is gone; -EBUSY when that takes longer. */
int eviction_begin(Manager *manager, Claim *claim);

/** eviction_of() - the same of the directory @name, if it has no owner. Return: -EBUSY also while it has one; -errno. */
int eviction_of(Manager *manager, const char *name);

/** eviction_must_wait() - has the directory @name an owner still, if only one that dies? */
bool eviction_must_wait(const Manager *manager, const char *name);

/** evictions_free() - the manager ends: the next one goes on with them */
void evictions_free(Manager *manager);
