/* SPDX-License-Identifier: BSD-2-Clause */
#include "cgroups.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct TestCgroups {
        GPtrArray *paths;
};

enum { MOUNT_ROOT = 3, MOUNT_POINT = 4 }; /* fields of /proc/PID/mountinfo: proc(5) */

/* @type: "cgroup" or "cgroup2"; @controllers: as in /proc/PID/cgroup. Return: where that hierarchy is mounted whole. */
static char *find_mount(const char *type, const char *controllers)
{
        g_autofree char *text = NULL;

        if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
                return NULL;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) halves = g_strsplit(*line, " - ", 2);
                if (g_strv_length(halves) < 2)
                        continue;
                g_auto(GStrv) mount = g_strsplit(halves[0], " ", -1), filesystem = g_strsplit(halves[1], " ", 3);
                if (g_strv_length(mount) > MOUNT_POINT && g_strv_length(filesystem) == 3 &&
                    g_str_equal(mount[MOUNT_ROOT], "/") && g_str_equal(filesystem[0], type) &&
                    strstr(filesystem[2], controllers))
                        return g_strdup(mount[MOUNT_POINT]);
        }
        return NULL;
}

/* A new cgroup of the version 1 controller cpuset has no processors and no memory: cpuset(7). */
static void copy_cpuset(const char *parent, const char *path)
{
        static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

        for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *from = g_build_filename(parent, files[i], NULL), *content = NULL;
                g_autofree char *to = g_build_filename(path, files[i], NULL);
                gsize length;
                if (g_file_get_contents(from, &content, &length, NULL))
                        g_file_set_contents_full(to, content, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0644, NULL);
        }
}

/* @line: of /proc/self/cgroup, "number:controllers:path" */
static char *make(const char *line)
{
        g_auto(GStrv) fields = g_strsplit(line, ":", 3);

        if (g_strv_length(fields) < 3)
                return NULL;
        g_autofree char *mount = find_mount(*fields[1] ? "cgroup" : "cgroup2", fields[1]);
        if (!mount)
                return NULL;
        g_autofree char *parent = g_build_filename(mount, fields[2], NULL);
        g_autofree char *path = g_strdup_printf("%s/pflask-test-%d", parent, (int)getpid());
        if (g_mkdir(path, 0755) < 0)
                return NULL;
        if (g_str_equal(fields[1], "cpuset"))
                copy_cpuset(parent, path);
        return g_steal_pointer(&path);
}

TestCgroups *test_cgroups_make(void)
{
        TestCgroups *cgroups = g_new0(TestCgroups, 1);
        g_autofree char *text = NULL;

        cgroups->paths = g_ptr_array_new_with_free_func(g_free);
        if (!g_file_get_contents("/proc/self/cgroup", &text, NULL, NULL))
                return cgroups;
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++) {
                char *path = make(*line);
                if (path)
                        g_ptr_array_add(cgroups->paths, path);
        }
        return cgroups;
}

static void test_cgroups_free(TestCgroups *cgroups)
{
        g_ptr_array_unref(cgroups->paths);
        g_free(cgroups);
}

void test_cgroups_enter(TestCgroups *cgroups)
{
        for (guint i = 0; i < cgroups->paths->len; i++) {
                g_autofree char *procs = g_build_filename(cgroups->paths->pdata[i], "cgroup.procs", NULL);
                g_autoptr(GError) error = NULL;
                if (!g_file_set_contents_full(procs, "0", 1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
                        g_printerr("%s\n", error->message);
        }
        test_cgroups_free(cgroups);
}

/* All that is beneath @path goes; some of it is a test's failure. */
static guint remove_beneath(const char *path)
{
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        guint n = 0;

        for (const char *name; directory && (name = g_dir_read_name(directory));) {
                g_autofree char *child = g_build_filename(path, name, NULL);
                if (!g_file_test(child, G_FILE_TEST_IS_DIR))
                        continue;
                g_printerr("left behind: cgroup %s\n", child);
                n += 1 + remove_beneath(child);
                g_rmdir(child);
        }
        return n;
}

gboolean test_cgroups_remove(TestCgroups *cgroups)
{
        guint n_left = 0;

        for (guint i = 0; i < cgroups->paths->len; i++) {
                n_left += remove_beneath(cgroups->paths->pdata[i]);
                if (g_rmdir(cgroups->paths->pdata[i]) < 0) {
                        g_printerr("cannot remove cgroup %s: %m\n", (char *)cgroups->paths->pdata[i]);
                        n_left++;
                }
        }
        test_cgroups_free(cgroups);
        return n_left == 0;
}
