/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/devices.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "container/tree.h"

static const struct {
        const char *name;
        unsigned major, minor;
} device_nodes[] = {
        {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

static const struct {
        const char *name, *target;
} device_links[] = {
        {"ptmx", "pts/ptmx"},          {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
        {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

static const char *const device_directories[] = {"pts", "shm", "mqueue"};

/* An empty file to mount on. */
static int device_make_place(int dev, const char *name)
{
        _cleanup_(fd_closep) int fd = openat(dev, name, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : 0;
}

static int device_make(int dev, unsigned i)
{
        dev_t number = makedev(device_nodes[i].major, device_nodes[i].minor);

        if (mknodat(dev, device_nodes[i].name, S_IFCHR | 0666, number) < 0)
                return -errno;
        return fchmodat(dev, device_nodes[i].name, 0666, 0) < 0 ? -errno : 0; /* whatever the umask */
}

/* Mounts the host's node on its place in @dev, once it has shown to be that device. */
static int device_bind(int host, int dev, unsigned i)
{
        _cleanup_(fd_closep) int node = openat(host, device_nodes[i].name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (node < 0 || fstat(node, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(device_nodes[i].major, device_nodes[i].minor))
                return -ENODEV;
        _cleanup_(fd_closep) int place = openat(dev, device_nodes[i].name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (place < 0)
                return -errno;
        _cleanup_(fd_closep) int tree = tree_clone(node);
        if (tree < 0)
                return tree;
        int r = tree_change(tree, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MS_PRIVATE);
        return r < 0 ? r : tree_attach(tree, place);
}

static int devices_bind_nodes(int dev, Failure *failure)
{
        _cleanup_(fd_closep) int host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (host < 0)
                return failure_step(failure, -errno, "open", "/dev", NULL);
        for (unsigned i = 0; i < ELEMENTS(device_nodes); i++) {
                int r = device_bind(host, dev, i);
                if (r < 0)
                        return tree_fail(failure, r, device_nodes[i].name, "/dev",
                                         r == -ENODEV ? "the host's node is another device" : NULL);
        }
        return 0;
}

/* Makes the nodes, or places for them. Return: 1 when nodes have to be bound; 0; -errno. */
static int devices_make_nodes(int dev, Failure *failure)
{
        for (unsigned i = 0; i < ELEMENTS(device_nodes); i++) {
                int r = device_make(dev, i);
                if (r == -EPERM && i == 0)
                        break;
                if (r < 0)
                        return failure_step(failure, r, "make", device_nodes[i].name, "/dev");
                if (i + 1 == ELEMENTS(device_nodes))
                        return 0;
        }
        for (unsigned i = 0; i < ELEMENTS(device_nodes); i++) {
                int r = device_make_place(dev, device_nodes[i].name);
                if (r < 0)
                        return failure_step(failure, r, "make", device_nodes[i].name, "/dev");
        }
        return 1;
}

static int devices_make_entries(int dev, Failure *failure)
{
        for (unsigned i = 0; i < ELEMENTS(device_links); i++)
                if (symlinkat(device_links[i].target, dev, device_links[i].name) < 0)
                        return failure_step(failure, -errno, "make", device_links[i].name, "/dev");
        for (unsigned i = 0; i < ELEMENTS(device_directories); i++)
                if (mkdirat(dev, device_directories[i], 0755) < 0)
                        return failure_step(failure, -errno, "make", device_directories[i], "/dev");
        return 0;
}

static int devices_attach(int tree, int dev, const char *name)
{
        _cleanup_(fd_closep) int target = openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        return target < 0 ? -errno : tree_attach(tree, target);
}

static int devices_make_devpts(void)
{
        /* The group of terminals is 5 wherever there is one; a user namespace may not have it. */
        static const TreeOption options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {}};
        static const TreeOption without_group[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {}};
        int tree = tree_make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, options);

        return tree == -EINVAL ? tree_make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, without_group) : tree;
}

static int devices_mount_pts(int dev, int devpts, Failure *failure)
{
        _cleanup_(fd_closep) int made = devpts < 0 ? devices_make_devpts() : -EBADF;
        int tree = devpts < 0 ? made : devpts;
        int r = tree < 0 ? tree : devices_attach(tree, dev, "pts");

        return r < 0 ? tree_fail(failure, r, "devpts", "/dev/pts", NULL) : 0;
}

static int devices_mount_shm(int dev, Failure *failure)
{
        static const TreeOption options[] = {{"mode", "1777"}, {"size", "10%"}, {"nr_inodes", "400k"}, {}};
        _cleanup_(fd_closep) int shm = tree_make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, options);
        int r = shm < 0 ? shm : devices_attach(shm, dev, "shm");

        return r < 0 ? tree_fail(failure, r, "tmpfs", "/dev/shm", NULL) : 0;
}

/* The queues are those of the ipc namespace. */
static int devices_mount_mqueue(int dev, Failure *failure)
{
        _cleanup_(fd_closep) int queues = tree_make("mqueue", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                                                    NULL);

        if (queues == -ENODEV)
                return 0; /* a kernel without them */
        int r = queues < 0 ? queues : devices_attach(queues, dev, "mqueue");
        return r < 0 ? tree_fail(failure, r, "mqueue", "/dev/mqueue", NULL) : 0;
}

static int devices_mount_console(int dev, int terminal, Failure *failure)
{
        int r = device_make_place(dev, "console");

        if (r < 0)
                return failure_step(failure, r, "make", "console", "/dev");
        _cleanup_(fd_closep) int tree = tree_clone(terminal);
        r = tree < 0 ? tree : tree_change(tree, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MS_PRIVATE);
        if (r >= 0)
                r = devices_attach(tree, dev, "console");
        return r < 0 ? tree_fail(failure, r, "terminal", "/dev/console", NULL) : 0;
}

static int devices_mount_others(int dev, uint64_t namespaces, int devpts, int terminal, Failure *failure)
{
        int r = devices_mount_pts(dev, devpts, failure);

        if (r >= 0)
                r = devices_mount_shm(dev, failure);
        if (r >= 0 && (namespaces & CLONE_NEWIPC))
                r = devices_mount_mqueue(dev, failure);
        /* Only now is the terminal's mount one of this mount namespace, so that it can be cloned. */
        if (r >= 0 && terminal >= 0)
                r = devices_mount_console(dev, terminal, failure);
        return r;
}

int devices_mount(int root, uint64_t namespaces, int devpts, int terminal, Failure *failure)
{
        static const TreeOption options[] = {{"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "64k"}, {}};
        _cleanup_(fd_closep) int dev = tree_make("tmpfs", MOUNT_ATTR_NOSUID, options);
        int r;

        if (dev < 0)
                return tree_fail(failure, dev, "tmpfs", "/dev", NULL);
        r = devices_make_entries(dev, failure);
        if (r < 0)
                return r;
        int has_places = devices_make_nodes(dev, failure);
        if (has_places < 0)
                return has_places;
        r = tree_attach_beneath(dev, root, "/dev");
        if (r < 0)
                return tree_fail(failure, r, "tmpfs", "/dev", NULL);
        if (has_places)
                r = devices_bind_nodes(dev, failure);
        return r < 0 ? r : devices_mount_others(dev, namespaces, devpts, terminal, failure);
}

int devices_open_null(void)
{
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        return root < 0 ? -errno : path_open(root, "/dev/null", O_RDWR | O_NOCTTY);
}
