/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow
 *
 * Bytes on their way from one descriptor to another, with a bounded buffer between them: a reader that stalls stalls
 * the writer, and nothing is dropped. Both ends are non-blocking and edge-triggered, since a pty whose other side is
 * closed says "hung up" for as long as it lasts, and would otherwise keep us busy until somebody opens it again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "common/macros.h"

enum { FLOW_FILTER_ROOM = 64 };

typedef struct Flow Flow;

typedef enum {
        FLOW_OURS,    /* nobody minds if it becomes non-blocking */
        FLOW_CALLERS, /* one of the caller's standard streams: opened anew, or put back as it was at the end */
        FLOW_CONSOLE, /* a pty's master: EIO means that its other side is closed for now, not that it is over */
} FlowKind;

typedef struct FlowInput {
        int from, to; /* borrowed: the flow duplicates them */
        FlowKind from_kind, to_kind;
        /*
         * What is to be written of @n bytes that were read, or NULL: they are. @to has room for @n + FLOW_FILTER_ROOM
         * bytes. Called with @from NULL when the last has been read. Return: how many bytes were written to @to.
         */
        size_t (*filter)(void *userdata, const char *from, size_t n, char *to);
        void *filter_userdata;
        /* The last byte was written, or, with -errno, cannot be. Called once; the flow is to be freed later. */
        void (*ended)(Flow *flow, int result, void *userdata);
        void *ended_userdata;
} FlowInput;

/** flow_new() - begin. Return: 0; -errno. */
int flow_new(sd_event *event, const FlowInput *input, Flow **ret);

/** flow_free() - takes NULL; what is in the buffer is lost. Return: NULL. */
Flow *flow_free(Flow *flow);
DEFINE_CLEANUP(Flow, flow_free)

/** flow_push() - write @data before anything that is read from now on. Return: 0; -ENOBUFS. */
int flow_push(Flow *flow, const void *data, size_t n);

/** flow_finish() - what wrote to it has ended: the flow ends when nothing is left to read */
void flow_finish(Flow *flow);

/** flow_kick() - try again: we may be in the foreground by now */
void flow_kick(Flow *flow);
