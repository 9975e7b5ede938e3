/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Account
 *
 * What the host's user database says of a uid: gid, groups, and the ids that subuid(5) and subgid(5) grant. The
 * database may be a server far away, so a program that lives for a moment asks it, pflask-account, and nobody waits.
 * Asked once a connection: as with a login session, what changes later counts from the next one on.
 */
#pragma once

#include "container/idmap.h"
#include "manager/manager.h"

typedef struct Caller Caller;

typedef struct Account {
        uid_t uid;
        gid_t gid;
        char name[256]; /* "" when the database has no name for the uid */
        gid_t *groups;
        size_t n_groups;
        IdRange *uids;
        size_t n_uids;
        IdRange *gids;
        size_t n_gids;
} Account;

typedef struct AccountQuery AccountQuery;

/**
 * account_ask() - look @uid up
 * @done:  called once with the account, the receiver's, or -errno and NULL
 * @ret:   the question, the caller's; freeing it takes it back
 *
 * Return: 0; -errno.
 */
int account_ask(Manager *manager, uid_t uid, void (*done)(void *userdata, int r, Account *account), void *userdata,
                AccountQuery **ret);

AccountQuery *account_query_free(AccountQuery *query);

/** account_free() - takes NULL. Return: NULL. */
Account *account_free(Account *account);
DEFINE_CLEANUP(Account, account_free)

/*
 * What pflask-account writes: this, then the groups, then the ranges of uids, then those of gids. A fixed record of one
 * build talking to itself.
 */
typedef struct AccountHeader {
        uint32_t gid;
        uint32_t n_groups;
        uint32_t n_uids;
        uint32_t n_gids;
        char name[256];
} AccountHeader;
enum { ACCOUNT_LIST_MAX = 4096 };
