/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pace
 *
 * How fast calls of one user are taken up. What comes faster waits, in the order in which it came: the bus lets a
 * connection have only so many calls unanswered, and refuses what is more than that itself, so a flood ends there, and
 * the manager has time for everybody else. Root, and who comes by the private socket, wait for nothing.
 */
#pragma once

#include "manager/call.h"

/** pace_admit() - may @call go on. Return: 1; 0: it goes on later, by call_resume(); -errno. */
int pace_admit(Call *call);

/** pace_cancel() - @call waits no longer, if it did */
void pace_cancel(Call *call);
