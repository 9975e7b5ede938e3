/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

/* Return: is it one that counts. */
static bool address_take(const struct ifaddrs *entry, Address *ret)
{
        const void *bytes;

        if (!entry->ifa_addr || entry->ifa_flags & IFF_LOOPBACK)
                return false;
        *ret = (Address){.family = entry->ifa_addr->sa_family};
        switch (entry->ifa_addr->sa_family) {
        case AF_INET:
                bytes = &((const struct sockaddr_in *)(const void *)entry->ifa_addr)->sin_addr;
                ret->length = sizeof(struct in_addr);
                break;
        case AF_INET6:
                bytes = &((const struct sockaddr_in6 *)(const void *)entry->ifa_addr)->sin6_addr;
                ret->length = sizeof(struct in6_addr);
                break;
        default:
                return false;
        }
        memcpy(ret->bytes, bytes, ret->length);
        return true;
}

static int addresses_write(int file)
{
        struct ifaddrs *entries;
        unsigned n = 0;
        int r = 0;

        if (getifaddrs(&entries) < 0)
                return -errno;
        for (const struct ifaddrs *entry = entries; r >= 0 && entry; entry = entry->ifa_next) {
                Address address;
                if (address_take(entry, &address))
                        r = n++ < ADDRESSES_MAX ? fd_write_all(file, &address, sizeof(address)) : -E2BIG;
        }
        freeifaddrs(entries);
        return r < 0 ? r : lseek(file, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* A leader with enough authority can have gone to another network namespace, that of the host even. */
static int require_private_network(const struct stat *hosts, Failure *failure)
{
        struct stat st;

        if (stat("/proc/self/ns/net", &st) < 0)
                return failure_step(failure, -errno, "open", "/proc/self/ns/net", NULL);
        if (st.st_dev == hosts->st_dev && st.st_ino == hosts->st_ino)
                return failure_set(failure, -ENETUNREACH, FAILURE_NO_PRIVATE_NETWORK,
                                   "the container shares the host's network");
        return 0;
}

int addresses_visit(const void *place, int report, int *ret_answer, Failure *failure)
{
        struct stat hosts;

        if (stat("/proc/self/ns/net", &hosts) < 0)
                return failure_step(failure, -errno, "open", "/proc/self/ns/net", NULL);
        int r = visit_go(place, report, CLONE_NEWNET, failure);
        if (r >= 0)
                r = require_private_network(&hosts, failure);
        if (r < 0)
                return r;
        _cleanup_(fd_closep) int file = memfd_create("addresses", MFD_CLOEXEC);
        r = file < 0 ? -errno : addresses_write(file);
        if (r < 0)
                return failure_step(failure, r, "read", "the addresses", NULL);
        *ret_answer = TAKE_FD(file);
        return VISIT_OVER;
}
