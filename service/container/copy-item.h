/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Item
 *
 * What the reading half of a copy tells the writing half, a record each. A file or directory is opened by its node,
 * then come the nodes of what is in a directory, then attributes, and then it is closed. Ids are the host's on the way,
 * whichever side they come from or go to.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "common/macros.h"
#include "container/copy-progress.h"
#include "container/failure.h"
#include "container/idmap.h"

enum { COPY_DEPTH_MAX = 256 }; /* directories in directories */

/* On the way: somebody whom the container's map doesn't know. */
#define ID_NOBODY UINT32_MAX

typedef enum {
        ITEM_NODE,      /* with a descriptor of the content, of a regular file */
        ITEM_ATTRIBUTE, /* extended, of what is open: xattr(7) */
        ITEM_CLOSE,
        ITEM_END, /* nothing has been left out */
} ItemKind;

typedef struct Item {
        ItemKind kind;
        uint32_t mode; /* with the type */
        uint32_t uid, gid;
        uint64_t device; /* of a device node */
        struct timespec times[2];
        uint32_t n_value;
        char name[NAME_MAX + 1];
        char value[]; /* where a link leads, or an attribute's, with a NUL behind it */
} Item;

/* One side of a copy, in a process of its own that has gone there. */
typedef struct CopySide {
        int link;           /* to the other one */
        int report;         /* where to tell how far it is: visit_tell(); -EBADF: nobody looks */
        bool is_inside;     /* in the container */
        const IdMaps *maps; /* of the user namespace that it is in; NULL: the host's */
        bool may_make_devices;
        const char *path;
        const char *temporary; /* what the copy is called while it is made */
} CopySide;

/** item_new() - with room for the largest value. Return: the caller's, or NULL. */
Item *item_new(void);

/** item_send() - Return: 0; -ECANCELED when the other half has gone; -errno. */
int item_send(int link, const Item *item, int fd);

/**
 * item_receive() - wait for the next
 * @ret_fd:  the caller's; -EBADF: none
 *
 * Return: 0; -ECANCELED when the other half has gone; -EBADMSG; -errno.
 */
int item_receive(int link, Item *item, int *ret_fd);

/** item_translate_acl() - change the ids in an ACL, @to_host or from it. Return: is everybody known. */
bool item_translate_acl(Item *item, const IdMaps *maps, bool to_host);

/** attribute_is_acl() - does the attribute have ids in it: acl(5) */
bool attribute_is_acl(const char *name);

/**
 * copy_read() - be the half that reads
 *
 * Return: 0; -ECANCELED when the other half has gone; -errno with @failure.
 */
int copy_read(const CopySide *side, bool follows, Failure *failure);

/** copy_write() - be the half that writes. Return: the same. What was begun has then been removed. */
int copy_write(const CopySide *side, bool replaces, Failure *failure);

/**
 * copy_data() - the content of a regular file, from the start to the end
 * @out:       empty
 * @link:      to the other half, without which there is no point in going on
 * @progress:  is told of each step; or NULL
 *
 * Holes stay holes. Where the file system can share the blocks, or copy by itself, it does: copy_file_range(2).
 *
 * Return: 0; -ECANCELED; -errno.
 */
int copy_data(int in, int out, int link, Progress *progress);
