/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of a copy that reads
 *
 * It runs on the source's side, with that side's authority, and the source's root directory is its own: so a link can't
 * lead out of it, whatever is renamed meanwhile. Nothing but regular files and directories is opened; what was looked
 * at and what was opened is compared. Where somebody wants to see how far it is, it goes the whole way twice, and the
 * first time only counts.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/copy-item.h"

typedef struct Reader {
        const CopySide *side;
        bool follows;
        Item *item;
        Failure *failure;
        VisitWork *counted;                /* NULL: send what is met, else count it */
        struct stat above[COPY_DEPTH_MAX]; /* the directories that we are in */
        unsigned depth;
        char path[PATH_MAX]; /* for people to read */
} Reader;

static void closedirp(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

static int reader_fail(const Reader *reader, int code)
{
        return failure_step(reader->failure, code, "copy", reader->path, NULL);
}

static int reader_send(const Reader *reader, ItemKind kind, int fd)
{
        if (reader->counted)
                return 0;
        reader->item->kind = kind;
        int r = item_send(reader->side->link, reader->item, fd);
        return r < 0 && r != -ECANCELED ? reader_fail(reader, r) : r;
}

/* @flags: those of open(2). Return: the descriptor, the caller's; -errno. */
static int reader_open(const Reader *reader, int directory, const char *name, int flags)
{
        const struct open_how how = {
                .flags = (uint64_t)(flags | O_CLOEXEC | (reader->follows ? 0 : O_NOFOLLOW)),
                .resolve = RESOLVE_NO_MAGICLINKS,
        };
        int fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));

        return fd < 0 ? -errno : fd;
}

/* The same for something that was looked at before. */
static int reader_open_known(const Reader *reader, int directory, const char *name, int flags, const struct stat *known)
{
        _cleanup_(fd_closep) int fd = reader_open(reader, directory, name, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        return st.st_dev == known->st_dev && st.st_ino == known->st_ino ? TAKE_FD(fd) : -ESTALE;
}

/* ---- extended attributes ---- */

/*
 * What says who may do what is worth something only where it was said: capabilities of a program in the container would
 * be the host's, outside. So they go in, where the kernel ties them to the user namespace, and never come out.
 */
static bool attribute_is_wanted(const CopySide *side, const char *name)
{
        return strncmp(name, "user.", strlen("user.")) == 0 || attribute_is_acl(name) ||
               (!side->is_inside && strcmp(name, "security.capability") == 0);
}

static int reader_send_attribute(const Reader *reader, int fd, const char *name)
{
        Item *item = reader->item;

        if (strlen(name) >= sizeof(item->name))
                return 0;
        strcpy(item->name, name);
        ssize_t n = fgetxattr(fd, name, item->value, XATTR_SIZE_MAX);
        if (n < 0)
                return errno == ENODATA || errno == EOPNOTSUPP ? 0 : reader_fail(reader, -errno);
        item->n_value = (uint32_t)n;
        if (reader->side->maps && attribute_is_acl(name))
                item_translate_acl(item, reader->side->maps, true);
        return reader_send(reader, ITEM_ATTRIBUTE, -EBADF);
}

static int reader_send_attributes(const Reader *reader, int fd)
{
        _cleanup_(freep) char *names = malloc(XATTR_LIST_MAX);
        int r = 0;

        if (!names)
                return reader_fail(reader, -ENOMEM);
        ssize_t n = flistxattr(fd, names, XATTR_LIST_MAX);
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : reader_fail(reader, -errno);
        for (const char *name = names; r >= 0 && name < names + n; name += strlen(name) + 1)
                if (attribute_is_wanted(reader->side, name))
                        r = reader_send_attribute(reader, fd, name);
        return r;
}

static int reader_close(const Reader *reader, int fd)
{
        int r = reader->counted ? 0 : reader_send_attributes(reader, fd);

        reader->item->n_value = 0;
        return r < 0 ? r : reader_send(reader, ITEM_CLOSE, -EBADF);
}

/* ---- nodes ---- */

static int reader_node(Reader *reader, int directory, const char *name);

static void reader_describe(const Reader *reader, const struct stat *st, const char *name)
{
        const IdMaps *maps = reader->side->maps;
        Item *item = reader->item;

        *item = (Item){
                .mode = st->st_mode,
                .uid = st->st_uid,
                .gid = st->st_gid,
                .device = st->st_rdev,
                .times = {st->st_atim, st->st_mtim},
        };
        snprintf(item->name, sizeof(item->name), "%s", name);
        if (maps && !idmap_to_host(maps->uids, maps->n_uids, st->st_uid, &item->uid))
                item->uid = ID_NOBODY;
        if (maps && !idmap_to_host(maps->gids, maps->n_gids, st->st_gid, &item->gid))
                item->gid = ID_NOBODY;
}

static int reader_link(const Reader *reader, int there)
{
        Item *item = reader->item;
        ssize_t n = readlinkat(there, "", item->value, PATH_MAX);

        if (n < 0 || n == PATH_MAX)
                return reader_fail(reader, n < 0 ? -errno : -ENAMETOOLONG);
        item->n_value = (uint32_t)n;
        return reader_send(reader, ITEM_NODE, -EBADF);
}

static int reader_file(const Reader *reader, int directory, const char *name, const struct stat *st)
{
        if (reader->counted)
                return 0;
        _cleanup_(fd_closep) int fd = reader_open_known(reader, directory, name, 0, st);

        if (fd < 0)
                return reader_fail(reader, fd);
        int r = reader_send(reader, ITEM_NODE, fd);
        return r < 0 ? r : reader_close(reader, fd);
}

/* What the kernel makes up of itself isn't part of anybody's tree. */
static bool is_kernels_own(int fd)
{
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return false;
        return fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC ||
               fs.f_type == CGROUP_SUPER_MAGIC;
}

/* Followed links can lead in a circle, and a tree can be made to be deep. */
static int reader_descend(Reader *reader, const struct stat *st)
{
        for (unsigned i = 0; i < reader->depth; i++)
                if (reader->above[i].st_dev == st->st_dev && reader->above[i].st_ino == st->st_ino)
                        return reader_fail(reader, -ELOOP);
        if (reader->depth == COPY_DEPTH_MAX)
                return reader_fail(reader, -ENAMETOOLONG);
        reader->above[reader->depth++] = *st;
        return 0;
}

static int reader_entries(Reader *reader, DIR *directory)
{
        size_t length = strlen(reader->path);
        struct dirent *entry;
        int r = 0;

        while (r >= 0 && (errno = 0, entry = readdir(directory))) {
                const char *name = entry->d_name;
                if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, reader->side->temporary) == 0)
                        continue;
                snprintf(reader->path + length, sizeof(reader->path) - length, "/%s", name);
                r = reader_node(reader, dirfd(directory), name);
                if (r >= 0)
                        reader->path[length] = '\0';
        }
        return r >= 0 && errno != 0 ? reader_fail(reader, -errno) : r;
}

