/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/sources.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/kernelfs.h"
#include "container/tree.h"

/* What the steps below have in common. */
typedef struct Opening {
        const Spec *spec;
        int host; /* the root directory of the host's tree, as the caller has it */
        bool is_confined;
        Failure *failure;
} Opening;

static const char hint_foreign[] = "it is of another mount namespace, or may not be bound";

int sources_stand_in_root(const Spec *spec, Failure *failure)
{
        if (spec->root_fd < 0 || fchdir(spec->root_fd) == 0)
                return 0;
        return failure_step(failure, -errno, "go to", "root directory", NULL);
}

/*
 * Clones what @fd is and cuts its ties: no mount made in the container reaches the host, and where attributes were
 * asked for, no mount made on the host comes in without them. Elsewhere the host's unmounts do come in, so that the
 * container doesn't keep its file systems busy.
 */
static int source_clone(int fd, uint64_t attributes)
{
        _cleanup_(fd_closep) int tree = tree_clone(fd);

        if (tree < 0)
                return tree;
        int r = tree_change(tree, attributes, attributes ? MS_PRIVATE : MS_SLAVE);
        return r < 0 ? r : TAKE_FD(tree);
}

/* Return: a descriptor of the root directory, the caller's; -errno. */
static int source_find_root(const Opening *opening)
{
        const Spec *spec = opening->spec;

        if (spec->root_path)
                return path_open(opening->host, spec->root_path, O_PATH | O_DIRECTORY);
        int directory = opening->is_confined ? AT_FDCWD : spec->root_fd; /* sources_stand_in_root() */
        int fd = openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/*
 * The kernel clones for everybody what nobody may look into, and it would be the command that is refused then. So a
 * confined caller hears at once what open(2) would have said.
 */
static int source_check_access(const Opening *opening, int fd)
{
        return opening->is_confined ? fd_check_access(fd) : 0;
}

static int source_open_root(const Opening *opening, Sources *sources)
{
        const char *name = opening->spec->root_path ?: "the root directory";
        _cleanup_(fd_closep) int fd = source_find_root(opening);

        int r = fd < 0 ? fd : 0;
        if (r >= 0 && opening->spec->root_path)
                r = source_check_access(opening, fd);
        if (r < 0)
                return tree_fail(opening->failure, r, name, "/", NULL);
        int tree = source_clone(fd, opening->spec->read_only ? MOUNT_ATTR_RDONLY : 0);
        if (tree < 0)
                return tree_fail(opening->failure, tree, name, "/", tree == -EINVAL ? hint_foreign : NULL);
        sources->root = tree;
        sources->is_root_unlocked = !opening->is_confined || opening->spec->read_only;
        return 0;
}

/*
 * Whoever is root in a user namespace may change what has been made read-only there. So where the host's own tree is to
 * be read-only, the container gets a copy of it that can be locked.
 */
static int source_open_host(const Opening *opening, Sources *sources)
{
        if (!opening->spec->read_only || !spec_has_user_namespace(opening->spec))
                return 0;
        sources->host = source_clone(opening->host, MOUNT_ATTR_RDONLY);
        return sources->host < 0 ? tree_fail(opening->failure, sources->host, "the host's tree", "/", NULL) : 0;
}

/*
 * What shows the cgroups of the host, to a container that shares their namespace. Its root owns those that the host has
 * delegated to who is root there: it sees where it is, and is to change nothing. Only who owns the network namespace is
 * given a sysfs of its own; others see the host's.
 */
static int source_open_sys(const Opening *opening, Sources *sources)
{
        const uint64_t flags = spec_clone_flags(opening->spec);
        const char *path = flags & CLONE_NEWNET ? "/sys/fs/cgroup" : "/sys";

        if (!(flags & CLONE_NEWUSER) || flags & CLONE_NEWCGROUP)
                return 0;
        _cleanup_(fd_closep) int fd = path_open(opening->host, path, O_PATH | O_DIRECTORY);
        if (fd == -ENOENT)
                return 0;
        sources->sys = fd < 0 ? fd : source_clone(fd, KERNELFS_READ_ONLY);
        return sources->sys < 0 ? tree_fail(opening->failure, sources->sys, path, path, NULL) : 0;
}

static int source_open_bind(const Opening *opening, const Mount *mount, Source *source)
{
        uint64_t attributes = mount->kind == MOUNT_BIND_READ_ONLY ? MOUNT_ATTR_RDONLY : 0;
        _cleanup_(fd_closep) int fd = path_open(opening->host, mount->source, O_PATH);
        struct stat st;

        if (opening->is_confined)
                attributes |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        int r = fd < 0 ? fd : source_check_access(opening, fd);
        if (r < 0)
                return tree_fail(opening->failure, r, mount->source, mount->destination, NULL);
        if (fstat(fd, &st) < 0)
                return tree_fail(opening->failure, -errno, mount->source, mount->destination, NULL);
        source->is_directory = S_ISDIR(st.st_mode);
        source->is_unlocked = !opening->is_confined || mount->kind == MOUNT_BIND_READ_ONLY;
        source->tree = source_clone(fd, attributes);
        if (source->tree == -EINVAL)
                return tree_fail(opening->failure, -EINVAL, mount->source, mount->destination, hint_foreign);
        if (source->tree < 0)
                return tree_fail(opening->failure, source->tree, mount->source, mount->destination, NULL);
        return 0;
}

/* The path of an open directory as it is now; what is done with it has to be verified. */
static int directory_path(int fd, char path[static PATH_MAX])
{
        char name[TREE_NAME_SIZE];
        ssize_t n = readlink(tree_name(fd, name), path, PATH_MAX);

        if (n < 0)
                return -errno;
        if (n == PATH_MAX)
                return -ENAMETOOLONG;
        path[n] = '\0';
        return 0;
}

/* Bytes of the directory that two absolute paths have in common; 0: "/". */
static size_t common_directory(const char *one, const char *other)
{
        size_t end = 0, i = 0;

        for (;; i++) {
                bool one_ends = one[i] == '/' || !one[i], other_ends = other[i] == '/' || !other[i];
                if (one_ends && other_ends)
                        end = i;
                if (one[i] != other[i] || !one[i])
                        return end;
        }
}

/* Finds beneath @tree the directory that @layer is, and takes its place. */
static int layer_move(int tree, const char *path, int *layer)
{
        struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        _cleanup_(fd_closep) int moved = -EBADF;

        while (*path == '/')
                path++;
        moved = (int)syscall(SYS_openat2, tree, *path ? path : ".", &how, sizeof(how));
        if (moved < 0)
                return errno == ENOENT || errno == ENOTDIR ? -EXDEV : -errno;
        int r = fd_is_same_file(moved, *layer);
        if (r < 0)
                return r;
        if (r == 0)
                return -EXDEV;
        fd_close(*layer);
        *layer = TAKE_FD(moved);
        return 0;
}

/*
 * The layers have to be in one mount of the leader's namespace, where the supervisor's descriptors don't belong. So the
 * directory that holds both is cloned, for the leader to attach, and both are looked up in it again; that they are the
 * same directories is verified.
 */
static int source_clone_layers(Source *source)
{
        char upper[PATH_MAX], work[PATH_MAX];
        int r;

        r = directory_path(source->upper, upper);
        if (r >= 0)
                r = directory_path(source->work, work);
        if (r < 0)
                return r;
        size_t end = common_directory(upper, work);
        char after = upper[end];
        upper[end] = '\0';
        _cleanup_(fd_closep) int common = open(end > 0 ? upper : "/", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        upper[end] = after;
        if (common < 0)
                return -errno;
        source->tree = open_tree(common, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        if (source->tree < 0)
                return -errno;
        r = tree_change(source->tree, 0, MS_PRIVATE);
        if (r >= 0)
                r = layer_move(source->tree, upper + end, &source->upper);
        if (r >= 0)
                r = layer_move(source->tree, work + end, &source->work);
        return r;
}

static int source_open_overlay(const Opening *opening, const Mount *mount, Source *source)
{
        source->upper = path_open(opening->host, mount->source, O_PATH | O_DIRECTORY);
        if (source->upper < 0)
                return tree_fail(opening->failure, source->upper, mount->source, mount->destination, NULL);
        source->work = path_open(opening->host, mount->work, O_PATH | O_DIRECTORY);
        if (source->work < 0)
                return tree_fail(opening->failure, source->work, mount->work, mount->destination, NULL);
        int r = opening->is_confined ? 0 : source_clone_layers(source);
        if (r == -EXDEV)
                return tree_fail(opening->failure, r, "overlay", mount->destination,
                                 "its upper and its work directory must lie on the same mount");
        return r < 0 ? tree_fail(opening->failure, r, "overlay", mount->destination, NULL) : 0;
}

static int source_open(const Opening *opening, const Mount *mount, Source *source)
{
        switch (mount->kind) {
        case MOUNT_BIND:
        case MOUNT_BIND_READ_ONLY:
                return source_open_bind(opening, mount, source);
        case MOUNT_OVERLAY:
                return source_open_overlay(opening, mount, source);
        case MOUNT_TMP:
                return 0;
        }
        return -EINVAL;
}

static Sources *sources_new(size_t n_mounts)
{
        _cleanup_(sources_freep) Sources *sources = calloc(1, sizeof(*sources));

        if (!sources)
                return NULL;
        sources->root = sources->host = sources->sys = -EBADF;
        sources->mounts = calloc(n_mounts, sizeof(*sources->mounts));
        if (!sources->mounts && n_mounts > 0)
                return NULL;
        for (; sources->n_mounts < n_mounts; sources->n_mounts++)
                sources->mounts[sources->n_mounts] = (Source){.tree = -EBADF, .upper = -EBADF, .work = -EBADF};
        return TAKE_PTR(sources);
}

int sources_open(const Spec *spec, const Identity *identity, Sources **ret, Failure *failure)
{
        _cleanup_(fd_closep) int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        Opening opening = {.spec = spec, .host = host, .is_confined = identity->is_confined, .failure = failure};

        if (host < 0)
                return failure_step(failure, -errno, "open", "/", NULL);
        _cleanup_(sources_freep) Sources *sources = sources_new(spec->n_mounts);
        if (!sources)
                return failure_step(failure, -ENOMEM, "open", "mounts", NULL);
        int r = spec_has_root(spec) ? source_open_root(&opening, sources) : source_open_host(&opening, sources);
        if (r >= 0 && spec_has_root(spec))
                r = source_open_sys(&opening, sources);
        for (size_t i = 0; i < spec->n_mounts && r >= 0; i++)
                r = source_open(&opening, &spec->mounts[i], &sources->mounts[i]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(sources);
        return 0;
}

static bool has_id(uint32_t start, uint32_t count, uint32_t id)
{
        return id >= start && id - start < count;
}

/* The ids of the tree are those of the container, not already those that the host has for them. */
static bool maps_fit(const Spec *spec, uid_t owner)
{
        bool fits = false;

        for (size_t i = 0; i < spec->n_user_maps; i++) {
                const IdMap *map = &spec->user_maps[i];
                if (has_id(map->host, map->count, owner))
                        return false;
                fits |= has_id(map->container, map->count, owner);
        }
        return fits;
}

int sources_map_root(const Sources *sources, const Spec *spec, int userns, Failure *failure)
{
        struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
        static const unsigned reaches[] = {AT_RECURSIVE, 0};
        struct stat st;

        if (sources->root < 0)
                return 0;
        if (fstat(sources->root, &st) < 0)
                return failure_step(failure, -errno, "map", "ids", "/");
        if (!maps_fit(spec, st.st_uid))
                return 0;
        for (unsigned i = 0; i < ELEMENTS(reaches); i++) {
                if (mount_setattr(sources->root, "", AT_EMPTY_PATH | reaches[i], &change, sizeof(change)) == 0)
                        return 1;
                if (errno != EINVAL && errno != EOPNOTSUPP && errno != EPERM)
                        return failure_step(failure, -errno, "map", "ids", "/");
        }
        return 0;
}

size_t sources_unlocked(Sources *sources, int **ret)
{
        size_t n = 0;

        if (sources->is_root_unlocked)
                ret[n++] = &sources->root;
        if (sources->host >= 0)
                ret[n++] = &sources->host;
        if (sources->sys >= 0)
                ret[n++] = &sources->sys;
        for (size_t i = 0; i < sources->n_mounts; i++)
                if (sources->mounts[i].is_unlocked)
                        ret[n++] = &sources->mounts[i].tree;
        return n;
}

Sources *sources_free(Sources *sources)
{
        int saved = errno;

        if (!sources)
                return NULL;
        fd_close(sources->root);
        fd_close(sources->host);
        fd_close(sources->sys);
        for (size_t i = 0; i < sources->n_mounts; i++) {
                fd_close(sources->mounts[i].tree);
                fd_close(sources->mounts[i].upper);
                fd_close(sources->mounts[i].work);
        }
        free(sources->mounts);
        free(sources);
        errno = saved;
        return NULL;
}
