/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Progress
 *
 * How far a copy has come, told to whoever wants to see it, and ten times a second at most: a copy of a million small
 * files must not turn into a million messages. Where nobody looks there is none, and nothing is counted.
 */
#pragma once

#include "container/visit.h"

typedef struct Progress {
        int report; /* visit_tell() */
        VisitWork done;
        uint64_t told_nsec; /* CLOCK_MONOTONIC, when it was told last */
} Progress;

/** progress_add() - so much more has been done; @progress may be NULL */
void progress_add(Progress *progress, uint64_t bytes, uint64_t files);

/** progress_end() - that was all: tell what is untold; @progress may be NULL */
void progress_end(Progress *progress);
