/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lease
 *
 * Whoever holds a lease has the console. It is one end of a socket pair: it ends when every copy of the other end is
 * closed, which the kernel tells us even if the client was killed and nobody was watching. Two words are ever said on
 * it, a byte each: 'r' by us, to ask for it back; 'd' by the holder, who is about to leave what runs running.
 */
#pragma once

#include <sys/types.h>

#include <systemd/sd-event.h>

#include "common/macros.h"

/* Who got it, as the manager was told. For people to read; nothing is decided by it. */
typedef struct Holder {
        pid_t pid;
        uid_t uid;
        char user[256]; /* the name of uid; "" where it isn't known */
} Holder;

typedef enum {
        LEASE_CLOSED,   /* without a word */
        LEASE_DETACHED, /* after a 'd' */
        LEASE_RETURNED, /* after we had asked for it */
} LeaseEnd;

typedef struct Lease Lease;

/** lease_handler_t - a lease has ended; it is still there, and its owner may free it here */
typedef void (*lease_handler_t)(Lease *lease, LeaseEnd end, void *userdata);

/**
 * lease_new() - make a lease
 * @handler:     called once, from the loop, unless the lease is freed before
 * @ret_client:  the holder's end: non-blocking, closed on execve(). The caller's, to be given away and closed.
 *
 * Return: 0; -errno.
 */
int lease_new(sd_event *event, Holder holder, lease_handler_t handler, void *userdata, Lease **ret, int *ret_client);

/** lease_free() - takes NULL; the holder sees the end of file. Return: NULL. */
Lease *lease_free(Lease *lease);
DEFINE_CLEANUP(Lease, lease_free)

/** lease_holder() - who was given it */
Holder lease_holder(const Lease *lease);

/** lease_ask_back() - ask the holder to let go. A holder that doesn't read isn't waited for. Return: 0; -errno. */
int lease_ask_back(Lease *lease);
