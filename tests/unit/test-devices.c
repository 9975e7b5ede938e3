/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"
#include "container/tree.h"
#include "world.h"

static const struct {
        const char *path;
        unsigned major, minor;
} nodes[] = {
        {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
        {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
        const char *path, *target;
} links[] = {
        {"/dev/ptmx", "pts/ptmx"},          {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
};

static void inside_nodes(_unused_ World *world)
{
        struct stat st;

        for (unsigned i = 0; i < ELEMENTS(nodes); i++) {
                g_assert_no_errno(stat(nodes[i].path, &st));
                g_assert_true(S_ISCHR(st.st_mode));
                g_assert_cmpuint(st.st_mode & 07777, ==, 0666);
                g_assert_true(st.st_rdev == makedev(nodes[i].major, nodes[i].minor));
        }
        for (unsigned i = 0; i < ELEMENTS(links); i++) {
                g_autofree char *target = g_file_read_link(links[i].path, NULL);
                g_assert_cmpstr(target, ==, links[i].target);
        }
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        g_assert_no_errno(null);
        _cleanup_(fd_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        g_assert_no_errno(full);
        assert_errno((int)write(full, "x", 1), ENOSPC);
        g_assert_no_errno(stat("/dev", &st));
        g_assert_cmpuint(st.st_mode & 07777, ==, 0755);
        g_assert_no_errno(stat("/dev/shm", &st));
        g_assert_cmpuint(st.st_mode & 07777, ==, 01777);
        g_assert_cmpint(type_of("/dev/mqueue"), ==, 0x19800202);
        assert_errno(access("/dev/console", F_OK), ENOENT);
        assert_errno(access("/dev/kmsg", F_OK), ENOENT);
}

static void test_nodes(World *world)
{
        umask(077);
        g_assert_cmpint(world_run(world, inside_nodes), ==, 0);
}

static void test_bound_nodes(World *world)
{
        world_add_map(world, 0, 100000, 65536);
        g_assert_cmpint(world_run(world, inside_nodes), ==, 0);
}

static void test_confined_nodes(World *world)
{
        world_confine(world);
        g_assert_cmpint(world_run(world, inside_nodes), ==, 0);
}

static void test_disguised_node(World *world)
{
        g_autofree char *disguise = world_path(world, "null");
        struct stat st;

        world_confine(world);
        /* A file, and then a device that is not null, where the host's node should be. */
        world_write(disguise, "secret");
        g_assert_no_errno(mount(disguise, "/dev/null", NULL, MS_BIND, NULL));
        assert_failed(world, world_run(world, NULL), ENODEV, "cannot mount null on /dev", "another device", NULL);
        g_assert_no_errno(umount("/dev/null"));
        g_assert_no_errno(mount("/dev/zero", "/dev/null", NULL, MS_BIND, NULL));
        assert_failed(world, world_run(world, NULL), ENODEV, "cannot mount null on /dev", "another device", NULL);
        g_assert_no_errno(stat("/dev/null", &st));
}

static void inside_pty(_unused_ World *world)
{
        _cleanup_(fd_closep) int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        char name[32];

        g_assert_no_errno(master);
        g_assert_no_errno(grantpt(master));
        g_assert_no_errno(unlockpt(master));
        g_assert_cmpint(ptsname_r(master, name, sizeof(name)), ==, 0);
        g_assert_cmpstr(name, ==, "/dev/pts/0");
        g_assert_no_errno(access(name, R_OK | W_OK));
}

static void test_own_ptys(World *world)
{
        g_assert_cmpint(world_run(world, inside_pty), ==, 0);
        world_add_map(world, 0, 100000, 1);
        g_assert_cmpint(world_run(world, inside_pty), ==, 0);
}

/* As the supervisor does it: the container's devpts, detached, and a pty of it. Return: its master. */
static int make_terminal(World *world)
{
        static const TreeOption options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {}};
        int unlock = 0;

        world->devpts = tree_make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, options);
        g_assert_cmpint(world->devpts, >=, 0);
        int master = openat(world->devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
        g_assert_no_errno(master);
        g_assert_no_errno(ioctl(master, TIOCSPTLCK, &unlock));
        world->terminal = openat(world->devpts, "0", O_RDWR | O_NOCTTY | O_CLOEXEC);
        g_assert_no_errno(world->terminal);
        return master;
}

static void inside_console(_unused_ World *world)
{
        struct stat console, pty;

        g_assert_no_errno(stat("/dev/console", &console));
        g_assert_no_errno(stat("/dev/pts/0", &pty));
        g_assert_true(S_ISCHR(console.st_mode));
        g_assert_cmpuint(console.st_rdev, ==, pty.st_rdev);
        g_assert_cmpint(type_of("/dev/console"), ==, DEVPTS_SUPER_MAGIC);
        _cleanup_(fd_closep) int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
        g_assert_no_errno(fd);
        g_assert_cmpint(write(fd, "hello", 5), ==, 5);
}

static void assert_console(World *world)
{
        _cleanup_(fd_closep) int master = make_terminal(world);
        char text[8] = "";

        g_assert_cmpint(world_run(world, inside_console), ==, 0);
        g_assert_cmpint(read(master, text, sizeof(text) - 1), ==, 5);
        g_assert_cmpstr(text, ==, "hello");
}

static void test_console(World *world)
{
        assert_console(world);
}

static void test_console_in_user_namespace(World *world)
{
        world_add_map(world, 0, 0, 1);
        assert_console(world);
}

/* What CVE-2025-52565 did: the image's own console and ptmx are links to files of the host. */
static void test_links_in_the_image(World *world)
{
        g_autofree char *victim = world_path(world, "victim"), *console = world_path(world, "root/dev/console");
        g_autofree char *ptmx = world_path(world, "root/dev/ptmx"), *null = world_path(world, "root/dev/null");

        world_write(victim, "untouched");
        g_assert_no_errno(symlink(victim, console));
        g_assert_no_errno(symlink(victim, ptmx));
        g_assert_no_errno(symlink(victim, null));
        assert_console(world);
        assert_content(victim, "untouched");
        g_assert_true(g_file_test(null, G_FILE_TEST_IS_SYMLINK));
        g_assert_true(g_file_test(ptmx, G_FILE_TEST_IS_SYMLINK));
}

static void inside_own_dev(_unused_ World *world)
{
        assert_content("/dev/net/tun", "the root's own");
        assert_errno(access("/dev/null", F_OK), ENOENT);
}

static void test_own_dev(World *world)
{
        g_autofree char *tun = world_path(world, "root/dev/net/tun");

        world_write(tun, "the root's own");
        world->spec->private_devices = false;
        g_assert_cmpint(world_run(world, inside_own_dev), ==, 0);
}

static void inside_bound_device(_unused_ World *world)
{
        struct stat st;

        g_assert_no_errno(stat("/dev/net/extra", &st));
        g_assert_true(S_ISCHR(st.st_mode));
        g_assert_true(st.st_rdev == makedev(1, 7));
}

static void test_bound_device(World *world)
{
        world_add_mount(world, MOUNT_BIND, "/dev/full", "/dev/net/extra", NULL);
        g_assert_cmpint(world_run(world, inside_bound_device), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        world_add("/devices/nodes", test_nodes);
        world_add("/devices/nodes-in-user-namespace", test_bound_nodes);
        world_add("/devices/nodes-confined", test_confined_nodes);
        world_add("/devices/disguised-node-fails", test_disguised_node);
        world_add("/devices/ptys-of-its-own", test_own_ptys);
        world_add("/devices/console-is-the-terminal", test_console);
        world_add("/devices/console-in-user-namespace", test_console_in_user_namespace);
        world_add("/devices/links-in-the-image-lead-nowhere", test_links_in_the_image);
        world_add("/devices/roots-own-dev-is-left-alone", test_own_dev);
        world_add("/devices/one-more-by-bind", test_bound_device);
        return g_test_run();
}
