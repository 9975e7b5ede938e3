/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/link.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "common/fd.h"
#include "common/names.h"

struct Link {
        const LinkListener *listener;
        void *userdata;
        sd_bus *bus;
        sd_bus_slot *filter;
        sd_event_source *socket;
        sd_event_source *deadline; /* while an answer has one */
        bool is_busy;              /* what sd-bus calls now may free us; it is open till then, or sd-bus 252 aborts */
        bool is_freed;
};

/* The loop lets go of the socket before it is closed: its number may be another's the next moment. */
Link *link_free(Link *link)
{
        if (!link)
                return NULL;
        link->socket = sd_event_source_disable_unref(link->socket);
        link->deadline = sd_event_source_disable_unref(link->deadline);
        link->filter = sd_bus_slot_unref(link->filter);
        link->is_freed = true;
        if (link->is_busy)
                return NULL;
        sd_bus_close_unref(link->bus);
        free(link);
        return NULL;
}

static int link_too_late(sd_event_source *source, uint64_t usec, void *userdata);

static int link_set_deadline(Link *link, uint64_t usec)
{
        if (usec == UINT64_MAX) {
                link->deadline = sd_event_source_disable_unref(link->deadline);
                return 0;
        }
        if (!link->deadline)
                return sd_event_add_time(sd_event_source_get_event(link->socket), &link->deadline, CLOCK_MONOTONIC,
                                         usec, 0, link_too_late, link);
        int r = sd_event_source_set_time(link->deadline, usec);
        return r < 0 ? r : sd_event_source_set_enabled(link->deadline, SD_EVENT_ONESHOT);
}

/* Wait for what the connection waits for; that is another thing whenever something was sent or has been processed. */
static int link_settle(Link *link)
{
        uint64_t usec = UINT64_MAX;
        int events = sd_bus_get_events(link->bus);
        int r = events < 0 ? events : sd_bus_get_timeout(link->bus, &usec);

        if (r >= 0)
                r = sd_event_source_set_io_events(link->socket, (uint32_t)events); /* poll(2)'s are epoll's */
        return r < 0 ? r : link_set_deadline(link, usec);
}

/*
 * A connection that has ended sd-bus closes in its own order: first the answers that will not come, then the socket,
 * then a signal. By then the loop must have let go of it: if the socket is open elsewhere, as in a program that is just
 * being executed, epoll(7) goes on with what nobody can tell it to forget any more, and sd-event 252 aborts.
 */
static int link_process_one(Link *link)
{
        if (sd_bus_is_open(link->bus) <= 0)
                link->socket = sd_event_source_disable_unref(link->socket);
        return sd_bus_process(link->bus, NULL);
}

/* One that it can no longer make sense of sd-bus leaves to us. */
static void link_process(Link *link)
{
        int r;

        link->is_busy = true;
        do
                r = link_process_one(link);
        while (r > 0 && !link->is_freed);
        link->is_busy = false;
        if (link->is_freed)
                link_free(link);
        else if (r < 0 || link_settle(link) < 0)
                link->listener->closed(link->userdata);
}

static int link_ready(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        link_process(userdata);
        return 0;
}

static int link_too_late(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        link_process(userdata);
        return 0;
}

static int link_heard(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        const Link *link = userdata;

        if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected"))
                link->listener->closed(link->userdata);
        else if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Connected") &&
                 link->listener->connected)
                link->listener->connected(link->userdata);
        else if (sd_bus_message_is_signal(message, NULL, NULL))
                link->listener->heard(message, link->userdata);
        return 0;
}

int link_new(sd_event *event, int fd, const LinkListener *listener, void *userdata, Link **ret)
{
        Link *link = calloc(1, sizeof(*link));
        int r = link ? sd_bus_new(&link->bus) : -ENOMEM;

        if (r >= 0)
                r = sd_bus_set_fd(link->bus, fd, fd);
        if (r < 0) {
                fd_close(fd);
                link_free(link);
                return r;
        }
        link->listener = listener;
        link->userdata = userdata;
        r = sd_bus_negotiate_fds(link->bus, true);
        if (r >= 0)
                r = sd_bus_set_connected_signal(link->bus, true);
        if (r >= 0)
                r = sd_bus_start(link->bus);
        if (r >= 0)
                r = sd_bus_add_filter(link->bus, &link->filter, link_heard, link);
        if (r >= 0)
                r = sd_event_add_io(event, &link->socket, fd, EPOLLIN, link_ready, link);
        if (r >= 0)
                r = link_settle(link);
        if (r < 0) {
                link_free(link);
                return r;
        }
        *ret = link;
        return 0;
}

bool link_is_connected(const Link *link)
{
        return sd_bus_is_ready(link->bus) > 0;
}

void link_hand_over(Link *link, const LinkListener *listener, void *userdata)
{
        link->listener = listener;
        link->userdata = userdata;
}

int link_request(Link *link, const char *interface, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(link->bus, ret, NULL, SUPERVISOR_PATH, interface, member);
}

int link_send(Link *link, sd_bus_message *request, sd_bus_message_handler_t answer, void *userdata, uint64_t usec,
              sd_bus_slot **ret_slot)
{
        int r = sd_bus_call_async(link->bus, ret_slot, request, answer, userdata, usec);

        return r < 0 ? r : link_settle(link);
}

int link_call(Link *link, const char *interface, const char *member, sd_bus_message_handler_t answer, void *userdata,
              sd_bus_slot **ret_slot, const char *types, ...)
{
        va_list arguments;

        va_start(arguments, types);
        int r = sd_bus_call_method_asyncv(link->bus, ret_slot, NULL, SUPERVISOR_PATH, interface, member, answer,
                                          userdata, types, arguments);
        va_end(arguments);
        return r < 0 ? r : link_settle(link);
}
