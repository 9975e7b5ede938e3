/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/peers.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"

enum {
        QUEUE_MAX = 1024, /* messages that a peer may leave unread */
        BACKLOG = 16,
        ACCEPTS_PER_SECOND = 5000,
};

struct Peer {
        TAILQ_ENTRY(Peer) others;
        Peers *peers;
        sd_bus *bus;
        sd_event_source *read_on;
};

static Peer *peer_free(Peer *peer)
{
        if (!peer)
                return NULL;
        sd_event_source_disable_unref(peer->read_on);
        sd_bus_close_unref(peer->bus);
        free(peer);
        return NULL;
}

static void peer_remove(Peer *peer)
{
        TAILQ_REMOVE(&peer->peers->list, peer, others);
        peer->peers->n--;
        peer_free(peer);
}

static void peer_lost(Peer *peer)
{
        Peers *peers = peer->peers;

        peers->lost(peer->bus, peers->userdata);
        peer_remove(peer);
}

void peers_init(Peers *peers, sd_event *event, unsigned max, peers_serve_t serve, peers_lost_t lost, void *userdata)
{
        *peers = (Peers){
                .event = event,
                .max = max,
                .serve = serve,
                .lost = lost,
                .userdata = userdata,
                .listener = -EBADF,
        };
        TAILQ_INIT(&peers->list);
}

void peers_stop_listening(Peers *peers)
{
        peers->listener_source = sd_event_source_disable_unref(peers->listener_source);
        peers->listener = fd_close(peers->listener);
}

void peers_done(Peers *peers)
{
        peers_stop_listening(peers);
        peers->next_source = sd_event_source_disable_unref(peers->next_source);
        peers->next = peer_free(peers->next);
        while (!TAILQ_EMPTY(&peers->list))
                peer_remove(TAILQ_FIRST(&peers->list));
}

/* ---- the door ---- */

static bool peer_is_root(int fd)
{
        struct ucred credentials;
        socklen_t length = sizeof(credentials);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) >= 0 && credentials.uid == 0;
}

static int peer_disconnected(sd_bus_message *message _unused_, void *userdata, sd_bus_error *error _unused_)
{
        peer_lost(userdata);
        return 0;
}

static int peer_read_on(sd_event_source *source _unused_, void *userdata)
{
        Peer *peer = userdata;

        peer->read_on = sd_event_source_disable_unref(peer->read_on);
        sd_bus_process(peer->bus, NULL); /* and the loop goes on with what it has found */
        return 0;
}

/*
 * What a quick peer sends right behind its authentication is read together with that, and sd-bus 252 waits for
 * more to arrive before it looks at it again.
 */
static int peer_connected(sd_bus_message *message _unused_, void *userdata, sd_bus_error *error _unused_)
{
        Peer *peer = userdata;

        return sd_event_add_defer(peer->peers->event, &peer->read_on, peer_read_on, peer);
}

static int peer_watch(Peer *peer, const char *member, sd_bus_message_handler_t handler)
{
        return sd_bus_match_signal(peer->bus, NULL, NULL, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                   member, handler, peer);
}

