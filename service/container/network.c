/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "common/programs.h"
#include "container/network-program.h"

int network_bring_up_loopback(Failure *failure)
{
        /* Any socket serves for this ioctl: netdevice(7). */
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {.ifr_name = "lo"};

        if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
                return failure_step(failure, -errno, "set up", "interface lo", NULL);
        request.ifr_flags |= IFF_UP;
        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                return failure_step(failure, -errno, "set up", "interface lo", NULL);
        return 0;
}

/* ---- the program ---- */

/* Reads @bytes, or less when the other side ends before. Return: how many; -errno. */
static ssize_t read_full(int fd, void *data, size_t bytes)
{
        size_t have = 0;

        while (have < bytes) {
                ssize_t n = read(fd, (char *)data + have, bytes - have);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                have += (size_t)n;
        }
        return (ssize_t)have;
}

static void program_reap(int pidfd)
{
        siginfo_t info;

        while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR)
                ;
}

static int program_start(char *const *argv, int netns, int report, int *ret_pidfd)
{
        const int fds[] = {report, netns};
        char *nothing[] = {NULL};
        _cleanup_(fd_closep) int executable = program_open(NETWORK_PROGRAM);

        if (executable < 0)
                return executable;
        const Spawn spawn = {.executable = executable,
                             .argv = argv,
                             .envp = nothing,
                             .fds = fds,
                             .n_fds = ELEMENTS(fds),
                             .stderr_fd = -EBADF};
        int pidfd = process_spawn(&spawn, NULL);
        if (pidfd < 0)
                return pidfd;
        *ret_pidfd = pidfd;
        return 0;
}

/* What was given is ours when the program has heard that we know of it; else it takes it back, before it ends. */
static int program_hear(int socket, Failure *told, InterfaceIndexes *indexes, size_t n)
{
        ssize_t got = read_full(socket, told, sizeof(*told));

        if (got != (ssize_t)sizeof(*told))
                return got < 0 ? (int)got : -EPROTO;
        if (told->code != 0 || n == 0)
                return 0;
        got = read_full(socket, indexes, n * sizeof(*indexes));
        if (got != (ssize_t)(n * sizeof(*indexes)))
                return got < 0 ? (int)got : -EPROTO;
        return send(socket, "", 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Runs the program. It waits for nobody but the kernel, so it is waited for. */
static int program_run(char *const *argv, int netns, InterfaceIndexes *indexes, size_t n, Failure *failure)
{
        _cleanup_(fd_closep) int pidfd = -EBADF, ours = -EBADF, theirs = -EBADF;
        Failure told = {};
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return failure_step(failure, -errno, "run", NETWORK_PROGRAM, NULL);
        ours = ends[0];
        theirs = ends[1];
        int r = program_start(argv, netns, theirs, &pidfd);
        if (r < 0)
                return failure_step(failure, r, "run", NETWORK_PROGRAM, NULL);
        theirs = fd_close(theirs);
        r = program_hear(ours, &told, indexes, n);
        ours = fd_close(ours);
        program_reap(pidfd);
        if (r < 0)
                return failure_step(failure, r, "learn the end of", NETWORK_PROGRAM, NULL);
        return told.code == 0 ? 0 : failure_take(&told, failure);
}

/* The program's argv is made of these; what they point to is borrowed. */
static const char **arguments_new(size_t n, const char *order, size_t *ret_n)
{
        const char **arguments = calloc(n + 3, sizeof(char *));

        if (!arguments)
                return NULL;
        arguments[0] = NETWORK_PROGRAM;
        arguments[1] = order;
        *ret_n = 2;
        return arguments;
}

int network_give(int netns, const Interface *interfaces, size_t n, InterfaceIndexes **ret, Failure *failure)
{
        _cleanup_(freep) InterfaceIndexes *indexes = NULL;
        _cleanup_(freep) const char **arguments = NULL;
        size_t count;

        if (n == 0) {
                *ret = NULL;
                return 0;
        }
        indexes = calloc(n, sizeof(*indexes));
        arguments = arguments_new(n * 3, NETWORK_GIVE, &count);
        if (!indexes || !arguments)
                return failure_step(failure, -ENOMEM, "give", "interfaces", NULL);
        for (size_t i = 0; i < n; i++) {
                arguments[count++] = network_kinds[interfaces[i].kind];
                arguments[count++] = interfaces[i].outside;
                arguments[count++] = interfaces[i].inside;
        }
        int r = program_run((char *const *)(uintptr_t)arguments, netns, indexes, n, failure);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(indexes);
        return 0;
}

int network_take_back(int netns, const Interface *interfaces, const InterfaceIndexes *indexes, size_t n,
                      Failure *failure)
{
        _cleanup_(freep) const char **arguments = NULL;
        _cleanup_(freep) char(*numbers)[12] = NULL;
        size_t count;

        if (n == 0)
                return 0;
        arguments = arguments_new(n * 3, NETWORK_TAKE_BACK, &count);
        numbers = calloc(n, sizeof(*numbers));
        if (!arguments || !numbers)
                return failure_step(failure, -ENOMEM, "take back", "interfaces", NULL);
        for (size_t i = 0; i < n; i++) {
                bool is_veth = interfaces[i].kind == INTERFACE_VETH;
                snprintf(numbers[i], sizeof(numbers[i]), "%d", is_veth ? indexes[i].outside : indexes[i].inside);
                arguments[count++] = network_kinds[interfaces[i].kind];
                arguments[count++] = interfaces[i].outside;
                arguments[count++] = numbers[i];
        }
        return program_run((char *const *)(uintptr_t)arguments, netns, NULL, 0, failure);
}
