/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Manager
 *
 * The whole of one manager: its loop, its bus, what it sees of the register, and who is calling. It decides and it
 * remembers nothing that the register doesn't: kill it at any instant, start another, and no container notices.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/macros.h"

typedef struct Container Container;
typedef struct Creation Creation;
typedef struct Callers Callers;
typedef struct Deliveries Deliveries;
typedef struct Entrance Entrance;
typedef struct Handover Handover;
typedef struct Eviction Eviction;
typedef struct Keeper Keeper;
typedef struct Register Register;
typedef struct Spare Spare;
typedef struct Vacancy Vacancy;

typedef struct Manager {
        sd_event *event;
        sd_bus *bus; /* the system bus, or the one peer of a direct manager */
        bool is_direct;
        bool is_cut_off;        /* the bus takes nothing any more: what was sent hasn't arrived, and won't */
        bool is_alone;          /* the peer of a direct manager has left */
        bool is_ready;          /* the register has been read: service may begin */
        bool has_systemd;       /* scopes can be asked for */
        int supervisor_program; /* on a read-only mount of its own: see manager_open_supervisor() */
        Spare *spare;           /* a supervisor that waits for a container; NULL until the first is prepared */

        Register *reg;
        Entrance *entrance; /* or NULL */
        Callers *callers;
        Deliveries *deliveries;       /* of what was answered to them */
        void *containers;             /* tsearch(3) by name */
        TAILQ_HEAD(, Container) list; /* the same, in order of creation */
        unsigned n_containers;
        LIST_HEAD(, Vacancy) vacancies;   /* what waits for a name */
        sd_event_source *removals;        /* while something does: of directories in the register */
        LIST_HEAD(, Eviction) evictions;  /* of who outlived a supervisor */
        LIST_HEAD(, Keeper) keepers;      /* supervisors, also of containers that are no longer seen */
        TAILQ_HEAD(, Handover) handovers; /* of answers that the bus hasn't taken yet */
        sd_event_source *handovers_look;
        TAILQ_HEAD(, Call) paced;   /* calls of who calls too fast */
        sd_event_source *pace_tick; /* while there are such */
        unsigned max_containers_per_user;

        uint64_t start_usec; /* how long a container may take to run; 0: for ever */
        uint64_t stop_usec;  /* how long a container that is asked to end may take */
        uint64_t idle_usec;  /* how long to stay without anything to do; 0: for ever */
        sd_event_source *idle_timer;
} Manager;

/** manager_new() - a manager without a bus yet. Return: 0; -errno. */
int manager_new(Manager **ret);

/** manager_free() - lets go of everything; containers don't notice. Return: NULL. */
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager, manager_free)

/** manager_connect() - own the name on the system bus and serve there. Return: 0; -errno. */
int manager_connect(Manager *manager);

/** manager_serve_peer() - serve one peer over @fd, which is the manager's from here; its end is ours. Return: 0; -errno. */
int manager_serve_peer(Manager *manager, int fd);

/** manager_ready() - the register has been read: say so to whoever started us */
void manager_ready(Manager *manager);

/** manager_touch() - something began or ended: think again about being idle */
void manager_touch(Manager *manager);

/** manager_add_objects() - publish both interfaces on @bus (manager-bus.c). Return: 0; -errno. */
int manager_add_objects(Manager *manager, sd_bus *bus);
