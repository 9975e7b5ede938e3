/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of a copy that writes
 *
 * It runs on the destination's side, with that side's authority. Everything is made with a name of one component in a
 * directory that is held open, exclusively, closed to others, and by no link; then it gets content, owner, mode,
 * attributes and times by its descriptor. The whole has a name that nobody expects until it is whole.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/copy-item.h"

/* A file or directory that is open, and what it shall be once it is closed. */
typedef struct Node {
        int fd;
        bool is_owned; /* owner and mode have been given */
        bool is_directory;
        mode_t mode;
        uint32_t uid, gid; /* the host's */
        struct timespec times[2];
} Node;

typedef struct Writer {
        const CopySide *side;
        bool replaces;
        Item *item;
        Failure *failure;
        Progress *progress;      /* NULL: nobody looks */
        int parent;              /* directory of the destination, O_PATH */
        char name[NAME_MAX + 1]; /* of the destination in it */
        Node nodes[COPY_DEPTH_MAX + 1];
        unsigned n_nodes;
} Writer;

/* Is what is being made the destination itself, and not something in it. */
static bool writer_is_at_top(const Writer *writer)
{
        return writer->n_nodes == 0 || (writer->n_nodes == 1 && !writer->nodes[0].is_directory);
}

static int writer_fail(const Writer *writer, int code)
{
        const char *destination = writer->side->path;

        if (code == -ECANCELED || writer->failure->code < 0)
                return code;
        if (writer_is_at_top(writer))
                return failure_step(writer->failure, code, "write", destination, NULL);
        return failure_set(writer->failure, code, FAILURE_SETUP, "cannot write %s beneath %s: %s", writer->item->name,
                           destination, strerror(-code));
}

/* ---- removing ---- */

static int tree_remove(int parent, const char *name);

