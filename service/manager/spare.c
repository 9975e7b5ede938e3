/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/spare.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/birth.h"
#include "common/fd.h"
#include "common/name.h"
#include "common/process.h"
#include "manager/reaper.h"

enum { DESCRIPTORS_RESERVED = 256 };

struct SpareWait {
        TAILQ_ENTRY(SpareWait) others;
        Spare *spare;
        spare_arrived_t arrived;
        void *userdata;
};

/* For so long after an answer the processors belong to whoever was answered. */
#define REST_USEC UINT64_C(2000)

struct Spare {
        Manager *manager;
        sd_event_source *refill; /* while there is none, and nobody needs it now */
        int nursery;             /* pidfd */
        int socket;              /* to the nursery */
        sd_event_source *births;
        Started started; /* what there is of the next one: the link first, then the process */
        TAILQ_HEAD(, SpareWait) waits;
};

static const Started nobody = {.pidfd = -EBADF};

/* ---- processes ---- */

void started_end(const Manager *manager, Started *started)
{
        reaper_take(manager, started->pidfd);
        link_free(started->link);
        *started = nobody;
}

/* @mode: NULL, or an option of the program. Return: the pidfd; -errno. */
static int spare_execute(const Manager *manager, const char *mode, int socket, pid_t *ret_pid)
{
        /* Whoever has us on a terminal or in a pipeline must not wait for the end of a container in the background. */
        _cleanup_(fd_closep) int quiet = manager->is_direct ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -EBADF;
        char place[NAME_MAX_LENGTH + 1]; /* for the name, which ps(1) shall show: the supervisor writes it there */
        char *argv[] = {(char *)(uintptr_t) "pflask-supervisor", place, NULL, NULL};

        memset(place, ' ', sizeof(place) - 1);
        place[sizeof(place) - 1] = '\0';
        if (mode) {
                argv[1] = (char *)(uintptr_t)mode;
                argv[2] = place;
        }
        const Spawn spawn = {
                .executable = manager->supervisor_program,
                .argv = argv,
                .envp = environ,
                .fds = &socket,
                .n_fds = 1,
                .stderr_fd = quiet,
        };
        return process_spawn(&spawn, ret_pid);
}

/* ---- one that arrives ---- */

static void spare_forget(Spare *spare)
{
        started_end(spare->manager, &spare->started);
}

static bool spare_is_there(const Spare *spare)
{
        return spare->started.pidfd >= 0 && link_is_connected(spare->started.link) &&
               process_is_alive(spare->started.pidfd);
}

static Started spare_hand_over(Spare *spare)
{
        Started started = spare->started;

        spare->started = nobody;
        return started;
}

static void spare_fail(Spare *spare, int r)
{
        spare_forget(spare);
        while (!TAILQ_EMPTY(&spare->waits)) {
                SpareWait *wait = TAILQ_FIRST(&spare->waits);
                spare_arrived_t arrived = wait->arrived;
                void *userdata = wait->userdata;
                spare_wait_free(wait);
                arrived(userdata, r, NULL);
        }
}

static int spare_begin(Spare *spare);

static void spare_begin_for_others(Spare *spare)
{
        int r = TAILQ_EMPTY(&spare->waits) ? 0 : spare_begin(spare);

        if (r < 0)
                spare_fail(spare, r);
}

/* Called when there may be more of it than before. */
static void spare_arrive(Spare *spare)
{
        SpareWait *wait = TAILQ_FIRST(&spare->waits);

        if (!wait || !spare_is_there(spare))
                return;
        spare_arrived_t arrived = wait->arrived;
        void *userdata = wait->userdata;
        Started started = spare_hand_over(spare);
        spare_wait_free(wait);
        spare_begin_for_others(spare);
        arrived(userdata, 0, &started);
}

static void spare_connected(void *userdata)
{
        spare_arrive(userdata);
}

static void spare_heard(sd_bus_message *signal _unused_, void *userdata _unused_)
{
        /* There is nothing that it could say. */
}

static void spare_closed(void *userdata)
{
        spare_fail(userdata, -ECHILD);
}

/* ---- the nursery ---- */

static void nursery_end(Spare *spare)
{
        spare->births = sd_event_source_disable_unref(spare->births);
        reaper_take(spare->manager, spare->nursery);
        spare->nursery = -EBADF;
        spare->socket = fd_close(spare->socket);
}

static int spare_born(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        Spare *spare = userdata;
        Birth birth = {};
        int pidfd;
        ssize_t n = fd_receive(fd, &birth, sizeof(birth), &pidfd, 1, MSG_DONTWAIT);

        if (n == -EAGAIN)
                return 0;
        if (n == sizeof(birth) && birth.pid < 0) {
                spare_fail(spare, birth.pid);
        } else if (n != sizeof(birth) || pidfd < 0) {
                nursery_end(spare);
                spare_fail(spare, -ECHILD);
        } else if (!spare->started.link) { /* its link ended before */
                reaper_take(spare->manager, pidfd);
        } else {
                spare->started.pidfd = pidfd;
                spare->started.pid = birth.pid;
                spare_arrive(spare);
        }
        return 0;
}

