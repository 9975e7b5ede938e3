/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS_MAX = 8 };

int fd_close(int fd)
{
        int saved = errno;

        if (fd >= 0)
                close(fd);
        errno = saved;
        return -EBADF;
}

int fd_keep(int fd)
{
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

        return copy < 0 ? -errno : copy;
}

int fd_close_others(const int *kept, size_t n_kept)
{
        for (unsigned first = 0;;) {
                unsigned next = INT_MAX;
                for (size_t i = 0; i < n_kept; i++)
                        if (kept[i] >= (int)first && kept[i] < (int)next)
                                next = (unsigned)kept[i];
                if (next > first && close_range(first, next - 1, 0) < 0)
                        return -errno;
                if (next == INT_MAX)
                        return 0;
                first = next + 1;
        }
}

static int fd_change_flag(int fd, int get, int set, int clear, int add)
{
        int flags = fcntl(fd, get);

        if (flags < 0)
                return -errno;
        return fcntl(fd, set, (flags & ~clear) | add) < 0 ? -errno : 0;
}

int fd_set_inherited(int fd)
{
        return fd_change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, 0);
}

int fd_place(int fd, int target)
{
        if (fd == target)
                return fd_set_inherited(fd);
        return dup2(fd, target) < 0 ? -errno : 0;
}

int fd_set_nonblocking(int fd)
{
        return fd_change_flag(fd, F_GETFL, F_SETFL, 0, O_NONBLOCK);
}

int fd_is_same_file(int one, int other)
{
        struct stat a, b;

        if (fstat(one, &a) < 0 || fstat(other, &b) < 0)
                return -errno;
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int fd_check_access(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        int mode = S_ISDIR(st.st_mode) ? X_OK : R_OK;
        return faccessat(fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) < 0 ? -errno : 0;
}

int fd_read_whole(int fd, size_t max_bytes, char **ret, size_t *ret_bytes)
{
        _cleanup_(freep) char *buffer = NULL;
        size_t have = 0, size = 0;

        for (;;) {
                if (have + 1 >= size) {
                        size = size ? size * 2 : 1024;
                        char *larger = realloc(buffer, size);
                        if (!larger)
                                return -ENOMEM;
                        buffer = larger;
                }
                ssize_t n = read(fd, buffer + have, size - have - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                have += (size_t)n;
                if (have > max_bytes)
                        return -EFBIG;
        }
        buffer[have] = '\0';
        *ret = TAKE_PTR(buffer);
        if (ret_bytes)
                *ret_bytes = have;
        return 0;
}

int fd_read_file(int directory, const char *path, size_t max_bytes, char **ret, size_t *ret_bytes)
{
        _cleanup_(fd_closep) int fd = openat(directory, path,
                                             O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        return fd_read_whole(fd, max_bytes, ret, ret_bytes);
}

int fd_write_all(int fd, const void *data, size_t bytes)
{
        const char *rest = data;

        while (bytes > 0) {
                ssize_t n = write(fd, rest, bytes);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                rest += n;
                bytes -= (size_t)n;
        }
        return 0;
}

int fd_send(int socket, const void *data, size_t bytes, const int *fds, size_t n_fds)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
        } control = {};
        struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

        if (n_fds > FDS_MAX)
                return -EINVAL;
        if (n_fds > 0) {
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        for (;;) {
                ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                return (size_t)n == bytes ? 0 : -EMSGSIZE;
        }
}

/* Takes what arrived; what does not fit is closed, for nobody would know of it. */
static void fd_collect(struct msghdr *message, int *fds, size_t n_fds)
{
        size_t place = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; i++) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (place < n_fds)
                                fds[place++] = fd;
                        else
                                fd_close(fd);
                }
        }
}

ssize_t fd_receive(int socket, void *data, size_t bytes, int *fds, size_t n_fds, int flags)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * FDS_MAX)];
        } control = {};
        struct iovec part = {.iov_base = data, .iov_len = bytes};
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        ssize_t n;

        for (size_t i = 0; i < n_fds; i++)
                fds[i] = -EBADF;
        do
                n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        fd_collect(&message, fds, n_fds);
        if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
                for (size_t i = 0; i < n_fds; i++)
                        fds[i] = fd_close(fds[i]);
                return -EMSGSIZE;
        }
        return n;
}
