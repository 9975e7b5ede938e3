/* SPDX-License-Identifier: BSD-2-Clause */
/* What a container wrote, as a terminal may see it, however it is cut into pieces; and the last lines of it. */
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "cli/printer.h"
#include "common/macros.h"

/* Prints @bytes in pieces of @piece, and reads back what went to standard output. */
static char *print_in_pieces(const char *bytes, size_t n, size_t piece, bool is_raw)
{
        FILE *kept = stdout;
        char *text = NULL;
        size_t length;

        stdout = open_memstream(&text, &length);
        g_assert_nonnull(stdout);
        Printer printer = {.is_raw = is_raw};
        for (size_t i = 0; i < n; i += piece)
                printer_print(&printer, bytes + i, MIN(piece, n - i));
        printer_end(&printer);
        fclose(stdout);
        stdout = kept;
        return text;
}

static void nothing_reaches_a_terminal_that_it_would_obey(void)
{
        static const struct {
                const char *written, *shown;
        } rows[] = {
                {"plain\ttext\r\nmore\n", "plain\ttext\nmore\n"},
                {"\033]0;title\a", "\\x1b]0;title\\x07"},
                {"a\rb", "a\\x0db"},
                {"a\r\r\nb", "a\nb"},
                {"a\r", "a\\x0d"},
                {"\302\233"
                 "1mred",
                 "\\xc2\\x9b1mred"},
                {"\302\251 \303\251", "\302\251 \303\251"},
                {"\302", "\302"},
                {"\302\302\233", "\302\\xc2\\x9b"},
                {"\302\033c", "\302\\x1bc"},
                {"\177\b", "\\x7f\\x08"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                for (size_t piece = 1; piece <= strlen(rows[i].written); piece++) {
                        g_autofree char *text = print_in_pieces(rows[i].written, strlen(rows[i].written), piece, false);
                        g_assert_cmpstr(text, ==, rows[i].shown);
                        g_autofree char *raw = print_in_pieces(rows[i].written, strlen(rows[i].written), piece, true);
                        g_assert_cmpstr(raw, ==, rows[i].written);
                }
}

static void the_last_lines_are_whole(void)
{
        static const struct {
                const char *bytes;
                size_t n_lines;
                const char *rest;
        } rows[] = {
                {"", 0, ""},
                {"", 3, ""},
                {"a\nb\nc\n", 0, ""},
                {"a\nb\nc\n", 1, "c\n"},
                {"a\nb\nc", 1, "c"},
                {"a\nb\nc\n", 2, "b\nc\n"},
                {"a\nb\nc\n", 3, "a\nb\nc\n"},
                {"a\nb\nc\n", 99, "a\nb\nc\n"},
                {"\n\n\n", 2, "\n\n"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                g_assert_cmpstr(rows[i].bytes + last_lines(rows[i].bytes, strlen(rows[i].bytes), rows[i].n_lines), ==,
                                rows[i].rest);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/printer/nothing-reaches-a-terminal-that-it-would-obey",
                        nothing_reaches_a_terminal_that_it_would_obey);
        g_test_add_func("/printer/the-last-lines-are-whole", the_last_lines_are_whole);
        return g_test_run();
}
