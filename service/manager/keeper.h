/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeper
 *
 * A supervisor as a process: held by pidfd from its start, or from the day a new manager found it, to its death, and
 * then cleaned up after. It outlives what a manager thinks of the container: a creation may be given up while its
 * supervisor is still about to end, and its directory is nobody's only when it has.
 */
#pragma once

#include "manager/claim.h"
#include "manager/container.h"

struct Keeper {
        LIST_ENTRY(Keeper) others;
        Manager *manager;
        Container *container; /* NULL once nobody is interested */
        char *name;           /* of the directory */
        int pidfd;
        pid_t pid;   /* for people to read */
        uid_t owner; /* of the container that it had */
        sd_event_source *death;
        sd_event_source *patience; /* how long it may take to end; then, to the next look at its lock */
        uint64_t look_usec;        /* from the one to the next */
};

/** keeper_begin() - hold our child @pid, the supervisor of a new container; @pidfd is consumed. Return: 0; -errno. */
int keeper_begin(Container *container, int pidfd, pid_t pid);

/** keeper_find() - hold the supervisor at the other end of @socket, which is not our child. Return: 0; -errno. */
int keeper_find(Container *container, int socket);

/** keeper_rename() - the directory has got another name. Return: 0; -ENOMEM. */
int keeper_rename(Keeper *keeper, const char *name);

/**
 * keeper_expect_end() - what @container was to be has been given up by us, who made its supervisor: it is about to end
 *
 * One that doesn't, say because its leader hangs in a file system that doesn't answer, is killed; else it would have the
 * name for good, of a container that nobody can see.
 */
void keeper_expect_end(Container *container);

/** keeper_let_go() - the container is no longer seen; the keeper remains until it is dead */
void keeper_let_go(Container *container);

/** keepers_of() - how many supervisors there are for the containers of @owner, whatever has become of those */
unsigned keepers_of(const Manager *manager, uid_t owner);

/** keepers_free() - the manager ends: supervisors go on */
void keepers_free(Manager *manager);
