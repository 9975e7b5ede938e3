/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy
 *
 * Files go from the host into a running container, or out of it. Two processes do it, one a side, and each has the
 * authority of its side alone: on the host that of the caller, in the container that of its root, beneath its root
 * directory. The one reads, and tells the other over a socket what there is, with a descriptor of each file's content;
 * the other writes. Neither ever resolves a path of the other's side, so there is no path that could be exchanged for
 * one that means something over there.
 *
 * What is written gets its name last, in one rename(2): until then it is a sibling that begins with ".pflask-copy-",
 * and a copy that fails, or isn't wanted any more, removes it.
 */
#pragma once

#include <stdbool.h>

#include "container/visit.h"

typedef enum { COPY_TO_CONTAINER, COPY_FROM_CONTAINER } CopyDirection;

/* Everything is borrowed. */
typedef struct CopyInput {
        VisitPlace place;
        Identity caller; /* whose authority counts on the host: confined, the caller's; else root's */
        CopyDirection direction;
        const char *source;
        const char *destination;
        bool replaces; /* an existing destination; else it is -EEXIST */
        bool follows;  /* links: what they lead to is copied, not the link */
        bool tells;    /* how far it is, in done and total of the visit */
} CopyInput;

/**
 * copy_begin() - send the two processes
 *
 * Owners are the same persons on both sides: the ids are translated through the container's user map. Who isn't in it
 * is root of the container inside, and the caller outside; then there are no set-user-ID bits.
 *
 * Return: 0; -errno with @failure.
 */
int copy_begin(const CopyInput *input, Visit **ret, Failure *failure);
