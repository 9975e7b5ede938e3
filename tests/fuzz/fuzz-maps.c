/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps of ids, as the kernel shows them: uid_map, a line "--", gid_map. What was read is looked up both ways, and
 * written as the same maps again.
 */
#include <stdbool.h>
#include <string.h>

#include "container/idmap.h"
#include "fuzz.h"

static void check_map(const IdMap *maps, size_t n)
{
        uint32_t there, back;

        if (idmap_is_broken(maps, n))
                return;
        for (size_t i = 0; i < n; i++) {
                uint32_t last = maps[i].container + (maps[i].count - 1);
                fuzz_check(maps[i].count > 0 && last >= maps[i].container);
                fuzz_check(idmap_to_host(maps, n, maps[i].container, &there) && there == maps[i].host);
                fuzz_check(idmap_to_host(maps, n, last, &there) && there == maps[i].host + (maps[i].count - 1));
                fuzz_check(idmap_to_container(maps, n, there, &back) && back == last);
        }
}

static bool is_same(const IdMap *one, size_t n_one, const IdMap *other, size_t n_other)
{
        return n_one == n_other && (n_one == 0 || memcmp(one, other, n_one * sizeof(*one)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char separator[] = "--\n", allow[] = "allow\n";
        _cleanup_(idmaps_freep) IdMaps *maps = NULL, *again = NULL;
        const char *text = (const char *)data, *cut = memmem(text, size, separator, strlen(separator));
        size_t n_uids = cut ? (size_t)(cut - text) : size, n_gids = cut ? size - n_uids - strlen(separator) : 0;
        Failure failure = {};

        fuzz_put("uid_map", text, n_uids);
        fuzz_put("gid_map", text + size - n_gids, n_gids);
        fuzz_put("setgroups", allow, strlen(allow));
        if (idmaps_read(fuzz_directory(), &maps) < 0)
                return 0;
        check_map(maps->uids, maps->n_uids);
        check_map(maps->gids, maps->n_gids);
        fuzz_put("uid_map", "", 0);
        fuzz_put("gid_map", "", 0);
        int r = idmaps_write(fuzz_directory(), maps, &failure);
        if (r == -E2BIG) /* longer than a page */
                return 0;
        fuzz_check(r == 0);
        fuzz_check(idmaps_read(fuzz_directory(), &again) == 0);
        fuzz_check(is_same(maps->uids, maps->n_uids, again->uids, again->n_uids));
        fuzz_check(is_same(maps->gids, maps->n_gids, again->gids, again->n_gids));
        return 0;
}
