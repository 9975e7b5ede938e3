/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ceiling
 *
 * The limit that clone(2) has met. The kernel says only that there is one, EAGAIN for processes and ENOSPC for
 * namespaces; which, is found afterwards by looking at each, so that who is told can raise it.
 */
#pragma once

#include <stdint.h>

#include "container/failure.h"

enum { CEILING_LENGTH = 512 };

/**
 * ceiling_find() - which it was
 * @code:    -errno of clone(2)
 * @flags:   the namespaces that were asked for
 * @cgroup:  where the process was to be, besides that of the calling process; -EBADF: nowhere else
 * @text:    filled, such as "user.max_net_namespaces=0", or with those that it may have been
 *
 * Return: 1; 0 when that is no error of a limit.
 */
int ceiling_find(int code, uint64_t flags, int cgroup, char text[static CEILING_LENGTH]);

/** ceiling_failure() - cannot clone @object, and why. Return: @code. */
int ceiling_failure(Failure *failure, int code, const char *object, uint64_t flags, int cgroup);
