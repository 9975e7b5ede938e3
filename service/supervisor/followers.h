/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Followers
 *
 * Who reads along what is read into the ring. Each has the reading end of a pipe, which has the ring's content in it to
 * begin with. Nobody is waited for: whoever lets the pipe fill up is let go, as is everybody when the container has
 * ended, and can come again; the place in the ring then tells what was missed.
 */
#pragma once

#include <sys/queue.h>

#include <systemd/sd-event.h>

#include "common/macros.h"
#include "supervisor/ring.h"

enum { FOLLOWERS_MAX = 8 }; /* of one container: each may cost a pipe's memory */

typedef struct Followers {
        TAILQ_HEAD(, Follower) list;
        unsigned n;
} Followers;

void followers_init(Followers *followers);

/**
 * followers_add() - one more
 * @event:  watches for the end of the reader; NULL: what is there now is all there will ever be
 *
 * Return: the reading end, the caller's; -EUSERS when there are enough; -errno.
 */
int followers_add(Followers *followers, sd_event *event, const Ring *ring);

/** followers_write() - what has just been read into the ring */
void followers_write(Followers *followers, const void *data, size_t bytes);

/** followers_free_all() - let everybody go: what is in their pipes stays to be read, and then they end */
void followers_free_all(Followers *followers);
