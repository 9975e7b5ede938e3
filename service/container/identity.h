/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity
 *
 * Whose authority the set-up of a container has. Of a confined container it is the caller's: uid, gid and groups as
 * the bus and the user database tell them, taken on before the first path is resolved, so that the kernel itself
 * refuses what the caller could not have done.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/macros.h"

typedef struct Identity {
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        size_t n_groups;
        bool is_confined; /* false: the set-up has root's authority */
} Identity;
