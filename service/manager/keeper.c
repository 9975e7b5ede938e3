/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/keeper.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>

#include "common/fd.h"
#include "common/process.h"
#include "manager/eviction.h"

/* More than a supervisor takes to kill its leader, and to give back interfaces and cgroups. */
#define PATIENCE_USEC (UINT64_C(10) * 1000000)

#define FIRST_LOOK_USEC UINT64_C(500)
#define LAST_LOOK_USEC  UINT64_C(256000)

static Keeper *keeper_free(Keeper *keeper)
{
        if (!keeper)
                return NULL;
        LIST_REMOVE(keeper, others);
        if (keeper->container)
                keeper->container->keeper = NULL;
        sd_event_source_disable_unref(keeper->death);
        sd_event_source_disable_unref(keeper->patience);
        fd_close(keeper->pidfd);
        free(keeper->name);
        free(keeper);
        return NULL;
}

/* With the process goes the lock on its directory: what it left there is cleaned up by who takes it over. */
static void keeper_end(Keeper *keeper)
{
        Container *container = keeper->container;

        if (!container)
                eviction_of(keeper->manager, keeper->name);
        keeper_free(keeper);
        if (container)
                container_lost(container);
}

static int keeper_look(sd_event_source *source, uint64_t usec _unused_, void *userdata)
{
        Keeper *keeper = userdata;

        keeper->look_usec *= 2;
        if (keeper->look_usec > LAST_LOOK_USEC || !eviction_must_wait(keeper->manager, keeper->name) ||
            sd_event_source_set_time_relative(source, keeper->look_usec) < 0 ||
            sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0)
                keeper_end(keeper);
        return 0;
}

/*
 * Whom it had only just cloned has the lock, too, until it has let go of it or heard that it is to die; where that takes
 * longer, somebody else has the name by now.
 */
static int keeper_died(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata)
{
        Keeper *keeper = userdata;
        Result result;
        int status;

        process_wait(fd, &result, &status); /* of a supervisor that isn't our child its parent takes the status */
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        keeper->patience = sd_event_source_disable_unref(keeper->patience);
        keeper->look_usec = FIRST_LOOK_USEC;
        if (!eviction_must_wait(keeper->manager, keeper->name) ||
            sd_event_add_time_relative(keeper->manager->event, &keeper->patience, CLOCK_MONOTONIC, keeper->look_usec, 1,
                                       keeper_look, keeper) < 0)
                keeper_end(keeper);
        return 0;
}

int keeper_begin(Container *container, int pidfd, pid_t pid)
{
        Manager *manager = container->manager;
        Keeper *keeper = calloc(1, sizeof(*keeper));

        if (!keeper) {
                fd_close(pidfd);
                return -ENOMEM;
        }
        *keeper = (Keeper){.manager = manager, .pidfd = pidfd, .pid = pid, .container = container};
        container->keeper = keeper;
        container->supervisor = pid;
        LIST_INSERT_HEAD(&manager->keepers, keeper, others);
        keeper->name = strdup(container->name);
        int r = keeper->name ? sd_event_add_io(manager->event, &keeper->death, pidfd, EPOLLIN, keeper_died, keeper)
                             : -ENOMEM;
        /* After everything that the supervisor has still said on its link. */
        if (r >= 0)
                r = sd_event_source_set_priority(keeper->death, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                keeper_free(keeper);
        return r;
}

/* A supervisor that was seen before its container was anybody's is held once. */
static void keeper_free_former(Manager *manager, const char *name, pid_t pid)
{
        Keeper *keeper;

        LIST_FOREACH(keeper, &manager->keepers, others) {
                if (keeper->container || keeper->pid != pid || strcmp(keeper->name, name) != 0)
                        continue;
                keeper_free(keeper);
                return;
        }
}

int keeper_find(Container *container, int socket)
{
        struct ucred peer;
        socklen_t length = sizeof(peer);

        /* Of a listening socket these are the credentials of who listened: the supervisor, alive as it answers. */
        if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return -errno;
        int pidfd = pidfd_open(peer.pid, 0);
        keeper_free_former(container->manager, container->name, peer.pid);
        return pidfd < 0 ? -errno : keeper_begin(container, pidfd, peer.pid);
}

int keeper_rename(Keeper *keeper, const char *name)
{
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;
        free(keeper->name);
        keeper->name = copy;
        return 0;
}

static int keeper_out_of_patience(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        const Keeper *keeper = userdata;

        process_signal(keeper->pidfd, SIGKILL);
        return 0;
}

void keeper_expect_end(Container *container)
{
        Keeper *keeper = container->keeper;

        if (keeper && !keeper->patience &&
            sd_event_add_time_relative(keeper->manager->event, &keeper->patience, CLOCK_BOOTTIME, PATIENCE_USEC, 0,
                                       keeper_out_of_patience, keeper) < 0)
                process_signal(keeper->pidfd, SIGKILL);
}

void keeper_let_go(Container *container)
{
        if (container->keeper) {
                container->keeper->container = NULL;
                container->keeper->owner = container->owner;
        }
        container->keeper = NULL;
}

unsigned keepers_of(const Manager *manager, uid_t owner)
{
        const Keeper *keeper;
        unsigned n = 0;

        LIST_FOREACH(keeper, &manager->keepers, others)
                n += (keeper->container ? keeper->container->owner : keeper->owner) == owner;
        return n;
}

void keepers_free(Manager *manager)
{
        while (!LIST_EMPTY(&manager->keepers))
                keeper_free(LIST_FIRST(&manager->keepers));
}
