/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/reaper.h"

#include <signal.h>
#include <sys/epoll.h>

#include "common/fd.h"
#include "common/process.h"

/* A pidfd can be readable a moment before there is something to reap. */
static int reaper_ended(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata _unused_)
{
        Result result;
        int status;

        if (process_wait(fd, &result, &status) != 0)
                sd_event_source_set_floating(source, false); /* it was the loop's alone, and goes */
        return 0;
}

void reaper_take(const Manager *manager, int pidfd)
{
        sd_event_source *source;
        Result result;
        int status;

        if (pidfd < 0)
                return;
        process_signal(pidfd, SIGKILL);
        if (process_wait(pidfd, &result, &status) != 0 ||
            sd_event_add_io(manager->event, &source, pidfd, EPOLLIN, reaper_ended, NULL) < 0) {
                fd_close(pidfd); /* without memory it stays a zombie until we end */
                return;
        }
        sd_event_source_set_io_fd_own(source, true);
        sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
}
