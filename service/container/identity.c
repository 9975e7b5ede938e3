/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/identity.h"

#include <grp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "container/capabilities.h"
#include "container/idmap.h"
#include "container/users.h"

int identity_copy(const Identity *identity, Identity *ret)
{
        gid_t *groups = NULL;

        if (identity->n_groups > 0) {
                groups = reallocarray(NULL, identity->n_groups, sizeof(gid_t));
                if (!groups)
                        return -ENOMEM;
                memcpy(groups, identity->groups, identity->n_groups * sizeof(gid_t));
        }
        *ret = *identity;
        ret->groups = groups;
        return 0;
}

void identity_done(Identity *identity)
{
        freep(&identity->groups);
        *identity = (Identity){};
}

/* ---- groups ---- */

static int groups_get(Groups *ret)
{
        int n = getgroups(0, NULL);

        if (n < 0)
                return -errno;
        gid_t *ids = reallocarray(NULL, (size_t)n + 1, sizeof(gid_t));
        if (!ids)
                return -ENOMEM;
        n = getgroups(n, ids);
        if (n < 0) {
                int r = -errno;
                free(ids);
                return r;
        }
        *ret = (Groups){.ids = ids, .n = (size_t)n};
        return 0;
}

int identity_lend_groups(const Identity *identity, Groups *ret, Failure *failure)
{
        Groups own = {};

        if (!identity->is_confined) {
                *ret = own;
                return 0;
        }
        int r = groups_get(&own);
        if (r >= 0 && setgroups(identity->n_groups, identity->groups) < 0)
                r = -errno;
        if (r < 0) {
                free(own.ids);
                return failure_step(failure, r, "take on", "the groups of the caller", NULL);
        }
        *ret = own;
        return 0;
}

int identity_return_groups(Groups *groups)
{
        int r = 0;

        if (groups->ids && setgroups(groups->n, groups->ids) < 0)
                r = -errno;
        freep(&groups->ids);
        *groups = (Groups){};
        return r;
}

/* Sets the groups of @user that the namespace knows. */
static int groups_set(const User *user, const IdMaps *maps)
{
        _cleanup_(freep) gid_t *groups = reallocarray(NULL, user->n_groups + 1, sizeof(gid_t));
        uint32_t host;
        size_t n = 0;

        if (!groups)
                return -ENOMEM;
        for (size_t i = 0; i < user->n_groups; i++)
                if (!maps || idmap_to_host(maps->gids, maps->n_gids, user->groups[i], &host))
                        groups[n++] = user->groups[i];
        if (setgroups(n, groups) < 0)
                return -errno;
        int n_set = getgroups(0, NULL);
        if (n_set < 0)
                return -errno;
        return n_set == (int)n ? 0 : -EPERM;
}

/* ---- ids ---- */

static int ids_set(uid_t uid, gid_t gid)
{
        uid_t uids[3];
        gid_t gids[3];

        if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                return -errno;
        if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
                return -errno;
        for (unsigned i = 0; i < 3; i++)
                if (uids[i] != uid || gids[i] != gid)
                        return -EPERM;
        /* What a change of ids makes of it is the host's setting, fs.suid_dumpable; execve(2) begins anew. */
        return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}

int identity_become_caller(const Identity *identity, Failure *failure)
{
        int r = 0;

        if (!identity->is_confined)
                return 0;
        if (setgroups(identity->n_groups, identity->groups) < 0)
                r = -errno;
        if (r >= 0)
                r = ids_set(identity->uid, identity->gid);
        return r < 0 ? failure_step(failure, r, "become", "the caller", NULL) : 0;
}

/* The container's root, or the lowest id that there is. */
static uint32_t idmap_lowest(const IdMap *maps, size_t n)
{
        uint32_t lowest = UINT32_MAX;

        for (size_t i = 0; i < n; i++)
                if (maps[i].container < lowest)
                        lowest = maps[i].container;
        return lowest;
}

int identity_assume(const Identity *identity, const IdMaps *maps, Failure *failure)
{
        uint32_t uid = idmap_lowest(maps->uids, maps->n_uids), gid = idmap_lowest(maps->gids, maps->n_gids);
        uint32_t own_uid, own_gid;
        int r = 0;

        if (!identity->is_confined) {
                if (setgroups(0, NULL) < 0)
                        r = -errno;
        } else if (idmap_to_container(maps->uids, maps->n_uids, identity->uid, &own_uid) &&
                   idmap_to_container(maps->gids, maps->n_gids, identity->gid, &own_gid)) {
                uid = own_uid;
                gid = own_gid;
        }
        if (r >= 0)
                r = capabilities_keep(true);
        if (r >= 0)
                r = ids_set(uid, gid);
        if (r >= 0)
                r = capabilities_raise();
        if (r >= 0)
                r = capabilities_keep(false);
        return r < 0 ? failure_step(failure, r, "take on", "an id of the user namespace", NULL) : 0;
}

/* Is it the caller of a confined container, who stays who that is. */
static bool user_is_caller(const User *user, const Identity *identity, const IdMaps *maps)
{
        uint32_t host;

        return identity->is_confined && maps && idmap_to_host(maps->uids, maps->n_uids, user->uid, &host) &&
               host == identity->uid;
}

static bool user_is_mapped(const User *user, const IdMaps *maps)
{
        uint32_t host;

        return !maps || (idmap_to_host(maps->uids, maps->n_uids, user->uid, &host) &&
                         idmap_to_host(maps->gids, maps->n_gids, user->gid, &host));
}

int identity_become(const User *user, const Identity *identity, const IdMaps *maps, const Capabilities *capabilities,
                    Failure *failure)
{
        const char *name = user->name ?: "with that number";
        CapabilitySets sets;

        if (!user_is_mapped(user, maps))
                return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                                   "user %s (uid %u, gid %u) is not in the user map", name, user->uid, user->gid);
        int r = capabilities_begin(capabilities, user->uid == 0, &sets, failure);
        if (r < 0)
                return r;
        if (!user_is_caller(user, identity, maps) && !(maps && maps->is_setgroups_denied))
                r = groups_set(user, maps);
        if (r >= 0)
                r = ids_set(user->uid, user->gid);
        if (r < 0)
                return failure_step(failure, r, "become user", name, NULL);
        return capabilities_finish(&sets, failure);
}
