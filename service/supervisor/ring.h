/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ring
 *
 * The last 64 KiB that a container wrote on its console while nobody was there to read it. A place in it is a count of
 * all bytes since the start, so what has been handed out, overwritten and kept are three differences of numbers. Its
 * memory is the kernel's until it is written to: a console that stays silent costs nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/macros.h"

enum { RING_BYTES = 64 * 1024 };

typedef struct Ring Ring;

/** ring_new() - an empty ring. Return: 0; -ENOMEM. */
int ring_new(Ring **ret);

/** ring_free() - takes NULL. Return: NULL. */
Ring *ring_free(Ring *ring);
DEFINE_CLEANUP(Ring, ring_free)

/**
 * ring_space() - where the next bytes go
 *
 * Until ring_wrote() says so, nothing is lost of what is there.
 *
 * Return: a stretch of at least one byte, ring's.
 */
struct iovec ring_space(const Ring *ring);

/** ring_wrote() - @bytes, at most those of ring_space(), have been written there */
void ring_wrote(Ring *ring, size_t bytes);

/**
 * ring_content() - all that is kept, oldest first
 * @ret:  filled; pointing into the ring until the next ring_wrote()
 *
 * Return: the number of parts, 0 to 2.
 */
unsigned ring_content(const Ring *ring, struct iovec ret[static 2]);

/** ring_oldest(), ring_newest() - the place of the first byte that is kept, and the one behind the last */
uint64_t ring_oldest(const Ring *ring);
uint64_t ring_newest(const Ring *ring);

/** ring_untold() - the part of it that nobody has got, as ring_content() */
unsigned ring_untold(const Ring *ring, struct iovec ret[static 2]);

/** ring_tell() - somebody gets all that is kept */
void ring_tell(Ring *ring);

/** ring_untell() - nobody has got what ring_tell() was last called for; nothing has been written since */
void ring_untell(Ring *ring);

/** ring_dropped() - bytes that were overwritten before anybody got them */
uint64_t ring_dropped(const Ring *ring);
