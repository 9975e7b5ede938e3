/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a container
 *
 * In the order in which they follow each other. Supervisors decide them, managers repeat them, and the bus and the
 * register have the same words for them.
 */
#pragma once

typedef enum {
        STATE_STARTING,
        STATE_RUNNING,
        STATE_REBOOTING,
        STATE_STOPPING,
        STATE_EXITED,
} State;

/** state_name() - the word that the bus uses */
const char *state_name(State state);

/** state_from_name() - Return: 0; -EINVAL for a word that isn't one. */
int state_from_name(const char *name, State *ret);
