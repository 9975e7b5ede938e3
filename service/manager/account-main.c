/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-account: asks the host's user database about one uid and writes the answer to descriptor 3
 *
 * It runs NSS modules and libsubid's, so that the manager never does.
 */
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <shadow/subid.h>

#include "common/fd.h"
#include "manager/account.h"

enum { ANSWER_FD = 3, DATABASE_BUFFER_BYTES = 64 * 1024 };

/* A number that doesn't fit would stand for another id, perhaps the host's 0. */
static bool is_range(const struct subid_range *range)
{
        return range->start <= UINT32_MAX && range->count <= UINT32_MAX - range->start;
}

static size_t read_ranges(const char *owner, int (*get)(const char *, struct subid_range **), IdRange *ranges)
{
        struct subid_range *found = NULL;
        int n = get(owner, &found);

        size_t n_ranges = 0;
        for (int i = 0; i < n && n_ranges < ACCOUNT_LIST_MAX; i++)
                if (is_range(&found[i]))
                        ranges[n_ranges++] = (IdRange){.first = (uint32_t)found[i].start,
                                                       .count = (uint32_t)found[i].count};
        free(found);
        return n_ranges;
}

static int write_answer(const AccountHeader *header, const gid_t *groups, const IdRange *uids, const IdRange *gids)
{
        int r = fd_write_all(ANSWER_FD, header, sizeof(*header));

        if (r >= 0)
                r = fd_write_all(ANSWER_FD, groups, header->n_groups * sizeof(*groups));
        if (r >= 0)
                r = fd_write_all(ANSWER_FD, uids, header->n_uids * sizeof(*uids));
        if (r >= 0)
                r = fd_write_all(ANSWER_FD, gids, header->n_gids * sizeof(*gids));
        return r;
}

/* A uid without an entry has nothing: no group of its own that could be trusted, no ranges. */
static int find_account(uid_t uid, AccountHeader *header, gid_t *groups, IdRange *uids, IdRange *gids)
{
        static char buffer[DATABASE_BUFFER_BYTES];
        struct passwd entry, *found = NULL;
        int n = ACCOUNT_LIST_MAX;

        int r = getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found);
        if (r != 0)
                return -r;
        if (!found)
                return -ENOENT;
        if (strlen(entry.pw_name) >= sizeof(header->name))
                return -ENAMETOOLONG;
        strcpy(header->name, entry.pw_name);
        header->gid = entry.pw_gid;
        if (getgrouplist(entry.pw_name, entry.pw_gid, groups, &n) < 0)
                return -E2BIG;
        header->n_groups = (uint32_t)n;
        FILE *silence = fopen("/dev/null", "we");
        subid_init("pflask-account", silence);
        header->n_uids = (uint32_t)read_ranges(entry.pw_name, subid_get_uid_ranges, uids);
        header->n_gids = (uint32_t)read_ranges(entry.pw_name, subid_get_gid_ranges, gids);
        return 0;
}

int main(int argc, char **argv)
{
        static gid_t groups[ACCOUNT_LIST_MAX];
        static IdRange uids[ACCOUNT_LIST_MAX], gids[ACCOUNT_LIST_MAX];
        AccountHeader header = {};
        unsigned long uid;
        char *end;

        errno = 0;
        if (argc != 2 || (uid = strtoul(argv[1], &end, 10), errno || *end || uid >= UINT32_MAX))
                return EXIT_FAILURE;
        if (find_account((uid_t)uid, &header, groups, uids, gids) < 0)
                return EXIT_FAILURE;
        return write_answer(&header, groups, uids, gids) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