static int entries_remove(DIR *directory)
{
        const struct dirent *entry;
        int r = 0;

        while (r >= 0 && (entry = readdir(directory)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        r = tree_remove(dirfd(directory), entry->d_name);
        return r;
}

static int tree_remove(int parent, const char *name)
{
        if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR)
                return -errno;
        _cleanup_(fd_closep) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        fchmod(fd, 0700); /* or nothing could be removed from it, without authority to write where one may not */
        DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        TAKE_FD(fd);
        int r = entries_remove(directory);
        closedir(directory);
        return r < 0 ? r : unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* ---- owner, mode, attributes, times ---- */

/*
 * Gives what is made to whom it belongs. Who isn't known on this side, or can't be given anything by us, doesn't get
 * it. Return: 1 when it has its owner and group; 0 when it stays ours; -errno.
 */
static int owner_give(const CopySide *side, int fd, const char *name, uint32_t uid, uint32_t gid)
{
        const int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
        const IdMaps *maps = side->maps;

        if (maps && !idmap_to_container(maps->uids, maps->n_uids, uid, &uid))
                uid = ID_NOBODY;
        if (maps && !idmap_to_container(maps->gids, maps->n_gids, gid, &gid))
                gid = ID_NOBODY;
        if (fchownat(fd, name, uid, gid, flags) == 0)
                return uid != ID_NOBODY && gid != ID_NOBODY;
        if (errno != EPERM)
                return -errno;
        return fchownat(fd, name, (uid_t)-1, gid, flags) < 0 && errno != EPERM ? -errno : 0;
}

static int node_own(const Writer *writer, Node *node)
{
        if (node->is_owned)
                return 0;
        node->is_owned = true;
        int r = owner_give(writer->side, node->fd, "", node->uid, node->gid);
        if (r < 0)
                return r;
        if (r == 0)
                node->mode &= ~(mode_t)(S_ISUID | S_ISGID);
        return fchmod(node->fd, node->mode & 07777) < 0 ? -errno : 0;
}

/* With an ACL the group's bits are but its mask. Without it they would say more than it did. */
static int node_lose_acl(const Node *node)
{
        return fchmod(node->fd, node->mode & 07707) < 0 ? -errno : 0;
}

static int writer_attribute(Writer *writer)
{
        Node *node = &writer->nodes[writer->n_nodes - 1];
        Item *item = writer->item;
        bool is_acl = attribute_is_acl(item->name);

        int r = node_own(writer, node);
        if (r < 0)
                return r;
        if (!is_acl || item_translate_acl(item, writer->side->maps, false)) {
                if (fsetxattr(node->fd, item->name, item->value, item->n_value, 0) == 0)
                        return 0;
                if (errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL)
                        return -errno;
        }
        return is_acl ? node_lose_acl(node) : 0;
}

static int writer_close(Writer *writer)
{
        Node *node = &writer->nodes[writer->n_nodes - 1];

        int r = node_own(writer, node);
        if (r >= 0 && futimens(node->fd, node->times) < 0)
                r = -errno;
        node->fd = fd_close(node->fd);
        writer->n_nodes--;
        return r;
}

/* ---- nodes ---- */

static bool name_is_component(const char *name)
{
        return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int node_push(Writer *writer, int fd)
{
        const Item *item = writer->item;

        if (writer->n_nodes == ELEMENTS(writer->nodes)) {
                fd_close(fd);
                return -ENAMETOOLONG;
        }
        writer->nodes[writer->n_nodes++] = (Node){
                .fd = fd,
                .is_directory = S_ISDIR(item->mode),
                .mode = item->mode,
                .uid = item->uid,
                .gid = item->gid,
                .times = {item->times[0], item->times[1]},
        };
        return 0;
}

static int make_directory(Writer *writer, int parent, const char *name)
{
        if (mkdirat(parent, name, 0700) < 0)
                return -errno;
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : node_push(writer, fd);
}

static int make_file(Writer *writer, int parent, const char *name, int content)
{
        if (content < 0)
                return -EBADMSG;
        int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = node_push(writer, fd);
        if (r >= 0)
                r = copy_data(content, fd, writer->side->link, writer->progress);
        /* It may be the source that can't be read, or the disk that is full: the reason tells. */
        if (r < 0 && r != -ECANCELED)
                failure_set(writer->failure, r, FAILURE_SETUP, "cannot copy the content of %s to %s: %s",
                            writer->item->name, writer->side->path, strerror(-r));
        return r;
}

/* A device that a container shows may be one that it made up: outside of it, it would be a real one. */
static int make_special(const Writer *writer, int parent, const char *name)
{
        const Item *item = writer->item;
        bool is_device = S_ISCHR(item->mode) || S_ISBLK(item->mode);

        if (is_device && !writer->side->may_make_devices)
                return -EPERM;
        if (S_ISLNK(item->mode))
                return symlinkat(item->value, parent, name) < 0 ? -errno : 0;
        return mknodat(parent, name, item->mode & (S_IFMT | 0777), is_device ? item->device : 0) < 0 ? -errno : 0;
}

/*
 * There is no descriptor of a node when it is made. In a directory of somebody else's another file may have its name
 * since then, by a second link, whose owner it isn't ours to change.
 */
static int open_special(const Writer *writer, int parent, const char *name)
{
        _cleanup_(fd_closep) int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return st.st_nlink == 1 && (st.st_mode & S_IFMT) == (writer->item->mode & S_IFMT) ? TAKE_FD(fd) : -ESTALE;
}

static int writer_special(const Writer *writer, int parent, const char *name)
{
        const Item *item = writer->item;

        int r = make_special(writer, parent, name);
        if (r < 0)
                return r;
        _cleanup_(fd_closep) int fd = open_special(writer, parent, name);
        if (fd < 0)
                return fd;
        r = owner_give(writer->side, fd, "", item->uid, item->gid);
        if (r >= 0 && utimensat(parent, name, item->times, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        return r;
}

static int writer_node(Writer *writer, int content)
{
        const Node *above = writer->n_nodes > 0 ? &writer->nodes[writer->n_nodes - 1] : NULL;
        const Item *item = writer->item;
        const char *name = above ? item->name : writer->side->temporary;
        int parent = above ? above->fd : writer->parent;

        if (!name_is_component(name) || (above && !above->is_directory))
                return -EBADMSG;
        if (S_ISDIR(item->mode))
                return make_directory(writer, parent, name);
        if (S_ISREG(item->mode))
                return make_file(writer, parent, name, content);
        return writer_special(writer, parent, name);
}

/* ---- the whole ---- */

/* What was there before is exchanged for what is new, in one go, and then removed. */
static int writer_replace(const Writer *writer)
{
        const char *temporary = writer->side->temporary;

        if (renameat2(writer->parent, temporary, writer->parent, writer->name, RENAME_EXCHANGE) == 0) {
                int r = tree_remove(writer->parent, temporary);
                return r < 0 ? failure_step(writer->failure, r, "remove what was", writer->side->path, NULL) : 0;
        }
        if (errno != EINVAL)
                return -errno;
        return renameat(writer->parent, temporary, writer->parent, writer->name) < 0 ? -errno : 0;
}

static int writer_finish(const Writer *writer)
{
        if (writer->n_nodes > 0)
                return -EBADMSG;
        if (renameat2(writer->parent, writer->side->temporary, writer->parent, writer->name, RENAME_NOREPLACE) == 0)
                return 0;
        return errno == EEXIST && writer->replaces ? writer_replace(writer) : -errno;
}

/* Return: 1 when it is whole; 0 when there is more to come; -errno. */
static int writer_next(Writer *writer)
{
        _cleanup_(fd_closep) int content = -EBADF;

        int r = item_receive(writer->side->link, writer->item, &content);
        if (r < 0)
                return r;
        switch (writer->item->kind) {
        case ITEM_NODE:
                r = writer_node(writer, content);
                if (r < 0)
                        return r;
                progress_add(writer->progress, 0, 1);
                return 0;
        case ITEM_ATTRIBUTE:
                return writer->n_nodes > 0 ? writer_attribute(writer) : -EBADMSG;
        case ITEM_CLOSE:
                return writer->n_nodes > 0 ? writer_close(writer) : -EBADMSG;
        case ITEM_END:
                r = writer_finish(writer);
                if (r < 0)
                        return r;
                progress_end(writer->progress);
                return 1;
        }
        return -EBADMSG;
}

static int writer_find_place(Writer *writer)
{
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        const char *name;

        if (root < 0)
                return -errno;
        writer->parent = path_open_parent(root, writer->side->path, 0, &name);
        if (writer->parent < 0)
                return writer->parent;
        size_t length = strcspn(name, "/");
        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(writer->name, name, length);
        if (!name_is_component(writer->name))
                return -EEXIST;
        if (!writer->replaces && fstatat(writer->parent, writer->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        return 0;
}

static int writer_run(Writer *writer)
{
        int r = writer_find_place(writer);

        if (r < 0)
                return writer_fail(writer, r);
        while ((r = writer_next(writer)) == 0)
                ;
        if (r > 0)
                return 0;
        r = writer_fail(writer, r);
        while (writer->n_nodes > 0)
                fd_close(writer->nodes[--writer->n_nodes].fd);
        tree_remove(writer->parent, writer->side->temporary);
        return r;
}

int copy_write(const CopySide *side, bool replaces, Failure *failure)
{
        _cleanup_(freep) Writer *writer = calloc(1, sizeof(*writer));
        _cleanup_(freep) Item *item = item_new();
        Progress progress = {.report = side->report};

        if (!writer || !item)
                return failure_step(failure, -ENOMEM, "write", side->path, NULL);
        *writer = (Writer){
                .side = side,
                .replaces = replaces,
                .item = item,
                .failure = failure,
                .progress = side->report >= 0 ? &progress : NULL,
                .parent = -EBADF,
        };
        int r = writer_run(writer);
        fd_close(writer->parent);
        return r;
}
