/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"

int path_open(int root, const char *path, int flags)
{
        struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC),
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };

        /* EAGAIN: a component was renamed or mounted while ".." was looked up, so the kernel could not be sure. */
        for (int attempt = 0; attempt < 64; attempt++) {
                int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
        }
        return -EAGAIN;
}

/* Opens the prefix of @path that ends before @end; an empty prefix is the root itself. */
static int path_open_prefix(int root, const char *path, const char *end, int flags)
{
        size_t length = (size_t)(end - path);
        char prefix[PATH_MAX];

        if (length >= sizeof(prefix))
                return -ENAMETOOLONG;
        memcpy(prefix, path, length);
        prefix[length] = '\0';
        return path_open(root, length > 0 ? prefix : "/", flags);
}

/* Makes one directory of the chain; that somebody else made it meanwhile is as good. */
static int path_make_directory(int root, const char *path, const char *end, mode_t mode)
{
        const char *start = end;
        char name[NAME_MAX + 1];

        while (start > path && start[-1] != '/')
                start--;
        size_t length = (size_t)(end - start);
        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(name, start, length);
        name[length] = '\0';
        _cleanup_(fd_closep) int parent = path_open_prefix(root, path, start, O_PATH | O_DIRECTORY);
        if (parent < 0)
                return parent;
        if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

static int path_make_directories(int root, const char *path, const char *end, mode_t mode)
{
        for (const char *cursor = path; cursor < end;) {
                while (cursor < end && *cursor == '/')
                        cursor++;
                const char *stop = cursor;
                while (stop < end && *stop != '/')
                        stop++;
                if (stop == cursor)
                        break;
                _cleanup_(fd_closep) int there = path_open_prefix(root, path, stop, O_PATH | O_DIRECTORY);
                if (there == -ENOENT) {
                        int r = path_make_directory(root, path, stop, mode);
                        if (r < 0)
                                return r;
                } else if (there < 0) {
                        return there;
                }
                cursor = stop;
        }
        return 0;
}

int path_open_parent(int root, const char *path, mode_t make_mode, const char **ret_name)
{
        const char *end = path + strlen(path);

        while (end > path && end[-1] == '/')
                end--;
        const char *name = end;
        while (name > path && name[-1] != '/')
                name--;
        size_t length = (size_t)(end - name);
        if (length == 2 && strncmp(name, "..", 2) == 0)
                return -EINVAL;
        if (make_mode) {
                int r = path_make_directories(root, path, name, make_mode);
                if (r < 0)
                        return r;
        }
        int parent = path_open_prefix(root, path, name, O_PATH | O_DIRECTORY);
        if (parent >= 0)
                *ret_name = length > 0 ? name : ".";
        return parent;
}

static int path_make_file(int parent, const char *name)
{
        _cleanup_(fd_closep) int fd = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0644);

        return fd < 0 && errno != EEXIST ? -errno : 0;
}

int path_make(int root, const char *path, mode_t type)
{
        int flags = O_PATH | (type == S_IFDIR ? O_DIRECTORY : 0);
        int fd = path_open(root, path, flags);

        if (fd != -ENOENT)
                return fd;
        const char *end = path + strlen(path);
        int r;
        if (type == S_IFDIR) {
                r = path_make_directories(root, path, end, 0755);
        } else {
                const char *name;
                _cleanup_(fd_closep) int parent = path_open_parent(root, path, 0755, &name);
                r = parent < 0 ? parent : path_make_file(parent, name);
        }
        return r < 0 ? r : path_open(root, path, flags);
}
