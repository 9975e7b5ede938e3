/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

#include "cli/colour.h"
#include "common/macros.h"

static const Verb *(*const verbs[])(void) = {
        bare_verb,   run_verb,      attach_verb,    exec_verb, shell_verb,   list_verb,      status_verb,
        show_verb,   describe_verb, logs_verb,      wait_verb, kill_verb,    terminate_verb, poweroff_verb,
        reboot_verb, copy_to_verb,  copy_from_verb, bind_verb, monitor_verb,
};

const Verb *verb_at(size_t i)
{
        return i < ELEMENTS(verbs) ? verbs[i]() : NULL;
}

const Verb *verb_find(const char *name)
{
        const Verb *verb;

        for (size_t i = 0; (verb = verb_at(i)); i++)
                if (verb->name && strcmp(verb->name, name) == 0)
                        return verb;
        return NULL;
}

/* Does @typed become @meant when at most @n letters are put in, left out, changed, or exchanged with the next? */
static bool is_within(const char *typed, const char *meant, size_t n)
{
        for (; *typed && *typed == *meant; meant++)
                typed++;
        if (!*typed || !*meant || n == 0)
                return strlen(typed) + strlen(meant) <= n;
        return is_within(typed + 1, meant + 1, n - 1) || is_within(typed, meant + 1, n - 1) ||
               is_within(typed + 1, meant, n - 1) ||
               (typed[0] == meant[1] && typed[1] == meant[0] && is_within(typed + 2, meant + 2, n - 1));
}

/* One slip in three letters is a hand's; more, and it is another word. */
const Verb *verb_find_near(const char *word)
{
        enum { SLIPS_MAX = 3 };
        const Verb *verb;

        for (size_t slips = 1; slips <= SLIPS_MAX; slips++)
                for (size_t i = 1; (verb = verb_at(i)); i++)
                        if (slips <= strlen(verb->name) / 3 && is_within(word, verb->name, slips))
                                return verb;
        return NULL;
}

char *verb_usage(const Verb *verb)
{
        char *usage;
        const char *name = verb->name ?: "", *operands = verb->operands;

        int r = asprintf(&usage, "pflask %s%s[OPTIONS]%s%s", name, *name ? " " : "", *operands ? " " : "", operands);
        return r < 0 ? NULL : usage;
}

int option_json(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        JsonMode *json = OPTION_FIELD(JsonMode, target, option);

        if (strcmp(value, "short") == 0)
                *json = JSON_SHORT;
        else if (strcmp(value, "pretty") == 0)
                *json = JSON_PRETTY;
        else if (strcmp(value, "off") == 0)
                *json = JSON_OFF;
        else
                return option_invalid(option, error, "must be short, pretty or off, not", value);
        return 0;
}

static void help_print_verbs(void)
{
        const Verb *verb;

        printf("\n%sVerbs:%s\n", colour(COLOUR_BOLD), colour(COLOUR_PLAIN));
        for (size_t i = 1; (verb = verb_at(i)); i++)
                printf("  %-10s %-29s %s\n", verb->name, verb->operands, verb->summary);
        printf("\n'pflask VERB --help' tells the options of a verb. See pflask(1).\n");
}

void verb_print_help(const Verb *verb)
{
        const char *bold = colour(COLOUR_BOLD), *plain = colour(COLOUR_PLAIN);
        _cleanup_(freep) char *usage = verb_usage(verb);

        printf("%sUsage:%s %s\n\n%s\n", bold, plain, usage ?: "", verb->summary);
        printf("\n%sOptions:%s\n", bold, plain);
        options_print(verb->options, verb->n_options, stdout);
        if (!verb->name)
                help_print_verbs();
}
