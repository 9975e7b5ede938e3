/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/lease.h"

#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/fd.h"

/*
 * For the descriptors of a process that was killed to be closed, one after the other. Whoever closes the lease within
 * that time, and has said nothing on it, can't be told from the giver.
 */
#define GIVER_DIES_USEC (UINT64_C(1) * 1000000)

struct Lease {
        int socket; /* our end */
        sd_event_source *source;
        sd_event_source *giver_timer; /* while its giver dies */
        Holder holder;
        bool is_given;
        bool is_detaching;
        bool is_asked_back;
        lease_handler_t handler;
        lease_given_t given;
        void *userdata;
};

static LeaseEnd lease_end(const Lease *lease)
{
        if (!lease->is_given)
                return LEASE_UNGIVEN;
        if (lease->is_asked_back)
                return LEASE_RETURNED;
        return lease->is_detaching ? LEASE_DETACHED : LEASE_CLOSED;
}

static void lease_give(Lease *lease)
{
        if (lease->is_given)
                return;
        lease->is_given = true;
        lease->giver_timer = sd_event_source_disable_unref(lease->giver_timer);
        if (lease->given)
                lease->given(lease->userdata);
}

/* Whatever was said, it was said by its giver, who has given it, or by who has got it. Return: 1; 0 at its end. */
static int lease_read(Lease *lease)
{
        char words[256];

        /* As often as a holder in earnest could have written: who writes for ever must not keep us here. */
        for (int i = 0; i < 16; i++) {
                ssize_t n = recv(lease->socket, words, sizeof(words), MSG_DONTWAIT);
                if (n > 0 && memchr(words, 'd', (size_t)n))
                        lease->is_detaching = true;
                if (n > 0)
                        lease_give(lease);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                        return 0;
                if (n < 0)
                        return 1;
        }
        return 1;
}

/* What was written before the end is read before the end is seen: unix(7). A reset is an end too: our 'r' was not read. */
static int lease_readable(sd_event_source *source, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Lease *lease = userdata;

        if (lease_read(lease) > 0)
                return 0;
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        lease->handler(lease, lease_end(lease), lease->userdata);
        return 0;
}

int lease_new(sd_event *event, Holder holder, lease_handler_t handler, void *userdata, Lease **ret, int *ret_client)
{
        _cleanup_(lease_freep) Lease *lease = calloc(1, sizeof(*lease));
        int sockets[2];

        if (!lease)
                return -ENOMEM;
        *lease = (Lease){.socket = -EBADF, .holder = holder, .handler = handler, .userdata = userdata};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
                return -errno;
        lease->socket = sockets[0];
        _cleanup_(fd_closep) int client = sockets[1];
        int r = sd_event_add_io(event, &lease->source, lease->socket, EPOLLIN, lease_readable, lease);
        /* Whoever has closed it and then asks for it again finds it free: it is looked at before what peers say. */
        if (r >= 0)
                r = sd_event_source_set_priority(lease->source, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(lease);
        *ret_client = TAKE_FD(client);
        return 0;
}

Lease *lease_free(Lease *lease)
{
        int saved = errno;

        if (!lease)
                return NULL;
        sd_event_source_disable_unref(lease->source);
        sd_event_source_disable_unref(lease->giver_timer);
        fd_close(lease->socket);
        free(lease);
        errno = saved;
        return NULL;
}

void lease_on_given(Lease *lease, lease_given_t handler)
{
        lease->given = handler;
}

static int lease_outlived_giver(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        lease_give(userdata);
        return 0;
}

void lease_giver_died(Lease *lease)
{
        if (!lease->is_given && !lease->giver_timer)
                sd_event_add_time_relative(sd_event_source_get_event(lease->source), &lease->giver_timer,
                                           CLOCK_MONOTONIC, GIVER_DIES_USEC, 0, lease_outlived_giver, lease);
}

Holder lease_holder(const Lease *lease)
{
        return lease->holder;
}

int lease_ask_back(Lease *lease)
{
        lease->is_asked_back = true;
        if (send(lease->socket, "r", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
                return -errno;
        return 0;
}
