/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"
#include "world.h"

static char *in_root(const World *world, const char *name)
{
        return g_build_filename(world->root, name, NULL);
}

static void replace_by_link(const World *world, const char *name, const char *target)
{
        g_autofree char *path = in_root(world, name);

        g_assert_no_errno(rmdir(path));
        g_assert_no_errno(symlink(target, path));
}

/* ---- what is there ---- */

static void inside_file_systems(_unused_ World *world)
{
        g_assert_cmpint(type_of("/"), ==, TMPFS_MAGIC);
        g_assert_cmpint(type_of("/proc"), ==, PROC_SUPER_MAGIC);
        g_assert_cmpint(type_of("/sys"), ==, SYSFS_MAGIC);
        g_assert_cmpint(type_of("/sys/fs/cgroup"), ==, CGROUP2_SUPER_MAGIC);
        g_assert_cmpint(type_of("/dev"), ==, TMPFS_MAGIC);
        g_assert_cmpint(type_of("/dev/pts"), ==, DEVPTS_SUPER_MAGIC);
        g_assert_cmpint(type_of("/dev/shm"), ==, TMPFS_MAGIC);
        g_assert_cmpint(type_of("/dev/mqueue"), ==, 0x19800202);
        g_assert_cmpint(type_of("/run"), ==, TMPFS_MAGIC);
        g_assert_true(flags_of("/sys") & ST_RDONLY);
        g_assert_true(flags_of("/proc/sys") & ST_RDONLY);
        g_assert_cmpint(getpid(), ==, 1);
        assert_content("/canary", "container");
        world_write("/run/x", "x");
        world_write("/dev/shm/x", "x");
        world_write("/x", "x");
}

static void test_file_systems(World *world)
{
        g_autofree char *made = in_root(world, "x");

        g_assert_cmpint(world_run(world, inside_file_systems), ==, 0);
        assert_content(made, "x");
}

static void inside_protected(_unused_ World *world)
{
        static const char *const knobs[] = {"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"};
        static const char *const hidden[] = {"/proc/kcore", "/proc/kallsyms", "/proc/timer_list"};

        for (unsigned i = 0; i < ELEMENTS(knobs); i++)
                if (access(knobs[i], F_OK) == 0) /* not every kernel has it */
                        assert_cannot_write(knobs[i], EROFS);
        for (unsigned i = 0; i < ELEMENTS(hidden); i++) {
                if (access(hidden[i], F_OK) < 0)
                        continue;
                assert_content(hidden[i], "");
                assert_cannot_write(hidden[i], EROFS);
        }
}

static void test_protected(World *world)
{
        g_assert_cmpint(world_run(world, inside_protected), ==, 0);
}

static void inside_program(_unused_ World *world)
{
        pid_t pid = fork();
        int status;

        g_assert_no_errno(pid);
        if (pid == 0) {
                execl("/bin/busybox", "sh", "-c", "exit 7", NULL);
                _exit(1);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 7 << 8);
}

static void test_program(World *world)
{
        g_autofree char *busybox = in_root(world, "bin/busybox");
        g_autofree char *content = NULL;
        gsize length;

        if (!g_file_get_contents("/bin/busybox", &content, &length, NULL))
                return g_test_skip("there is no /bin/busybox");
        g_assert_true(g_file_set_contents(busybox, content, (gssize)length, NULL));
        g_assert_no_errno(chmod(busybox, 0755));
        g_assert_cmpint(world_run(world, inside_program), ==, 0);
}

static void inside_makes_mount_points(_unused_ World *world)
{
        g_assert_cmpint(type_of("/proc"), ==, PROC_SUPER_MAGIC);
        g_assert_cmpint(type_of("/sys"), ==, SYSFS_MAGIC);
        g_assert_cmpint(type_of("/dev/pts"), ==, DEVPTS_SUPER_MAGIC);
        g_assert_cmpint(type_of("/run"), ==, TMPFS_MAGIC);
}

static void test_makes_mount_points(World *world)
{
        static const char *const names[] = {"proc", "sys", "dev", "run"};

        for (unsigned i = 0; i < ELEMENTS(names); i++) {
                g_autofree char *path = in_root(world, names[i]);
                g_assert_no_errno(rmdir(path));
        }
        g_assert_cmpint(world_run(world, inside_makes_mount_points), ==, 0);
}

