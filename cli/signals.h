/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals
 *
 * Those that end us, while a command is being started that they may be meant for: it can run, and have told somebody
 * that it does, before we have heard of it. So they wait until it is known whom they go to; but not for long, since a
 * person who presses Ctrl-C means something.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macros.h"

/** signals_hold() - from here on they wait. Return: a signalfd(2), the caller's; -errno. */
int signals_hold(void);

/**
 * signals_wait() - sd_bus_wait(3) until there is something to do, while they are held
 * @held:      from signals_hold()
 * @deadline:  0, filled when one of them has come; at that time it ends us
 *
 * Return: 0; -errno.
 */
int signals_wait(int held, sd_bus *bus, uint64_t *deadline_usec);
