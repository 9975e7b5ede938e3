/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/fd.h"
#include "container/tree.h"

static int mount_bind(const Mount *mount, const Source *source, int root, Failure *failure)
{
        _cleanup_(fd_closep) int target = tree_target(root, mount->destination,
                                                      source->is_directory ? S_IFDIR : S_IFREG);
        int r = target < 0 ? target : tree_attach(source->tree, target);

        return r < 0 ? tree_fail(failure, r, mount->source, mount->destination, NULL) : 0;
}

static int mount_tmp(const Mount *mount, int root, Failure *failure)
{
        static const TreeOption options[] = {{"mode", "1777"}, {}};
        _cleanup_(fd_closep) int tree = tree_make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
        int r = tree < 0 ? tree : tree_attach_beneath(tree, root, mount->destination);

        return r < 0 ? tree_fail(failure, r, "tmpfs", mount->destination, NULL) : 0;
}

static const char *overlay_hint(int code)
{
        switch (code) {
        case -EBUSY:
                return "its upper or work directory is part of another overlay";
        case -EINVAL:
                return "its directories must be apart, with no mounts beneath, on a file system that can be an upper "
                       "layer";
        case -ELOOP:
                return "its upper, work and lower directories must not lie in one another";
        default:
                return NULL;
        }
}

static int mount_overlay_on(const Mount *mount, const Source *source, int target, bool in_user_namespace,
                            Failure *failure)
{
        int tree = tree_make_overlay(target, source->upper, source->work, in_user_namespace);

        if (tree < 0)
                return tree_fail(failure, tree, "overlay", mount->destination, overlay_hint(tree));
        int r = tree_attach(tree, target);
        fd_close(tree);
        return r < 0 ? tree_fail(failure, r, "overlay", mount->destination, NULL) : 0;
}

static int mount_overlay(const Mount *mount, const Source *source, int root, bool in_user_namespace, Failure *failure)
{
        _cleanup_(fd_closep) int target = tree_target(root, mount->destination, S_IFDIR);
        int r;

        if (target < 0)
                return tree_fail(failure, target, "overlay", mount->destination, NULL);
        r = source->tree >= 0 ? tree_stage(source->tree) : 0;
        if (r < 0)
                return tree_fail(failure, r, "overlay", mount->destination, NULL);
        r = mount_overlay_on(mount, source, target, in_user_namespace, failure);
        /* The overlay has clones of its own of what it was made from. */
        int undone = source->tree >= 0 ? tree_unstage(source->tree) : 0;
        if (r >= 0 && undone < 0)
                return failure_step(failure, undone, "unmount", "layers of overlay", mount->destination);
        return r;
}

int mounts_apply(const Spec *spec, const Sources *sources, int root, bool in_user_namespace, Failure *failure)
{
        int r = 0;

        for (size_t i = 0; i < spec->n_mounts && r >= 0; i++) {
                const Mount *mount = &spec->mounts[i];
                switch (mount->kind) {
                case MOUNT_BIND:
                case MOUNT_BIND_READ_ONLY:
                        r = mount_bind(mount, &sources->mounts[i], root, failure);
                        break;
                case MOUNT_OVERLAY:
                        r = mount_overlay(mount, &sources->mounts[i], root, in_user_namespace, failure);
                        break;
                case MOUNT_TMP:
                        r = mount_tmp(mount, root, failure);
                        break;
                }
        }
        return r;
}
