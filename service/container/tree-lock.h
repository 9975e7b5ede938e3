/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locked trees
 *
 * What a mount came with (read-only, nosuid, nodev, the mounts that hide something beneath it), the root of a container
 * with a user namespace could take away again. The kernel locks it where a mount is copied from a mount namespace into
 * one of another, less privileged user namespace: mount_namespaces(7). So a tree passes through two mount namespaces
 * that are used for nothing else: it is attached in one of the host's, which is then copied by root of the container.
 */
#pragma once

#include <stddef.h>

#include "container/failure.h"

enum { LOCK_TREES_MAX = 8 }; /* at once: as many as fd_send() takes */

/**
 * lock_stage() - attach @trees in a new mount namespace of the host's user namespace, and go there
 *
 * To be called in a process that lives for this alone; its working directory is how lock_copy() finds them again.
 *
 * Return: 0; -errno.
 */
int lock_stage(const int *trees, size_t n);

/**
 * lock_copy() - having entered the container's user namespace: detached copies of what was staged, locked
 * @ret:  @n descriptors, the caller's
 *
 * The process is in another mount namespace afterwards.
 *
 * Return: 0; -errno.
 */
int lock_copy(size_t n, int *ret);

/**
 * lock_trees() - do both in a process of its own
 * @leader:  pidfd of a process in the user namespace
 * @socket:  over which the copies are sent, in one message of @byte
 *
 * Return: 0; -errno with @failure.
 */
int lock_trees(const int *trees, size_t n, int leader, int socket, char byte, Failure *failure);
