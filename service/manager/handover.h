/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handover
 *
 * What a supervisor gives away through a manager belongs to nobody until it has arrived: if the manager dies with it in
 * its hands, whoever asked for it doesn't know of it. So a manager says on the lease that comes with it when the answer
 * has left for the caller: the byte 'g', for given.
 */
#pragma once

#include "manager/manager.h"

typedef struct Handover Handover;

/** handover_say() - the answer is certain: say so at once. Return: 0; -errno. */
int handover_say(int lease);

/**
 * handover_say_when_sent() - say it when all that has been sent on @bus so far is on its way
 * @bus:    the manager's, or a peer's
 * @lease:  borrowed
 *
 * If the connection ends before, it is never said.
 */
void handover_say_when_sent(Manager *manager, sd_bus *bus, int lease);

/** handovers_free() - the manager ends, and has flushed its bus: what can be said is said */
void handovers_free(Manager *manager);
