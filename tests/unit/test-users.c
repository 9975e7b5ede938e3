/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/users.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"

/* A tree with an etc of its own. */
typedef struct Tree {
        char *path;
        int root;
} Tree;

static char *tree_path(const Tree *tree, const char *name)
{
        return g_build_filename(tree->path, name, NULL);
}

static void tree_write(const Tree *tree, const char *name, const char *content)
{
        g_autofree char *path = tree_path(tree, name);

        g_assert_true(g_file_set_contents(path, content, -1, NULL));
}

static void tree_begin(Tree *tree, gconstpointer data _unused_)
{
        tree->path = g_dir_make_tmp("pflask-users-XXXXXX", NULL);
        tree->root = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(tree->root, >=, 0);
        g_autofree char *etc = tree_path(tree, "etc");
        g_assert_no_errno(mkdir(etc, 0755));
}

/* Never through a link: a test makes etc one that leads to the host's. */
static void tree_remove(const Tree *tree, const char *name)
{
        static const char *const files[] = {"passwd", "group"};
        int directory = openat(tree->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (directory < 0) {
                unlinkat(tree->root, name, 0);
                return;
        }
        for (unsigned i = 0; i < ELEMENTS(files); i++)
                unlinkat(directory, files[i], 0);
        fd_close(directory);
        g_assert_no_errno(unlinkat(tree->root, name, AT_REMOVEDIR));
}

static void tree_end(Tree *tree, gconstpointer data _unused_)
{
        tree_remove(tree, "etc");
        tree_remove(tree, "other");
        g_assert_no_errno(rmdir(tree->path));
        g_free(tree->path);
        fd_close(tree->root);
}

static User *find(const Tree *tree, const char *name)
{
        User *user = NULL;
        Failure failure = {};

        g_assert_cmpint(user_lookup_beneath(tree->root, name, &user, &failure), ==, 0);
        g_assert_nonnull(user);
        g_assert_cmpint(failure.code, ==, 0);
        return user;
}

static void assert_missing(const Tree *tree, const char *name)
{
        User *user = NULL;
        Failure failure = {};

        g_assert_cmpint(user_lookup_beneath(tree->root, name, &user, &failure), ==, -ENOENT);
        g_assert_null(user);
        g_assert_cmpint(failure.kind, ==, FAILURE_NO_SUCH_USER);
        g_assert_nonnull(strstr(failure.sentence, name));
}

static void assert_groups(const User *user, const char *expected)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (size_t i = 0; i < user->n_groups; i++)
                g_string_append_printf(text, "%s%u", i ? " " : "", user->groups[i]);
        g_assert_cmpstr(text->str, ==, expected);
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "alice:x:1000:100:Alice:/home/alice:/bin/zsh\n"
                             "bare:x:1001:1001:::\n"
                             "huge:x:4000000000:4000000000::/:/bin/sh\n"
                             "last:x:1002:1002::/home/last:/bin/sh";
static const char group[] = "root:x:0:\nsudo:x:27:bob,alice\nusers:x:100:alice\nalic:x:5:alic,alicee\n"
                            "video:x:44:alice,alice\nbad:x:-1:alice\nbad:x:4294967295:alice\nbad:x:9:alice:more\n";

static void finds_names(Tree *tree, gconstpointer data _unused_)
{
        tree_write(tree, "etc/passwd", passwd);
        tree_write(tree, "etc/group", group);
        _cleanup_(user_freep) User *alice = find(tree, "alice"), *bare = find(tree, "bare"), *last = find(tree, "last");
        g_assert_cmpuint(alice->uid, ==, 1000);
        g_assert_cmpuint(alice->gid, ==, 100);
        g_assert_cmpstr(alice->name, ==, "alice");
        g_assert_cmpstr(alice->home, ==, "/home/alice");
        g_assert_cmpstr(alice->shell, ==, "/bin/zsh");
        assert_groups(alice, "27 44 100");
        g_assert_cmpstr(bare->home, ==, "/");
        g_assert_cmpstr(bare->shell, ==, "/bin/sh");
        g_assert_cmpuint(last->uid, ==, 1002);
        assert_missing(tree, "bob");
        assert_missing(tree, "Alice");
        assert_missing(tree, "");
        assert_missing(tree, "alice:x");
        assert_missing(tree, "ali ce");
        assert_missing(tree, "../etc");
}

static void finds_numbers(Tree *tree, gconstpointer data _unused_)
{
        tree_write(tree, "etc/passwd", passwd);
        tree_write(tree, "etc/group", group);
        _cleanup_(user_freep) User *alice = find(tree, "0001000"), *unknown = find(tree, "65535");
        _cleanup_(user_freep) User *huge = find(tree, "4000000000");
        g_assert_cmpstr(alice->name, ==, "alice");
        assert_groups(alice, "27 44 100");
        g_assert_cmpuint(unknown->uid, ==, 65535);
        g_assert_cmpuint(unknown->gid, ==, 65535);
        g_assert_null(unknown->name);
        g_assert_cmpstr(unknown->home, ==, "/");
        g_assert_cmpstr(unknown->shell, ==, "/bin/sh");
        assert_groups(unknown, "65535");
        g_assert_cmpuint(huge->uid, ==, 4000000000u);
}

/* A10 (CVE-2016-3697): had it worked, "10" or an overflowing number would have made a user root. */
static void number_is_never_a_name(Tree *tree, gconstpointer data _unused_)
{
        static const char *const missing[] = {
                "4294967296", "4294967295", "18446744073709551616",      "-1", "+0", "-0", " 0", "0x0",
                "0 ",         "1e1",        "99999999999999999999999999"};

        tree_write(tree, "etc/passwd",
                   "10:x:0:0:::\n4294967296:x:0:0:::\n4294967295:x:0:0:::\n-1:x:0:0:::\n+0:x:0:0:::\n-0:x:0:0:::\n"
                   " 0:x:0:0:::\n18446744073709551616:x:0:0:::\n");
        _cleanup_(user_freep) User *ten = find(tree, "10");
        g_assert_cmpuint(ten->uid, ==, 10);
        g_assert_cmpuint(ten->gid, ==, 10);
        for (unsigned i = 0; i < ELEMENTS(missing); i++)
                assert_missing(tree, missing[i]);
}

static void skips_broken_lines(Tree *tree, gconstpointer data _unused_)
{
        static const char content[] = "eve:x:0\n"
                                      "eve:x:0:0:::/bin/sh:more\n"
                                      "eve:x::0:::\n"
                                      "eve:x:0x0:0:::\n"
                                      "eve:x:-1:0:::\n"
                                      "eve:x:4294967295:0:::\n"
                                      "eve:x:4294967296:0:::\n"
                                      "eve:x: 0:0:::\n"
                                      ":x:0:0:::\n"
                                      "\n"
                                      "eve\0:x:0:0:::\n"
                                      "eve:x:7:8:::\n";
        g_autofree char *path = tree_path(tree, "etc/passwd");

        g_assert_true(g_file_set_contents(path, content, sizeof(content) - 1, NULL));
        _cleanup_(user_freep) User *eve = find(tree, "eve");
        g_assert_cmpuint(eve->uid, ==, 7);
        g_assert_cmpuint(eve->gid, ==, 8);
}

static void needs_no_files(Tree *tree, gconstpointer data _unused_)
{
        _cleanup_(user_freep) User *root = find(tree, "root"), *zero = find(tree, "0"), *number = find(tree, "5");

        g_assert_cmpuint(root->uid, ==, 0);
        g_assert_cmpuint(root->gid, ==, 0);
        g_assert_cmpstr(root->home, ==, "/root");
        g_assert_cmpstr(zero->name, ==, "root");
        g_assert_cmpuint(number->uid, ==, 5);
        assert_missing(tree, "alice");
}

static void assert_refused(const Tree *tree, int code)
{
        User *user = NULL;
        Failure failure = {};
        gint64 begin = g_get_monotonic_time();

        g_assert_cmpint(user_lookup_beneath(tree->root, "alice", &user, &failure), ==, code);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, G_USEC_PER_SEC);
        g_assert_null(user);
        g_assert_cmpint(failure.kind, ==, FAILURE_SETUP);
        g_assert_nonnull(strstr(failure.sentence, "/etc/passwd"));
}

