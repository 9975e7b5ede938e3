/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers
 *
 * Those who are connected to a socket of ours, each with a bus of its own that has two ends and no daemon. All of them
 * are equal and none is needed. Only root is let in, and only at the door: what comes through it afterwards is not
 * asked again.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macros.h"

/** peers_serve_t - publish what is to be found on the bus of a new peer. Return: 0; -errno, and it isn't let in. */
typedef int (*peers_serve_t)(sd_bus *bus, void *userdata);

/** peers_lost_t - a peer's connection has ended; after this its bus is gone */
typedef void (*peers_lost_t)(sd_bus *bus, void *userdata);

typedef struct Peer Peer;

typedef struct Peers {
        sd_event *event;
        sd_id128_t id; /* of the server's side of each bus */
        peers_serve_t serve;
        peers_lost_t lost;
        void *userdata;
        int listener;
        sd_event_source *listener_source;
        TAILQ_HEAD(PeerList, Peer) list;
        unsigned n, max;
        Peer *next; /* prepared, or NULL */
        sd_event_source *next_source;
} Peers;

/** peers_init() - nobody is connected, and nobody can be yet; @max: how many may be at a time */
void peers_init(Peers *peers, sd_event *event, unsigned max, peers_serve_t serve, peers_lost_t lost, void *userdata);

/** peers_done() - close all */
void peers_done(Peers *peers);

/**
 * peers_add() - speak to whoever is at the other end of @fd
 * @fd:       consumed in any case
 * @ret_bus:  borrowed, for comparison with that of lost(); or NULL
 *
 * Return: 0; -EPERM when it isn't root's; -errno.
 */
int peers_add(Peers *peers, int fd, sd_bus **ret_bus);

/** peers_prepare() - make ready, when nothing else is to do, what serves the next peer: it is let in faster then */
int peers_prepare(Peers *peers);

/** peers_listen() - make the socket @name in @directory, and let peers in there. Return: 0; -errno. */
int peers_listen(Peers *peers, int directory, const char *name);

/** peers_stop_listening() - let nobody in any more */
void peers_stop_listening(Peers *peers);

/** peers_emit_t - say something on the bus of one peer. Return: -errno when it could not be said. */
typedef int (*peers_emit_t)(sd_bus *bus, const void *what);

/**
 * peers_emit() - say the same to all
 * @one:  all but this one, whose bus is borrowed; or NULL
 *
 * Who doesn't read what it is told is cut off.
 */
void peers_emit(Peers *peers, const sd_bus *one, peers_emit_t emit, const void *what);

/** peers_have_all() - has everything been sent that there was to say */
bool peers_have_all(const Peers *peers);
