/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

/* user_namespaces(7): as many lines, written in one write(2) that is shorter than a page. */
enum { LINES_MAX = 340, TEXT_MAX_BYTES = 4096 - 1, LINE_MAX_BYTES = 3 * 11 + 1 };

IdMaps *idmaps_free(IdMaps *maps)
{
        int saved = errno;

        if (!maps)
                return NULL;
        free(maps->uids);
        free(maps->gids);
        free(maps);
        errno = saved;
        return NULL;
}

/* ---- checks ---- */

static int map_print(const IdMap *map, char text[static LINE_MAX_BYTES])
{
        return snprintf(text, LINE_MAX_BYTES, "%u %u %u\n", map->container, map->host, map->count);
}

/* The highest id stands for "no id", so a stretch ends below it. */
static bool map_is_valid(const IdMap *map)
{
        uint64_t count = map->count;

        return count > 0 && map->container + count <= UINT32_MAX && map->host + count <= UINT32_MAX;
}

static bool stretches_overlap(uint32_t one, uint32_t one_count, uint32_t other, uint32_t other_count)
{
        return one < (uint64_t)other + other_count && other < (uint64_t)one + one_count;
}

static bool maps_overlap(const IdMap *one, const IdMap *other)
{
        return stretches_overlap(one->container, one->count, other->container, other->count) ||
               stretches_overlap(one->host, one->count, other->host, other->count);
}

/* Finds the first stretch that can't be. Return: its index; -1 when there is none. */
static int idmap_find_broken(const IdMap *maps, size_t n, const char **ret_why)
{
        char line[LINE_MAX_BYTES];
        int bytes = 0;

        for (size_t i = 0; i < n; i++) {
                *ret_why = "is empty or goes beyond 32 bits";
                if (!map_is_valid(&maps[i]))
                        return (int)i;
                *ret_why = "is more than a user namespace can have";
                bytes += map_print(&maps[i], line);
                if (i >= LINES_MAX || bytes > TEXT_MAX_BYTES)
                        return (int)i;
                *ret_why = "overlaps an earlier one";
                for (size_t j = 0; j < i; j++)
                        if (maps_overlap(&maps[i], &maps[j]))
                                return (int)i;
        }
        return -1;
}

bool idmap_is_broken(const IdMap *maps, size_t n)
{
        const char *why;

        return idmap_find_broken(maps, n, &why) >= 0;
}

int idmap_validate(const IdMap *maps, size_t n, Failure *failure)
{
        const char *why;
        int i = idmap_find_broken(maps, n, &why);

        if (i < 0)
                return 0;
        return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION, "option 'UserMaps': %u:%u:%u %s",
                           maps[i].container, maps[i].host, maps[i].count, why);
}

/* ---- translation ---- */

bool idmap_to_host(const IdMap *maps, size_t n, uint32_t id, uint32_t *ret)
{
        for (size_t i = 0; i < n; i++)
                if (id >= maps[i].container && id - maps[i].container < maps[i].count) {
                        *ret = maps[i].host + (id - maps[i].container);
                        return true;
                }
        return false;
}

bool idmap_to_container(const IdMap *maps, size_t n, uint32_t id, uint32_t *ret)
{
        for (size_t i = 0; i < n; i++)
                if (id >= maps[i].host && id - maps[i].host < maps[i].count) {
                        *ret = maps[i].container + (id - maps[i].host);
                        return true;
                }
        return false;
}

/* ---- what was granted ---- */

/* How many of the host's ids from @id on, at most @count, were granted in one go. */
static uint32_t range_reach(const IdRange *ranges, size_t n, uint32_t own, uint32_t id, uint32_t count)
{
        uint64_t reach = id == own;

        for (size_t i = 0; i < n; i++) {
                uint64_t end = (uint64_t)ranges[i].first + ranges[i].count;
                if (id >= ranges[i].first && id < end && end - id > reach)
                        reach = end - id;
        }
        return reach < count ? (uint32_t)reach : count;
}

bool idmap_is_within(const IdMap *maps, size_t n, uint32_t own, const IdRange *ranges, size_t n_ranges)
{
        for (size_t i = 0; i < n; i++) {
                uint32_t id = maps[i].host, left = maps[i].count;
                if (id == 0 || !map_is_valid(&maps[i]))
                        return false;
                while (left > 0) {
                        uint32_t reach = range_reach(ranges, n_ranges, own, id, left);
                        if (reach == 0)
                                return false;
                        id += reach;
                        left -= reach;
                }
        }
        return true;
}

