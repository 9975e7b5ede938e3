/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts
 *
 * What the spec asks to be mounted, in its order, so that a later mount can lie in an earlier one. A destination is
 * resolved once, beneath the container's root, to a descriptor that is then mounted on: whoever swaps names meanwhile
 * changes nothing.
 */
#pragma once

#include <stdbool.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/sources.h"
#include "container/spec.h"

/**
 * mounts_apply() - mount everything in spec->mounts
 * @root:               the container's root directory
 * @in_user_namespace:  an overlay then keeps its notes in user.* attributes: overlayfs, "userxattr"
 *
 * A missing destination is made: a directory, or an empty file where a file is bound. It can't be the root itself. A
 * tmpfs is nosuid and nodev, and has the kernel's own mode, 1777. The lower layer of an overlay is what its destination
 * holds, without mounts beneath it.
 *
 * Return: 0; -errno.
 */
int mounts_apply(const Spec *spec, const Sources *sources, int root, bool in_user_namespace, Failure *failure);
