/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tree
 *
 * A mount held by descriptor, attached nowhere yet: it has no name that anybody could replace, and closing it is
 * all it takes to be rid of it. It is finished first and attached last: open_tree(2), fsopen(2), move_mount(2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"
#include "container/failure.h"

/* An option of a file system; without a value it is a flag. An array ends with {}. */
typedef struct TreeOption {
        const char *key;
        const char *value;
} TreeOption;

/* Enough for "/proc/self/fd/" and a number. */
enum { TREE_NAME_SIZE = 32 };

/**
 * tree_make() - a new file system
 * @type:        "tmpfs", "proc", ...
 * @attributes:  MOUNT_ATTR_..., mount_setattr(2)
 * @options:     or NULL
 *
 * Return: the tree, the caller's; -ENODEV when the kernel has no such file system; -errno.
 */
int tree_make(const char *type, uint64_t attributes, const TreeOption *options);

/**
 * tree_make_overlay() - @upper over @lower, directories attached in our mount namespace
 * @in_user_namespace:  the overlay keeps its notes in user.* attributes, since trusted.* ones are for the host's root
 *
 * Mounts beneath the layers are no part of it. The overlay keeps clones of what it is made from.
 *
 * Return: the tree, the caller's; -errno.
 */
int tree_make_overlay(int lower, int upper, int work, bool in_user_namespace);

/**
 * tree_clone() - what lies beneath @fd, with the mounts in it
 * @fd:  descriptor of a file or directory in our own mount namespace, O_PATH is enough; AT_FDCWD
 *
 * Recursive, since the kernel lets a user namespace not uncover what a mount hides: mount_namespaces(7).
 *
 * Return: the tree, the caller's; -EINVAL when @fd is of another mount namespace, or unbindable; -errno.
 */
int tree_clone(int fd);

/**
 * tree_change() - set attributes and propagation, of the mounts beneath too
 * @propagation:  MS_PRIVATE, MS_SLAVE; 0: as it is
 *
 * Return: 0; -errno.
 */
int tree_change(int tree, uint64_t attributes, uint64_t propagation);

/** tree_attach() - mount it on what @target is a descriptor of, which may be any file for a file. Return: 0; -errno. */
int tree_attach(int tree, int target);

/**
 * tree_attach_beneath() - mount a directory on @path, which is resolved beneath @root and made if it isn't there
 *
 * Return: 0; -EBUSY when @path is @root itself; -errno.
 */
int tree_attach_beneath(int tree, int root, const char *path);

/**
 * tree_target() - the place to mount on: path_make(), but never the root itself
 * @type:  S_IFDIR or S_IFREG
 *
 * Return: an O_PATH descriptor, the caller's; -EBUSY when @path is @root itself; -EISDIR, -ENOTDIR; -errno.
 */
int tree_target(int root, const char *path, unsigned type);

/**
 * tree_stage() - attach it where it has no name for a while, over the root of the host's tree
 *
 * The kernel makes an overlay, or a clone, only of what is attached in our mount namespace. Path lookups start at the
 * root directory, not on what is mounted over it, so that nothing comes to lie in anybody's way. The caller is alone
 * in its mount namespace, and slave to the host's. What is staged lies on top of what was staged before: once the
 * container's root is, the rest has to be unstaged again, or it would cover it.
 *
 * Return: 0; -errno.
 */
int tree_stage(int tree);

/** tree_unstage() - undo tree_stage(). Return: 0; -errno. */
int tree_unstage(int tree);

/** tree_name() - a path of @fd for a mount option: the same file whatever is renamed. Return: @buffer. */
const char *tree_name(int fd, char buffer[static TREE_NAME_SIZE]);

/**
 * tree_fail() - cannot mount OBJECT on TARGET: REASON (HINT)
 * @hint:  what the reason means here, or NULL
 *
 * Return: @code.
 */
int tree_fail(Failure *failure, int code, const char *object, const char *target, const char *hint);