/* ---- what is not there ---- */

static void inside_alone(World *world)
{
        g_autofree char *text = mounts_text();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        static const char *const expected[] = {"/", "/proc", "/sys", "/dev", "/run"};
        struct stat root, above;
        unsigned n_roots = 0;

        g_assert_null(strstr(text, world->directory + strlen("/tmp/")));
        for (unsigned i = 0; lines[i] && *lines[i]; i++) {
                g_auto(GStrv) fields = g_strsplit(lines[i], " ", 6);
                bool known = false;
                for (unsigned j = 0; j < ELEMENTS(expected); j++) {
                        size_t length = strlen(expected[j]);
                        known |= strcmp(fields[4], expected[j]) == 0 ||
                                 (j > 0 && strncmp(fields[4], expected[j], length) == 0 && fields[4][length] == '/');
                }
                if (!known)
                        g_error("a mount of the host: %s", lines[i]);
                n_roots += strcmp(fields[4], "/") == 0;
        }
        /* Nothing lies on top of the root either: that is where setns(2) would lead to. */
        g_assert_cmpuint(n_roots, ==, 1);
        g_assert_no_errno(stat("/", &root));
        g_assert_no_errno(stat("/../../..", &above));
        g_assert_cmpuint(root.st_ino, ==, above.st_ino);
        assert_errno(access(world->directory, F_OK), ENOENT);
        assert_content("/../canary", "container");
}

static void test_alone(World *world)
{
        g_assert_cmpint(world_run(world, inside_alone), ==, 0);
}

static void test_ephemeral_alone(World *world)
{
        world->spec->ephemeral = true;
        g_assert_cmpint(world_run(world, inside_alone), ==, 0);
}

