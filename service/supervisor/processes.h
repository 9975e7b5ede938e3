/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes
 *
 * All that runs in a container. With a pid namespace of its own the kernel knows who that is, and ends them all with
 * the leader: pid_namespaces(7). Without one it is everything that descends from the supervisor, which as a subreaper
 * is given those whose parents have died: prctl(2), PR_SET_CHILD_SUBREAPER.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/**
 * processes_signal_namespace() - send a signal to each process but the first in a pid namespace
 * @member:      pidfd of a process in it
 * @ret_helper:  pidfd of the process that does it, since one has to be inside for it: kill(2). The caller's.
 *
 * The container may stop or kill what is inside, so the helper isn't waited for here; processes_helper_ended() is for
 * when its pidfd is readable. processes_reap() doesn't see it.
 *
 * Return: 0; -errno.
 */
int processes_signal_namespace(int member, int signal, int *ret_helper);

/** processes_helper_ended() - reap the helper, which has ended. Return: 0; -errno that it ended with. */
int processes_helper_ended(int helper);

/**
 * processes_signal_descendants() - send a signal to each process that descends from this one
 *
 * Those that fork meanwhile may be missed; who wants to be sure asks again until there is none.
 *
 * Return: how many there were; -errno.
 */
int processes_signal_descendants(int signal);

/**
 * processes_signal_session() - send a signal to each process of the session that a process leads
 * @leader:  pidfd of its first process
 *
 * Return: how many there were; -errno.
 */
int processes_signal_session(int leader, int signal);

/**
 * processes_reap() - reap all children that have ended, until one comes whose status is asked for by its pidfd
 * @is_kept:  is it such a one
 */
void processes_reap(bool (*is_kept)(const void *userdata, pid_t pid), const void *userdata);
