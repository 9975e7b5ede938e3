/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths beneath a root
 *
 * The one place where a path inside a container's tree becomes a descriptor. The tree may belong to somebody who
 * swaps links while we look, so the kernel resolves each path in one go and beneath the root: openat2(2),
 * RESOLVE_IN_ROOT. No string is ever put before such a path.
 */
#pragma once

#include <sys/types.h>

/**
 * path_open() - open @path as a process whose root directory is @root would see it
 * @root:   descriptor of a directory, borrowed
 * @path:   absolute or not, both start at @root; links stay beneath @root, magic links are refused
 * @flags:  those of open(2); O_CLOEXEC is added
 *
 * Return: the descriptor, the caller's; -errno.
 */
int path_open(int root, const char *path, int flags);

/**
 * path_open_parent() - the directory that holds, or would hold, the last component of @path
 * @make_mode:  mode of the directories that are missing and then made; 0: none are made
 * @ret_name:   the last component, pointing into @path; "." when @path is the root itself
 *
 * Return: an O_PATH descriptor, the caller's; -EINVAL when the last component is ".."; -errno.
 */
int path_open_parent(int root, const char *path, mode_t make_mode, const char **ret_name);

/**
 * path_make() - open @path with O_PATH, making it and its missing parents if it isn't there
 * @type:  S_IFDIR: a directory, mode 0755; S_IFREG: an empty file, mode 0644
 *
 * A last component that is a link is followed (beneath @root); one that leads nowhere is -ENOENT.
 *
 * Return: the descriptor, the caller's; -errno.
 */
int path_make(int root, const char *path, mode_t type);
