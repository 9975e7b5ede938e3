/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage
 *
 * What a container uses, as the kernel counts it for the container's cgroup: its scope's, or one that was made for it.
 * It is read here, where the kernel lets everybody read it, and never asked of a container, so that a frozen one
 * delays nobody. A container that has no cgroup of its own, or one in which the kernel does not count, has no figures.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* What isn't known. */
#define USAGE_UNKNOWN UINT64_MAX

typedef struct Usage {
        uint64_t tasks; /* processes and threads */
        uint64_t memory_bytes;
        uint64_t cpu_usec; /* since it was started */
} Usage;

/**
 * usage_read() - look at the cgroup of a container
 * @leader:  a number from the bus, and no more than a hint: what is read is a cgroup that bears the container's name
 */
void usage_read(const char *name, pid_t leader, Usage *ret);