/* A22: had it worked, the lookup would have blocked for ever, or filled the memory. */
static void file_is_a_small_regular_one(Tree *tree, gconstpointer data _unused_)
{
        g_autofree char *path = tree_path(tree, "etc/passwd");

        g_assert_no_errno(mkfifo(path, 0644));
        assert_refused(tree, -EINVAL);
        g_assert_no_errno(unlink(path));
        g_assert_no_errno(symlink("/dev/zero", path));
        assert_refused(tree, -ELOOP);
        g_assert_no_errno(unlink(path));
        g_assert_no_errno(mkdir(path, 0755));
        assert_refused(tree, -EISDIR);
        g_assert_no_errno(rmdir(path));
        tree_write(tree, "etc/passwd", "");
        g_assert_no_errno(truncate(path, (off_t)10 << 30));
        assert_refused(tree, -EFBIG);
}

/* As many groups as a megabyte can hold: had it worked, sorting them would have taken minutes. */
static void groups_are_bounded(Tree *tree, gconstpointer data _unused_)
{
        g_autoptr(GString) text = g_string_new(NULL);
        User *user = NULL;
        Failure failure = {};

        tree_write(tree, "etc/passwd", "a:x:1:1:::\n");
        for (unsigned i = 0; text->len < 1024 * 1024 - 16; i++)
                g_string_append_printf(text, "::%u:a\n", i);
        tree_write(tree, "etc/group", text->str);
        gint64 begin = g_get_monotonic_time();
        g_assert_cmpint(user_lookup_beneath(tree->root, "a", &user, &failure), ==, -E2BIG);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, G_USEC_PER_SEC);
}

