/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"
#include "world.h"

enum { RACES = 150 };

/* A directory of the host with a file "file" in it, that holds its own name. */
static char *make_source(const World *world, const char *name)
{
        char *path = world_path(world, name);
        g_autofree char *file = g_build_filename(path, "file", NULL);

        world_write(file, name);
        return path;
}

static char *make_source_file(const World *world, const char *name)
{
        g_autofree char *path = make_source(world, name);

        return g_build_filename(path, "file", NULL);
}

/* ---- binds ---- */

static void inside_in_order(_unused_ World *world)
{
        g_assert_cmpint(type_of("/tmp"), ==, TMPFS_MAGIC);
        g_assert_true(flags_of("/tmp") & ST_NOSUID);
        g_assert_true(flags_of("/tmp") & ST_NODEV);
        assert_content("/tmp/deep/er/file", "source");
        world_write("/tmp/deep/er/made", "x");
        assert_content("/run/file", "source");
}

static void test_in_order(World *world)
{
        g_autofree char *source = make_source(world, "source"), *made = world_path(world, "source/made");
        g_autofree char *covered = world_path(world, "root/tmp/deep"), *file = world_path(world, "source/file");

        world_add_mount(world, MOUNT_TMP, NULL, "/tmp", NULL);
        world_add_mount(world, MOUNT_BIND, source, "/tmp/deep/er", NULL);
        world_add_mount(world, MOUNT_BIND, file, "run/file", NULL);
        g_assert_cmpint(world_run(world, inside_in_order), ==, 0);
        assert_content(made, "x");
        assert_errno(access(covered, F_OK), ENOENT);
}

static void inside_files(_unused_ World *world)
{
        assert_content("/etc/new/file", "source");
        assert_content("/etc/passwd", "source");
}

static void test_files(World *world)
{
        g_autofree char *file = make_source_file(world, "source");
        g_autofree char *place = world_path(world, "root/etc/new/file");

        world_add_mount(world, MOUNT_BIND, file, "/etc/new/file", NULL);
        world_add_mount(world, MOUNT_BIND, file, "/etc/passwd", NULL);
        g_assert_cmpint(world_run(world, inside_files), ==, 0);
        assert_content(place, "");
}

static void test_wrong_kind(World *world)
{
        g_autofree char *source = make_source(world, "source"), *file = world_path(world, "source/file");

        world_add_mount(world, MOUNT_BIND, file, "/tmp", NULL);
        assert_failed(world, world_run(world, NULL), EISDIR, file, "on /tmp: Is a directory", NULL);
        world->spec->n_mounts = 0;
        world_add_mount(world, MOUNT_BIND, source, "/etc/passwd", NULL);
        assert_failed(world, world_run(world, NULL), ENOTDIR, source, "on /etc/passwd: Not a directory", NULL);
}

static void test_missing_source(World *world)
{
        g_autofree char *missing = world_path(world, "missing");

        world_add_mount(world, MOUNT_BIND, missing, "/tmp", NULL);
        assert_failed(world, world_run(world, NULL), ENOENT, missing, "on /tmp: No such file or directory", NULL);
}

static void test_root_as_destination(World *world)
{
        static const char *const names[] = {"/", "/etc/..", "../..", "/proc/../"};
        g_autofree char *source = make_source(world, "source");

        for (unsigned i = 0; i < ELEMENTS(names); i++) {
                world->spec->n_mounts = 0;
                world_add_mount(world, MOUNT_BIND, source, names[i], NULL);
                assert_failed(world, world_run(world, NULL), EBUSY, "the root itself", NULL);
        }
}

static void inside_read_only(_unused_ World *world)
{
        assert_cannot_write("/tmp/x", EROFS);
        assert_cannot_write("/tmp/sub/x", EROFS);
        assert_content("/tmp/file", "source");
        assert_content("/tmp/sub/file", "sub");
        world_write("/run/writable/sub/x", "x");
}

static void test_read_only_with_submounts(World *world)
{
        g_autofree char *source = make_source(world, "source"), *sub = world_path(world, "source/sub");
        g_autofree char *file = world_path(world, "source/sub/file");

        world_mount(sub, 0);
        world_write(file, "sub");
        world_add_mount(world, MOUNT_BIND_READ_ONLY, source, "/tmp", NULL);
        world_add_mount(world, MOUNT_BIND, source, "/run/writable", NULL);
        g_assert_cmpint(world_run(world, inside_read_only), ==, 0);
}

