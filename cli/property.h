/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource properties
 *
 * --property=, in the spelling of systemd's own tools, as what the bus contract wants: systemd.resource-control(5).
 */
#pragma once

#include "container/spec.h"

/**
 * property_parse() - "MemoryMax=64M", "CPUQuota=20%", "AllowedCPUs=0-3,6"
 * @ret:  bytes in it are the caller's
 *
 * Return: 0; -ENOENT for a name that isn't known; -EINVAL, -ERANGE for its value; -ENOMEM.
 */
int property_parse(const char *text, Property *ret);
