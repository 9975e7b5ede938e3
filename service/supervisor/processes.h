/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes
 *
 * All that runs in a container. With a pid namespace of its own the kernel knows who that is, and ends them all with
 * the leader: pid_namespaces(7). Without one it is everything that descends from the supervisor, which as a subreaper
 * is given those whose parents have died: prctl(2), PR_SET_CHILD_SUBREAPER.
 */
#pragma once

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

/** processes_reap() - reap all children that have ended, except @leader: its status is asked for by pidfd */
void processes_reap(pid_t leader);
