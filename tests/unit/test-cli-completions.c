/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completions
 *
 * The three shells are asked themselves, each with its completion file, what they offer. They know each verb and each
 * option that there is a row for, and of the running service the names.
 */
#include <string.h>

#include <glib.h>

#include "cli/verb.h"
#include "common/macros.h"

static const char *const shells[] = {"bash", "zsh", "fish"};

/* Every command on the machine may be offered, so this takes its time. */
static GStrv offered(const char *shell, const char *line)
{
        g_autofree char *words = g_strconcat(g_getenv("PFLASK_COMPLETE"), " ", shell, " pflask ", line, NULL);
        g_autofree char *out = NULL, *err = NULL;
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) argv = NULL;

        g_assert_true(g_shell_parse_argv(words, NULL, &argv, &error));
        g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, NULL, &error);
        g_assert_no_error(error);
        if (*err)
                g_error("%s, completing '%s': %s", shell, line, err);
        return g_strsplit(out, "\n", -1);
}

static bool offers(GStrv words, const char *word)
{
        for (char **one = words; *one; one++) {
                size_t length = strlen(word);
                if (strncmp(*one, word, length) == 0 && (!(*one)[length] || strcmp(*one + length, "=") == 0))
                        return true;
        }
        return false;
}

static void assert_offers(const char *shell, const char *line, const char *word)
{
        g_auto(GStrv) words = offered(shell, line);

        if (!offers(words, word))
                g_error("%s does not offer '%s' for '%s'", shell, word, line);
}

static void each_option_of_each_verb(const void *shell)
{
        const Verb *verb;

        for (size_t i = 0; (verb = verb_at(i)); i++) {
                g_autofree char *line = g_strconcat(verb->name ? verb->name : "", " -", NULL);
                g_auto(GStrv) words = offered(shell, line);
                for (size_t k = 0; k < verb->n_options; k++) {
                        g_autofree char *name = g_strconcat("--", verb->options[k].name, NULL);
                        const char letter[] = {'-', verb->options[k].letter, '\0'};
                        if (verb->options[k].name && !offers(words, name))
                                g_error("%s does not offer %s for '%s'", (const char *)shell, name, line);
                        if (verb->options[k].letter && !offers(words, letter))
                                g_error("%s does not offer %s for '%s'", (const char *)shell, letter, line);
                }
        }
}

static void each_verb(const void *shell)
{
        const Verb *verb;

        for (size_t i = 1; (verb = verb_at(i)); i++) {
                g_autofree char *line = g_strndup(verb->name, 2);
                assert_offers(shell, line, verb->name);
        }
}

static void names(const void *shell)
{
        static const struct {
                const char *verb;
                bool has_name, has_many;
        } exceptions[] = {
                {"run", false, false},     {"list", false, false},   {"monitor", false, false},
                {"status", true, true},    {"wait", true, true},     {"kill", true, true},
                {"terminate", true, true}, {"poweroff", true, true}, {"reboot", true, true},
        };
        const Verb *verb;

        for (size_t i = 1; (verb = verb_at(i)); i++) {
                bool has_name = true, has_many = false;
                for (unsigned k = 0; k < ELEMENTS(exceptions); k++)
                        if (strcmp(exceptions[k].verb, verb->name) == 0) {
                                has_name = exceptions[k].has_name;
                                has_many = exceptions[k].has_many;
                        }
                g_autofree char *first = g_strconcat(verb->name, " bo", NULL);
                g_autofree char *second = g_strconcat(verb->name, " other bo", NULL);
                g_auto(GStrv) for_first = offered(shell, first), for_second = offered(shell, second);
                g_test_message("%s", verb->name);
                g_assert_true(offers(for_first, "box") == has_name);
                g_assert_true(offers(for_second, "box") == has_many);
        }
}

static void arguments(const void *shell)
{
        static const char *const rows[][2] = {
                {"kill --who ''", "leader"},         {"list --json ''", "pretty"},
                {"run --register ''", "auto"},       {"--attach bo", "box"},
                {"kill --who all bo", "box"},        {"kill -s TERM bo", "box"},
                {"kill -M web --who all bo", "box"}, {"--direct kill bo", "box"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                assert_offers(shell, rows[i][0], rows[i][1]);
        g_auto(GStrv) far = offered(shell, "kill -H far bo");
        g_assert_false(offers(far, "box"));
}

static void missing(const void *shell)
{
        g_autofree char *reason = g_strconcat("there is no ", shell, NULL);

        g_test_skip(reason);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *promise;
                void (*function)(const void *shell);
        } tests[] = {
                {"each-verb", each_verb},
                {"each-option-of-each-verb", each_option_of_each_verb},
                {"names-where-one-stands", names},
                {"what-an-option-takes", arguments},
        };

        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < ELEMENTS(shells); i++) {
                g_autofree char *program = g_find_program_in_path(shells[i]);
                for (unsigned k = 0; k < ELEMENTS(tests); k++) {
                        g_autofree char *path = g_strdup_printf("/completion/%s-offers-%s", shells[i],
                                                                tests[k].promise);
                        g_test_add_data_func(path, shells[i], program ? tests[k].function : missing);
                }
        }
        return g_test_run();
}
