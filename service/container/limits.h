/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits
 *
 * A container starts with the limits of a system service, whatever those of the manager are: getrlimit(2). They are
 * set from outside, when the leader stands at its barrier, or a process that joins at its own: what is raised is raised
 * by the supervisor's authority, as no user namespace has any over limits, and a set-up never fails for a limit that was
 * meant for the command.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "container/failure.h"
#include "container/identity.h"
#include "container/spec.h"

/** limit_from_name() - RLIMIT_... of a name without that prefix. Return: the resource; -EINVAL. */
int limit_from_name(const char *name);

/** limit_name() - the name of a resource without RLIMIT_, or NULL */
const char *limit_name(int resource);

/**
 * limits_apply() - give a process the default limits, then those of the spec
 * @pid:       of a child that hasn't been reaped
 * @identity:  a confined caller may only lower the defaults
 * @failure:   names the limit that could not be set
 *
 * A default that is beyond the kernel's or our own authority is set as high as can be; a limit that was asked for is
 * set as it is, or is an error.
 *
 * Return: 0; -errno.
 */
int limits_apply(pid_t pid, const Limit *limits, size_t n, const Identity *identity, Failure *failure);
