/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/streams.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/fd.h"

int streams_open(Streams *streams, int fd)
{
        bool is_input = fd == STDIN_FILENO;
        int ends[2];

        if (!isatty(fd))
                return fd_keep(fd);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        streams->kept[fd] = ends[is_input];
        return ends[!is_input];
}

void streams_let_go(const Streams *streams)
{
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = STDIN_FILENO; fd < STDERR_FILENO; fd++)
                if (streams->kept[fd] < 0 && null >= 0)
                        dup2(null, fd);
}

void streams_close(Streams *streams)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                streams->kept[fd] = fd_close(streams->kept[fd]);
}
