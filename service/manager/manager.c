/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/manager.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/programs.h"
#include "manager/caller.h"
#include "manager/container.h"
#include "manager/delivery.h"
#include "manager/entrance.h"
#include "manager/eviction.h"
#include "manager/handover.h"
#include "manager/keeper.h"
#include "manager/log.h"
#include "manager/register.h"
#include "manager/scope.h"
#include "manager/spare.h"

enum { CONTAINERS_PER_USER = 64 };

/*
 * The supervisor runs from a read-only mount of its file that is attached nowhere. A process that comes near a
 * container has its program behind /proc/PID/exe, and through a link on such a mount nobody opens it for writing, not
 * even root of a container that shares the host's ids (the class of CVE-2019-5736).
 */
static int manager_open_supervisor(Manager *manager)
{
        struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
        _cleanup_(fd_closep) int file = program_open("pflask-supervisor");

        if (file < 0)
                return log_failure(file, "open", "pflask-supervisor");
        _cleanup_(fd_closep) int tree = open_tree(file, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0)
                return log_limit(-errno, "clone the mount of", "pflask-supervisor",
                                 errno == ENOSPC ? "user.max_mnt_namespaces" : error_limit(-errno));
        if (mount_setattr(tree, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
                return log_failure(-errno, "make read-only the mount of", "pflask-supervisor");
        manager->supervisor_program = TAKE_FD(tree);
        return 0;
}

int manager_new(Manager **ret)
{
        _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(*manager));

        if (!manager)
                return -ENOMEM;
        manager->supervisor_program = -EBADF;
        manager->max_containers_per_user = CONTAINERS_PER_USER;
        TAILQ_INIT(&manager->list);
        LIST_INIT(&manager->vacancies);
        LIST_INIT(&manager->evictions);
        LIST_INIT(&manager->keepers);
        TAILQ_INIT(&manager->handovers);
        TAILQ_INIT(&manager->paced);
        int r = sd_event_default(&manager->event);
        if (r < 0)
                return log_failure(r, "make", "the event loop");
        r = manager_open_supervisor(manager);
        if (r < 0)
                return r;
        r = deliveries_new(manager, &manager->deliveries);
        if (r < 0)
                return r;
        r = register_open(manager, &manager->reg);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(manager);
        return 0;
}

/* A bus that doesn't listen to us doesn't notice that we go, either, but when it sends us something. */
static void manager_break_off(Manager *manager)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        sd_bus_close(manager->bus);
        if (sd_bus_open_system(&bus) >= 0)
                sd_bus_call_method(bus, MANAGER_BUS_NAME, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                                   NULL);
}

/* Before anything that takes time: who calls from now on is for the next manager, and the bus has it started. */
static void manager_take_leave(Manager *manager)
{
        if (manager->is_cut_off)
                manager_break_off(manager);
        sd_bus_flush(manager->bus);
        handovers_free(manager);
        manager->entrance = entrance_close(manager->entrance);
        sd_bus_close(manager->bus);
}

Manager *manager_free(Manager *manager)
{
        if (!manager)
                return NULL;
        callers_free(manager->callers);
        manager->callers = NULL;
        manager_take_leave(manager);
        manager->deliveries = deliveries_free(manager->deliveries);
        while (!TAILQ_EMPTY(&manager->list)) {
                Container *container = TAILQ_FIRST(&manager->list);
                container->is_published = false; /* it isn't removed, only no longer seen by us */
                if (container->remains)
                        claim_hand_over(container->remains); /* the next manager finds it */
                container_free(container);
        }
        evictions_free(manager);
        keepers_free(manager);
        spare_free(manager->spare);
        sd_event_source_disable_unref(manager->pace_tick);
        sd_event_source_disable_unref(manager->idle_timer);
        register_close(manager->reg);
        sd_bus_unref(manager->bus);
        fd_close(manager->supervisor_program);
        sd_event_unref(manager->event);
        free(manager);
        return NULL;
}

/*
 * A direct manager leaves with its peer, but not before the supervisors that were told to forget have done so: one that
 * loses its manager in the middle of it may lose what it was told, and would keep its directory for a minute.
 */
static void manager_leave(Manager *manager)
{
        Container *container;

        TAILQ_FOREACH(container, &manager->list, others)
                if (container->is_forgotten)
                        return;
        if (!LIST_EMPTY(&manager->evictions))
                return;
        sd_event_exit(manager->event, EXIT_SUCCESS);
}

/* Without the bus nobody can reach us; containers go on, and the next manager finds them. */
static int manager_disconnected(sd_bus_message *message _unused_, void *userdata, sd_bus_error *error _unused_)
{
        Manager *manager = userdata;

        if (!manager->is_direct)
                return sd_event_exit(manager->event, EXIT_FAILURE);
        manager->is_alone = true;
        manager_leave(manager);
        return 0;
}

