/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lease
 *
 * Whoever holds a lease has the console. It is one end of a socket pair: it ends when every copy of the other end is
 * closed, which the kernel tells us even if the client was killed and nobody was watching. Three words are ever said on
 * it, a byte each: 'g' by the manager that has given it to whoever asked, or by who has got it; 'r' by us, to ask for it
 * back; 'd' by the holder, who is about to leave what runs running.
 *
 * A manager may die with a lease in its hands. Then it ends without a word, and nobody has had what came with it.
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
        LEASE_UNGIVEN,  /* on the way: whoever asked for it has never had it */
} LeaseEnd;

typedef struct Lease Lease;

/** lease_handler_t - a lease has ended; it is still there, and its owner may free it here */
typedef void (*lease_handler_t)(Lease *lease, LeaseEnd end, void *userdata);

/** lease_given_t - whoever asked for the lease has got it; it must not be freed here */
typedef void (*lease_given_t)(void *userdata);

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

/** lease_on_given() - call @handler, with the userdata of lease_new(), as soon as the lease is given */
void lease_on_given(Lease *lease, lease_given_t handler);

/** lease_giver_died() - the manager that was to give it has gone: if it lasts, it had been given, and that not been said */
void lease_giver_died(Lease *lease);

/** lease_holder() - who was given it */
Holder lease_holder(const Lease *lease);

/** lease_ask_back() - ask the holder to let go. A holder that doesn't read isn't waited for. Return: 0; -errno. */
int lease_ask_back(Lease *lease);
