/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity
 *
 * Whose authority the set-up of a container has. Of a confined container it is the caller's: uid, gid and groups as
 * the bus and the user database tell them, taken on before the first path is resolved, so that the kernel itself
 * refuses what the caller could not have done.
 *
 * It is taken on in three steps: the groups before clone3(2), as they cannot be set where they aren't mapped; the ids
 * in the leader once its maps are written; and last, just before execve(2), those of the user who runs the command.
 * Each change of ids makes the process undumpable and forgets PR_SET_PDEATHSIG: prctl(2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/macros.h"
#include "container/failure.h"

typedef struct Capabilities Capabilities;
typedef struct IdMaps IdMaps;
typedef struct User User;

typedef struct Identity {
        uid_t uid;
        gid_t gid;
        gid_t *groups;
        size_t n_groups;
        bool is_confined; /* false: the set-up has root's authority */
} Identity;

/** identity_copy() - Return: 0, filling @ret, which is then the caller's to be done with; -ENOMEM. */
int identity_copy(const Identity *identity, Identity *ret);

/** identity_done() - free what it holds */
void identity_done(Identity *identity);

/* Supplementary groups that somebody will want back. */
typedef struct Groups {
        gid_t *ids;
        size_t n;
} Groups;

/**
 * identity_lend_groups() - have the groups of a confined caller for the length of one clone3(2)
 * @ret:  the own groups, for identity_return_groups(), which must be called whatever happens in between
 *
 * A process in a user namespace can set only groups that are mapped there, but it keeps those that it came with. So
 * the supervisor has them for a moment, and the leader from its first instant. Does nothing for others' identities.
 *
 * Return: 0; -errno, and then nothing has changed.
 */
int identity_lend_groups(const Identity *identity, Groups *ret, Failure *failure);

/** identity_return_groups() - have the own groups again, and free @groups. Return: 0; -errno: end the process. */
int identity_return_groups(Groups *groups);

/**
 * identity_assume() - in a new user namespace: become whose authority the set-up has
 * @maps:  those of the namespace, which have been written
 *
 * A confined container's set-up is the caller. Otherwise, or if the caller isn't mapped, it is root of the container,
 * or the lowest id that it has: any id of the maps of a confined container was granted to the caller. Groups of the
 * supervisor are dropped; those of a confined caller stay. Every capability in the namespace is kept.
 *
 * Return: 0; -errno.
 */
int identity_assume(const Identity *identity, const IdMaps *maps, Failure *failure);

/**
 * identity_become_caller() - in the host's user namespace: be the caller of a confined container, for good
 *
 * Groups, gid and uid, and no capability: what follows is refused by the kernel as it would be refused to the caller.
 * Whoever traces processes of that uid can't trace this one. Does nothing for others' identities.
 *
 * Return: 0; -errno, and then only _exit(2) is left.
 */
int identity_become_caller(const Identity *identity, Failure *failure);

/**
 * identity_become() - last before execve(2): become the user who runs the command, with the capabilities it shall have
 * @user:          borrowed
 * @maps:          of the process's user namespace; NULL: it is the host's
 * @capabilities:  as the spec has them
 *
 * Groups first, then gid, then uid, all read back: credentials(7). Groups that aren't mapped are left out. A confined
 * caller who stays the caller keeps the caller's groups: to drop one could open what is closed to its members.
 *
 * Return: 0; -EINVAL with InvalidOption when the user isn't mapped; -errno. After a failure only _exit(2) is left.
 */
int identity_become(const User *user, const Identity *identity, const IdMaps *maps, const Capabilities *capabilities,
                    Failure *failure);
