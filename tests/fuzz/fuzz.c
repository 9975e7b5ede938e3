/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

char *input_take(Input *input, char separator, size_t *ret_length)
{
        size_t left = (size_t)(input->end - input->next);

        if (left == 0)
                return NULL;
        const char *stop = memchr(input->next, separator, left) ?: input->end;
        size_t length = (size_t)(stop - input->next);
        char *taken = malloc(length + 1);
        fuzz_check(taken);
        memcpy(taken, input->next, length);
        taken[length] = '\0';
        input->next = stop < input->end ? stop + 1 : stop;
        if (ret_length)
                *ret_length = length;
        return taken;
}

char *input_line(Input *input)
{
        return input_take(input, '\n', NULL);
}

/* ---- the directory ---- */

static char directory_path[64];
static int directory = -EBADF;

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_, struct FTW *where _unused_)
{
        return remove(path);
}

static void directory_remove(void)
{
        fd_closep(&directory);
        nftw(directory_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int fuzz_directory(void)
{
        static const char *const places[] = {"/dev/shm/fuzz-XXXXXX", "/tmp/fuzz-XXXXXX"};

        for (size_t i = 0; directory < 0 && i < ELEMENTS(places); i++) {
                strcpy(directory_path, places[i]);
                if (!mkdtemp(directory_path))
                        continue;
                atexit(directory_remove);
                directory = open(directory_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        fuzz_check(directory >= 0);
        return directory;
}

void fuzz_put(const char *path, const char *bytes, size_t n)
{
        int top = fuzz_directory();
        char parent[64] = "";

        if (strchr(path, '/')) {
                strncpy(parent, path, (size_t)(strrchr(path, '/') - path));
                fuzz_check(mkdirat(top, parent, 0755) == 0 || errno == EEXIST);
        }
        _cleanup_(fd_closep) int fd = openat(top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        fuzz_check(fd >= 0 && fd_write_all(fd, bytes, n) == 0);
}