/* All that can be done before there is somebody to speak to. */
static int peer_prepare(Peer *peer)
{
        const Peers *peers = peer->peers;
        int r = sd_bus_new(&peer->bus);

        if (r >= 0)
                r = sd_bus_set_server(peer->bus, true, peers->id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(peer->bus, true);
        if (r >= 0)
                r = sd_bus_set_connected_signal(peer->bus, true);
        /* Else it is waited for when the loop ends, and one who says nothing or reads nothing keeps us for ever. */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(peer->bus, false);
        if (r >= 0)
                r = peers->serve(peer->bus, peers->userdata);
        if (r >= 0)
                r = peer_watch(peer, "Connected", peer_connected);
        if (r >= 0)
                r = peer_watch(peer, "Disconnected", peer_disconnected);
        return r;
}

static int peer_new(Peers *peers, Peer **ret)
{
        Peer *peer = calloc(1, sizeof(*peer));

        if (!peer)
                return -ENOMEM;
        peer->peers = peers;
        int r = peer_prepare(peer);
        if (r < 0) {
                peer_free(peer);
                return r;
        }
        *ret = peer;
        return 0;
}

/* The peer is in the list from here, also where this fails. */
static int peer_start(Peer *peer, int fd)
{
        Peers *peers = peer->peers;
        int r = sd_bus_set_fd(peer->bus, fd, fd);

        TAILQ_INSERT_TAIL(&peers->list, peer, others);
        peers->n++;
        if (r < 0) {
                fd_close(fd);
                return r;
        }
        r = sd_bus_start(peer->bus);
        return r < 0 ? r : sd_bus_attach_event(peer->bus, peers->event, SD_EVENT_PRIORITY_NORMAL);
}

int peers_add(Peers *peers, int fd, sd_bus **ret_bus)
{
        _cleanup_(fd_closep) int consumed = fd;
        Peer *peer = NULL;
        int r = 0;

        if (!peer_is_root(fd))
                return -EPERM;
        if (peers->n >= peers->max)
                return -EDQUOT;
        if (peers->next)
                peer = TAKE_PTR(peers->next);
        else
                r = peer_new(peers, &peer);
        if (r < 0)
                return r;
        r = peer_start(peer, TAKE_FD(consumed));
        if (r < 0) {
                peer_remove(peer);
                return r;
        }
        if (ret_bus)
                *ret_bus = peer->bus;
        return 0;
}

static int peers_prepare_next(sd_event_source *source _unused_, void *userdata)
{
        Peers *peers = userdata;

        peers->next_source = sd_event_source_disable_unref(peers->next_source);
        if (!peers->next)
                peer_new(peers, &peers->next); /* else it is made when it is needed */
        return 0;
}

int peers_prepare(Peers *peers)
{
        if (peers->next || peers->next_source)
                return 0;
        int r = sd_event_add_defer(peers->event, &peers->next_source, peers_prepare_next, peers);
        return r < 0 ? r : sd_event_source_set_priority(peers->next_source, SD_EVENT_PRIORITY_IDLE);
}

static int peers_accept(sd_event_source *source _unused_, int listener, uint32_t events _unused_, void *userdata)
{
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0)
                peers_add(userdata, fd, NULL);
        return 0;
}

static int peers_bind(int directory, const char *name)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        /* A path of the directory itself might be longer than an address. The mode of the file comes from that of @fd. */
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", directory, name);
        if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, BACKLOG) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int peers_listen(Peers *peers, int directory, const char *name)
{
        int fd = peers_bind(directory, name);

        if (fd < 0)
                return fd;
        peers->listener = fd;
        int r = sd_event_add_io(peers->event, &peers->listener_source, fd, EPOLLIN, peers_accept, peers);
        /* Where no descriptor is left a connection stays in the queue, and would be reported without end. */
        if (r >= 0)
                r = sd_event_source_set_ratelimit(peers->listener_source, UINT64_C(1000000), ACCEPTS_PER_SECOND);
        return r;
}

/* ---- what is said ---- */

/*
 * Who has missed something, or reads nothing of it, knows less than it believes, and waits for what was said already.
 * It is cut off, and can come back and ask.
 */
static void peer_check(const Peer *peer, int said)
{
        uint64_t queued;

        if (said < 0 || sd_bus_get_n_queued_write(peer->bus, &queued) < 0 || queued > QUEUE_MAX)
                shutdown(sd_bus_get_fd(peer->bus), SHUT_RDWR);
}

void peers_emit(Peers *peers, const sd_bus *one, peers_emit_t emit, const void *what)
{
        Peer *peer;

        TAILQ_FOREACH(peer, &peers->list, others)
                if (peer->bus != one)
                        peer_check(peer, emit(peer->bus, what));
}

bool peers_have_all(const Peers *peers)
{
        const Peer *peer;
        uint64_t queued;

        TAILQ_FOREACH(peer, &peers->list, others)
                if (sd_bus_is_open(peer->bus) > 0 && sd_bus_get_n_queued_write(peer->bus, &queued) >= 0 && queued > 0)
                        return false;
        return true;
}
