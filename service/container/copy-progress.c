/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/copy-progress.h"

#include <stddef.h>
#include <time.h>

static const uint64_t interval_nsec = 100 * 1000 * 1000;

static uint64_t now_nsec(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void progress_add(Progress *progress, uint64_t bytes, uint64_t files)
{
        if (!progress)
                return;
        progress->done.bytes += bytes;
        progress->done.files += files;
        uint64_t now = now_nsec();
        if (now - progress->told_nsec < interval_nsec)
                return;
        progress->told_nsec = now;
        visit_tell(progress->report, &progress->done, NULL);
}

void progress_end(Progress *progress)
{
        if (progress)
                visit_tell(progress->report, &progress->done, NULL);
}
