/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/handover.h"

#include <sys/socket.h>

#include "common/fault.h"
#include "common/fd.h"

struct Handover {
        TAILQ_ENTRY(Handover) others;
        int lease;
};

void handover_say(int lease)
{
        send(lease, "g", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool bus_has_sent_all(Manager *manager)
{
        uint64_t queued;

        return sd_bus_get_n_queued_write(manager->bus, &queued) < 0 || queued == 0;
}

static void handovers_say(Manager *manager)
{
        Handover *handover;

        while ((handover = TAILQ_FIRST(&manager->handovers))) {
                TAILQ_REMOVE(&manager->handovers, handover, others);
                if (!manager->is_cut_off)
                        handover_say(handover->lease);
                fd_close(handover->lease);
                free(handover);
        }
}

/* Called whenever something has happened: the bus may have taken more of what is queued. */
static int handovers_look(sd_event_source *source, void *userdata)
{
        Manager *manager = userdata;

        if (!bus_has_sent_all(manager))
                return 0;
        handovers_say(manager);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* Return: 0; -errno, and then it can't be said later. */
static int handover_queue(Manager *manager, int lease)
{
        int r = manager->handovers_look
                        ? sd_event_source_set_enabled(manager->handovers_look, SD_EVENT_ON)
                        : sd_event_add_post(manager->event, &manager->handovers_look, handovers_look, manager);
        if (r < 0)
                return r;
        Handover *handover = calloc(1, sizeof(*handover));
        if (!handover)
                return -ENOMEM;
        handover->lease = fd_keep(lease);
        if (handover->lease < 0) {
                r = handover->lease;
                free(handover);
                return r;
        }
        TAILQ_INSERT_TAIL(&manager->handovers, handover, others);
        return 0;
}

void handover_say_when_sent(Manager *manager, int lease)
{
        FAULT_POINT(LEASE_SENT);
        if (bus_has_sent_all(manager) || handover_queue(manager, lease) < 0)
                handover_say(lease);
}

void handovers_free(Manager *manager)
{
        handovers_say(manager);
        manager->handovers_look = sd_event_source_disable_unref(manager->handovers_look);
}
