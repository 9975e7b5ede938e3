/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs and options are rows; what else speaks of them, completions and the manual, knows each of them. */
#include <string.h>

#include <glib.h>

#include "cli/run-options.h"
#include "cli/verb.h"
#include "common/macros.h"

static char *source_read(const char *path)
{
        g_autofree char *whole = g_build_filename(g_getenv("PFLASK_SOURCE_DIRECTORY"), path, NULL);
        char *content = NULL;

        g_assert_true(g_file_get_contents(whole, &content, NULL, NULL));
        return content;
}

/* The words behind @before, up to @after. */
static GStrv words_between(const char *content, const char *before, const char *after)
{
        const char *begin = strstr(content, before);

        g_assert_nonnull(begin);
        begin += strlen(before);
        const char *end = strstr(begin, after);
        g_assert_nonnull(end);
        g_autofree char *text = g_strndup(begin, (gsize)(end - begin));
        return g_regex_split_simple("\\s+", g_strstrip(text), 0, 0);
}

/* Both ways: every verb is among the words, and no word is not a verb. */
static void assert_verbs(GStrv words)
{
        const Verb *verb;
        guint n = 0;

        for (size_t i = 1; (verb = verb_at(i)); i++, n++)
                if (!g_strv_contains((const char *const *)words, verb->name))
                        g_error("verb %s is missing", verb->name);
        g_assert_cmpuint(g_strv_length(words), ==, n);
}

static void bash_knows_every_verb(void)
{
        g_autofree char *content = source_read("cli/completions/pflask.bash");
        g_auto(GStrv) words = words_between(content, "_pflask_verbs=\"", "\"\n");

        assert_verbs(words);
}

static void zsh_knows_every_verb(void)
{
        g_autofree char *content = source_read("cli/completions/_pflask");
        g_auto(GStrv) rows = words_between(content, "_pflask_verbs=(", "\n)");
        g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

        for (char **word = rows; *word; word++) {
                char *colon = strchr(*word, ':');
                if (**word != '\'' || !colon)
                        continue;
                *colon = '\0';
                g_strv_builder_add(builder, *word + 1);
        }
        g_auto(GStrv) words = g_strv_builder_end(builder);
        assert_verbs(words);
}

static void fish_knows_every_verb(void)
{
        g_autofree char *content = source_read("cli/completions/pflask.fish");
        g_auto(GStrv) words = words_between(content, "set -g __pflask_verbs ", "\n");

        assert_verbs(words);
}

static void assert_options_in(const char *content, const Option *options, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!options[i].name || !options[i].help)
                        continue;
                g_autofree char *spelling = g_strdup_printf("*--%s*", options[i].name);
                if (!strstr(content, spelling))
                        g_error("option --%s is missing", options[i].name);
        }
}

static void the_manual_knows_every_word(void)
{
        g_autofree char *content = source_read("cli/pflask.1.scd");
        const Verb *verb;

        for (size_t i = 0; (verb = verb_at(i)); i++) {
                g_autofree char *spelling = g_strdup_printf("*%s*", verb->name ?: "pflask");
                if (!strstr(content, spelling))
                        g_error("verb %s is missing", verb->name);
                assert_options_in(content, verb->options, verb->n_options);
        }
}

/* Every letter means one thing within a verb, and every row can be read and explained. */
static void no_row_contradicts_another(void)
{
        const Verb *verb;

        for (size_t i = 0; (verb = verb_at(i)); i++) {
                g_assert_cmpuint(verb->options_size, >=, sizeof(Common));
                g_assert_nonnull(verb->run);
                g_assert_nonnull(verb->summary);
                for (size_t k = 0; k < verb->n_options; k++) {
                        const Option *option = &verb->options[k];
                        g_assert_nonnull(option->read);
                        g_assert_true(option->name || option->letter);
                        for (size_t other = 0; other < k; other++) {
                                g_assert_cmpstr(option->name, !=, verb->options[other].name);
                                g_assert_true(!option->letter || option->letter != verb->options[other].letter);
                        }
                }
        }
}

static void a_verb_is_known_in_spite_of_a_slip(void)
{
        static const struct {
                const char *typed, *meant; /* NULL: it is another word */
        } rows[] = {
                {"lst", "list"},
                {"lsit", "list"},
                {"lists", "list"},
                {"lost", "list"},
                {"exce", "exec"},
                {"rnu", "run"},
                {"kll", "kill"},
                {"statsu", "status"},
                {"trminatee", "terminate"},
                {"rm", NULL},
                {"copyfrm", "copy-from"},
                {"start", NULL},
                {"stop", NULL},
                {"ls", NULL},
                {"", NULL},
                {"true", NULL},
        };

        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                const Verb *verb = verb_find_near(rows[i].typed);
                g_assert_cmpstr(verb ? verb->name : NULL, ==, rows[i].meant);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/words/bash-knows-every-verb", bash_knows_every_verb);
        g_test_add_func("/words/zsh-knows-every-verb", zsh_knows_every_verb);
        g_test_add_func("/words/fish-knows-every-verb", fish_knows_every_verb);
        g_test_add_func("/words/the-manual-knows-every-word", the_manual_knows_every_word);
        g_test_add_func("/words/no-row-contradicts-another", no_row_contradicts_another);
        g_test_add_func("/words/a-verb-is-known-in-spite-of-a-slip", a_verb_is_known_in_spite_of_a_slip);
        return g_test_run();
}
