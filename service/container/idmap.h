/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps of ids
 *
 * Which ids of a container are which ids of the host, for uids and gids. Root writes them from outside, once, before
 * the leader takes on any of them; whoever wants to know later what a container may be reads them back from the
 * kernel: user_namespaces(7).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/identity.h"
#include "container/spec.h"
#include "container/users.h"

typedef struct IdMaps {
        IdMap *uids;
        size_t n_uids;
        IdMap *gids;
        size_t n_gids;
        /*
         * Nobody inside may change supplementary groups. So it is for callers whose own gid is the only one mapped: to
         * drop a group could open what is closed to that group's members (user_namespaces(7); CVE-2018-7169).
         */
        bool is_setgroups_denied;
} IdMaps;

/* Ids of the host that somebody was granted: subuid(5), subgid(5). */
typedef struct IdRange {
        uint32_t first;
        uint32_t count;
} IdRange;

IdMaps *idmaps_free(IdMaps *maps);
DEFINE_CLEANUP(IdMaps, idmaps_free)

/** idmap_is_broken() - would the kernel refuse the list: empty or overlapping stretches, too many, beyond 32 bits */
bool idmap_is_broken(const IdMap *maps, size_t n);

/** idmap_validate() - the same with a sentence. Return: 0; -EINVAL with InvalidOption that names the stretch. */
int idmap_validate(const IdMap *maps, size_t n, Failure *failure);

/** idmap_to_host() - the host's id of the container's @id. Return: false when it has none. */
bool idmap_to_host(const IdMap *maps, size_t n, uint32_t id, uint32_t *ret);

/** idmap_to_container() - the container's id of the host's @id. Return: false when it has none. */
bool idmap_to_container(const IdMap *maps, size_t n, uint32_t id, uint32_t *ret);

/**
 * idmap_confined() - UserMaps for a confined caller who gave none
 * @identity:  of the caller
 * @uids:      granted by subuid(5); may be NULL when there are none
 * @gids:      granted by subgid(5)
 * @ret:       the caller's: 0 is the caller, 1 and so on are what was granted for uids and gids alike
 *
 * Return: 0; -errno.
 */
int idmap_confined(const Identity *identity, const IdRange *uids, size_t n_uids, const IdRange *gids, size_t n_gids,
                   IdMap **ret, size_t *ret_n);

/**
 * idmap_is_within() - does the list map nothing but @own and granted ids
 *
 * The host's 0 is never within, whatever was granted.
 */
bool idmap_is_within(const IdMap *maps, size_t n, uint32_t own, const IdRange *ranges, size_t n_ranges);

/**
 * idmaps_decide() - the maps of a container
 * @spec:  with a user namespace, spec_has_user_namespace()
 * @user:  mapped to itself where the spec has no UserMaps; may be NULL where it has
 * @ret:   the caller's
 *
 * UserMaps are for uids and gids alike, but where a confined caller's own uid is mapped, so is the caller's own gid, and
 * the group with the number of that uid isn't. So UserMaps are within a caller's authority when both of these say so:
 * idmap_is_within() with uid and uid ranges, and with uid and gid ranges.
 *
 * Return: 0; -EINVAL with InvalidOption; -errno.
 */
int idmaps_decide(const Spec *spec, const Identity *identity, const User *user, IdMaps **ret, Failure *failure);

/**
 * idmaps_write() - give a new user namespace its maps
 * @proc:  /proc/PID of a process in it, borrowed; ours are the capabilities in the namespace above
 *
 * Return: 0; -errno.
 */
int idmaps_write(int proc, const IdMaps *maps, Failure *failure);

/**
 * idmaps_read() - the maps of a process's user namespace, as our own user namespace sees them
 * @proc:  /proc/PID, borrowed. What is read counts only if the process's pidfd is alive afterwards.
 * @ret:   the caller's
 *
 * Return: 0; -errno.
 */
int idmaps_read(int proc, IdMaps **ret);