static void inside_mounts_something(_unused_ World *world)
{
        g_assert_no_errno(mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
        g_assert_no_errno(mount("tmpfs", "/shared", "tmpfs", 0, NULL));
}

static void test_no_mount_reaches_the_host(World *world)
{
        g_autofree char *shared = world_path(world, "shared");
        unsigned before;

        g_assert_no_errno(g_mkdir_with_parents(shared, 0755));
        world_add_mount(world, MOUNT_BIND, shared, "/shared", NULL);
        before = mounts_count();
        g_assert_cmpint(world_run(world, inside_mounts_something), ==, 0);
        g_assert_cmpuint(mounts_count(), ==, before);
}

/* ---- hostile trees ---- */

static void test_links_lead_inside(World *world)
{
        g_autofree char *victim = world_path(world, "victim");
        g_autofree char *inside = g_strconcat(world->root, victim, NULL);
        g_autofree char *above = g_strconcat("../../../../../../..", victim, NULL);

        g_assert_no_errno(g_mkdir_with_parents(victim, 0755));
        g_assert_no_errno(g_mkdir_with_parents(inside, 0755));
        replace_by_link(world, "dev", victim);
        replace_by_link(world, "run", above);
        g_assert_cmpint(world_run(world, NULL), ==, 0);
        g_autoptr(GDir) directory = g_dir_open(victim, 0, NULL);
        g_assert_null(g_dir_read_name(directory));
        g_autoptr(GDir) covered = g_dir_open(inside, 0, NULL);
        g_assert_null(g_dir_read_name(covered));
}

static void test_links_to_nowhere_fail(World *world)
{
        static const char *const names[] = {"proc", "sys", "dev", "run"};

        for (unsigned i = 0; i < ELEMENTS(names); i++) {
                g_autofree char *path = in_root(world, names[i]);
                replace_by_link(world, names[i], world->directory);
                assert_failed(world, world_run(world, NULL), ENOENT, "cannot mount", "on /", names[i],
                              "No such file or directory", NULL);
                g_assert_no_errno(unlink(path));
                g_assert_no_errno(mkdir(path, 0755));
        }
}

static void test_link_to_the_root_fails(World *world)
{
        replace_by_link(world, "proc", "/etc/..");
        assert_failed(world, world_run(world, NULL), EBUSY, "cannot mount proc on /proc", "the root itself", NULL);
}

static void test_file_as_mount_point_fails(World *world)
{
        g_autofree char *proc = in_root(world, "proc");

        g_assert_no_errno(rmdir(proc));
        world_write(proc, "");
        assert_failed(world, world_run(world, NULL), ENOTDIR, "cannot mount proc on /proc: Not a directory", NULL);
}

/* ---- what is not a root ---- */

static void test_missing(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = strdup("/nowhere/at,all:\n");
        assert_failed(world, world_run(world, NULL), ENOENT, "cannot mount /nowhere/at,all:\n on /: No such file",
                      NULL);
}

static void test_file(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = world_path(world, "canary");
        assert_failed(world, world_run(world, NULL), ENOTDIR, "canary on /: Not a directory", NULL);
        free(world->spec->root_path);
        world->spec->root_path = NULL;
        g_autofree char *canary = world_path(world, "canary");
        world->spec->root_fd = open(canary, O_PATH | O_CLOEXEC);
        assert_failed(world, world_run(world, NULL), ENOTDIR, "on /: Not a directory", NULL);
}

static void test_not_the_callers(World *world)
{
        g_autofree char *closed = world_path(world, "closed");
        g_autofree char *there = world_path(world, "closed/there");
        const char *const paths[] = {there, "closed/missing", "closed"};

        world_confine(world);
        g_assert_no_errno(g_mkdir_with_parents(there, 0755));
        g_assert_no_errno(chmod(closed, 0700));
        for (unsigned i = 0; i < ELEMENTS(paths); i++) {
                free(world->spec->root_path);
                world->spec->root_path = i == 0 ? strdup(there) : world_path(world, paths[i]);
                assert_failed(world, world_run(world, NULL), EACCES, "on /: Permission denied", NULL);
        }
}

static void test_full(World *world)
{
        g_autofree char *small = world_path(world, "small"), *filler = world_path(world, "small/filler");

        g_assert_no_errno(g_mkdir_with_parents(small, 0755));
        g_assert_no_errno(mount("tmpfs", small, "tmpfs", 0, "nr_inodes=2"));
        world_write(filler, "");
        free(world->spec->root_path);
        world->spec->root_path = strdup(small);
        assert_failed(world, world_run(world, NULL), ENOSPC, "on /proc: No space left on device", NULL);
}

static void test_name_too_long(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = g_strnfill(5000, 'x');
        assert_failed(world, world_run(world, NULL), ENAMETOOLONG, "cannot mount xxx", "...: File name too long", NULL);
}

static void inside_whole_host(_unused_ World *world)
{
        g_assert_cmpint(type_of("/dev"), ==, TMPFS_MAGIC);
        g_assert_true(flags_of("/proc/sys") & ST_RDONLY);
}

static void test_whole_host(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = strdup("/");
        g_assert_cmpint(world_run(world, inside_whole_host), ==, 0);
        world_confine(world);
        g_assert_cmpint(world_run(world, inside_whole_host), ==, 0);
}

/* ---- by descriptor ---- */

static void inside_canary(_unused_ World *world)
{
        assert_content("/canary", "container");
}

static void use_descriptor(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = NULL;
        world->spec->root_fd = open(world->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        g_assert_no_errno(world->spec->root_fd);
        /* The name is somebody else's now. */
        g_autofree char *moved = g_strconcat(world->root, "-moved", NULL);
        g_assert_no_errno(rename(world->root, moved));
        g_assert_no_errno(mkdir(world->root, 0755));
}

static void test_descriptor(World *world)
{
        use_descriptor(world);
        g_assert_cmpint(world_run(world, inside_canary), ==, 0);
}

static void inside_locked(_unused_ World *world)
{
        assert_content("/canary", "container");
        g_assert_true(flags_of("/") & ST_NODEV);
        g_assert_true(flags_of("/") & ST_NOSUID);
        assert_errno(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL), EPERM);
        assert_errno(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL), EPERM);
}

/* Else a device node on a caller's medium, mounted nodev, could be opened in the caller's container. */
static void test_confined_descriptor_keeps_flags(World *world)
{
        g_autofree char *medium = world_path(world, "medium");
        g_autofree char *root = world_path(world, "medium/root");

        world_mount(medium, MS_NODEV | MS_NOSUID);
        world_confine(world);
        g_autofree char *command = g_strdup_printf("cp -a '%s' '%s'", world->root, root);
        g_assert_cmpint(system(command), ==, 0);
        free(world->root);
        world->root = g_strdup(root);
        use_descriptor(world);
        g_assert_cmpint(world_run(world, inside_locked), ==, 0);
}

