/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/bind.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/tree-lock.h"
#include "container/tree.h"

static int bind_fail(const BindInput *input, int code, const char *hint, Failure *failure)
{
        return tree_fail(failure, code, input->source, input->destination, hint);
}

/* ---- the host's side ---- */

/* With a stranger's ids nothing more may be done here. */
static void be_root_again(void)
{
        if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0)
                _exit(EXIT_FAILURE);
}

/*
 * The kernel looks at the path as it would for the caller, who hears at once what open(2) would have said of what is
 * there: to clone its mount is allowed to everybody. The real ids stay, so the caller can't reach for us.
 */
static int source_open_as_caller(const Identity *caller, int host, const char *path)
{
        int fd, r;

        if (!caller->is_confined)
                return path_open(host, path, O_PATH);
        if (setgroups(caller->n_groups, caller->groups) < 0 || setegid(caller->gid) < 0 || seteuid(caller->uid) < 0)
                fd = -errno;
        else
                fd = path_open(host, path, O_PATH);
        r = fd < 0 ? fd : fd_check_access(fd);
        be_root_again();
        if (r < 0)
                fd_close(fd);
        return r < 0 ? r : fd;
}

/* Mounts made on the host later come in where no attribute was asked for, as they would come in without it. */
static int source_clone(const BindInput *input, int source)
{
        uint64_t attributes = input->is_read_only ? MOUNT_ATTR_RDONLY : 0;
        _cleanup_(fd_closep) int tree = tree_clone(source);

        if (tree < 0)
                return tree;
        if (input->caller.is_confined)
                attributes |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        int r = tree_change(tree, attributes, attributes ? MS_PRIVATE : MS_SLAVE);
        return r < 0 ? r : TAKE_FD(tree);
}

static int source_open(const BindInput *input, struct stat *ret_st, Failure *failure)
{
        _cleanup_(fd_closep) int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (host < 0)
                return bind_fail(input, -errno, NULL, failure);
        _cleanup_(fd_closep) int source = source_open_as_caller(&input->caller, host, input->source);
        if (source < 0)
                return bind_fail(input, source, NULL, failure);
        if (fstat(source, ret_st) < 0)
                return bind_fail(input, -errno, NULL, failure);
        int tree = source_clone(input, source);
        if (tree < 0)
                return bind_fail(input, tree, tree == -EINVAL ? "it may not be bound" : NULL, failure);
        return tree;
}

/* ---- ids ---- */

/* Mounts beneath it are mapped with it if every one of them can be. */
static int tree_map(int tree, int userns)
{
        struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};

        if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof(change)) == 0 ||
            mount_setattr(tree, "", AT_EMPTY_PATH, &change, sizeof(change)) == 0)
                return 0;
        return -errno;
}

/* An owner whom the container knows by the host's number is left alone; one with a number of its own becomes that. */
static int bind_map(const BindInput *input, int tree, uid_t owner, Failure *failure)
{
        const IdMaps *maps = input->place.maps;
        uint32_t other;

        if (!maps || input->caller.is_confined || idmap_to_container(maps->uids, maps->n_uids, owner, &other))
                return 0;
        if (!idmap_to_host(maps->uids, maps->n_uids, owner, &other))
                return failure_set(failure, -EOVERFLOW, FAILURE_NOT_SUPPORTED,
                                   "cannot mount %s on %s: its owner, uid %u, is not in the user map", input->source,
                                   input->destination, (unsigned)owner);
        int r = tree_map(tree, namespaces_get(input->place.namespaces, CLONE_NEWUSER));
        if (r < 0)
                return failure_set(failure, r, FAILURE_NOT_SUPPORTED,
                                   "cannot mount %s on %s: its owner, uid %u, is not in the user map, and its file "
                                   "system can't be mapped: %s",
                                   input->source, input->destination, (unsigned)owner, strerror(-r));
        return 0;
}

/* ---- on the way ---- */

/* Enters the container with the mount. Return: a descriptor of what is to be attached there; -errno. */
static int bind_enter(const BindInput *input, int tree, Failure *failure)
{
        const VisitPlace *place = &input->place;
        int locked;

        if (!place->maps) {
                int r = visit_enter(place, CLONE_NEWNS, failure);
                return r < 0 ? r : fd_keep(tree);
        }
        _cleanup_(fd_closep) int mounts = fd_keep(namespaces_get(place->namespaces, CLONE_NEWNS));
        if (mounts < 0)
                return failure_step(failure, mounts, "keep", "the mount namespace", NULL);
        int r = lock_stage(&tree, 1);
        if (r < 0)
                return bind_fail(input, r, NULL, failure);
        r = visit_enter(place, 0, failure);
        if (r < 0)
                return r;
        r = lock_copy(1, &locked);
        if (r < 0)
                return bind_fail(input, r, NULL, failure);
        if (setns(mounts, CLONE_NEWNS) < 0) {
                failure_step(failure, -errno, "enter", "the namespaces", NULL);
                fd_close(locked);
                return failure->code;
        }
        return locked;
}

/* ---- the container's side ---- */

static int bind_attach(const BindInput *input, int tree, bool is_directory, Failure *failure)
{
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(fd_closep) int there = root < 0 ? -errno : path_open(root, input->destination, O_PATH);

        if (there < 0 && (there != -ENOENT || !input->makes_destination))
                return bind_fail(input, there, NULL, failure);
        umask(022);
        _cleanup_(fd_closep) int target = tree_target(root, input->destination, is_directory ? S_IFDIR : S_IFREG);
        int r = target < 0 ? target : tree_attach(tree, target);
        return r < 0 ? bind_fail(input, r, NULL, failure) : 0;
}

int bind_visit(const void *input, int report, int *ret_answer _unused_, Failure *failure)
{
        const BindInput *bind = input;
        struct stat st;

        int r = visit_let_go(&bind->place, &report, 1, failure);
        if (r < 0)
                return r;
        _cleanup_(fd_closep) int tree = source_open(bind, &st, failure);
        if (tree < 0)
                return tree;
        r = bind_map(bind, tree, st.st_uid, failure);
        if (r < 0)
                return r;
        _cleanup_(fd_closep) int inside = bind_enter(bind, tree, failure);
        if (inside < 0)
                return inside;
        return bind_attach(bind, inside, S_ISDIR(st.st_mode), failure);
}