/* The list that idmap_confined() fills. What no longer fits is left out: the first ids are the ones that count. */
typedef struct MapList {
        IdMap maps[LINES_MAX];
        size_t n;
        uint32_t next; /* id of the container */
} MapList;

static void list_add(MapList *list, uint64_t first, uint64_t end)
{
        if (end > UINT32_MAX)
                end = UINT32_MAX;
        if (first >= end || list->n >= LINES_MAX)
                return;
        IdMap map = {.container = list->next, .host = (uint32_t)first, .count = (uint32_t)(end - first)};
        list->maps[list->n++] = map;
        if (idmap_is_broken(list->maps, list->n))
                list->n--;
        else
                list->next += map.count;
}

/* Adds first to end, but for those of @holes (ascending) that lie between them. */
static void list_add_around(MapList *list, uint64_t first, uint64_t end, const uint32_t *holes, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (holes[i] < first || holes[i] >= end)
                        continue;
                list_add(list, first, holes[i]);
                first = (uint64_t)holes[i] + 1;
        }
        list_add(list, first, end);
}

int idmap_confined(const Identity *identity, const IdRange *uids, size_t n_uids, const IdRange *gids, size_t n_gids,
                   IdMap **ret, size_t *ret_n)
{
        /* The host's root is nobody's to grant; the caller's own ids are mapped already, to the container's root. */
        bool is_uid_lower = identity->uid < identity->gid;
        const uint32_t holes[] = {
                0,
                is_uid_lower ? identity->uid : identity->gid,
                is_uid_lower ? identity->gid : identity->uid,
        };
        _cleanup_(freep) MapList *list = calloc(1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        list_add(list, identity->uid, (uint64_t)identity->uid + 1);
        for (size_t i = 0; i < n_uids; i++)
                for (size_t j = 0; j < n_gids; j++) {
                        uint64_t uid_end = (uint64_t)uids[i].first + uids[i].count;
                        uint64_t gid_end = (uint64_t)gids[j].first + gids[j].count;
                        list_add_around(list, uids[i].first > gids[j].first ? uids[i].first : gids[j].first,
                                        uid_end < gid_end ? uid_end : gid_end, holes, ELEMENTS(holes));
                }
        *ret = reallocarray(NULL, list->n, sizeof(IdMap));
        if (!*ret)
                return -ENOMEM;
        memcpy(*ret, list->maps, list->n * sizeof(IdMap));
        *ret_n = list->n;
        return 0;
}

/* ---- the maps of a container ---- */

static int maps_copy(const IdMap *maps, size_t n, IdMap **ret, size_t *ret_n)
{
        *ret = reallocarray(NULL, n, sizeof(IdMap));
        if (!*ret)
                return -ENOMEM;
        memcpy(*ret, maps, n * sizeof(IdMap));
        *ret_n = n;
        return 0;
}

/*
 * Makes the gids of a confined caller of what was given for both. Where the caller's own uid is, there is the own gid,
 * and no other: the group that happens to have the number of the uid is somebody else's. A uid that is mapped to
 * itself means a gid that is.
 */
static int maps_use_own_gid(const Identity *identity, const IdMap *given, size_t n, IdMap **ret, size_t *ret_n)
{
        _cleanup_(freep) IdMap *gids = reallocarray(NULL, n * 3, sizeof(*gids));
        size_t n_gids = 0;

        if (!gids)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                uint32_t before = identity->uid - given[i].host;
                if (identity->uid < given[i].host || before >= given[i].count) {
                        gids[n_gids++] = given[i];
                        continue;
                }
                uint32_t own = given[i].container + before;
                uint32_t after = given[i].count - before - 1;
                if (before > 0)
                        gids[n_gids++] = (IdMap){given[i].container, given[i].host, before};
                gids[n_gids++] = (IdMap){own == identity->uid ? identity->gid : own, identity->gid, 1};
                if (after > 0)
                        gids[n_gids++] = (IdMap){own + 1, identity->uid + 1, after};
        }
        *ret = TAKE_PTR(gids);
        *ret_n = n_gids;
        return 0;
}

static bool maps_are_only(const IdMap *maps, size_t n, uint32_t id)
{
        for (size_t i = 0; i < n; i++)
                if (maps[i].host != id || maps[i].count != 1)
                        return false;
        return true;
}

/* Fills the maps of @user alone, mapped to itself. */
static int maps_of_user(const User *user, IdMaps *maps)
{
        const IdMap uid = {user->uid, user->uid, 1}, gid = {user->gid, user->gid, 1};
        int r = maps_copy(&uid, 1, &maps->uids, &maps->n_uids);

        return r < 0 ? r : maps_copy(&gid, 1, &maps->gids, &maps->n_gids);
}

