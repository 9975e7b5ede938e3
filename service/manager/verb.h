/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verb
 *
 * What the acting steps of most methods on a container have in common: they ask the supervisor and hand its answer on.
 */
#pragma once

#include "manager/call.h"

/** verb_require_running() - Return: 0; -errno with NotRunning. */
int verb_require_running(const Call *call, sd_bus_error *error);

/** verb_ask() - ask the supervisor something that has no arguments. Return: CALL_LATER; -errno with @error. */
int verb_ask(Call *call, const char *member, sd_bus_message_handler_t answer, sd_bus_error *error);

/**
 * verb_answer() - begin the answer to @call
 * @reply:  of the supervisor; where it is an error, the call has been answered with it
 *
 * Return: 0, filling @ret; -errno when there is nothing left to do.
 */
int verb_answer(Call *call, sd_bus_message *reply, sd_bus_message **ret);

/** verb_finish() - send @answer, which stays the caller's, or -errno @r where something went wrong */
void verb_finish(Call *call, int r, sd_bus_message *answer);

/** answer_same() - a handler for a reply that is the answer as it is */
int answer_same(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

/** answer_empty() - a handler for a reply that says nothing but that it was done */
int answer_empty(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);
