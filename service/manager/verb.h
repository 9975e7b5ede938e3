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

/**
 * verb_ask() - ask the supervisor something
 * @answer:  a handler for its reply, which may be an error; answers @call
 * @types:   of the arguments that follow, as for sd_bus_message_append(3); "": none
 *
 * Return: CALL_LATER; -errno with @error.
 */
int verb_ask(Call *call, const char *member, sd_bus_message_handler_t answer, sd_bus_error *error, const char *types,
             ...);

/**
 * verb_send() - the same with a request whose arguments don't fit into one line: container_request()
 * @request:  consumed
 * @r:        how it went to fill it; where that is -errno, it is returned, and nobody is asked
 */
int verb_send(Call *call, sd_bus_message *request, int r, sd_bus_message_handler_t answer, sd_bus_error *error);

/**
 * verb_answer() - begin the answer to @call
 * @reply:  of the supervisor; where it is an error, the call has been answered with it
 *
 * Return: 0, filling @ret; -errno when there is nothing left to do.
 */
int verb_answer(Call *call, sd_bus_message *reply, sd_bus_message **ret);

/** verb_finish() - send @answer, which stays the caller's, or -errno @r where something went wrong */
void verb_finish(Call *call, int r, sd_bus_message *answer);

/** verb_finish_with_lease() - the same with an answer that contains @lease, which is borrowed */
void verb_finish_with_lease(Call *call, int r, sd_bus_message *answer, int lease);

/** copy_show_progress() - tell the caller of a copy how far it is: "tttt", to be read from @told. Return: 0; -errno. */
int copy_show_progress(const Call *call, sd_bus_message *told);

/** answer_same() - a handler for a reply that is the answer as it is */
int answer_same(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

/** answer_empty() - a handler for a reply that says nothing but that it was done */
int answer_empty(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);
