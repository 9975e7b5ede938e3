/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What manager.conf and its drop-ins say
 */
#include <errno.h>

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "manager/configuration.h"

static unsigned n_warnings, last_line;

static void count(const char *path, unsigned line, const char *reason)
{
        g_test_message("%s:%u: %s", path, line, reason);
        n_warnings++;
        last_line = line;
}

typedef struct Fixture {
        char *top;
        char *etc;
        char *lib;
        Config config;
} Fixture;

static void write_file(const char *directory, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_autofree char *parent = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void load(Fixture *fixture)
{
        const char *directories[] = {fixture->etc, fixture->lib, NULL};

        config_init(&fixture->config);
        n_warnings = last_line = 0;
        config_load(&fixture->config, directories, count);
}

static void set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        fixture->top = g_dir_make_tmp("config-XXXXXX", NULL);
        fixture->etc = g_build_filename(fixture->top, "etc", NULL);
        fixture->lib = g_build_filename(fixture->top, "lib", NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        char *argv[] = {(char[]){"rm"}, (char[]){"-rf"}, fixture->top, NULL};

        g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
        g_free(fixture->top);
        g_free(fixture->etc);
        g_free(fixture->lib);
}

static void test_defaults(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        load(fixture);
        g_assert_cmpuint(fixture->config.max_containers_per_user, ==, 64);
        g_assert_cmpuint(fixture->config.start_usec, ==, 90000000);
        g_assert_cmpuint(fixture->config.stop_usec, ==, 90000000);
        g_assert_cmpuint(fixture->config.idle_usec, ==, 30000000);
        g_assert_cmpuint(n_warnings, ==, 0);
}

static void test_values(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        write_file(fixture->etc, "manager.conf",
                   "# one\n; two\n\n[Manager]\nMaxContainersPerUser = 3\r\nStartTimeoutSec=5min\n"
                   "StopTimeoutSec=1min 30s\nExitIdleSec=infinity");
        load(fixture);
        g_assert_cmpuint(n_warnings, ==, 0);
        g_assert_cmpuint(fixture->config.max_containers_per_user, ==, 3);
        g_assert_cmpuint(fixture->config.start_usec, ==, 300000000);
        g_assert_cmpuint(fixture->config.stop_usec, ==, 90000000);
        g_assert_cmpuint(fixture->config.idle_usec, ==, CONFIG_INFINITY);
}

static void test_mistakes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        write_file(fixture->etc, "manager.conf",
                   "Early=1\n[Other]\nMaxContainersPerUser=1\n[Manager]\nMaxContainersPerUser=-1\nUnknown=1\n"
                   "no assignment\nStopTimeoutSec=infinity\nExitIdleSec=5 parsecs\n");
        load(fixture);
        g_assert_cmpuint(n_warnings, ==, 7);
        g_assert_cmpuint(last_line, ==, 9);
        g_assert_cmpuint(fixture->config.max_containers_per_user, ==, 64);
        g_assert_cmpuint(fixture->config.stop_usec, ==, 90000000);
}

static void test_drop_ins(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        write_file(fixture->etc, "manager.conf", "[Manager]\nMaxContainersPerUser=1\n");
        write_file(fixture->lib, "manager.conf", "[Manager]\nStopTimeoutSec=1\n");
        write_file(fixture->lib, "manager.conf.d/10-a.conf", "[Manager]\nMaxContainersPerUser=2\nExitIdleSec=1\n");
        write_file(fixture->etc, "manager.conf.d/10-a.conf", "[Manager]\nMaxContainersPerUser=3\n");
        write_file(fixture->lib, "manager.conf.d/20-b.conf", "[Manager]\nMaxContainersPerUser=4\n");
        write_file(fixture->lib, "manager.conf.d/30-c.conf", "[Manager]\nMaxContainersPerUser=5\n");
        write_file(fixture->lib, "manager.conf.d/40-d", "[Manager]\nMaxContainersPerUser=6\n");
        g_autofree char *mask = g_build_filename(fixture->etc, "manager.conf.d/30-c.conf", NULL);
        g_assert_cmpint(symlink("/dev/null", mask), ==, 0);
        load(fixture);
        g_assert_cmpuint(n_warnings, ==, 0);
        g_assert_cmpuint(fixture->config.max_containers_per_user, ==, 4);
        g_assert_cmpuint(fixture->config.idle_usec, ==, 30000000);
        g_assert_cmpuint(fixture->config.stop_usec, ==, 90000000);
}

static void test_others(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
        write_file(fixture->etc, "manager.conf", "[Manager]\nMaxContainersPerUser=1\n");
        g_assert_cmpint(g_chmod(fixture->etc, 0777), ==, 0);
        load(fixture);
        g_assert_cmpuint(fixture->config.max_containers_per_user, ==, 64);
}

static void test_spans(void)
{
        static const struct {
                const char *text;
                int result;
                uint64_t usec;
        } rows[] = {
                {"90", 0, 90000000},
                {"2h", 0, UINT64_C(7200000000)},
                {"1min 30s", 0, 90000000},
                {"1min30s", 0, 90000000},
                {"5 ms", 0, 5000},
                {"infinity", 0, CONFIG_INFINITY},
                {"", -EINVAL, 0},
                {"s", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {"1 2x", -EINVAL, 0},
                {"1.5s", -EINVAL, 0},
                {"99999999999999999999", -ERANGE, 0},
                {"9999999999w", -ERANGE, 0},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                uint64_t usec = 0;

                g_test_message("%s", rows[i].text);
                g_assert_cmpint(config_parse_span(rows[i].text, &usec), ==, rows[i].result);
                g_assert_cmpuint(usec, ==, rows[i].usec);
        }
}

int main(int argc, char **argv)
{
        static const struct {
                const char *promise;
                void (*test)(Fixture *, gconstpointer);
        } tests[] = {
                {"/config/has-defaults", test_defaults},
                {"/config/reads-values", test_values},
                {"/config/tells-and-ignores-mistakes", test_mistakes},
                {"/config/orders-overrides-and-masks-drop-ins", test_drop_ins},
                {"/config/leaves-out-what-others-can-write", test_others},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add(tests[i].promise, Fixture, NULL, set_up, tests[i].test, tear_down);
        g_test_add_func("/config/parses-spans", test_spans);
        return g_test_run();
}