static int maps_of_spec(const Spec *spec, const Identity *identity, IdMaps *maps)
{
        int r = maps_copy(spec->user_maps, spec->n_user_maps, &maps->uids, &maps->n_uids);

        if (r < 0)
                return r;
        if (identity->is_confined)
                return maps_use_own_gid(identity, spec->user_maps, spec->n_user_maps, &maps->gids, &maps->n_gids);
        return maps_copy(spec->user_maps, spec->n_user_maps, &maps->gids, &maps->n_gids);
}

int idmaps_decide(const Spec *spec, const Identity *identity, const User *user, IdMaps **ret, Failure *failure)
{
        _cleanup_(idmaps_freep) IdMaps *maps = calloc(1, sizeof(*maps));

        if (spec->n_user_maps == 0 && !user)
                return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                                   "a user namespace needs the option 'UserMaps' or 'User'");
        int r = idmap_validate(spec->user_maps, spec->n_user_maps, failure);
        if (r < 0)
                return r;
        if (maps)
                r = spec->n_user_maps > 0 ? maps_of_spec(spec, identity, maps) : maps_of_user(user, maps);
        if (!maps || r < 0)
                return failure_step(failure, -ENOMEM, "make", "the user map", NULL);
        maps->is_setgroups_denied = identity->is_confined && maps_are_only(maps->gids, maps->n_gids, identity->gid);
        r = idmap_validate(maps->gids, maps->n_gids, failure);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(maps);
        return 0;
}

/* ---- the kernel's files ---- */

static int proc_write(int proc, const char *name, const char *text, Failure *failure)
{
        _cleanup_(fd_closep) int fd = openat(proc, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return failure_step(failure, -errno, "open", name, "the user namespace");
        /* In one write(2): the kernel takes a second one for a second map, and there is none. */
        ssize_t n = write(fd, text, strlen(text));
        if (n < 0)
                return failure_step(failure, -errno, "write", name, "the user namespace");
        return 0;
}

static int map_write(int proc, const char *name, const IdMap *maps, size_t n, Failure *failure)
{
        char text[TEXT_MAX_BYTES + LINE_MAX_BYTES] = "";
        size_t length = 0;

        for (size_t i = 0; i < n; i++) {
                length += (size_t)map_print(&maps[i], text + length);
                if (length > TEXT_MAX_BYTES)
                        return failure_step(failure, -E2BIG, "write", name, "the user namespace");
        }
        return proc_write(proc, name, text, failure);
}

int idmaps_write(int proc, const IdMaps *maps, Failure *failure)
{
        int r = 0;

        if (maps->is_setgroups_denied)
                r = proc_write(proc, "setgroups", "deny", failure);
        if (r >= 0)
                r = map_write(proc, "uid_map", maps->uids, maps->n_uids, failure);
        if (r >= 0)
                r = map_write(proc, "gid_map", maps->gids, maps->n_gids, failure);
        return r;
}

static int map_read(int proc, const char *name, IdMap **ret, size_t *ret_n)
{
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) IdMap *maps = calloc(LINES_MAX, sizeof(*maps));
        size_t n = 0;

        if (!maps)
                return -ENOMEM;
        int r = fd_read_file(proc, name, LINES_MAX * (LINE_MAX_BYTES + 3), &text, NULL);
        if (r < 0)
                return r;
        for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line; n++)
                if (n >= LINES_MAX || sscanf(line, "%u %u %u", &maps[n].container, &maps[n].host, &maps[n].count) != 3)
                        return -EPROTO;
        *ret = TAKE_PTR(maps);
        *ret_n = n;
        return 0;
}

int idmaps_read(int proc, IdMaps **ret)
{
        _cleanup_(idmaps_freep) IdMaps *maps = calloc(1, sizeof(*maps));
        _cleanup_(freep) char *setgroups = NULL;

        if (!maps)
                return -ENOMEM;
        int r = map_read(proc, "uid_map", &maps->uids, &maps->n_uids);
        if (r >= 0)
                r = map_read(proc, "gid_map", &maps->gids, &maps->n_gids);
        if (r >= 0)
                r = fd_read_file(proc, "setgroups", 16, &setgroups, NULL);
        if (r < 0)
                return r;
        maps->is_setgroups_denied = strncmp(setgroups, "deny", 4) == 0;
        *ret = TAKE_PTR(maps);
        return 0;
}