/* A9: had it worked, the host's users would have been the container's. */
static void links_stay_beneath(Tree *tree, gconstpointer data _unused_)
{
        g_autofree char *etc = tree_path(tree, "etc"), *other = tree_path(tree, "other");

        g_assert_no_errno(rmdir(etc));
        g_assert_no_errno(symlink("/../../../../other", etc));
        g_assert_no_errno(mkdir(other, 0755));
        tree_write(tree, "other/passwd", "inside:x:3:3:::\n");
        _cleanup_(user_freep) User *inside = find(tree, "inside");
        g_assert_cmpuint(inside->uid, ==, 3);
        g_assert_no_errno(unlink(etc));
        g_assert_no_errno(symlink("/etc", etc));
        User *user = NULL;
        Failure failure = {};
        g_assert_cmpint(user_lookup_beneath(tree->root, "daemon", &user, &failure), ==, -ELOOP);
}

static void host_is_asked_through_nss(void)
{
        _cleanup_(user_freep) User *root = NULL, *zero = NULL, *unknown = NULL, *none = NULL;
        const struct passwd *entry = getpwnam("root");
        Failure failure = {};

        g_assert_nonnull(entry);
        g_assert_cmpint(user_lookup_host("root", &root, &failure), ==, 0);
        g_assert_cmpstr(root->home, ==, entry->pw_dir);
        g_assert_cmpstr(root->shell, ==, entry->pw_shell);
        g_assert_cmpuint(root->n_groups, >=, 1);
        g_assert_cmpint(user_lookup_host("0", &zero, &failure), ==, 0);
        g_assert_cmpstr(zero->name, ==, "root");
        g_assert_cmpint(user_lookup_host("3999999999", &unknown, &failure), ==, 0);
        g_assert_null(unknown->name);
        g_assert_cmpuint(unknown->gid, ==, 3999999999u);
        g_assert_cmpint(user_lookup_host("no-such-user", &none, &failure), ==, -ENOENT);
        g_assert_cmpint(failure.kind, ==, FAILURE_NO_SUCH_USER);
        g_assert_cmpint(user_lookup_host("4294967295", &none, &failure), ==, -ENOENT);
        g_assert_cmpint(user_lookup_host("-1", &none, &failure), ==, -ENOENT);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*function)(Tree *tree, gconstpointer data);
        } tests[] = {
                {"/users/finds-names", finds_names},
                {"/users/finds-numbers", finds_numbers},
                {"/users/A10-a-number-is-never-a-name", number_is_never_a_name},
                {"/users/skips-broken-lines", skips_broken_lines},
                {"/users/needs-no-files", needs_no_files},
                {"/users/A22-a-file-is-a-small-regular-one", file_is_a_small_regular_one},
                {"/users/A22-groups-are-bounded", groups_are_bounded},
                {"/users/A9-links-stay-beneath", links_stay_beneath},
        };

        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Tree, NULL, tree_begin, tests[i].function, tree_end);
        g_test_add_func("/users/the-host-is-asked-through-nss", host_is_asked_through_nss);
        return g_test_run();
}
