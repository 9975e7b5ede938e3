/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls
 *
 * Calls of managers that wait for the same thing, and are answered together.
 */
#pragma once

#include <systemd/sd-bus.h>

enum { CALLS_MAX = 16 };

typedef struct Calls {
        sd_bus_message *messages[CALLS_MAX];
        unsigned n;
} Calls;

/**
 * calls_add() - have @call wait
 * @name:  of the container, for the error
 *
 * Return: 0; -errno with @error: LimitReached.
 */
int calls_add(Calls *calls, sd_bus_message *call, const char *name, sd_bus_error *error);

/** calls_answer() - it has happened: answer all, with nothing in it; or, where @error is set, with that */
void calls_answer(Calls *calls, const sd_bus_error *error);

/** calls_drop() - a manager has gone, and its calls with it; NULL: all */
void calls_drop(Calls *calls, const sd_bus *bus);
