/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses
 *
 * What a container is called on the network, as the kernel tells it inside: rtnetlink(7). Asked by a visit, and handed
 * over as records in a file without a name.
 */
#pragma once

#include <stdint.h>

#include "container/visit.h"

typedef struct Address {
        int32_t family; /* AF_INET, AF_INET6 */
        uint32_t length;
        uint8_t bytes[16];
} Address;

/* No container has as many; what is read from inside has an end. */
enum { ADDRESSES_MAX = 4096 };

/**
 * addresses_visit() - all addresses of all interfaces but the loopback: a visit_run_t
 * @place:  const VisitPlace *
 *
 * The answer is a file of Address records. NoPrivateNetwork where the network is the host's.
 */
int addresses_visit(const void *place, int report, int *ret_answer, Failure *failure);
