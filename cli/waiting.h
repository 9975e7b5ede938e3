/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting
 *
 * The question how a container, or a process in it, ended: asked until it is answered. The manager may be killed,
 * upgraded or restarted while it is open: then the question is put again to the next one, which knows as much.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "cli/connection.h"
#include "common/macros.h"
#include "common/process.h"

typedef struct Waiting Waiting;
struct Waiting {
        Connection *connection; /* borrowed, as are the next two */
        sd_event *event;
        const char *name;
        uint32_t process; /* that was sent into it; 0: the container itself */
        bool had_manager; /* there was one, so another one is worth waiting for */
        sd_bus_slot *slot;
        sd_bus_slot *appears; /* a manager does, on the bus: watched since one was lost */
        sd_event_source *again;
        uint64_t delay_usec;
        Result result; /* RESULT_NONE while unanswered, and when there was an error */
        int status;
        sd_bus_error error;
        void (*answered)(Waiting *waiting, void *userdata);
        void *userdata;
};

/** waiting_start() - ask; the connection is attached to @event. Return: 0; -errno. */
int waiting_start(Waiting *waiting);

/** waiting_stop() - ask no longer */
void waiting_stop(Waiting *waiting);

/* What is to be said of one that is lost, besides its status. */
#define RESULT_LOST_SENTENCE "its supervisor was killed, and so was the container"

/** result_to_status() - what a command that ended so makes a shell see: its code, 128 + signal, 125 when it is lost */
int result_to_status(Result result, int status);
