/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/names.h"
#include "common/record.h"

static int open_parent(int directory)
{
        int parent = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        return parent < 0 ? -errno : parent;
}

int directory_rename(int directory, const char *from, const char *to)
{
        _cleanup_(fd_closep) int parent = open_parent(directory);

        if (parent < 0)
                return parent;
        return renameat2(parent, from, parent, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

void directory_announce(int directory)
{
        futimens(directory, NULL);
}

void directory_remove(int directory, const char *name)
{
        static const char *const files[] = {CONTROL_SOCKET, RECORD_FILE, RECORD_FILE_NEW};
        _cleanup_(fd_closep) int parent = open_parent(directory);
        struct stat own, named;

        for (unsigned i = 0; i < ELEMENTS(files); i++)
                unlinkat(directory, files[i], 0);
        if (parent < 0 || fstat(directory, &own) < 0 || fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        if (own.st_dev == named.st_dev && own.st_ino == named.st_ino)
                unlinkat(parent, name, AT_REMOVEDIR);
}

void directory_leave_record(int directory)
{
        unlinkat(directory, CONTROL_SOCKET, 0);
        unlinkat(directory, RECORD_FILE_NEW, 0);
        directory_announce(directory);
}
