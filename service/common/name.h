/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of a container
 *
 * One grammar, checked where a name enters: at the edge of the bus and when a directory of the register is read.
 * What passes can stand in a path, a unit name and a machine name as it is.
 */
#pragma once

#include <stdbool.h>

enum { NAME_MAX_LENGTH = 64 };

/** name_is_valid() - 1 to 64 of A-Z a-z 0-9 . _ -, first and last alphanumeric, no "..". */
bool name_is_valid(const char *name);
