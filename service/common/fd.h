/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File descriptors
 *
 * A descriptor is the authority that a name only claims. -EBADF stands for "none" everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/macros.h"

/** fd_close() - close, keeping errno; never repeated, since after EINTR it is gone too: close(2). Return: -EBADF. */
int fd_close(int fd);

static inline void fd_closep(int *fd)
{
        *fd = fd_close(*fd);
}

/**
 * fd_keep() - a duplicate of a borrowed descriptor, such as one that is read from a message
 *
 * Never 0, 1 or 2, and closed on execve().
 *
 * Return: the descriptor, the caller's; -errno.
 */
int fd_keep(int fd);

/**
 * fd_close_others() - close every descriptor of the process but these
 * @kept:  -EBADF stands for none
 *
 * Return: 0; -errno.
 */
int fd_close_others(const int *kept, size_t n_kept);

/** fd_set_inherited() - let the descriptor survive execve(). Return: 0; -errno. */
int fd_set_inherited(int fd);

/** fd_place() - have @fd as @target, across execve(); dup2(2) leaves O_CLOEXEC where both are the same. Return: 0; -errno. */
int fd_place(int fd, int target);

/** fd_set_nonblocking() - a property of the open file, so of every duplicate too. Return: 0; -errno. */
int fd_set_nonblocking(int fd);

/** fd_is_same_file() - do both refer to the same inode. Return: 1, 0; -errno. */
int fd_is_same_file(int one, int other);

/**
 * fd_check_access() - may the process, with its effective ids, read a file or go through a directory
 * @fd:  O_PATH is enough
 *
 * What open(2) would say, without opening. It allows nothing: the kernel is asked again by whoever opens it.
 *
 * Return: 0; -EACCES; -errno.
 */
int fd_check_access(int fd);

/**
 * fd_read_file() - the content of a small file, with a NUL after it
 * @directory:    where @path starts, or AT_FDCWD
 * @path:         opened with O_NOFOLLOW | O_NONBLOCK; only a regular file is read (those of procfs are)
 * @max_bytes:    a longer file is -EFBIG
 * @ret:          the content, the caller's
 * @ret_bytes:    its length, or NULL
 *
 * Return: 0; -errno.
 */
int fd_read_file(int directory, const char *path, size_t max_bytes, char **ret, size_t *ret_bytes);

/** fd_read_whole() - what is left to read of @fd, with a NUL after it; otherwise as fd_read_file(). Return: 0; -errno. */
int fd_read_whole(int fd, size_t max_bytes, char **ret, size_t *ret_bytes);

/** fd_write_all() - every byte, however often write(2) is short. Return: 0; -errno. */
int fd_write_all(int fd, const void *data, size_t bytes);

/**
 * fd_send() - one record and up to 8 descriptors over a local socket: unix(7), SCM_RIGHTS
 * @socket:  borrowed
 * @data:    at least one byte
 * @fds:     borrowed
 *
 * Return: 0; -errno.
 */
int fd_send(int socket, const void *data, size_t bytes, const int *fds, size_t n_fds);

/**
 * fd_receive() - the counterpart of fd_send()
 * @fds:       filled from the start, the caller's; the rest is -EBADF
 * @n_fds:     places in @fds, at most 8
 * @flags:     those of recvmsg(2)
 *
 * Return: bytes of the record; 0 at its end; -errno. On failure no descriptor stays open.
 */
ssize_t fd_receive(int socket, void *data, size_t bytes, int *fds, size_t n_fds, int flags);
