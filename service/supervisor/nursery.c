/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/nursery.h"

#include <errno.h>
#include <sched.h>

#include "common/birth.h"
#include "common/fd.h"
#include "common/process.h"

int nursery_serve(int socket)
{
        for (;;) {
                _cleanup_(fd_closep) int connection = -EBADF, pidfd = -EBADF;
                char byte;
                ssize_t n = fd_receive(socket, &byte, 1, &connection, 1, 0);
                if (n <= 0)
                        return (int)n;
                if (connection < 0)
                        return -EPROTO;
                Birth birth = {.pid = process_clone(CLONE_PARENT, -EBADF, &pidfd)};
                if (birth.pid == 0) {
                        fd_close(socket);
                        return TAKE_FD(connection);
                }
                int r = fd_send(socket, &birth, sizeof(birth), &pidfd, birth.pid > 0 ? 1 : 0);
                if (r < 0)
                        return r;
        }
}
