/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/pace.h"

#include <time.h>

/* How often those that wait are looked at: then some twenty of a user may go on. */
#define TICK_USEC UINT64_C(10000)

static void pace_leave(Call *call)
{
        TAILQ_REMOVE(&call->manager->paced, call, waiting);
        call->caller->quota->n_paced--;
        call->is_paced = false;
}

/* The first whose user may call again. */
static Call *pace_next(const Manager *manager, uint64_t now)
{
        Call *call;

        TAILQ_FOREACH(call, &manager->paced, waiting)
                if (quota_take_call(call->caller->quota, now))
                        return call;
        return NULL;
}

static int pace_look(sd_event_source *source, uint64_t now, void *userdata)
{
        Manager *manager = userdata;
        Call *call;

        while ((call = pace_next(manager, now))) {
                pace_leave(call);
                call_resume(call);
        }
        if (TAILQ_EMPTY(&manager->paced)) {
                manager->pace_tick = sd_event_source_disable_unref(manager->pace_tick);
                return 0;
        }
        int r = sd_event_source_set_time(source, now + TICK_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int pace_admit(Call *call)
{
        Quota *quota = call->caller->quota;
        Manager *manager = call->manager;
        uint64_t now;

        if (call->is_admitted || call->caller->peer || call->caller->uid == 0)
                return 1;
        call->is_admitted = true; /* it waits once, however often it comes again */
        int r = sd_event_now(manager->event, CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        if (quota->n_paced == 0 && quota_take_call(quota, now))
                return 1;
        if (!manager->pace_tick)
                r = sd_event_add_time(manager->event, &manager->pace_tick, CLOCK_MONOTONIC, now + TICK_USEC, 1,
                                      pace_look, manager);
        if (r < 0)
                return r;
        TAILQ_INSERT_TAIL(&manager->paced, call, waiting);
        quota->n_paced++;
        call->is_paced = true;
        return 0;
}

void pace_cancel(Call *call)
{
        if (call->is_paced)
                pace_leave(call);
}
