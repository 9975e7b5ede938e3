/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assignment
 *
 * The first thing that a manager says to a supervisor, on the connection that speaks D-Bus from then on: which
 * container it is for. The directory comes with it as a descriptor.
 */
#pragma once

#include "common/name.h"

typedef struct Assignment {
        char name[NAME_MAX_LENGTH + 16]; /* of the directory; one that begins with a dot becomes that of the leader */
} Assignment;
