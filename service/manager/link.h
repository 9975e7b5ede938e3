/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link
 *
 * The connection to one supervisor. There are as many as there are containers, and hardly any of them ever has
 * something to say: one that is silent must cost nothing but its memory, and little of that. So it isn't attached to
 * the loop by sd_bus_attach_event(3), which looks at every connection whenever anything happens, but waits for its
 * socket alone; and it has one filter for all that it hears, where sd-bus makes a tree of tables for a match.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macros.h"

typedef struct Link Link;

/* Who listens to a link. Either may free it. */
typedef struct LinkListener {
        void (*connected)(void *userdata); /* once, when the other side has greeted; NULL: that is of no interest */
        void (*heard)(sd_bus_message *signal, void *userdata);
        void (*closed)(void *userdata); /* once, after everything that was heard and answered */
} LinkListener;

/**
 * link_new() - speak D-Bus with a supervisor
 * @fd:        a connected socket, consumed in any case
 * @listener:  outlives the link
 *
 * Return: 0; -errno.
 */
int link_new(sd_event *event, int fd, const LinkListener *listener, void *userdata, Link **ret);

/** link_is_connected() - has the other side greeted; until then link_send() would wait for it */
bool link_is_connected(const Link *link);

/** link_hand_over() - somebody else listens from here on; @listener outlives the link */
void link_hand_over(Link *link, const LinkListener *listener, void *userdata);

/** link_free() - close it; whoever still waits for an answer must have let go of that before. Return: NULL. */
Link *link_free(Link *link);

/** link_request() - a call of @member of @interface, to be filled. Return: 0; -errno. */
int link_request(Link *link, const char *interface, const char *member, sd_bus_message **ret);

/**
 * link_send() - send @request, which stays the caller's
 * @ret_slot:  the wait for the answer, the caller's
 * @usec:      how long it may take, as for sd_bus_call_async(3)
 *
 * Return: 0 or more; -errno.
 */
int link_send(Link *link, sd_bus_message *request, sd_bus_message_handler_t answer, void *userdata, uint64_t usec,
              sd_bus_slot **ret_slot);

/**
 * link_call() - call @member of @interface with arguments as for sd_bus_message_append(3)
 * @answer:    NULL when none is wanted; @ret_slot is NULL then
 *
 * Return: 0 or more; -errno.
 */
int link_call(Link *link, const char *interface, const char *member, sd_bus_message_handler_t answer, void *userdata,
              sd_bus_slot **ret_slot, const char *types, ...);