/* ---- hostile destinations ---- */

static void inside_links(World *world)
{
        g_autofree char *host_passwd = world_path(world, "passwd");

        assert_content("/etc/passwd", "source");
        assert_errno(access(host_passwd, F_OK), ENOENT);
        assert_content("/canary-link", "source");
        assert_content("/canary", "source");
}

static void test_links_lead_inside(World *world)
{
        g_autofree char *file = make_source_file(world, "source");
        g_autofree char *passwd = world_path(world, "root/p"), *above = world_path(world, "root/canary-link");
        g_autofree char *host_canary = world_path(world, "canary");

        g_assert_no_errno(symlink("/etc/passwd", passwd));
        g_assert_no_errno(symlink("../../../../../../../canary", above));
        world_add_mount(world, MOUNT_BIND, file, "/p", NULL);
        world_add_mount(world, MOUNT_BIND, file, "/tmp/../../../canary-link", NULL);
        g_assert_cmpint(world_run(world, inside_links), ==, 0);
        assert_content(host_canary, "host");
}

static void test_link_to_nowhere(World *world)
{
        g_autofree char *source = make_source(world, "source"), *link = world_path(world, "root/link");
        g_autofree char *victim = world_path(world, "victim");

        g_assert_no_errno(symlink(victim, link));
        world_add_mount(world, MOUNT_BIND, source, "/link", NULL);
        assert_failed(world, world_run(world, NULL), ENOENT, source, "on /link: No such file or directory", NULL);
        assert_errno(access(victim, F_OK), ENOENT);
}

/* A link into /proc of the leader would lead to its descriptors, and so out of the root. */
static void test_magic_links(World *world)
{
        g_autofree char *source = make_source(world, "source"), *link = world_path(world, "root/link");

        g_assert_no_errno(symlink("/proc/self/root/etc", link));
        world_add_mount(world, MOUNT_BIND, source, "/link", NULL);
        assert_failed(world, world_run(world, NULL), ELOOP, source, "on /link", NULL);
        world->spec->n_mounts = 0;
        world_add_mount(world, MOUNT_BIND, "/proc/self/fd/0", "/tmp/x", NULL);
        assert_failed(world, world_run(world, NULL), ELOOP, "/proc/self/fd/0 on /tmp/x", NULL);
}

static _noreturn_ void swap_for_ever(const char *one, const char *other)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
                if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
                        _exit(1);
}

/* Each mount is in the container, wherever there: its list of mounts knows none of the host's names. */
static void inside_race(World *world)
{
        g_autofree char *text = mounts_text();

        g_assert_nonnull(strstr(text, "/source "));
        g_assert_null(strstr(text, world->directory + strlen("/tmp/")));
}

static void test_exchange_race(World *world)
{
        g_autofree char *source = make_source(world, "source"), *victim = world_path(world, "victim");
        g_autofree char *place = world_path(world, "root/a/b"), *link = world_path(world, "root/a/link");
        gint64 end = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
        unsigned n_built = 0;

        g_assert_no_errno(g_mkdir_with_parents(victim, 0755));
        g_assert_no_errno(g_mkdir_with_parents(place, 0755));
        g_assert_no_errno(symlink(victim, link));
        world_add_mount(world, MOUNT_BIND, source, "/a/b/c", NULL);
        pid_t pid = fork();
        g_assert_no_errno(pid);
        if (pid == 0)
                swap_for_ever(place, link);
        for (unsigned i = 0; i < RACES && g_get_monotonic_time() < end; i++) {
                int r = world_run(world, inside_race);
                n_built += r == 0;
                g_assert_true(r == 0 || r == -ENOENT || r == -EAGAIN || r == -ENOTDIR || r == -EEXIST);
        }
        g_assert_no_errno(kill(pid, SIGKILL));
        g_assert_no_errno(waitpid(pid, NULL, 0));
        g_test_message("%u were built", n_built);
        g_assert_cmpuint(n_built, >, 0);
        g_autoptr(GDir) directory = g_dir_open(victim, 0, NULL);
        g_assert_null(g_dir_read_name(directory));
}

