/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/option.h"

#include <getopt.h>
#include <string.h>

#include "common/error.h"

enum { OPTIONS_MAX = 64, FIRST_VALUE = 256 };

int option_flag(const Option *option, const char *value _unused_, void *target, sd_bus_error *error _unused_)
{
        *OPTION_FIELD(bool, target, option) = true;
        return 0;
}

int option_text(const Option *option, const char *value, void *target, sd_bus_error *error _unused_)
{
        *OPTION_FIELD(const char *, target, option) = value;
        return 0;
}

int option_number(const Option *option, const char *value _unused_, void *target, sd_bus_error *error _unused_)
{
        *OPTION_FIELD(unsigned, target, option) = option->number;
        return 0;
}

int option_nothing(const Option *option _unused_, const char *value _unused_, void *target _unused_,
                   sd_bus_error *error _unused_)
{
        return 0;
}

int option_invalid(const Option *option, sd_bus_error *error, const char *why, const char *what)
{
        const char letter[] = {option->letter, '\0'};

        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "option '%s%s': %s%s%s%s", option->name ? "--" : "-",
                  option->name ?: letter, why, what ? " '" : "", what ?: "", what ? "'" : "");
        return -EINVAL;
}

static int option_has_argument(const Option *option)
{
        return !option->argument ? no_argument : *option->argument == '[' ? optional_argument : required_argument;
}

/* What getopt_long(3) wants to know, made of our rows. */
typedef struct Grammar {
        struct option names[OPTIONS_MAX + 1];
        char letters[3 * OPTIONS_MAX + 3];
} Grammar;

static void grammar_build(Grammar *grammar, const Option *options, size_t n_options, OperandOrder order)
{
        struct option *name = grammar->names;
        char *letter = grammar->letters;

        if (order == OPERANDS_LAST)
                *letter++ = '+';
        *letter++ = ':';
        for (size_t i = 0; i < n_options && i < OPTIONS_MAX; i++) {
                int has_argument = option_has_argument(&options[i]);
                if (options[i].name)
                        *name++ = (struct option){options[i].name, has_argument, NULL, FIRST_VALUE + (int)i};
                if (options[i].letter) {
                        *letter++ = options[i].letter;
                        letter = mempcpy(letter, "::", (size_t)has_argument);
                }
        }
        *letter = '\0';
}

static const Option *option_find(const Option *options, size_t n_options, int value)
{
        if (value >= FIRST_VALUE)
                return &options[value - FIRST_VALUE];
        for (size_t i = 0; i < n_options; i++)
                if (options[i].letter && options[i].letter == value)
                        return &options[i];
        return NULL;
}

static int option_refuse(const Option *option, bool is_unknown, const char *word, sd_bus_error *error)
{
        const char letter[] = {(char)optopt, '\0'};

        if (option)
                return option_invalid(option, error, is_unknown ? "takes no argument" : "needs an argument", NULL);
        bool is_name = strncmp(word, "--", 2) == 0;
        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "unknown option '%s%s'", is_name ? "" : "-",
                  is_name ? word : letter);
        return -EINVAL;
}

int options_read(const Option *options, size_t n_options, OperandOrder order, int argc, char **argv, void *target,
                 sd_bus_error *error)
{
        Grammar grammar = {};
        int value;

        grammar_build(&grammar, options, n_options, order);
        optind = 0;
        opterr = 0;
        while ((value = getopt_long(argc, argv, grammar.letters, grammar.names, NULL)) >= 0) {
                if (value == '?' || value == ':')
                        return option_refuse(optopt ? option_find(options, n_options, optopt) : NULL, value == '?',
                                             argv[optind - 1], error);
                const Option *option = option_find(options, n_options, value);
                if (option->takes_word && value < FIRST_VALUE && !optarg && optind < argc && argv[optind][0] != '-')
                        optarg = argv[optind++];
                int r = option->read(option, optarg, target, error);
                if (r < 0)
                        return r;
        }
        return optind;
}

void options_print(const Option *options, size_t n_options, FILE *file)
{
        for (size_t i = 0; i < n_options; i++) {
                const Option *option = &options[i];
                char spelling[64], letter[] = {'-', option->letter, '\0'};
                const char *argument = option->argument ?: "";
                bool is_optional = *argument == '[';

                if (!option->help)
                        continue;
                snprintf(spelling, sizeof(spelling), "%s %s%s%s%s", option->letter ? letter : "  ",
                         option->name ? "--" : "", option->name ?: "",
                         option->name && option->argument && !is_optional ? "=" : "", argument);
                int column = fprintf(file, "  %s", spelling);
                if (column > 28) {
                        fputc('\n', file);
                        column = 0;
                }
                fprintf(file, "%*s %s\n", 28 - column, "", option->help);
        }
}
