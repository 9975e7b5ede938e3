/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"

static int tree_configure(int context, const TreeOption *options)
{
        for (; options && options->key; options++) {
                unsigned command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
                if (fsconfig(context, command, options->key, options->value, 0) < 0)
                        return -errno;
        }
        return 0;
}

int tree_make(const char *type, uint64_t attributes, const TreeOption *options)
{
        _cleanup_(fd_closep) int context = fsopen(type, FSOPEN_CLOEXEC);

        if (context < 0)
                return -errno;
        /* What mountinfo shows as the source. */
        if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0)
                return -errno;
        int r = tree_configure(context, options);
        if (r < 0)
                return r;
        if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        int tree = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
        return tree < 0 ? -errno : tree;
}

int tree_make_overlay(int lower, int upper, int work, bool in_user_namespace)
{
        char names[3][TREE_NAME_SIZE];
        const TreeOption options[] = {
                {"lowerdir", tree_name(lower, names[0])},
                {"upperdir", tree_name(upper, names[1])},
                {"workdir", tree_name(work, names[2])},
                {in_user_namespace ? "userxattr" : NULL, NULL},
                {},
        };

        return tree_make("overlay", 0, options);
}

int tree_clone(int fd)
{
        int tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

        return tree < 0 ? -errno : tree;
}

int tree_change(int tree, uint64_t attributes, uint64_t propagation)
{
        struct mount_attr change = {.attr_set = attributes, .propagation = propagation};

        return mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof(change)) < 0 ? -errno : 0;
}

int tree_attach(int tree, int target)
{
        return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? -errno : 0;
}

int tree_target(int root, const char *path, unsigned type)
{
        _cleanup_(fd_closep) int target = path_make(root, path, type);
        struct stat st;

        if (target < 0)
                return target;
        if (fstat(target, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode) && type != S_IFDIR)
                return -EISDIR;
        int r = fd_is_same_file(root, target);
        if (r < 0)
                return r;
        return r ? -EBUSY : TAKE_FD(target);
}

int tree_attach_beneath(int tree, int root, const char *path)
{
        _cleanup_(fd_closep) int target = tree_target(root, path, S_IFDIR);

        return target < 0 ? target : tree_attach(tree, target);
}

int tree_stage(int tree)
{
        return move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int tree_unstage(int tree)
{
        char name[TREE_NAME_SIZE];

        return umount2(tree_name(tree, name), MNT_DETACH) < 0 ? -errno : 0;
}

const char *tree_name(int fd, char buffer[static TREE_NAME_SIZE])
{
        snprintf(buffer, TREE_NAME_SIZE, "/proc/self/fd/%d", fd);
        return buffer;
}

int tree_fail(Failure *failure, int code, const char *object, const char *target, const char *hint)
{
        if (!hint && code == -EROFS)
                hint = "its mount point is missing, and the root is read-only";
        if (!hint && code == -EBUSY)
                hint = "that is the root itself";
        if (!hint)
                return failure_step(failure, code, "mount", object, target);
        return failure_set(failure, code, FAILURE_SETUP, "cannot mount %s on %s: %s (%s)", object, target,
                           strerror(-code), hint);
}