/* What both kinds of service need, in the order that misses nothing. */
static int manager_serve(Manager *manager)
{
        int r = sd_bus_match_signal(manager->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                    "org.freedesktop.DBus.Local", "Disconnected", manager_disconnected, manager);

        /* It is flushed and closed at our end, not at the loop's: if it is cut off it would never take what is queued. */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(manager->bus, false);
        if (r >= 0)
                r = callers_new(manager, &manager->callers);
        if (r >= 0)
                r = manager_add_objects(manager, manager->bus);
        /* A peer is there before we are ready; on the bus nobody knows us until we have taken the name. */
        if (r >= 0 && !manager->is_direct)
                r = sd_bus_attach_event(manager->bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? log_failure(r, "serve on", "the bus") : 0;
}

int manager_connect(Manager *manager)
{
        int r = sd_bus_open_system_with_description(&manager->bus, "pflask-manager");

        if (r < 0)
                return log_failure(r, "connect to", "the system bus");
        manager->has_systemd = scope_is_available(manager->bus);
        r = manager_serve(manager);
        return r < 0 ? r : register_read(manager->reg);
}

static int manager_read_on(sd_event_source *source _unused_, void *userdata)
{
        const Manager *manager = userdata;
        int r;

        do
                r = sd_bus_process(manager->bus, NULL);
        while (r > 0);
        return 0;
}

/*
 * What a quick peer sends right behind its authentication is read together with that, and sd-bus 252 waits for
 * more to arrive before it looks at it again.
 */
static int manager_peer_connected(sd_bus_message *message _unused_, void *userdata, sd_bus_error *error _unused_)
{
        Manager *manager = userdata;

        return sd_event_add_defer(manager->event, NULL, manager_read_on, manager);
}

int manager_serve_peer(Manager *manager, int fd)
{
        sd_id128_t id;
        int r = sd_id128_randomize(&id);

        manager->is_direct = true;
        if (r >= 0)
                r = sd_bus_new(&manager->bus);
        if (r >= 0)
                r = sd_bus_set_fd(manager->bus, fd, fd);
        if (r < 0) {
                fd_close(fd);
                return log_failure(r, "use", "the peer's socket");
        }
        r = sd_bus_set_server(manager->bus, true, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(manager->bus, true);
        if (r >= 0)
                r = sd_bus_set_connected_signal(manager->bus, true);
        if (r >= 0)
                r = sd_bus_match_signal(manager->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Connected", manager_peer_connected, manager);
        if (r >= 0)
                r = sd_bus_start(manager->bus);
        if (r < 0)
                return log_failure(r, "speak to", "the peer");
        r = manager_serve(manager);
        return r < 0 ? r : register_read(manager->reg);
}

static bool manager_uses_scope(void *userdata, const char *name)
{
        const Manager *manager = userdata;

        return register_has(manager->reg, name);
}

/* The name is taken last: whoever sees it sees all containers. */
void manager_ready(Manager *manager)
{
        if (manager->is_ready)
                return;
        FAULT_POINT(BEGIN_READY);
        manager->is_ready = true;
        if (!manager->is_direct)
                spare_prepare(manager);
        if (manager->has_systemd)
                scope_stop_unused(manager->bus, manager_uses_scope, manager);
        int r = manager->is_direct ? sd_bus_attach_event(manager->bus, manager->event, SD_EVENT_PRIORITY_NORMAL)
                                   : sd_bus_request_name(manager->bus, MANAGER_BUS_NAME, 0);
        if (r < 0) {
                log_failure(r, manager->is_direct ? "serve" : "own the name",
                            manager->is_direct ? "the peer" : MANAGER_BUS_NAME);
                sd_event_exit(manager->event, EXIT_FAILURE);
                return;
        }
        r = entrance_open(manager);
        if (r < 0) /* root comes by the bus then */
                log_failure(r, "listen on", RUNTIME_DIRECTORY "/" PRIVATE_SOCKET);
        sd_notifyf(false, "READY=1\nSTATUS=Keeping %u containers.", manager->n_containers);
        manager_touch(manager);
}

static int manager_idle(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Manager *manager = userdata;

        if (manager->n_containers > 0 || !LIST_EMPTY(&manager->evictions) || !callers_are_idle(manager->callers) ||
            !entrance_is_idle(manager->entrance))
                return 0;
        sd_notify(false, "STOPPING=1\nSTATUS=Idle.");
        return sd_event_exit(manager->event, EXIT_SUCCESS);
}

void manager_touch(Manager *manager)
{
        if (manager->is_alone)
                manager_leave(manager);
        if (!manager->is_ready || manager->idle_usec == 0)
                return;
        if (!manager->idle_timer)
                sd_event_add_time_relative(manager->event, &manager->idle_timer, CLOCK_MONOTONIC, manager->idle_usec, 0,
                                           manager_idle, manager);
        else if (sd_event_source_set_time_relative(manager->idle_timer, manager->idle_usec) >= 0)
                sd_event_source_set_enabled(manager->idle_timer, SD_EVENT_ONESHOT);
}
