/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/handover.h"

#include <sys/socket.h>

#include "common/fault.h"
#include "common/fd.h"

struct Handover {
        TAILQ_ENTRY(Handover) others;
        sd_bus *bus; /* that the answer is sent on */
        int lease;
};

int handover_say(int lease)
{
        return send(lease, "g", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Its supervisor has gone, or it has been said; anything else passes. */
static bool handover_is_over(int r)
{
        return r >= 0 || r == -EPIPE || r == -ECONNRESET;
}

static bool bus_has_sent_all(sd_bus *bus)
{
        uint64_t queued;

        return sd_bus_get_n_queued_write(bus, &queued) >= 0 && queued == 0;
}

static Handover *handover_free(Handover *handover)
{
        sd_bus_unref(handover->bus);
        fd_close(handover->lease);
        free(handover);
        return NULL;
}

/* Says what can be said by now. Return: is there nothing left. */
static bool handovers_say(Manager *manager)
{
        Handover *handover, *next;

        for (handover = TAILQ_FIRST(&manager->handovers); handover; handover = next) {
                next = TAILQ_NEXT(handover, others);
                bool is_open = sd_bus_is_open(handover->bus) > 0;
                if (is_open && !bus_has_sent_all(handover->bus))
                        continue;
                if (is_open && !handover_is_over(handover_say(handover->lease)))
                        continue;
                TAILQ_REMOVE(&manager->handovers, handover, others);
                handover_free(handover);
        }
        return TAILQ_EMPTY(&manager->handovers);
}

/* Called whenever something has happened: the bus may have taken more of what is queued. */
static int handovers_look(sd_event_source *source, void *userdata)
{
        return handovers_say(userdata) ? sd_event_source_set_enabled(source, SD_EVENT_OFF) : 0;
}

/* Return: 0; -errno, and then it can't be said later. */
static int handover_queue(Manager *manager, sd_bus *bus, int lease)
{
        int r = manager->handovers_look
                        ? sd_event_source_set_enabled(manager->handovers_look, SD_EVENT_ON)
                        : sd_event_add_post(manager->event, &manager->handovers_look, handovers_look, manager);
        if (r < 0)
                return r;
        Handover *handover = calloc(1, sizeof(*handover));
        if (!handover)
                return -ENOMEM;
        *handover = (Handover){.bus = sd_bus_ref(bus), .lease = fd_keep(lease)};
        if (handover->lease < 0) {
                r = handover->lease;
                handover_free(handover);
                return r;
        }
        TAILQ_INSERT_TAIL(&manager->handovers, handover, others);
        return 0;
}

void handover_say_when_sent(Manager *manager, sd_bus *bus, int lease)
{
        FAULT_POINT(LEASE_SENT);
        if (bus_has_sent_all(bus) && handover_is_over(handover_say(lease)))
                return;
        if (handover_queue(manager, bus, lease) < 0)
                handover_say(lease);
}

void handovers_free(Manager *manager)
{
        Handover *handover;

        if (!manager->is_cut_off)
                handovers_say(manager);
        while ((handover = TAILQ_FIRST(&manager->handovers))) {
                TAILQ_REMOVE(&manager->handovers, handover, others);
                handover_free(handover);
        }
        manager->handovers_look = sd_event_source_disable_unref(manager->handovers_look);
}