/* ---- read-only, ephemeral ---- */

static void inside_read_only(_unused_ World *world)
{
        assert_cannot_write("/x", EROFS);
        assert_cannot_write("/tmp/x", EROFS);
        world_write("/run/x", "x");
}

static void test_read_only(World *world)
{
        g_autofree char *submount = in_root(world, "tmp");

        world_mount(submount, 0);
        world->spec->read_only = true;
        g_assert_cmpint(world_run(world, inside_read_only), ==, 0);
}

static void test_read_only_without_mount_point(World *world)
{
        g_autofree char *run = in_root(world, "run");

        g_assert_no_errno(rmdir(run));
        world->spec->read_only = true;
        assert_failed(world, world_run(world, NULL), EROFS, "on /run: Read-only", "mount point is missing", NULL);
        assert_errno(access(run, F_OK), ENOENT);
}

static void inside_ephemeral(World *world)
{
        g_assert_cmpint(type_of("/"), ==, OVERLAYFS_SUPER_MAGIC);
        assert_content("/canary", "container");
        world_write("/canary", "changed");
        world_write("/new", "new");
        g_assert_no_errno(unlink("/etc/passwd"));
        /* tmpfs has the user.* attributes that a user namespace needs for this since Linux 6.6. */
        if (world->namespaces & CLONE_NEWUSER)
                return;
        g_assert_no_errno(rmdir("/bin"));
        g_assert_no_errno(mkdir("/bin", 0755));
        assert_content("/canary", "changed");
}

static void assert_unchanged(const World *world)
{
        g_autofree char *canary = in_root(world, "canary"), *new = in_root(world, "new");
        g_autofree char *passwd = in_root(world, "etc/passwd");

        assert_content(canary, "container");
        assert_errno(access(new, F_OK), ENOENT);
        g_assert_no_errno(access(passwd, F_OK));
}

static void test_ephemeral(World *world)
{
        unsigned before = mounts_count();

        world->spec->ephemeral = true;
        g_assert_cmpint(world_run(world, inside_ephemeral), ==, 0);
        assert_unchanged(world);
        g_assert_cmpuint(mounts_count(), ==, before);
}

static void test_ephemeral_in_user_namespace(World *world)
{
        world->spec->ephemeral = true;
        world_add_map(world, 0, 100000, 65536);
        g_assert_cmpint(world_run(world, inside_ephemeral), ==, 0);
        assert_unchanged(world);
}

static void test_ephemeral_confined(World *world)
{
        world->spec->ephemeral = true;
        world_confine(world);
        g_assert_cmpint(world_run(world, inside_ephemeral), ==, 0);
        assert_unchanged(world);
}

static void inside_ephemeral_read_only(_unused_ World *world)
{
        assert_cannot_write("/x", EROFS);
}

static void test_ephemeral_read_only(World *world)
{
        world->spec->ephemeral = true;
        world->spec->read_only = true;
        g_assert_cmpint(world_run(world, inside_ephemeral_read_only), ==, 0);
}

static void test_ephemeral_with_locked_submount(World *world)
{
        g_autofree char *submount = in_root(world, "tmp");

        world_mount(submount, 0);
        world_confine(world);
        world->spec->ephemeral = true;
        assert_failed(world, world_run(world, NULL), EINVAL, "cannot mount overlay on /", "has mounts beneath it",
                      NULL);
}

/* ---- user namespaces ---- */

static void inside_user_namespace(_unused_ World *world)
{
        g_assert_cmpint(type_of("/proc"), ==, PROC_SUPER_MAGIC);
        g_assert_cmpint(type_of("/sys"), ==, SYSFS_MAGIC);
        g_assert_cmpint(type_of("/sys/fs/cgroup"), ==, CGROUP2_SUPER_MAGIC);
        g_assert_true(flags_of("/sys") & ST_RDONLY);
        g_assert_true(flags_of("/proc/sys") & ST_RDONLY);
        g_assert_cmpint(getpid(), ==, 1);
        world_write("/run/x", "x");
}

static void test_confined(World *world)
{
        world_confine(world);
        g_assert_cmpint(world_run(world, inside_user_namespace), ==, 0);
}

static void test_confined_with_network(World *world)
{
        world_confine(world);
        world->namespaces |= CLONE_NEWNET;
        g_assert_cmpint(world_run(world, inside_user_namespace), ==, 0);
}

