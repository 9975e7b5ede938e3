/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Progress
 *
 * How far a copy is, for whoever watches standard error on a terminal: one line, drawn anew at each signal that the
 * manager sends us, and gone when the copy has ended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "cli/connection.h"
#include "common/macros.h"

typedef struct Progress {
        sd_bus_slot *slot;
        bool is_drawn;
} Progress;

/* How far it is. */
typedef struct Mark {
        uint64_t bytes, total_bytes;
        uint64_t files, total_files;
} Mark;

/** progress_is_wanted() - is there somebody who would see it */
bool progress_is_wanted(void);

/** progress_start() - begin to draw, while connection_call() waits for the copy into or out of @name. Return: 0; -errno. */
int progress_start(Progress *progress, Connection *connection, const char *name);

/** progress_end() - take the line away; for _cleanup_() */
void progress_end(Progress *progress);

/**
 * progress_format() - the line
 * @columns:  at most so many are filled
 * @ret:      the caller's
 *
 * Return: 0; -ENOMEM.
 */
int progress_format(const Mark *mark, unsigned columns, char **ret);
