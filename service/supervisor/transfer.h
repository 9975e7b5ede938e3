/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfer
 *
 * Something is fetched from the container, or brought into it, for a call that is answered when that is done. The
 * supervisor only waits: the work is a visit's, so it can be slow, be stuck or be killed without anyone else noticing.
 * A transfer ends with its call, with the container, or with its time.
 */
#pragma once

#include <systemd/sd-bus.h>

typedef struct Supervisor Supervisor;
typedef struct Transfer Transfer;

typedef enum {
        TRANSFER_ROOT,
        TRANSFER_ADDRESSES,
        TRANSFER_OS_RELEASE,
        TRANSFER_BIND,
        TRANSFER_COPY_TO,
        TRANSFER_COPY_FROM,
} TransferKind;

/** transfer_begin() - answer @call, which asks for one, when it is done. Return: 1; -errno with @error. */
int transfer_begin(Supervisor *supervisor, sd_bus_message *call, TransferKind kind, sd_bus_error *error);

/**
 * transfer_cancel() - nobody waits for it any more
 * @bus:     of the manager that asked
 * @cookie:  of its call
 */
void transfer_cancel(Supervisor *supervisor, const sd_bus *bus, uint64_t cookie);

/** transfer_drop_calls() - a manager has gone, and what it asked for is not wanted any more */
void transfer_drop_calls(Supervisor *supervisor, const sd_bus *bus);

/** transfer_cancel_all() - the container has ended: have all of them end, and their calls answered with that */
void transfer_cancel_all(Supervisor *supervisor);

/** transfer_free_all() - forget all */
void transfer_free_all(Supervisor *supervisor);
