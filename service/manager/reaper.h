/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reaper
 *
 * The end of a child of the manager's that nobody wants any more: it is killed, and its status is taken when it is dead.
 * That is mostly at once; but a process in a frozen cgroup, or one that waits for a disk or another machine, dies when it
 * can, and the loop does not wait for it.
 */
#pragma once

#include "manager/manager.h"

/** reaper_take() - @pidfd: of a child, becomes the reaper's; -EBADF: nobody */
void reaper_take(const Manager *manager, int pidfd);
