/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Birth
 *
 * What the nursery of supervisors says when it has forked one for a manager that has sent a connection. The pidfd comes
 * with it.
 */
#pragma once

#include <sys/types.h>

typedef struct Birth {
        pid_t pid; /* -errno: there is no child */
} Birth;
