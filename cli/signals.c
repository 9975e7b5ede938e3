/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <time.h>

enum { HELD_USEC = 2 * 1000 * 1000 };

/* Those that somebody ignores for us are ignored: nohup(1). */
static void signals_collect(sigset_t *ret)
{
        static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
        struct sigaction present;

        sigemptyset(ret);
        for (unsigned i = 0; i < ELEMENTS(numbers); i++)
                if (sigaction(numbers[i], NULL, &present) == 0 && present.sa_handler == SIG_DFL)
                        sigaddset(ret, numbers[i]);
}

int signals_hold(void)
{
        sigset_t set;

        signals_collect(&set);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        int held = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return held < 0 ? -errno : held;
}

static uint64_t now_usec(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* It is only looked at, never read: whoever is asked to end in the end finds it pending. */
int signals_wait(int held, sd_bus *bus, uint64_t *deadline_usec)
{
        int events = sd_bus_get_events(bus), fd = sd_bus_get_fd(bus), timeout_msec = -1;
        struct pollfd fds[] = {{fd, (short)events, 0}, {*deadline_usec ? -1 : held, POLLIN, 0}};
        uint64_t now = now_usec();
        sigset_t set;

        if (events < 0 || fd < 0)
                return events < 0 ? events : fd;
        if (*deadline_usec > now)
                timeout_msec = (int)((*deadline_usec - now) / 1000) + 1;
        else if (*deadline_usec) {
                signals_collect(&set);
                sigprocmask(SIG_UNBLOCK, &set, NULL);
                return -EINTR;
        }
        if (poll(fds, ELEMENTS(fds), timeout_msec) < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[1].revents)
                *deadline_usec = now_usec() + HELD_USEC;
        return 0;
}
