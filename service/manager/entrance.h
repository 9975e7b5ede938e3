/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entrance
 *
 * Where root comes in without the bus: a socket beside the register, on which the same objects are served to each
 * connection. Nothing would be asked about root on the bus, either; so all that is left out is a daemon between two
 * programs: the time that it takes, and the room for answers that others may have filled.
 *
 * Signals are not sent here, but CopyProgress to whoever asked for it: who wants to hear what happens is on the bus.
 */
#pragma once

#include "manager/manager.h"

typedef struct Entrance Entrance;

/**
 * entrance_open() - let root in
 *
 * Only a manager of the system bus has one, as there is one of that. What a dead one has left behind is replaced.
 *
 * Return: 0, also where there is none to be; -errno.
 */
int entrance_open(Manager *manager);

/** entrance_close() - send everybody away; takes NULL. Return: NULL. */
Entrance *entrance_close(Entrance *entrance);

/** entrance_is_idle() - nobody is connected */
bool entrance_is_idle(const Entrance *entrance);
