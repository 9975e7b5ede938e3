/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachment
 *
 * Who has the console: nobody, and then it is read into the ring; or the holder of the lease, and then nobody else. One
 * more may stand behind the holder: who asked with Take, and waits for the holder to let go.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "supervisor/lease.h"

typedef struct Supervisor Supervisor;

typedef struct Attachment {
        Lease *lease;          /* NULL: nobody has it */
        const sd_bus *giver;   /* through which it was given; borrowed, only to be compared */
        sd_bus_message *taker; /* the call of who waits for it, or NULL */
        Holder taker_holder;
        sd_event_source *taker_timer;
} Attachment;

/** attachment_done() - nobody has it, and nobody waits any more */
void attachment_done(Attachment *attachment);

/**
 * attachment_give() - make a lease, and append console and lease to an answer
 * @reply:  gets "hh"; without a console the first is /dev/null
 * @given:  called when the holder has got it, or NULL
 *
 * From here on the console isn't read here.
 *
 * Return: 0; -errno, and then nobody has the lease.
 */
int attachment_give(Supervisor *supervisor, Holder holder, sd_bus_message *reply, lease_given_t given);

/** attachment_append_null() - append "h", /dev/null, for who has no console. Return: 0; -errno. */
int attachment_append_null(sd_bus_message *reply);

/**
 * attachment_attach() - answer a call of Attach, now or later
 * @take:  ask the present holder for the lease
 *
 * Return: 1; -errno with @error.
 */
int attachment_attach(Supervisor *supervisor, sd_bus_message *call, Holder holder, bool take, sd_bus_error *error);

/** attachment_refuse() - the container has ended: whoever waits is told so */
void attachment_refuse(Supervisor *supervisor);

/** attachment_drop_manager() - a manager has gone: if it waited, or was about to give the lease, it isn't any more */
void attachment_drop_manager(Supervisor *supervisor, const sd_bus *bus);
