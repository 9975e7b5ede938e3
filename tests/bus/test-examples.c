/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Examples
 *
 * Each example of org.pflask.Manager1(5) is taken from the finished page, as man(1) would print it, put into a file,
 * and does what the page says. A program in C is compiled by the command in its first line.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"

typedef struct Example {
        const char *promise;
        const char *section;
        guint number; /* of the block in its section */
        const char *file;
        const char *script; /* what is done with the file: $? and its output count */
        int status;
        const char *out; /* a regular expression that the whole output matches */
} Example;

/* What the examples do it with: a container named demo, in which /mnt is its own. */
#define DEMO "$pflask run -d -T --name=demo --mount=tmp:/mnt -- sleep 1000 >/dev/null; "
#define END  "; status=$?; $pflask terminate demo; $pflask wait demo; exit $status"

static const Example examples[] = {
        {"busctl", "In the shell, with busctl(1)", 0, "demo.sh", "sh -eu ./demo.sh", 0,
         "so \"demo\" \"/org/pflask/Manager1/container/demo\"\n"
         "a\\(susuo\\) 1 \"demo\" 0 \"running\" [0-9]+ \"/org/pflask/Manager1/container/demo\"\n"
         "s \"running\"\nu [0-9]+\n"
         "\\{.*\"Hostname\":\\{\"type\":\"s\",\"data\":\"demo\"\\}.*\\}\n"
         "si \"exited\" 143\n"},
        {"gdbus", "In the shell, with gdbus(1)", 0, "build.sh", "sh -eu ./build.sh", 0,
         "\\('build', objectpath '/org/pflask/Manager1/container/build'\\)\n\\('exited', 3\\)\n"},
        {"python-reads-what-a-command-writes", "In Python", 0, "run.py", "./run.py", 0,
         "pflask-[0-9]+ says Linux box\nexited, status 0\n"},
        {"python-shows-how-far-a-copy-is", "In Python", 1, "copy.py", DEMO "./copy.py demo /etc /mnt/etc" END, 0,
         "(/etc: .*\n)*/etc: ([0-9]+) of \\2 bytes, ([0-9]+) of \\3 files\n"},
        {"python-says-why-a-copy-failed", "In Python", 1, "copy.py", DEMO "./copy.py demo /no/such /mnt/x 2>&1" END, 0,
         "GDBus.Error:org.pflask.Manager1.Error.SetupFailed: cannot copy /no/such: No such file or directory\n"},
        {"python-sees-containers-come-and-go", "In Python", 2, "watch.py",
         DEMO
         "mkfifo events; ./watch.py >events & exec <events; read -r first; echo \"$first\"; "
         "$pflask terminate demo; while read -r next; do echo \"$next\"; case $next in *exited*) break; esac; done; "
         "kill $!; $pflask wait demo; true",
         0, "demo running [0-9]+\n(demo .*\n)*demo exited 0\n"},
        {"c-has-the-streams-and-the-status", "In C, with sd-bus(3)", 0, "run.c",
         "seq 1 20000 | ./run sh -c 'sha256sum; echo apart >&2; exit 7' 2>err | cut -c 1-64 >out; "
         "seq 1 20000 | sha256sum | cut -c 1-64 | cmp - out && cat err; ./run sh -c 'exit 7'",
         7, "apart\n"},
        {"c-says-why-not", "In C, with sd-bus(3)", 0, "run.c", "./run /no/such 2>&1", 125, ".*/no/such.*\n"},
};

/* ---- the page ---- */

/* Return: NULL where there is no scdoc(1) to make it. */
static char *read_page(void)
{
        g_autofree char *path = build_path("interfaces/" MANAGER_INTERFACE ".5"), *text = NULL;

        g_file_get_contents(path, &text, NULL, NULL);
        return g_steal_pointer(&text);
}

/* The escapes of groff(7) that a literal block has: what stands for nothing, and a backslash. */
static char *as_printed(const char *lines)
{
        GString *text = g_string_new(NULL);

        for (const char *c = lines; *c; c++) {
                if (g_str_has_prefix(c, "\\&")) {
                        c++;
                        continue;
                }
                if (g_str_has_prefix(c, "\\\\"))
                        c++;
                else
                        g_assert_cmpint(*c, !=, '\\');
                g_string_append_c(text, *c);
        }
        return g_string_free(text, FALSE);
}

