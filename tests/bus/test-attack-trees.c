/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks by trees
 *
 * A root directory that was made by somebody who hopes that root, or anybody else, will start it: links where mounts
 * belong, links where files are read, libraries that want to be loaded; and file systems that it may lie on.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"

#define TREE     TEST_DIRECTORY "/tree"
#define VICTIM   TEST_DIRECTORY "/victim"
#define OWN_TREE "'Root': <'" TREE "'>"

static void replace_by_link(const char *name, const char *target)
{
        g_autofree char *path = g_build_filename(TREE, name, NULL);

        if (unlink(path) < 0 && errno == EISDIR)
                g_assert_cmpint(rmdir(path), ==, 0);
        g_assert_cmpint(symlink(target, path), ==, 0);
}

static void replace_by_directory(const char *name)
{
        g_autofree char *path = g_build_filename(TREE, name, NULL);

        g_assert_cmpint(unlink(path), ==, 0);
        make_directory(path, 0755, 0);
}

static guint count_entries(const char *path)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        guint n = 0;

        while (g_dir_read_name(directory))
                n++;
        return n;
}

/* ---- A7 ---- */

/*
 * Had it worked, a mount or a node that is made for the container would have been made on the host: /dev/console over
 * the host's, a tmpfs over its /run (CVE-2025-52565). Either the start fails, or it all happens in the tree.
 */
static void test_links_for_mounts(Fixture *fixture)
{
        static const char *const names[] = {"dev", "proc", "sys", "run"};
        static const char *const targets[] = {VICTIM, "../../../../../.." VICTIM, "/dev", "/proc/self/root" VICTIM,
                                              "/proc/1/root" VICTIM};
        struct stat before, after;

        if (!make_tree(TREE, 0))
                return;
        make_directory(VICTIM, 0755, 0);
        g_assert_cmpint(stat("/dev/ptmx", &before), ==, 0);
        for (guint i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(targets); i++) {
                const char *name = names[i % G_N_ELEMENTS(names)];
                replace_by_link(name, targets[i / G_N_ELEMENTS(names)]);
                if (g_str_equal(creation_outcome(fixture->client, "box", "exit 3", "{" OWN_TREE "}"), ""))
                        wait_for(fixture->client, "box", "exited", 3);
                g_assert_cmpuint(count_entries(VICTIM), ==, 0);
                replace_by_directory(name);
        }
        g_assert_cmpint(stat("/dev/ptmx", &after), ==, 0);
        g_assert_cmpint(before.st_ino, ==, after.st_ino);
        g_assert_cmpint(before.st_ctim.tv_nsec, ==, after.st_ctim.tv_nsec);
}

/* The same of what is made within /dev, where the tree's own is left as it is. */
static void test_links_for_nodes(Fixture *fixture)
{
        static const char *const names[] = {"console", "ptmx", "null", "pts", "shm", "mqueue", "tty"};

        if (!make_tree(TREE, 0))
                return;
        make_directory(VICTIM, 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *name = g_build_filename("dev", names[i], NULL);
                g_autofree char *path = g_build_filename(TREE, name, NULL);
                replace_by_link(name, VICTIM "/made");
                creation_outcome(fixture->client, "box", "exit 3", "{" OWN_TREE ", 'PrivateDevices': <false>}");
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"));
                g_assert_cmpuint(count_entries(VICTIM), ==, 0);
                g_assert_cmpint(unlink(path), ==, 0);
        }
}

/* ---- A8 ---- */

/*
 * Had it worked, the container's standard streams would have been whatever the supervisor has open: the terminal of
 * who started it without a bus, the manager's log. /dev/null of the tree leads through /proc to that.
 */
static void test_null_is_a_descriptor(Fixture *fixture)
{
        if (!make_tree(TREE, 0))
                return;
        for (guint fd = 0; fd < 16; fd++) {
                g_autofree char *target = g_strdup_printf("/proc/self/fd/%u", fd);
                replace_by_link("dev/null", target);
                g_assert_cmpstr(creation_outcome(fixture->client, "box", "true",
                                                 "{" OWN_TREE ", 'PrivateDevices': <false>, 'Terminal': <false>}"),
                                ==, ERROR_PREFIX "SetupFailed");
        }
}

/*
 * Had it worked, what hides parts of /proc would have been a file of the tree's choice, or a write of ours have gone to
 * another file (CVE-2025-31133, CVE-2025-52881). The masks are of a file system of our own; the tree has no part in it.
 */
static void test_masks(Fixture *fixture)
{
        static const char *const script =
                "for f in kcore kallsyms timer_list; do test -s /proc/$f && echo $f can be read; done\n"
                "for f in sysrq-trigger sys/kernel/core_pattern irq/default_smp_affinity; do\n"
                "  test -e /proc/$f && (echo x >/proc/$f) 2>/dev/null && echo $f can be written\n"
                "done; echo end";
        g_autofree char *before = NULL, *after = NULL;

        if (!make_tree(TREE, 0))
                return;
        g_assert_true(g_file_get_contents("/proc/sys/kernel/core_pattern", &before, NULL, NULL));
        replace_by_link("dev/null", "/proc/sys/kernel/core_pattern");
        g_autofree char *said = leader_says(fixture->client, "box", script,
                                            "{" OWN_TREE ", 'PrivateDevices': <false>}");
        wait_for(fixture->client, "box", "exited", 0);
        g_assert_nonnull(strstr(said, "end"));
        g_assert_null(strstr(said, "can be"));
        g_assert_true(g_file_get_contents("/proc/sys/kernel/core_pattern", &after, NULL, NULL));
        g_assert_cmpstr(before, ==, after);
}

