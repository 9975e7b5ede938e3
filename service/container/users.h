/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users
 *
 * Who a name or a number is in a container. The tree is asked by our own parser and never through NSS, which would
 * load the tree's libraries into a process with the host's authority. Only for a container that is the host's own
 * tree, the host's NSS is asked.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "common/macros.h"
#include "container/failure.h"

typedef struct User {
        uid_t uid;
        gid_t gid;
        gid_t *groups; /* ascending, each once, @gid among them */
        size_t n_groups;
        char *name;  /* NULL: a number that no entry has */
        char *home;  /* absolute */
        char *shell; /* absolute */
} User;

/* A record for name, home and shell of somebody; a passwd entry that doesn't fit is nobody's. */
enum { USER_PACKED_SIZE = 2048 };

User *user_free(User *user);
DEFINE_CLEANUP(User, user_free)

/**
 * user_lookup_beneath() - find a user in the etc/passwd and etc/group of a tree
 * @root:     directory of the tree, borrowed
 * @name:     a name, or a decimal number, which is a uid and never looked up as a name
 * @ret:      the caller's
 * @failure:  NoSuchUser, naming @name; or what was wrong with a file
 *
 * A uid that no entry has is somebody with the gid of the same number, no other group, home "/" and shell "/bin/sh".
 * uid 0, and "root" where no entry says otherwise, have the home "/root". Broken lines are skipped: passwd(5),
 * group(5). A file that is a link, isn't regular or is larger than 1 MiB is an error.
 *
 * Return: 0; -errno.
 */
int user_lookup_beneath(int root, const char *name, User **ret, Failure *failure);

/**
 * user_lookup_host() - the same through the host's user database: getpwnam(3), getgrouplist(3)
 *
 * NSS modules stay loaded in the calling process. They must never be loaded once it has entered a container.
 *
 * Return: 0; -errno.
 */
int user_lookup_host(const char *name, User **ret, Failure *failure);

/** user_pack() - name, home and shell, to be sent. Return: 0; -ENAMETOOLONG. */
int user_pack(const User *user, char packed[static USER_PACKED_SIZE]);

/**
 * user_unpack() - the counterpart, for a record of whatever content
 * @ret:  the caller's; without ids
 *
 * Return: 0; -EBADMSG; -ENOMEM.
 */
int user_unpack(const char packed[static USER_PACKED_SIZE], User **ret);
