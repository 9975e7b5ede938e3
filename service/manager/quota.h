/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quota
 *
 * What open calls take of the manager, counted against the uid that they are of, whichever of its connections they came
 * by. As long as the bus has not said whose a connection is, it has a quota of its own. What is counted here has been
 * received already, so a refusal is an answer at once: nobody's flood is kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

enum {
        CALLS_PER_CONNECTION = 1024, /* of a connection that is not known yet */
        CALLS_PER_UID = 1024,
        CALLS_OF_ROOT = 65536,
        NAMES_PER_UID = 64, /* claimed at the same time, for containers that are yet to be */
        /* Nobody makes, or asks about, so many containers for long; and a burst goes through as it is. */
        CALLS_PER_SECOND = 2000,
        CALLS_IN_A_BURST = 512,
};
#define BYTES_PER_CALL       ((size_t)1 << 20)
#define BYTES_PER_CONNECTION ((size_t)2 << 20)
#define BYTES_PER_UID        ((size_t)16 << 20)
#define BYTES_OF_ROOT        ((size_t)256 << 20)

typedef struct Quota {
        uid_t uid;
        bool is_known; /* else the uid doesn't count */
        unsigned n_connections;
        unsigned n_calls;
        unsigned n_names;      /* that calls have claimed */
        unsigned n_creations;  /* under way */
        unsigned n_fds;        /* in answers, promised or not known to have been read */
        size_t bytes;          /* of the arguments of calls */
        unsigned n_calls_left; /* that may begin now, of a burst */
        uint64_t calls_usec;   /* when that was reckoned last; 0: never */
        unsigned n_paced;      /* calls that wait to begin */
} Quota;

/** quota_check() - is there a place for @n_calls more of @bytes in all. Return: 0; -errno with LimitReached. */
int quota_check(const Quota *quota, unsigned n_calls, size_t bytes, sd_bus_error *error);

/** quota_take_call() - may one more call begin at @now, in us. Return: whether, and then it is counted. */
bool quota_take_call(Quota *quota, uint64_t now);

/** quota_move() - what is counted in @from, one connection's, counts in @to from here */
void quota_move(Quota *to, Quota *from);

/**
 * message_weigh() - what the arguments of @message take, read and kept
 * @ret:  bytes; each value counts, also one that has none
 *
 * Return: 0, with @message at its beginning again; -E2BIG above @max_bytes; -errno, as sd_bus_message_read(3) fails.
 */
int message_weigh(sd_bus_message *message, size_t max_bytes, size_t *ret);
