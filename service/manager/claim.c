/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/claim.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "common/fd.h"

/* The names of all that a supervisor and a manager ever write into a container's directory. */
static const char *const claim_files[] = {"control", "state", "state.new"};

static int claim_new(int parent, int directory, const char *name, Claim **ret)
{
        Claim *claim = calloc(1, sizeof(*claim));

        if (claim)
                *claim = (Claim){.parent = parent, .directory = -EBADF, .name = strdup(name)};
        if (!claim || !claim->name) {
                free(claim);
                return -ENOMEM;
        }
        claim->directory = directory;
        *ret = claim;
        return 0;
}

/* Removes what a former owner wrote. */
static void claim_empty(int directory)
{
        for (unsigned i = 0; i < ELEMENTS(claim_files); i++)
                unlinkat(directory, claim_files[i], 0);
}

/* Opens and locks the directory, and makes sure that the name still means it. */
static int claim_lock(int parent, const char *name, int *ret_directory)
{
        _cleanup_(fd_closep) int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat opened, named;

        if (directory < 0)
                return -errno;
        if (flock(directory, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (fstat(directory, &opened) < 0 || fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
                return -ESTALE;
        *ret_directory = TAKE_FD(directory);
        return 0;
}

int claim_make(int parent, const char *name, Claim **ret)
{
        char unnamed[64];

        if (!*name) {
                sd_id128_t random;
                int r = sd_id128_randomize(&random);
                if (r < 0)
                        return r;
                snprintf(unnamed, sizeof(unnamed), ".new-" SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(random));
                name = unnamed;
        }
        /* Another manager that cleans up may lock, or remove, what we have just made: then we make it again. */
        for (int attempt = 0; attempt < 8; attempt++) {
                int directory;
                if (mkdirat(parent, name, 0700) < 0)
                        return -errno;
                int r = claim_lock(parent, name, &directory);
                if (r == -EBUSY || r == -ENOENT || r == -ESTALE)
                        continue;
                if (r >= 0) {
                        r = claim_new(parent, directory, name, ret);
                        if (r < 0)
                                fd_close(directory);
                }
                if (r < 0)
                        unlinkat(parent, name, AT_REMOVEDIR);
                return r;
        }
        return -EEXIST;
}

int claim_take_over(int parent, const char *name, Claim **ret)
{
        int directory;
        int r = claim_lock(parent, name, &directory);

        if (r < 0)
                return r;
        r = claim_new(parent, directory, name, ret);
        if (r < 0)
                fd_close(directory);
        return r;
}

bool claim_is_held(int parent, const char *name)
{
        int directory;
        int r = claim_lock(parent, name, &directory);

        if (r >= 0)
                fd_close(directory);
        return r == -EBUSY;
}

void claim_hand_over(Claim *claim)
{
        claim->directory = fd_close(claim->directory);
}

Claim *claim_free(Claim *claim)
{
        int saved = errno;

        if (!claim)
                return NULL;
        if (claim->directory >= 0) {
                claim_empty(claim->directory);
                unlinkat(claim->parent, claim->name, AT_REMOVEDIR);
                fd_close(claim->directory);
        }
        free(claim->name);
        free(claim);
        errno = saved;
        return NULL;
}