static int reader_directory(Reader *reader, int parent, const char *name, const struct stat *st)
{
        _cleanup_(fd_closep) int fd = reader_open_known(reader, parent, name, O_DIRECTORY, st);

        if (fd < 0)
                return reader_fail(reader, fd);
        _cleanup_(closedirp) DIR *directory = fdopendir(fd);
        if (!directory)
                return reader_fail(reader, -errno);
        TAKE_FD(fd);
        int r = reader_descend(reader, st);
        if (r >= 0)
                r = reader_send(reader, ITEM_NODE, -EBADF);
        if (r >= 0 && (reader->depth == 1 || !is_kernels_own(dirfd(directory))))
                r = reader_entries(reader, directory);
        reader->depth--;
        return r < 0 ? r : reader_close(reader, dirfd(directory));
}

static void reader_count(const Reader *reader, const struct stat *st)
{
        if (!reader->counted)
                return;
        reader->counted->files++;
        if (S_ISREG(st->st_mode))
                reader->counted->bytes += (uint64_t)st->st_size;
}

static int reader_node(Reader *reader, int directory, const char *name)
{
        _cleanup_(fd_closep) int there = reader_open(reader, directory, name, O_PATH);
        struct stat st;

        if (there == -ENOENT && reader->depth > 0 && !reader->follows)
                return 0; /* it has gone since it was listed */
        if (there < 0 || fstat(there, &st) < 0)
                return reader_fail(reader, there < 0 ? there : -errno);
        reader_count(reader, &st);
        reader_describe(reader, &st, name);
        switch (st.st_mode & S_IFMT) {
        case S_IFDIR:
                return reader_directory(reader, directory, name, &st);
        case S_IFREG:
                return reader_file(reader, directory, name, &st);
        case S_IFLNK:
                return reader_link(reader, there);
        default:
                return reader_send(reader, ITEM_NODE, -EBADF);
        }
}

static int reader_begin(Reader *reader)
{
        const CopySide *side = reader->side;
        const char *name;

        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return reader_fail(reader, -errno);
        _cleanup_(fd_closep) int parent = path_open_parent(root, side->path, 0, &name);
        if (parent < 0)
                return reader_fail(reader, parent);
        size_t length = strcspn(name, "/"); /* there may be more of them at the end */
        if (length > NAME_MAX)
                return reader_fail(reader, -ENAMETOOLONG);
        _cleanup_(freep) char *bare = strndup(name, length);
        return bare ? reader_node(reader, parent, bare) : reader_fail(reader, -ENOMEM);
}

static int reader_run(Reader *reader)
{
        VisitWork total = {};
        int r;

        if (reader->side->report >= 0) {
                reader->counted = &total;
                r = reader_begin(reader);
                reader->counted = NULL;
                if (r < 0)
                        return r;
                visit_tell(reader->side->report, NULL, &total);
        }
        r = reader_begin(reader);
        if (r < 0)
                return r;
        *reader->item = (Item){};
        return reader_send(reader, ITEM_END, -EBADF);
}

int copy_read(const CopySide *side, bool follows, Failure *failure)
{
        _cleanup_(freep) Reader *reader = calloc(1, sizeof(*reader));
        _cleanup_(freep) Item *item = item_new();
        char byte;

        if (!reader || !item)
                return failure_step(failure, -ENOMEM, "copy", side->path, NULL);
        *reader = (Reader){.side = side, .follows = follows, .item = item, .failure = failure};
        snprintf(reader->path, sizeof(reader->path), "%s", side->path);
        int r = reader_run(reader);
        /* As long as we are there, it is wanted. */
        return r < 0 ? r : fd_receive(side->link, &byte, 1, NULL, 0, 0) < 0 ? -ECANCELED : 0;
}
