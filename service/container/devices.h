/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices
 *
 * The container's /dev: a tmpfs with the few nodes that every program may have. Its entries are made by descriptor
 * before it is attached, so no name in the container's tree takes part in it. In a user namespace nodes can't be made,
 * and the host's are bound in their place, each known by its device number before it is used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "container/failure.h"

/**
 * devices_mount() - mount the container's /dev
 * @root:        the container's root directory; its /dev is made if it isn't there
 * @namespaces:  CLONE_NEW... of those the container has of its own
 * @devpts:      detached mount for /dev/pts; -EBADF: one is made
 * @terminal:    pty of @devpts, for /dev/console; -EBADF: there is no /dev/console
 *
 * Return: 0; -errno.
 */
int devices_mount(int root, uint64_t namespaces, int devpts, int terminal, Failure *failure);

/**
 * devices_open_null() - open the container's own /dev/null for a standard stream, from within
 *
 * Where the root directory's /dev was left as it is, what has that name is the tree's to say. It may be something else
 * of the container's, but does not lead through /proc to what we have open.
 *
 * Return: the descriptor, the caller's; -errno.
 */
int devices_open_null(void);
