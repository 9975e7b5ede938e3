/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/eviction.h"

#include <stdlib.h>
#include <time.h>

#include "common/record.h"
#include "container/cgroup.h"
#include "manager/log.h"
#include "manager/register.h"
#include "manager/vacancy.h"

#define FIRST_LOOK_USEC UINT64_C(1000)
#define LAST_LOOK_USEC  UINT64_C(128000)
#define PATIENCE_USEC   (UINT64_C(30) * 1000000)

struct Eviction {
        LIST_ENTRY(Eviction) others;
        Manager *manager;
        Claim *claim;
        sd_event_source *look;
        uint64_t look_usec, spent_usec;
};

static int evict(const Claim *claim)
{
        _cleanup_(record_freep) Record *record = NULL;

        if (record_read(claim->directory, &record) < 0 || !record->cgroup || !*record->cgroup)
                return 0;
        return cgroup_remove_left(record->cgroup, record->name, 0);
}

void eviction_warn(const Claim *claim)
{
        evict(claim);
}

/* Whoever was to be told of its end has been: a manager that finds it after us has only to clean up. */
static void eviction_note(const Claim *claim)
{
        _cleanup_(record_freep) Record *record = NULL;

        if (record_read(claim->directory, &record) < 0 || record->state == STATE_STARTING)
                return;
        record->state = STATE_STARTING;
        int r = record_write(claim->directory, record);
        if (r < 0)
                log_failure(r, "note the end of", claim->name);
}

static void eviction_free(Eviction *eviction)
{
        LIST_REMOVE(eviction, others);
        sd_event_source_disable_unref(eviction->look);
        claim_free(eviction->claim);
        free(eviction);
}

static int eviction_look(sd_event_source *source, uint64_t usec _unused_, void *userdata)
{
        Eviction *eviction = userdata;
        Manager *manager = eviction->manager;
        int r = evict(eviction->claim);

        eviction->spent_usec += eviction->look_usec;
        if (eviction->look_usec < LAST_LOOK_USEC)
                eviction->look_usec *= 2;
        if (r == -EBUSY && eviction->spent_usec < PATIENCE_USEC &&
            sd_event_source_set_time_relative(source, eviction->look_usec) >= 0 &&
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0)
                return 0;
        if (r < 0)
                log_failure(r, "remove the cgroup of", eviction->claim->name);
        eviction_free(eviction);
        vacancies_look(manager);
        manager_touch(manager);
        return 0;
}

int eviction_begin(Manager *manager, Claim *claim)
{
        Eviction *eviction = evict(claim) == -EBUSY ? calloc(1, sizeof(*eviction)) : NULL;

        if (!eviction) {
                claim_free(claim);
                return 0;
        }
        eviction_note(claim);
        *eviction = (Eviction){.manager = manager, .claim = claim, .look_usec = FIRST_LOOK_USEC};
        LIST_INSERT_HEAD(&manager->evictions, eviction, others);
        int r = sd_event_add_time_relative(manager->event, &eviction->look, CLOCK_MONOTONIC, eviction->look_usec, 1,
                                           eviction_look, eviction);
        if (r < 0) {
                eviction_free(eviction);
                return 0;
        }
        return -EBUSY;
}

int eviction_of(Manager *manager, const char *name)
{
        Claim *claim;
        int r = claim_take_over(register_directory(manager->reg), name, &claim);

        return r < 0 ? r : eviction_begin(manager, claim);
}

bool eviction_must_wait(const Manager *manager, const char *name)
{
        return claim_is_held(register_directory(manager->reg), name);
}

void evictions_free(Manager *manager)
{
        while (!LIST_EMPTY(&manager->evictions)) {
                claim_hand_over(LIST_FIRST(&manager->evictions)->claim);
                eviction_free(LIST_FIRST(&manager->evictions));
        }
}
