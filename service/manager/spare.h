/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spare
 *
 * A supervisor that has been started before there is a container for it, since starting a program takes longer than
 * making a container. It knows nothing yet, so it fits whatever is asked for; one is kept, and the next is started when
 * nothing else is to be done. It ends with the manager, whose end of its connection it sees closed.
 */
#pragma once

#include "manager/claim.h"
#include "manager/manager.h"

typedef struct Spare Spare;

/* A supervisor that has been given its container. Everything is the caller's. */
typedef struct Started {
        int pidfd;
        pid_t pid;
        int socket; /* our end of the first link */
} Started;

/** spare_prepare() - have one ready as soon as nothing else is to be done; failing, the next container waits for its own */
void spare_prepare(Manager *manager);

/**
 * spare_take() - a supervisor for the container of @claim, from the shelf or else started now
 * @claim:  borrowed; what it holds has been given to the supervisor on success
 *
 * Return: 0; -errno.
 */
int spare_take(Manager *manager, const Claim *claim, Started *ret);

/** spare_free() - takes NULL; the process ends by itself. Return: NULL. */
Spare *spare_free(Spare *spare);