/* The literal blocks of a section, or of all examples. Return: strings, the caller's. */
static GPtrArray *blocks_of(const char *page, const char *section)
{
        g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *heading = section ? g_strdup_printf("\n.SS %s\n", section) : g_strdup("\n.SH EXAMPLES\n");

        const char *begin = strstr(page, heading);
        g_assert_nonnull(begin);
        begin += strlen(heading);
        const char *next = section ? strstr(begin, "\n.SS ") : NULL, *last = strstr(begin, "\n.SH ");
        g_assert_nonnull(last);
        g_autofree char *text = g_strndup(begin, (gsize)((next && next < last ? next : last) - begin));
        g_auto(GStrv) parts = g_strsplit(text, "\n.nf\n.RS 4\n", -1);
        for (guint i = 1; parts[i]; i++) {
                char *end = strstr(parts[i], ".fi\n.RE");
                g_assert_nonnull(end);
                *end = '\0';
                g_ptr_array_add(blocks, as_printed(parts[i]));
        }
        return g_steal_pointer(&blocks);
}

/* ---- running ---- */

static void assert_does(Fixture *fixture, const char *script, int status, const char *pattern)
{
        g_autofree char *out = NULL, *err = NULL, *whole = g_strdup_printf("\\A(?:%s)\\z", pattern);

        int actual = shell(fixture, script, &out, &err);
        g_test_message("%s: status %d\n%s%s", script, actual, out, err);
        g_assert_cmpint(actual, ==, status);
        g_assert_cmpstr(err, ==, "");
        if (!g_regex_match_simple(whole, out, G_REGEX_DOTALL, 0))
                g_error("'%s' is not like '%s'", out, pattern);
}

/* The command that the first line of the program names, in a comment. */
static void compile(Fixture *fixture, const char *program)
{
        g_autoptr(GRegex) comment = g_regex_new("\\A/\\* (cc .*) \\*/\n", 0, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        g_assert_true(g_regex_match(comment, program, 0, &match));
        g_autofree char *command = g_match_info_fetch(match, 1);
        g_autofree char *strict = g_strdup_printf("CFLAGS=; cc() { command cc -Wall -Wextra -Werror \"$@\"; }; %s",
                                                  command);
        assert_does(fixture, strict, 0, "");
}

static void test_example(Fixture *fixture)
{
        const Example *example = fixture->test->row;
        g_autofree char *path = g_build_filename(TEST_DIRECTORY, example->file, NULL), *page = read_page();
        g_autoptr(GError) error = NULL;

        if (!page) {
                g_test_skip("the manual was not made");
                return;
        }
        g_autoptr(GPtrArray) blocks = blocks_of(page, example->section);
        g_assert_cmpuint(example->number, <, blocks->len);
        const char *block = g_ptr_array_index(blocks, example->number);
        g_file_set_contents_full(path, block, -1, G_FILE_SET_CONTENTS_NONE, 0755, &error);
        g_assert_no_error(error);
        if (g_str_has_suffix(path, ".c"))
                compile(fixture, block);
        assert_does(fixture, example->script, example->status, example->out);
}

static void test_each_is_run(Fixture *fixture G_GNUC_UNUSED)
{
        g_autoptr(GHashTable) run = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *page = read_page();

        if (!page) {
                g_test_skip("the manual was not made");
                return;
        }
        g_autoptr(GPtrArray) blocks = blocks_of(page, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(examples); i++)
                g_hash_table_add(run, g_strdup_printf("%s %u", examples[i].section, examples[i].number));
        g_assert_cmpuint(g_hash_table_size(run), ==, blocks->len);
}

int main(int argc, char **argv)
{
        static Test tests[G_N_ELEMENTS(examples) + 1];
        guint n = 0;

        for (; n < G_N_ELEMENTS(examples); n++)
                tests[n] = (Test){
                        .name = g_strconcat("/examples/", examples[n].promise, NULL),
                        .function = test_example,
                        .flags = ON_BUS,
                        .row = &examples[n],
                };
        tests[n++] = (Test)TEST("/examples/each-of-the-page-is-run", test_each_is_run, ON_BUS);
        return test_program(argc, argv, tests, n);
}
