/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spare
 *
 * A supervisor that is there before there is a container for it, and has been spoken to already, since all that takes
 * longer than making a container. It knows nothing yet, so it fits whatever is asked for; one is kept, and the next is
 * borne by the nursery. Both end with the manager, whose end of their connection they see closed. A direct manager,
 * which mostly needs one supervisor or none, has no nursery: it executes what it needs.
 */
#pragma once

#include "manager/link.h"
#include "manager/manager.h"

typedef struct SpareWait SpareWait;

/* A supervisor without a container. Everything is the caller's. */
typedef struct Started {
        int pidfd;
        pid_t pid;
        Link *link; /* to it, and nobody waits on it for anything */
} Started;

/** spare_arrived_t - @started is the callee's; or @r is -errno, and there is none */
typedef void (*spare_arrived_t)(void *userdata, int r, Started *started);

/** spare_prepare() - have one soon; failing, the next container waits for its own */
void spare_prepare(Manager *manager);

/** spare_take() - the one that is there, if there is one. Return: 1, 0. */
int spare_take(Manager *manager, Started *ret);

/**
 * spare_await() - have one that isn't there yet
 * @ret:  until it is freed, or has arrived, which is the same
 *
 * Return: 0; -errno.
 */
int spare_await(Manager *manager, spare_arrived_t arrived, void *userdata, SpareWait **ret);

/** spare_wait_free() - wait no longer; takes NULL. Return: NULL. */
SpareWait *spare_wait_free(SpareWait *wait);

/** spare_wait_too_long() - the same, and let nobody else wait for what has not come by now. Return: NULL. */
SpareWait *spare_wait_too_long(SpareWait *wait);

/** started_end() - there is nothing for it to do */
void started_end(const Manager *manager, Started *started);

/** spare_free() - takes NULL; nobody waits any more. Return: NULL. */
Spare *spare_free(Spare *spare);
