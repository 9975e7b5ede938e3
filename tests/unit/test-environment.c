/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/environment.h"

#include <string.h>

#include <glib.h>

#include "common/macros.h"

static char word_alice[] = "alice", word_home[] = "/home/alice", word_shell[] = "/bin/zsh";
static const User alice = {.uid = 1000, .gid = 1000, .name = word_alice, .home = word_home, .shell = word_shell};
static const User nameless = {.uid = 7, .gid = 7, .home = word_home, .shell = word_shell};

static void assert_built(const char *given, const User *user, bool has_terminal, const char *expected)
{
        g_auto(GStrv) words = g_strsplit(given, "|", -1);
        _cleanup_(strings_freep) char **environment = NULL;
        Failure failure = {};

        g_assert_cmpint(environment_build(words, user, has_terminal, &environment, &failure), ==, 0);
        g_autofree char *joined = g_strjoinv("|", environment);
        g_assert_cmpstr(joined, ==, expected);
}

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define USER "USER=alice|LOGNAME=alice"

static void defaults_fill_what_was_not_given(void)
{
        assert_built("", &alice, false, PATH "|HOME=/home/alice|" USER "|SHELL=/bin/zsh|container=pflask");
        assert_built("", &alice, true, PATH "|HOME=/home/alice|" USER "|SHELL=/bin/zsh|TERM=vt220|container=pflask");
        assert_built("", &nameless, false, PATH "|HOME=/home/alice|SHELL=/bin/zsh|container=pflask");
        assert_built("HOME=|TERM=xterm|A=1=2", &nameless, true,
                     "HOME=|TERM=xterm|A=1=2|" PATH "|SHELL=/bin/zsh|container=pflask");
}

static void last_of_a_name_counts(void)
{
        assert_built("A=1|HOME=/x|B=2|A=3|PATH=/p", &nameless, false,
                     "A=3|HOME=/x|B=2|PATH=/p|SHELL=/bin/zsh|container=pflask");
}

static void container_is_unalterable(void)
{
        assert_built("container=docker|containers=1|container=", &nameless, false,
                     "containers=1|" PATH "|HOME=/home/alice|SHELL=/bin/zsh|container=pflask");
}

static void values_may_be_anything(void)
{
        assert_built("A=\n\x01\xff|B==", &nameless, false,
                     "A=\n\x01\xff|B==|" PATH "|HOME=/home/alice|SHELL=/bin/zsh|container=pflask");
}

static void broken_names_are_refused(void)
{
        static const char *const broken[] = {"", "=", "=secret", "A", "A\nB=secret", "\x01=secret", "A\x7f=secret"};

        for (unsigned i = 0; i < ELEMENTS(broken); i++) {
                char *given[] = {g_strdup("A=1"), g_strdup(broken[i]), NULL};
                char **environment = NULL;
                Failure failure = {};
                g_assert_cmpint(environment_build(given, &alice, false, &environment, &failure), ==, -EINVAL);
                g_assert_cmpint(failure.kind, ==, FAILURE_INVALID_OPTION);
                g_assert_null(environment);
                /* A value may be a password: no error repeats it. */
                g_assert_null(strstr(failure.sentence, "secret"));
                g_free(given[0]);
                g_free(given[1]);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/environment/defaults-fill-what-was-not-given", defaults_fill_what_was_not_given);
        g_test_add_func("/environment/the-last-of-a-name-counts", last_of_a_name_counts);
        g_test_add_func("/environment/container-is-unalterable", container_is_unalterable);
        g_test_add_func("/environment/values-may-be-anything", values_may_be_anything);
        g_test_add_func("/environment/broken-names-are-refused", broken_names_are_refused);
        return g_test_run();
}
