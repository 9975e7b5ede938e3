/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reboot
 *
 * The manager's part in it: a container's new leader becomes the machine that the former one was. It waits for that, as
 * the first leader did, and the supervisor, which is on no bus, waits with it.
 */
#pragma once

typedef struct Container Container;

/** reboot_follow() - the supervisor has named another leader: if it is to be registered, do that */
void reboot_follow(Container *container);