static void inside_many(_unused_ World *world)
{
        for (unsigned i = 0; i < 200; i++) {
                g_autofree char *path = g_strdup_printf("/many/%u/file", i);
                assert_content(path, "source");
        }
}

static void test_200(World *world)
{
        g_autofree char *source = make_source(world, "source");

        for (unsigned i = 0; i < 200; i++) {
                g_autofree char *destination = g_strdup_printf("/many/%u", i);
                world_add_mount(world, MOUNT_BIND, source, destination, NULL);
        }
        g_assert_cmpint(world_run(world, inside_many), ==, 0);
}

/* ---- overlays ---- */

static const char odd_upper[] = "up,per:with\\every+thing=%\n\xff", odd_work[] = "wo,rk:\\+=%\n\xff";

static void inside_overlay(_unused_ World *world)
{
        g_assert_cmpint(type_of("/lower"), ==, OVERLAYFS_SUPER_MAGIC);
        assert_content("/lower/file", "source");
        world_write("/lower/made", "made");
        world_write("/lower/file", "changed");
}

static void assert_overlay_works(World *world, const char *destination)
{
        g_autofree char *lower = world_path(world, "root/lower/file"), *upper = world_path(world, odd_upper);
        g_autofree char *work = world_path(world, odd_work);
        g_autofree char *made = g_build_filename(upper, "made", NULL);
        uid_t owner = world->identity.is_confined ? CALLER : 0;

        world_write(lower, "source");
        g_assert_no_errno(g_mkdir_with_parents(upper, 0755));
        g_assert_no_errno(g_mkdir_with_parents(work, 0755));
        g_assert_no_errno(chown(upper, owner, owner));
        g_assert_no_errno(chown(work, owner, owner));
        g_assert_no_errno(chown(lower, owner, owner));
        world_add_mount(world, MOUNT_OVERLAY, upper, destination, work);
        g_assert_cmpint(world_run(world, inside_overlay), ==, 0);
        assert_content(lower, "source");
        assert_content(made, "made");
}

static void test_overlay(World *world)
{
        assert_overlay_works(world, "/lower");
}

static void test_overlay_confined(World *world)
{
        world_confine(world);
        assert_overlay_works(world, "/lower");
}

static void test_overlay_odd_destination(World *world)
{
        g_autofree char *link = world_path(world, "root/l,o:w\\e+r");

        g_assert_no_errno(symlink("lower", link));
        assert_overlay_works(world, "/l,o:w\\e+r");
}

static void inside_overlay_on_host(World *world)
{
        g_autofree char *file = world_path(world, "lower/file");
        g_autofree char *text = mounts_text();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        unsigned n_overlays = 0, n_roots = 0;

        assert_content(file, "lower");
        world_write(file, "changed");
        for (unsigned i = 0; lines[i] && *lines[i]; i++) {
                g_auto(GStrv) fields = g_strsplit(lines[i], " ", 6);
                n_overlays += strstr(lines[i], " - overlay ") != NULL;
                n_roots += strcmp(fields[4], "/") == 0;
        }
        g_assert_cmpuint(n_overlays, ==, 1);
        /* What was staged over the root is gone. */
        g_assert_cmpuint(n_roots, ==, 1);
}

static void test_overlay_on_host(World *world)
{
        g_autofree char *lower = make_source(world, "lower"), *file = world_path(world, "lower/file");
        g_autofree char *upper = world_path(world, "layers/upper"), *work = world_path(world, "layers/work");

        free(world->spec->root_path);
        world->spec->root_path = NULL;
        g_assert_no_errno(g_mkdir_with_parents(upper, 0755));
        g_assert_no_errno(g_mkdir_with_parents(work, 0755));
        world_add_mount(world, MOUNT_OVERLAY, upper, lower, work);
        g_assert_cmpint(world_run(world, inside_overlay_on_host), ==, 0);
        assert_content(file, "lower");
}

static void test_overlay_on_two_mounts(World *world)
{
        g_autofree char *upper = world_path(world, "one/upper"), *work = world_path(world, "two/work");
        g_autofree char *one = world_path(world, "one"), *two = world_path(world, "two");

        world_mount(one, 0);
        world_mount(two, 0);
        g_assert_no_errno(g_mkdir_with_parents(upper, 0755));
        g_assert_no_errno(g_mkdir_with_parents(work, 0755));
        world_add_mount(world, MOUNT_OVERLAY, upper, "/tmp", work);
        assert_failed(world, world_run(world, NULL), EXDEV, "cannot mount overlay on /tmp", "on the same mount", NULL);
        g_autofree char *both = world_path(world, "one/work");
        g_assert_no_errno(g_mkdir_with_parents(both, 0755));
        free(world->spec->mounts[0].work);
        world->spec->mounts[0].work = strdup(both);
        g_assert_cmpint(world_run(world, NULL), ==, 0);
}

