/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "container/copy-item.h"

enum {
        STEP_BYTES = 16 * 1024 * 1024, /* between two looks at whether it is still wanted */
        BUFFER_BYTES = 256 * 1024,
};

/* The reading half waits for us, so if it has hung up it is dead. */
static bool is_wanted(int link)
{
        struct pollfd other = {.fd = link};

        return poll(&other, 1, 0) >= 0 && !(other.revents & (POLLHUP | POLLERR));
}

static int write_at(int out, const char *data, size_t bytes, off_t offset)
{
        while (bytes > 0) {
                ssize_t n = pwrite(out, data, bytes, offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                bytes -= (size_t)n;
                offset += n;
        }
        return 0;
}

/* By reading and writing, for what can't be copied otherwise. Return: bytes; 0 at the end; -errno. */
static ssize_t step_through_buffer(int in, int out, off_t offset, size_t bytes)
{
        _cleanup_(freep) char *buffer = malloc(BUFFER_BYTES);

        if (!buffer)
                return -ENOMEM;
        ssize_t n;
        do
                n = pread(in, buffer, bytes < BUFFER_BYTES ? bytes : BUFFER_BYTES, offset);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        int r = write_at(out, buffer, (size_t)n, offset);
        return r < 0 ? r : n;
}

/* copy_file_range(2) says why it can't in many ways, and 0 of files that only claim to be empty. */
static ssize_t step_copy(int in, int out, off_t offset, size_t bytes)
{
        off_t from = offset, to = offset;
        ssize_t n = copy_file_range(in, &from, out, &to, bytes, 0);

        if (n > 0)
                return n;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
                return -errno;
        return step_through_buffer(in, out, offset, bytes);
}

/* Return: 1; 0 when the file ended before @end; -errno. */
static int range_copy(int in, int out, off_t offset, off_t end, int link, Progress *progress)
{
        while (offset < end) {
                if (!is_wanted(link))
                        return -ECANCELED;
                off_t left = end - offset;
                ssize_t n = step_copy(in, out, offset, left < STEP_BYTES ? (size_t)left : STEP_BYTES);
                if (n <= 0)
                        return (int)n;
                offset += n;
                progress_add(progress, (uint64_t)n, 0);
        }
        return 1;
}

int copy_data(int in, int out, int link, Progress *progress)
{
        struct stat st;
        off_t end;

        if (fstat(in, &st) < 0)
                return -errno;
        if (st.st_size == 0) /* or a file of the kernel's, which doesn't know its size */
                return range_copy(in, out, 0, INT64_MAX, link, progress);
        for (off_t offset = 0; offset < st.st_size; offset = end) {
                off_t start = lseek(in, offset, SEEK_DATA);
                if (start < 0 && errno == ENXIO) {
                        progress_add(progress, (uint64_t)(st.st_size - offset), 0);
                        return ftruncate(out, st.st_size) < 0 ? -errno : 0;
                }
                end = start < 0 ? st.st_size : lseek(in, start, SEEK_HOLE);
                if (start < 0)
                        start = offset;
                if (end <= start)
                        end = st.st_size;
                progress_add(progress, (uint64_t)(start - offset), 0);
                int r = range_copy(in, out, start, end, link, progress);
                if (r <= 0)
                        return r;
        }
        return 0;
}