static int nursery_begin(Spare *spare)
{
        int sockets[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return -errno;
        spare->socket = sockets[0];
        spare->nursery = spare_execute(spare->manager, "--nursery", sockets[1], NULL);
        int r = spare->nursery;
        fd_close(sockets[1]);
        if (r >= 0)
                r = sd_event_add_io(spare->manager->event, &spare->births, spare->socket, EPOLLIN, spare_born, spare);
        if (r < 0)
                nursery_end(spare);
        return r;
}

/* Has @connection given to a new supervisor. */
static int spare_bear(Spare *spare, int connection)
{
        int r = spare->nursery < 0 ? nursery_begin(spare) : 0;

        return r < 0 ? r : fd_send(spare->socket, &(char){0}, 1, &connection, 1);
}

/* ---- having one ---- */

/*
 * A container is refused while there are still some descriptors left: for without any, a message that brings some could
 * not be taken in, and would be the end of the connection to the bus. The lowest number that is free is a measure.
 */
static bool is_near_limit(int fd)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return false;
        rlim_t reserve = limit.rlim_cur / 4 < DESCRIPTORS_RESERVED ? limit.rlim_cur / 4 : DESCRIPTORS_RESERVED;
        return (rlim_t)fd >= limit.rlim_cur - reserve;
}

static int spare_begin(Spare *spare)
{
        static const LinkListener listener = {
                .connected = spare_connected, .heard = spare_heard, .closed = spare_closed};
        Started *started = &spare->started;
        int sockets[2];

        if (started->pidfd >= 0 && !process_is_alive(started->pidfd)) /* its link will tell, but too late */
                spare_forget(spare);
        if (started->link)
                return 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
                return -errno;
        _cleanup_(fd_closep) int theirs = sockets[1];
        if (is_near_limit(sockets[0])) {
                fd_close(sockets[0]);
                return -EMFILE;
        }
        int r = link_new(spare->manager->event, sockets[0], &listener, spare, &started->link);
        if (r >= 0 && !spare->manager->is_direct)
                r = spare_bear(spare, theirs);
        else if (r >= 0)
                r = started->pidfd = spare_execute(spare->manager, NULL, theirs, &started->pid);
        if (r < 0)
                spare_forget(spare);
        return r;
}

static Spare *spare_of(Manager *manager)
{
        if (!manager->spare) {
                manager->spare = malloc(sizeof(Spare));
                if (!manager->spare)
                        return NULL;
                *manager->spare = (Spare){.manager = manager, .nursery = -EBADF, .socket = -EBADF, .started = nobody};
                TAILQ_INIT(&manager->spare->waits);
        }
        return manager->spare;
}

static int spare_refill(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Spare *spare = userdata;

        spare->refill = sd_event_source_disable_unref(spare->refill);
        spare_begin(spare);
        return 0;
}

void spare_prepare(Manager *manager)
{
        Spare *spare = spare_of(manager);

        if (spare && !spare->refill && !spare->started.link)
                sd_event_add_time_relative(manager->event, &spare->refill, CLOCK_MONOTONIC, REST_USEC, 100,
                                           spare_refill, spare);
}

int spare_take(Manager *manager, Started *ret)
{
        Spare *spare = manager->spare;

        if (!spare || !spare_is_there(spare))
                return 0;
        *ret = spare_hand_over(spare);
        return 1;
}

int spare_await(Manager *manager, spare_arrived_t arrived, void *userdata, SpareWait **ret)
{
        Spare *spare = spare_of(manager);
        SpareWait *wait = spare ? malloc(sizeof(*wait)) : NULL;

        if (!wait)
                return -ENOMEM;
        *wait = (SpareWait){.spare = spare, .arrived = arrived, .userdata = userdata};
        TAILQ_INSERT_TAIL(&spare->waits, wait, others);
        int r = spare_begin(spare);
        if (r < 0) {
                spare_wait_free(wait);
                return r;
        }
        *ret = wait;
        return 0;
}

SpareWait *spare_wait_free(SpareWait *wait)
{
        if (wait)
                TAILQ_REMOVE(&wait->spare->waits, wait, others);
        free(wait);
        return NULL;
}

SpareWait *spare_wait_too_long(SpareWait *wait)
{
        Spare *spare = wait->spare;

        spare_wait_free(wait);
        if (spare->started.pidfd < 0)
                nursery_end(spare);
        spare_forget(spare);
        spare_begin_for_others(spare);
        return NULL;
}

Spare *spare_free(Spare *spare)
{
        if (!spare)
                return NULL;
        sd_event_source_disable_unref(spare->refill);
        spare_forget(spare);
        nursery_end(spare);
        free(spare);
        return NULL;
}