static void inside_shares(_unused_ World *world)
{
        g_assert_cmpint(type_of("/proc"), ==, PROC_SUPER_MAGIC);
        g_assert_cmpint(getpid(), >, 1);
        g_assert_no_errno(access("/proc/self/status", R_OK));
        g_assert_true(flags_of("/sys/fs/cgroup") & ST_RDONLY);
        g_assert_true(flags_of("/proc/sys") & ST_RDONLY);
}

static void test_shares_namespaces(World *world)
{
        world->namespaces = CLONE_NEWNS;
        g_assert_cmpint(world_run(world, inside_shares), ==, 0);
}

static void test_confined_shares_namespaces(World *world)
{
        world->namespaces = CLONE_NEWNS;
        world_confine(world);
        g_assert_cmpint(world_run(world, inside_shares), ==, 0);
}

static void inside_mapped(_unused_ World *world)
{
        struct stat st;

        g_assert_no_errno(stat("/canary", &st));
        g_assert_cmpuint(st.st_uid, ==, 0);
        world_write("/made", "inside");
        g_assert_no_errno(chown("/made", 7, 7));
}

static void test_mapped(World *world)
{
        g_autofree char *canary = in_root(world, "canary"), *made = in_root(world, "made");
        struct stat st;

        world_add_map(world, 0, 100000, 65536);
        g_assert_cmpint(world_run(world, inside_mapped), ==, 0);
        g_assert_true(world->is_mapped);
        g_assert_no_errno(stat(canary, &st));
        g_assert_cmpuint(st.st_uid, ==, 0);
        g_assert_no_errno(stat(made, &st));
        g_assert_cmpuint(st.st_uid, ==, 7);
        g_assert_cmpuint(st.st_gid, ==, 7);
}

static void test_shifted_tree_is_used_as_it_is(World *world)
{
        g_autofree char *command = g_strdup_printf("chown -R 100000:100000 '%s'", world->root);
        g_autofree char *made = in_root(world, "made");
        struct stat st;

        g_assert_cmpint(system(command), ==, 0);
        world_add_map(world, 0, 100000, 65536);
        g_assert_cmpint(world_run(world, inside_mapped), ==, 0);
        g_assert_false(world->is_mapped);
        g_assert_no_errno(stat(made, &st));
        g_assert_cmpuint(st.st_uid, ==, 100007);
}

static void inside_unmapped(_unused_ World *world)
{
        struct stat st;

        g_assert_no_errno(stat("/", &st));
        g_assert_cmpuint(st.st_uid, ==, 65534);
}

static void test_file_system_that_cannot_be_mapped(World *world)
{
        g_autofree char *where = world_path(world, "ram"), *root = world_path(world, "ram/root");
        g_autofree char *command = g_strdup_printf("cp -a '%s' '%s'", world->root, root);

        g_assert_no_errno(g_mkdir_with_parents(where, 0755));
        g_assert_no_errno(mount("ramfs", where, "ramfs", 0, NULL));
        g_assert_cmpint(system(command), ==, 0);
        free(world->spec->root_path);
        world->spec->root_path = strdup(root);
        world_add_map(world, 0, 100000, 65536);
        g_assert_cmpint(world_run(world, inside_unmapped), ==, 0);
        g_assert_false(world->is_mapped);
}

/* ---- the host's tree ---- */

static void use_host(World *world)
{
        free(world->spec->root_path);
        world->spec->root_path = NULL;
}

static void inside_host(World *world)
{
        g_autofree char *canary = world_path(world, "canary");
        g_autofree char *self = g_file_read_link("/proc/self", NULL);

        g_assert_cmpstr(self, ==, "1");
        assert_content(canary, "host");
        g_assert_cmpuint(mounts_count(), ==, *(unsigned *)world->data + 1);
}

static void test_host(World *world)
{
        unsigned before = mounts_count();

        use_host(world);
        world->data = &before;
        g_assert_cmpint(world_run(world, inside_host), ==, 0);
        g_assert_cmpuint(mounts_count(), ==, before);
}

static void inside_host_confined(_unused_ World *world)
{
        g_autofree char *self = g_file_read_link("/proc/self", NULL);

        g_assert_cmpstr(self, ==, "1");
        g_assert_true(flags_of("/sys") & ST_RDONLY);
        g_assert_cmpint(type_of("/sys/fs/cgroup"), ==, CGROUP2_SUPER_MAGIC);
        g_assert_true(g_file_test("/sys/class/net/lo", G_FILE_TEST_EXISTS));
}