static void test_overlay_layers_in_one_another(World *world)
{
        g_autofree char *upper = world_path(world, "upper"), *work = world_path(world, "upper/work");

        g_assert_no_errno(g_mkdir_with_parents(work, 0755));
        world_add_mount(world, MOUNT_OVERLAY, upper, "/tmp", work);
        assert_failed(world, world_run(world, NULL), EINVAL, "cannot mount overlay on /tmp: Invalid", NULL);
}

static void test_overlay_missing_layer(World *world)
{
        g_autofree char *upper = make_source(world, "upper"), *work = world_path(world, "missing");

        world_add_mount(world, MOUNT_OVERLAY, upper, "/tmp", work);
        assert_failed(world, world_run(world, NULL), ENOENT, work, "on /tmp: No such file or directory", NULL);
}

/* ---- confined ---- */

static void inside_confined(_unused_ World *world)
{
        g_assert_true(flags_of("/tmp") & ST_NODEV);
        g_assert_true(flags_of("/tmp/sub") & ST_NOSUID);
        assert_content("/tmp/file", "source");
        assert_errno(umount2("/tmp/sub", MNT_DETACH), EINVAL);
}

static void test_confined_bind(World *world)
{
        g_autofree char *source = make_source(world, "source"), *sub = world_path(world, "source/sub");

        world_mount(sub, 0);
        world_confine(world);
        world_add_mount(world, MOUNT_BIND, source, "/tmp", NULL);
        g_assert_cmpint(world_run(world, inside_confined), ==, 0);
}

static void test_confined_unreadable(World *world)
{
        g_autofree char *source = make_source(world, "secret"), *file = world_path(world, "secret/file");
        g_autofree char *missing = world_path(world, "secret/missing"), *closed = world_path(world, "closed");
        const char *const paths[] = {file, missing, source, closed};

        g_assert_no_errno(chmod(source, 0700));
        g_assert_true(g_file_set_contents_full(closed, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
        world_confine(world);
        for (unsigned i = 0; i < ELEMENTS(paths); i++) {
                world->spec->n_mounts = 0;
                world_add_mount(world, MOUNT_BIND, paths[i], "/tmp/x", NULL);
                assert_failed(world, world_run(world, NULL), EACCES, paths[i], "on /tmp/x: Permission denied", NULL);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        world_add("/mounts/in-order", test_in_order);
        world_add("/mounts/files-make-files", test_files);
        world_add("/mounts/of-the-wrong-kind-fail", test_wrong_kind);
        world_add("/mounts/missing-source-fails", test_missing_source);
        world_add("/mounts/root-as-destination-fails", test_root_as_destination);
        world_add("/mounts/read-only-with-submounts", test_read_only_with_submounts);
        world_add("/mounts/links-lead-inside", test_links_lead_inside);
        world_add("/mounts/link-to-nowhere-fails", test_link_to_nowhere);
        world_add("/mounts/magic-links-fail", test_magic_links);
        world_add("/mounts/exchange-race-stays-inside", test_exchange_race);
        world_add("/mounts/two-hundred", test_200);
        world_add("/mounts/overlay-with-any-path", test_overlay);
        world_add("/mounts/overlay-confined", test_overlay_confined);
        world_add("/mounts/overlay-on-any-destination", test_overlay_odd_destination);
        world_add("/mounts/overlay-on-the-hosts-tree", test_overlay_on_host);
        world_add("/mounts/overlay-on-two-mounts-fails", test_overlay_on_two_mounts);
        world_add("/mounts/overlay-layers-in-one-another-fail", test_overlay_layers_in_one_another);
        world_add("/mounts/overlay-without-a-layer-fails", test_overlay_missing_layer);
        world_add("/mounts/confined-bind-is-nosuid-nodev-locked", test_confined_bind);
        world_add("/mounts/confined-source-tells-nothing", test_confined_unreadable);
        return g_test_run();
}
