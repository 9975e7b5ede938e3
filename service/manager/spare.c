/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/spare.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/assignment.h"
#include "common/fd.h"
#include "common/process.h"

enum { DESCRIPTORS_RESERVED = 256 };

struct Spare {
        Started started;
        sd_event_source *refill; /* while there is none */
};

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

static int spare_start(Manager *manager, Started *ret)
{
        /* Whoever has us on a terminal or in a pipeline must not wait for the end of a container in the background. */
        _cleanup_(fd_closep) int quiet = manager->is_direct ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -EBADF;
        char place[NAME_MAX_LENGTH + 1]; /* for the name, which ps(1) shall show: the supervisor writes it there */
        int sockets[2];

        memset(place, ' ', sizeof(place) - 1);
        place[sizeof(place) - 1] = '\0';
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
                return -errno;
        if (is_near_limit(sockets[0])) {
                fd_close(sockets[0]);
                fd_close(sockets[1]);
                return -EMFILE;
        }
        char *const argv[] = {(char *)(uintptr_t) "pflask-supervisor", place, NULL};
        const Spawn spawn = {
                .executable = manager->supervisor_program,
                .argv = argv,
                .envp = environ,
                .fds = &sockets[1],
                .n_fds = 1,
                .stderr_fd = quiet,
        };
        int pidfd = process_spawn(&spawn, &ret->pid);
        fd_close(sockets[1]);
        if (pidfd < 0) {
                fd_close(sockets[0]);
                return pidfd;
        }
        ret->pidfd = pidfd;
        ret->socket = sockets[0];
        return 0;
}

static void started_end(Started *started)
{
        if (started->pidfd >= 0) {
                process_signal(started->pidfd, SIGKILL);
                waitid(P_PIDFD, (id_t)started->pidfd, &(siginfo_t){}, WEXITED);
        }
        started->pidfd = fd_close(started->pidfd);
        started->socket = fd_close(started->socket);
}

static int spare_refill(sd_event_source *source _unused_, void *userdata)
{
        Manager *manager = userdata;
        Spare *spare = manager->spare;

        spare->refill = sd_event_source_disable_unref(spare->refill);
        if (spare->started.pidfd < 0)
                spare_start(manager, &spare->started);
        return 0;
}

void spare_prepare(Manager *manager)
{
        if (!manager->spare) {
                manager->spare = calloc(1, sizeof(Spare));
                if (!manager->spare)
                        return;
                manager->spare->started = (Started){.pidfd = -EBADF, .socket = -EBADF};
        }
        if (manager->spare->refill || manager->spare->started.pidfd >= 0)
                return;
        if (sd_event_add_defer(manager->event, &manager->spare->refill, spare_refill, manager) >= 0)
                sd_event_source_set_priority(manager->spare->refill, SD_EVENT_PRIORITY_IDLE);
}

/* One record, and the directory with its lock; what follows on the connection is D-Bus. */
static int started_assign(const Started *started, const Claim *claim)
{
        Assignment assignment = {};

        strncpy(assignment.name, claim->name, sizeof(assignment.name) - 1);
        return fd_send(started->socket, &assignment, sizeof(assignment), &claim->directory, 1);
}

int spare_take(Manager *manager, const Claim *claim, Started *ret)
{
        Started started = {.pidfd = -EBADF, .socket = -EBADF};
        Spare *spare = manager->spare;
        int r = 0;

        if (spare && spare->started.pidfd >= 0 && process_is_alive(spare->started.pidfd)) {
                started = spare->started;
                spare->started = (Started){.pidfd = -EBADF, .socket = -EBADF};
        } else {
                if (spare)
                        started_end(&spare->started);
                r = spare_start(manager, &started);
        }
        if (r >= 0)
                r = started_assign(&started, claim);
        if (r < 0) {
                started_end(&started);
                return r;
        }
        *ret = started;
        return 0;
}

Spare *spare_free(Spare *spare)
{
        if (!spare)
                return NULL;
        sd_event_source_disable_unref(spare->refill);
        started_end(&spare->started);
        free(spare);
        return NULL;
}