static void test_host_confined(World *world)
{
        use_host(world);
        world_confine(world);
        world->namespaces |= CLONE_NEWNET;
        g_assert_cmpint(world_run(world, inside_host_confined), ==, 0);
}

static void inside_host_read_only(World *world)
{
        g_autofree char *canary = world_path(world, "canary");

        assert_cannot_write(canary, EROFS);
        assert_cannot_write("/tmp/x", EROFS);
}

static void test_host_read_only(World *world)
{
        g_autofree char *canary = world_path(world, "canary");

        use_host(world);
        world->spec->read_only = true;
        g_assert_cmpint(world_run(world, inside_host_read_only), ==, 0);
        world_write(canary, "still writable");
}

static void inside_shared(World *world)
{
        g_assert_cmpuint(mounts_count(), ==, *(unsigned *)world->data);
}

static void test_shared_mount_namespace(World *world)
{
        unsigned before = mounts_count();

        use_host(world);
        world->namespaces = CLONE_NEWIPC;
        world->data = &before;
        g_assert_cmpint(world_run(world, inside_shared), ==, 0);
        g_assert_cmpuint(mounts_count(), ==, before);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        world_add("/root/has-its-file-systems", test_file_systems);
        world_add("/root/keeps-the-hosts-knobs", test_protected);
        world_add("/root/runs-a-program", test_program);
        world_add("/root/makes-missing-mount-points", test_makes_mount_points);
        world_add("/root/nothing-of-the-host-is-reachable", test_alone);
        world_add("/root/nothing-of-the-host-is-under-an-ephemeral-one", test_ephemeral_alone);
        world_add("/root/no-mount-reaches-the-host", test_no_mount_reaches_the_host);
        world_add("/root/links-lead-inside", test_links_lead_inside);
        world_add("/root/links-to-nowhere-fail", test_links_to_nowhere_fail);
        world_add("/root/link-to-the-root-fails", test_link_to_the_root_fails);
        world_add("/root/file-as-mount-point-fails", test_file_as_mount_point_fails);
        world_add("/root/missing-directory-fails", test_missing);
        world_add("/root/file-fails", test_file);
        world_add("/root/full-file-system-fails", test_full);
        world_add("/root/name-too-long-fails", test_name_too_long);
        world_add("/root/whole-host-as-a-root", test_whole_host);
        world_add("/root/directory-not-the-callers-tells-nothing", test_not_the_callers);
        world_add("/root/descriptor-is-used-as-it-is", test_descriptor);
        world_add("/root/confined-descriptor-keeps-the-flags-of-its-mount", test_confined_descriptor_keeps_flags);
        world_add("/root/read-only-with-submounts", test_read_only);
        world_add("/root/read-only-makes-no-mount-point", test_read_only_without_mount_point);
        world_add("/root/ephemeral-leaves-nothing", test_ephemeral);
        world_add("/root/ephemeral-in-user-namespace", test_ephemeral_in_user_namespace);
        world_add("/root/ephemeral-confined", test_ephemeral_confined);
        world_add("/root/ephemeral-uncovers-nothing", test_ephemeral_with_locked_submount);
        world_add("/root/ephemeral-read-only", test_ephemeral_read_only);
        world_add("/root/confined", test_confined);
        world_add("/root/confined-with-network", test_confined_with_network);
        world_add("/root/shares-namespaces", test_shares_namespaces);
        world_add("/root/confined-shares-namespaces", test_confined_shares_namespaces);
        world_add("/root/mapped-without-changing-owners", test_mapped);
        world_add("/root/shifted-tree-is-used-as-it-is", test_shifted_tree_is_used_as_it_is);
        world_add("/root/unmappable-file-system-is-used-as-it-is", test_file_system_that_cannot_be_mapped);
        world_add("/root/hosts-tree-gets-a-new-proc", test_host);
        world_add("/root/hosts-tree-confined-gets-a-new-sys", test_host_confined);
        world_add("/root/hosts-tree-read-only", test_host_read_only);
        world_add("/root/shared-mount-namespace-is-left-alone", test_shared_mount_namespace);
        return g_test_run();
}