/* ---- A9 ---- */

/*
 * Had it worked, a library of the tree's would have been loaded by a process with root's authority that looks up a user
 * in there (CVE-2019-14271). Here it is a pipe that nobody writes to: whoever opened it would never return.
 */
static void test_library_of_the_tree(Fixture *fixture)
{
        static const char *const places[] = {"lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu",
                                             "usr/lib/x86_64-linux-gnu"};
        g_autoptr(GError) error = NULL;

        if (!make_tree(TREE, 0))
                return;
        write_file(TREE "/etc/nsswitch.conf", "passwd: evil\ngroup: evil\n", 0644, 0);
        for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
                g_autofree char *directory = g_build_filename(TREE, places[i], NULL);
                g_autofree char *library = g_build_filename(directory, "libnss_evil.so.2", NULL);
                g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
                g_assert_cmpint(mkfifo(library, 0666), ==, 0);
        }
        create(fixture->client, "box", "exec busybox sleep 100", "{" OWN_TREE ", 'User': <'inside'>}");
        g_autofree char *said = exec_says(fixture->client, "box", "inside", "echo $USER", NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(said, ==, "inside\n");
        g_assert_cmpstr(exec_outcome(fixture->client, "box", "nobody-at-all", "true"), ==, ERROR_PREFIX "NoSuchUser");
        g_variant_unref(manager_call(fixture->client, "CopyToContainer", "(sss@a{sv})", "box", "/etc/passwd", "/tmp/p",
                                     options(NULL)));
        terminate(fixture->client, "box");
}

/* ---- where it lies ---- */

/* To be given a directory is to be allowed to use it, wherever it lies; to know its name is not. */
static void test_given_directory(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;

        make_directory(TEST_DIRECTORY "/closed", 0700, 0);
        if (!make_tree(TEST_DIRECTORY "/closed/tree", 0))
                return;
        _cleanup_(fd_closep) int given = open(TEST_DIRECTORY "/closed/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_unix_fd_list_append(fds, given, NULL);
        g_assert_cmpstr(creation_outcome(alice, "box", "true", "{'Root': <'" TEST_DIRECTORY "/closed/tree'>}"), ==,
                        ERROR_PREFIX "SetupFailed");
        GVariant *reply = client_call(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                      create_parameters("box", "exit 3", "{'Root': <handle 0>}"), fds, NULL, &error);
        g_assert_no_error(error);
        g_variant_unref(reply);
        wait_for(alice, "box", "exited", 3);
}

/* A file system's own word on devices, programs and set-user-id bits holds inside, and no mount comes back out of it. */
static void test_mounted_tree(Fixture *fixture)
{
        static const struct {
                unsigned long flags;
                const char *outcome;
        } rows[] = {
                {MS_NOSUID, ""},
                {MS_NOSUID | MS_NODEV, ""},
                {MS_NOEXEC, ERROR_PREFIX "CommandNotExecutable"},
                {MS_RDONLY, ""},
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        Client *const clients[] = {alice, fixture->client};

        make_directory(TREE, 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(rows) * G_N_ELEMENTS(clients); i++) {
                unsigned long flags = rows[i / 2].flags;
                g_assert_cmpint(mount("tmpfs", TREE, "tmpfs", 0, "mode=0755"), ==, 0);
                g_assert_cmpint(mount(NULL, TREE, NULL, MS_SHARED, NULL), ==, 0);
                if (!make_tree(TREE, 0))
                        break;
                g_assert_cmpint(mount(NULL, TREE, NULL, MS_REMOUNT | MS_BIND | flags, NULL), ==, 0);
                g_autofree char *before = NULL, *after = NULL;
                g_file_get_contents("/proc/self/mountinfo", &before, NULL, NULL);
                g_assert_cmpstr(
                        creation_outcome(clients[i % 2], "box",
                                         "busybox mount -t tmpfs t /mnt; busybox mount -o remount,bind,suid,exec,dev /",
                                         "{" OWN_TREE "}"),
                        ==, rows[i / 2].outcome);
                if (!*rows[i / 2].outcome)
                        g_variant_unref(manager_call(clients[i % 2], "WaitContainer", "(s)", "box"));
                g_file_get_contents("/proc/self/mountinfo", &after, NULL, NULL);
                g_assert_true(g_str_equal(before, after));
                g_assert_cmpint(umount2(TREE, MNT_DETACH), ==, 0);
        }
        umount2(TREE, MNT_DETACH);
}

static const Test tests[] = {
        TEST("/attack/A7-links-where-mounts-belong", test_links_for_mounts, ON_BOTH),
        TEST("/attack/A7-links-where-nodes-belong", test_links_for_nodes, ON_BUS),
        TEST("/attack/A8-null-is-a-descriptor", test_null_is_a_descriptor, ON_BOTH),
        TEST("/attack/A8-masks-are-not-the-trees", test_masks, ON_BUS),
        TEST("/attack/A9-a-library-of-the-trees", test_library_of_the_tree, ON_BUS),
        ATTACK("/attack/a-directory-that-was-given", test_given_directory),
        ATTACK("/attack/a-root-on-any-mount", test_mounted_tree),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
