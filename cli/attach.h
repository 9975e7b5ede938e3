/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "cli/verb.h"

/**
 * attach_to() - hold the console of a container until it ends, or the person lets go
 * @who:          a container's name, or a process in it
 * @takes:        ask whoever holds it to let go
 * @detach_keys:  as typed, or NULL
 *
 * Return: the exit status; -errno, with @error filled.
 */
int attach_to(const Common *common, const char *who, bool takes, const char *detach_keys, sd_bus_error *error);
