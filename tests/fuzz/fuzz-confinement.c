/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether ids are the caller's. The input: a line "UID GID", then lines "u FIRST COUNT" and "g FIRST COUNT" for what
 * subuid(5) and subgid(5) grant, and "m CONTAINER HOST COUNT" for what UserMaps asks for. A container that counts as
 * confined maps no other id of the host, and never its 0.
 */
#include <stdbool.h>
#include <string.h>

#include "container/idmap.h"
#include "fuzz.h"
#include "manager/confinement.h"

enum { LIST_MAX = 16 };

typedef struct Grants {
        IdRange uids[LIST_MAX], gids[LIST_MAX];
        IdMap maps[LIST_MAX];
        size_t n_uids, n_gids, n_maps;
} Grants;

static void read_line(const char *line, Grants *grants)
{
        unsigned first, second, third;

        if (sscanf(line, "u %u %u", &first, &second) == 2 && grants->n_uids < LIST_MAX)
                grants->uids[grants->n_uids++] = (IdRange){.first = first, .count = second};
        else if (sscanf(line, "g %u %u", &first, &second) == 2 && grants->n_gids < LIST_MAX)
                grants->gids[grants->n_gids++] = (IdRange){.first = first, .count = second};
        else if (sscanf(line, "m %u %u %u", &first, &second, &third) == 3 && grants->n_maps < LIST_MAX)
                grants->maps[grants->n_maps++] = (IdMap){.container = first, .host = second, .count = third};
}

static bool is_granted(uint64_t id, uint32_t own, const IdRange *ranges, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (id >= ranges[i].first && id - ranges[i].first < ranges[i].count)
                        return true;
        return id == own;
}

/* Where a stretch leaves what is granted it does so behind a range, or at one of its own ends. */
static void check_stretch(uint64_t first, uint64_t count, uint32_t own, const IdRange *ranges, size_t n)
{
        uint64_t last = first + count - 1;

        fuzz_check(count > 0 && first > 0 && last < UINT32_MAX);
        fuzz_check(is_granted(first, own, ranges, n) && is_granted(last, own, ranges, n));
        fuzz_check(own < first || own >= last || is_granted((uint64_t)own + 1, own, ranges, n));
        for (size_t i = 0; i < n; i++) {
                uint64_t behind = (uint64_t)ranges[i].first + ranges[i].count;
                fuzz_check(behind < first || behind > last || is_granted(behind, own, ranges, n));
        }
}

/* One list stands for uids and gids alike, so the caller's own gid is known by the uid beside it. */
static void check_confined(const Spec *spec, const Account *account)
{
        fuzz_check(!idmap_is_broken(spec->user_maps, spec->n_user_maps));
        for (size_t i = 0; i < spec->n_user_maps; i++) {
                const IdMap *map = &spec->user_maps[i];
                check_stretch(map->host, map->count, account->uid, account->uids, account->n_uids);
                check_stretch(map->host, map->count, account->uid, account->gids, account->n_gids);
        }
}

static void decide(const Grants *grants, const Account *account)
{
        _cleanup_(spec_freep) Spec *spec = spec_new();
        Confinement confinement;

        fuzz_check(spec);
        spec->user_maps = malloc(sizeof(grants->maps));
        fuzz_check(spec->user_maps);
        memcpy(spec->user_maps, grants->maps, sizeof(grants->maps));
        spec->n_user_maps = grants->n_maps;
        if (grants->n_maps == 0) {
                free(spec->user_maps);
                spec->user_maps = NULL;
        }
        if (confinement_decide(spec, account, &confinement) < 0)
                return;
        fuzz_check(confinement.is_confined == !confinement.reason);
        if (confinement.is_confined && (grants->n_maps == 0 || !idmap_is_broken(grants->maps, grants->n_maps)))
                check_confined(spec, account);
        confinement_done(&confinement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Input input = input_of(data, size);
        unsigned uid = 0, gid = 0;
        Grants grants = {};

        char *line = input_line(&input);
        if (!line || sscanf(line, "%u %u", &uid, &gid) != 2 || uid == 0 || uid == UINT32_MAX) {
                free(line);
                return 0;
        }
        free(line);
        while ((line = input_line(&input))) {
                read_line(line, &grants);
                free(line);
        }
        const Account account = {
                .uid = uid,
                .gid = gid,
                .name = "somebody",
                .uids = grants.uids,
                .n_uids = grants.n_uids,
                .gids = grants.gids,
                .n_gids = grants.n_gids,
        };
        decide(&grants, &account);
        return 0;
}
