/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Membership
 *
 * Which container a process is in. Told by namespaces, which a process cannot lie about: its pid namespace, or one
 * around it, is the leader's; where the container has none of its own, it descends from the leader. All that is read
 * counts only if the process is still the same afterwards.
 */
#pragma once

#include "manager/container.h"

/**
 * membership_find() - the container that process @pid is in, or is the supervisor of
 * @ret:  borrowed
 *
 * Return: 0; -ESRCH when there is no such process; -ENXIO when it is in no container.
 */
int membership_find(Manager *manager, pid_t pid, Container **ret);
