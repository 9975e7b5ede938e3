/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network
 *
 * What a network namespace of a container's own has in it. Interfaces are made and moved by a program that lives for
 * a moment, pflask-interfaces, so that supervisors, which live long and are many, don't carry libnl. It makes each
 * device in the container's namespace under its final name, so nothing half made is ever seen on the host.
 */
#pragma once

#include <stddef.h>

#include "container/failure.h"
#include "container/spec.h"

/* Where an interface is after it was given. */
typedef struct InterfaceIndexes {
        int outside; /* of the host's end of a veth pair; 0: there is none */
        int inside;  /* in the container's namespace; it stays when the container renames the device */
} InterfaceIndexes;

/**
 * network_bring_up_loopback() - set lo up in the calling process's network namespace: netdevice(7)
 *
 * Return: 0; -errno.
 */
int network_bring_up_loopback(Failure *failure);

/**
 * network_give() - move and make the interfaces of a container
 * @netns:    the container's network namespace, borrowed
 * @ret:      @n elements, the caller's; NULL when @n is 0
 * @failure:  names the interface
 *
 * With the authority of the calling process, from its network namespace. Both ends of each are up afterwards.
 *
 * Return: 0; -errno, and then everything is as it was.
 */
int network_give(int netns, const Interface *interfaces, size_t n, InterfaceIndexes **ret, Failure *failure);

/**
 * network_take_back() - move back to the host what was moved, under its old name, and delete what was made
 * @netns:    keep it open until this has returned: with its last process or descriptor the namespace destroys
 *            virtual devices and renames others
 * @indexes:  from network_give()
 *
 * When it returns, the names are free for the next container. A device that the container has deleted or hidden in a
 * namespace further down is left out. Each of the others is tried, also after one has failed.
 *
 * Return: 0; -errno of the first that could not be brought back, and its name in @failure.
 */
int network_take_back(int netns, const Interface *interfaces, const InterfaceIndexes *indexes, size_t n,
                      Failure *failure);
