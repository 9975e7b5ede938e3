/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link: its end
 */
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>

#include <systemd/sd-event.h>

#include "common/fd.h"
#include "common/names.h"
#include "manager/link.h"

typedef struct Listener {
        Link *link;
        gboolean is_closed;
} Listener;

static void ignore(sd_bus_message *signal _unused_, void *userdata _unused_)
{
}

static void closed(void *userdata)
{
        Listener *listener = userdata;

        listener->is_closed = TRUE;
        listener->link = link_free(listener->link);
}

static const LinkListener callbacks = {.heard = ignore, .closed = closed};

/* What the loop has forgotten is used for something else. */
static void use_memory(void)
{
        enum { N = 64, BYTES = 1024 };
        gpointer blocks[N];

        for (gsize bytes = 64; bytes <= BYTES; bytes += 16) {
                for (guint i = 0; i < N; i++)
                        blocks[i] = memset(g_malloc(bytes), 0x7f, bytes);
                for (guint i = 0; i < N; i++)
                        g_free(blocks[i]);
        }
}

/*
 * A program that is just being executed has all descriptors for a moment longer than its parent stands still. A socket
 * that was closed here is open there, and a loop that has not been told so hears of it.
 */
static void test_open_elsewhere(void)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        Listener listener = {};
        int sockets[2];

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), ==, 0);
        _cleanup_(fd_closep) int elsewhere = fd_keep(sockets[0]);
        g_assert_cmpint(elsewhere, >=, 0);
        g_assert_cmpint(link_new(event, sockets[0], &callbacks, &listener, &listener.link), >=, 0);
        fd_close(sockets[1]);
        while (!listener.is_closed)
                g_assert_cmpint(sd_event_run(event, UINT64_MAX), >=, 0);
        use_memory();
        for (guint i = 0; i < 3; i++)
                g_assert_cmpint(sd_event_run(event, 0), ==, 0);
}

/* A bus at @socket that lets us in and then says nothing any more. Return: the caller's. */
static sd_bus *mute_supervisor(sd_event *event, int socket, Link *link)
{
        sd_bus *bus = NULL;

        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, socket, socket), >=, 0);
        g_assert_cmpint(sd_bus_set_server(bus, true, SD_ID128_NULL), >=, 0);
        g_assert_cmpint(sd_bus_negotiate_fds(bus, true), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL), >=, 0);
        while (!link_is_connected(link))
                g_assert_cmpint(sd_event_run(event, UINT64_MAX), >=, 0);
        g_assert_cmpint(sd_bus_detach_event(bus), >=, 0);
        return bus;
}

static int late(sd_bus_message *answer, void *userdata, sd_bus_error *error _unused_)
{
        Listener *listener = userdata;

        g_assert_true(sd_bus_message_is_method_error(answer, SD_BUS_ERROR_NO_REPLY));
        listener->is_closed = TRUE;
        listener->link = link_free(listener->link);
        return 0;
}

/* Who hears that an answer's time is over may give the supervisor up, and sd-bus isn't done with its connection then. */
static void test_late(void)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(sd_bus_close_unrefp) sd_bus *supervisor = NULL;
        sd_bus_slot *slot = NULL;
        Listener listener = {};
        sd_bus_message *request;
        int sockets[2];

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), ==, 0);
        g_assert_cmpint(link_new(event, sockets[0], &callbacks, &listener, &listener.link), >=, 0);
        supervisor = mute_supervisor(event, sockets[1], listener.link);
        g_assert_cmpint(link_request(listener.link, SUPERVISOR_INTERFACE, "Describe", &request), >=, 0);
        g_assert_cmpint(link_send(listener.link, request, late, &listener, 1000, &slot), >=, 0);
        sd_bus_message_unref(request);
        while (!listener.is_closed)
                g_assert_cmpint(sd_event_run(event, UINT64_MAX), >=, 0);
        sd_bus_slot_unref(slot);
        use_memory();
        for (guint i = 0; i < 3; i++)
                g_assert_cmpint(sd_event_run(event, 0), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link/the-loop-lets-go-of-a-socket-before-it-is-closed", test_open_elsewhere);
        g_test_add_func("/link/can-be-given-up-when-an-answer-is-late", test_late);
        return g_test_run();
}
