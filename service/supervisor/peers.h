/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers
 *
 * The managers that are connected, each with a bus of its own that has two ends and no daemon. All of them are equal
 * and none is needed. Only root is let in, and only at the door: what comes through it afterwards is not asked again.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macros.h"

/** peers_lost_t - a manager's connection has ended; after this its bus is gone */
typedef void (*peers_lost_t)(sd_bus *bus, void *userdata);

typedef struct Peer Peer;

typedef struct Peers {
        sd_event *event;
        sd_id128_t id; /* of the server's side of each bus */
        const sd_bus_vtable *vtable;
        peers_lost_t lost;
        void *userdata; /* of the vtable and of lost() */
        int listener;
        sd_event_source *listener_source;
        TAILQ_HEAD(PeerList, Peer) list;
        unsigned n;
} Peers;

/** peers_init() - nobody is connected, and nobody can be yet */
void peers_init(Peers *peers, sd_event *event, const sd_bus_vtable *vtable, peers_lost_t lost, void *userdata);

/** peers_done() - close all */
void peers_done(Peers *peers);

/**
 * peers_add() - speak to the manager at the other end of @fd
 * @fd:       consumed in any case
 * @ret_bus:  borrowed, for comparison with that of lost(); or NULL
 *
 * Return: 0; -EPERM when it isn't root's; -errno.
 */
int peers_add(Peers *peers, int fd, sd_bus **ret_bus);

/** peers_listen() - make the socket in @directory, and let managers in there. Return: 0; -errno. */
int peers_listen(Peers *peers, int directory);

/** peers_stop_listening() - let nobody in any more */
void peers_stop_listening(Peers *peers);

/** peers_emit_changed() - PropertiesChanged, for all. One that doesn't read what it is told is cut off. */
void peers_emit_changed(Peers *peers, const char *const *properties);

/** peers_emit_changed_to_others() - the same, for all but one, whose bus is borrowed; NULL: for all */
void peers_emit_changed_to_others(Peers *peers, const sd_bus *one, const char *const *properties);

/** peers_emit_exited() - the signal Exited, for all */
void peers_emit_exited(Peers *peers, const char *result, int32_t status);

/** peers_have_all() - has everything been sent that there was to say */
bool peers_have_all(const Peers *peers);
