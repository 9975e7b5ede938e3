/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/programs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"
#include "common/macros.h"
#include "config.h"

/* Opens @name in the directory whose path is the first @length bytes of @path. */
static int program_open_in(const char *path, size_t length, const char *name)
{
        _cleanup_(freep) char *directory = strndup(path, length);

        if (!directory)
                return -ENOMEM;
        _cleanup_(fd_closep) int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int program = openat(fd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        return program < 0 ? -errno : program;
}

int program_open(const char *name)
{
        const char *list = secure_getenv("PFLASK_LIBEXEC_DIRECTORY") ?: LIBEXEC_DIRECTORY;

        for (;;) {
                size_t length = strcspn(list, ":");
                int fd = length > 0 ? program_open_in(list, length, name) : -ENOENT;
                if (fd != -ENOENT || list[length] == '\0')
                        return fd;
                list += length + 1;
        }
}
