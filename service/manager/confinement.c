/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/confinement.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "common/fd.h"
#include "common/process.h"
#include "container/idmap.h"

/* Does the User of the spec mean the caller. */
static bool is_caller(const char *user, const Account *account)
{
        char number[16];

        snprintf(number, sizeof(number), "%u", (unsigned)account->uid);
        return strcmp(user, number) == 0 || strcmp(user, account->name) == 0;
}

static bool maps_are_within(const Spec *spec, const Account *account)
{
        return idmap_is_within(spec->user_maps, spec->n_user_maps, account->uid, account->uids, account->n_uids) &&
               idmap_is_within(spec->user_maps, spec->n_user_maps, account->uid, account->gids, account->n_gids);
}

/* The first thing in the spec that no ordinary user could do alone; NULL when there is none. */
static const char *find_reason(const Spec *spec, const Account *account)
{
        if (spec->shared_namespaces & CLONE_NEWUSER)
                return "option 'SharedNamespaces' keeps the host's user namespace";
        if (spec->n_interfaces > 0)
                return "option 'Interfaces' reaches the host's network";
        if (spec->cgroups && *spec->cgroups)
                return "option 'Cgroups' makes cgroups of the host's";
        if (spec->n_user_maps > 0 && !maps_are_within(spec, account))
                return "option 'UserMaps' maps ids that are not the caller's";
        return NULL;
}

/*
 * The caller is root inside, with the ids that were granted after it; only a User that is the caller is mapped to
 * itself, as the original did it.
 */
static int complete_maps(Spec *spec, const Account *account, const Identity *identity)
{
        if (spec->n_user_maps > 0)
                return 0;
        if (!spec->user || !is_caller(spec->user, account))
                return idmap_confined(identity, account->uids, account->n_uids, account->gids, account->n_gids,
                                      &spec->user_maps, &spec->n_user_maps);
        spec->user_maps = malloc(sizeof(*spec->user_maps));
        if (!spec->user_maps)
                return -ENOMEM;
        spec->user_maps[0] = (IdMap){.container = account->uid, .host = account->uid, .count = 1};
        spec->n_user_maps = 1;
        return 0;
}

int confinement_decide(Spec *spec, const Account *account, Confinement *ret)
{
        *ret = (Confinement){};
        if (!account)
                return 0;
        ret->reason = find_reason(spec, account);
        if (ret->reason)
                return 0;
        const Identity identity = {
                .uid = account->uid,
                .gid = account->gid,
                .groups = account->groups,
                .n_groups = account->n_groups,
                .is_confined = true,
        };
        int r = complete_maps(spec, account, &identity);
        if (r >= 0)
                r = identity_copy(&identity, &ret->identity);
        ret->is_confined = r >= 0;
        return r;
}

void confinement_done(Confinement *confinement)
{
        identity_done(&confinement->identity);
        *confinement = (Confinement){};
}

static bool is_own_user_namespace(int proc)
{
        _cleanup_(fd_closep) int theirs = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
        _cleanup_(fd_closep) int ours = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);

        return theirs < 0 || ours < 0 || fd_is_same_file(theirs, ours) != 0;
}

bool confinement_holds(int pidfd, const Account *account)
{
        _cleanup_(idmaps_freep) IdMaps *maps = NULL;
        char path[32];

        pid_t pid = pidfd >= 0 ? process_pid(pidfd) : -EBADF;
        if (pid <= 0)
                return false;
        snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        _cleanup_(fd_closep) int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || is_own_user_namespace(proc) || idmaps_read(proc, &maps) < 0)
                return false;
        if (maps->n_uids == 0 || maps->n_gids == 0)
                return false;
        return idmap_is_within(maps->uids, maps->n_uids, account->uid, account->uids, account->n_uids) &&
               idmap_is_within(maps->gids, maps->n_gids, account->gid, account->gids, account->n_gids) &&
               process_is_alive(pidfd);
}
