/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Namespaces
 *
 * Those that a container has of its own, held by descriptor from before its first instruction. A leader may go to others
 * later, with mounts of its own making, and may do so without any privilege where it makes a user namespace for that.
 * Whoever is sent into the container goes where the container is, and not after the leader: there, root's next command
 * would be a program of the leader's.
 *
 * The cgroup namespace is not among them. The leader makes it last, and all that it changes is a view.
 */
#pragma once

#include <stdint.h>

enum { NAMESPACES_MAX = 6 };

typedef struct Namespaces {
        int fds[NAMESPACES_MAX]; /* in the order in which they are entered; -EBADF: the host's */
} Namespaces;

/** namespaces_init() - none */
void namespaces_init(Namespaces *namespaces);

/**
 * namespaces_open() - take hold of those of a process that waits for us
 * @proc:   its directory in /proc
 * @flags:  CLONE_NEW..., which of them are its own
 * @ret:    to be closed; written on success only
 *
 * Return: 0; -errno.
 */
int namespaces_open(int proc, uint64_t flags, Namespaces *ret);

/** namespaces_get() - one of them. Return: the descriptor, borrowed; -EBADF when the container shares the host's. */
int namespaces_get(const Namespaces *namespaces, uint64_t flag);

/**
 * namespaces_enter() - go there: setns(2)
 * @flags:  CLONE_NEW..., to which of them; those that the container shares with the host are left out
 *
 * The user namespace is first, so that the others are entered with the authority that its root has, and no other.
 *
 * Return: 0; -errno.
 */
int namespaces_enter(const Namespaces *namespaces, uint64_t flags);

/** namespaces_close() - let go of all; errno stays */
void namespaces_close(Namespaces *namespaces);
