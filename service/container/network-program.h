/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What passes between network.c and pflask-interfaces
 *
 * The program has the order as its arguments:
 *
 *     pflask-interfaces give {move|macvlan|ipvlan|veth OUTSIDE INSIDE}...
 *     pflask-interfaces take-back {move|macvlan|ipvlan|veth OUTSIDE INDEX}...
 *
 * (INDEX is the one in the container, but of a veth pair the host's)
 * and answers with one Failure, whose code is 0 when all went well, and after "give" with as many InterfaceIndexes as
 * there were interfaces. What was given it takes back if nobody sends it a byte then.
 */
#pragma once

#include "container/spec.h"

#define NETWORK_PROGRAM   "pflask-interfaces"
#define NETWORK_GIVE      "give"
#define NETWORK_TAKE_BACK "take-back"

enum {
        NETWORK_REPORT_FD = 3,
        NETWORK_NAMESPACE_FD = 4,
};

static const char *const network_kinds[] = {
        [INTERFACE_MOVE] = "move",
        [INTERFACE_MACVLAN] = "macvlan",
        [INTERFACE_IPVLAN] = "ipvlan",
        [INTERFACE_VETH] = "veth",
};
