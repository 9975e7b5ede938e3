/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery
 *
 * What was answered and may not have been read. The bus keeps that for whoever doesn't read, and counts it as ours:
 * dbus-daemon takes nothing more from a service once it keeps 64 descriptors or 127 MiB of its answers, for whomever
 * (max_incoming_unix_fds, max_incoming_bytes), and then nobody is answered any more. So it is counted here for each
 * connection and each user, and before it is too much the bus is asked what it still has. It tells nobody when
 * something was read, so who has to wait for that is looked after at intervals. Another bus may have no such
 * statistics: that one is believed to have delivered everything.
 *
 * Signals are for nobody in particular, and whoever subscribes to them needn't read, either. So it may come to that in
 * the end. Then the manager leaves the bus, and the next one has all that this one had but for calls that were open.
 */
#pragma once

#include <stddef.h>
#include <sys/queue.h>

#include "manager/manager.h"

typedef struct Call Call;
typedef struct Caller Caller;

/* To one connection. */
typedef struct Delivery {
        LIST_ENTRY(Delivery) others; /* with descriptors on their way */
        Caller *caller;
        unsigned n_sent;    /* descriptors that, for all we know, have not been read */
        unsigned n_before;  /* of those, sent before the bus was asked */
        size_t bytes_sent;  /* since the bus was asked last, at most */
        size_t bytes_asked; /* of those, sent before the question that is open */
        size_t bytes_kept;  /* what the bus said last */
        sd_bus_slot *query;
} Delivery;

/** deliveries_new() - on the manager's bus. Return: 0; -errno. */
int deliveries_new(Manager *manager, Deliveries **ret);
Deliveries *deliveries_free(Deliveries *deliveries);

/**
 * delivery_promise() - may @call be answered with the descriptors that its method has
 *
 * Return: 1, and they are counted from here; 0 when the bus has to be asked first, or somebody has to read first: the
 * call comes again, or is answered with LimitReached.
 */
int delivery_promise(Call *call);

/** delivery_sent() - the answer to @call, with what was promised, is on its way */
void delivery_sent(Call *call);

/** delivery_cancel() - @call ends: it waits no more, and what was promised and not sent will not be */
void delivery_cancel(Call *call);

/**
 * delivery_admit() - is there a place for the answer to @message, which @caller has sent
 *
 * Return: 1; 0 when not even an error finds one; -EDQUOT with LimitReached.
 */
int delivery_admit(Delivery *delivery, sd_bus_message *message, sd_bus_error *error);

/** delivery_done() - the connection has gone, and what the bus has kept for it */
void delivery_done(Delivery *delivery);
