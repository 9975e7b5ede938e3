/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask
 *
 * Finds the verb, lets its row read the command line, and says once, at the end, what went wrong.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/complaint.h"
#include "cli/verb.h"
#include "common/error.h"
#include "config.h"

/* Whoever starts us with 0, 1 or 2 closed must not find a bus or a console in their place. */
static int hold_standard_streams(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
                        return -EBADF;
        return 0;
}

/* Options that every verb has, and that may stand before it. Their letters do not: -H and -M were others first. */
static const struct {
        const char *name;
        bool has_argument;
} anywhere[] = {{"--direct", false}, {"--no-ask-password", false}, {"--host", true}, {"--machine", true}};

/* Return: how many words the option at @word takes; 0: it isn't one of those. */
static int count_words(const char *word)
{
        for (size_t i = 0; i < ELEMENTS(anywhere); i++) {
                size_t length = strlen(anywhere[i].name);
                if (strncmp(word, anywhere[i].name, length) != 0)
                        continue;
                if (word[length] == '\0')
                        return anywhere[i].has_argument ? 2 : 1;
                if (word[length] == '=')
                        return 1;
        }
        return 0;
}

/* The verb that the first word names that is no option, if it is one. It is taken out of @argv. */
static const Verb *take_verb(int *argc, char **argv)
{
        int i = 1;

        for (int n; i < *argc && (n = count_words(argv[i])) > 0;)
                i += n;
        const Verb *verb = i < *argc ? verb_find(argv[i]) : NULL;
        if (!verb)
                return bare_verb();
        memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
        (*argc)--;
        return verb;
}

static int check_operands(const Invocation *invocation, sd_bus_error *error)
{
        const Verb *verb = invocation->verb;

        if (invocation->n_operands >= verb->min_operands &&
            (verb->max_operands == OPERANDS_MANY || invocation->n_operands <= verb->max_operands))
                return 0;
        _cleanup_(freep) char *usage = verb_usage(verb);
        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "too %s operands; usage: %s",
                  invocation->n_operands < verb->min_operands ? "few" : "many", usage ?: "");
        return -EINVAL;
}

/* An option that run doesn't know, and then a verb: it is that one's, maybe, and stands before it. */
static void hint_at_verb(int argc, char **argv, sd_bus_error *error)
{
        const Verb *verb = NULL;

        for (int i = 1; i < argc && !verb && strcmp(argv[i], "--") != 0; i++)
                verb = verb_find(argv[i]);
        if (verb)
                complaint_add(error, "options of '%s' come behind it", verb->name);
}

static int run_verb_with(const Verb *verb, int argc, char **argv, void *options, const char **ret_subject,
                         sd_bus_error *error)
{
        Invocation invocation = {.verb = verb, .options = options};

        int first = options_read(verb->options, verb->n_options, verb->order, argc, argv, options, error);
        if (first < 0 && !verb->name)
                hint_at_verb(argc, argv, error);
        if (first < 0)
                return first;
        const Common *common = options;
        if (common->help) {
                verb_print_help(verb);
                return 0;
        }
        if (common->version) {
                puts("pflask " PROJECT_VERSION);
                return 0;
        }
        invocation.operands = argv + first;
        invocation.n_operands = argc - first;
        int r = check_operands(&invocation, error);
        if (r >= 0)
                r = verb->run(&invocation, error);
        *ret_subject = invocation.subject;
        return r;
}

/* Return: the exit status that says what @error says. */
static int report(int code, const char *subject, const sd_bus_error *error)
{
        complain(subject, error->message ?: strerror(-code));
        if (sd_bus_error_has_name(error, ERROR_COMMAND_NOT_FOUND))
                return STATUS_NOT_FOUND;
        if (sd_bus_error_has_name(error, ERROR_COMMAND_NOT_EXECUTABLE))
                return STATUS_NOT_EXECUTABLE;
        return STATUS_FAILED;
}

int main(int argc, char **argv)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *subject = NULL;

        if (hold_standard_streams() < 0)
                return STATUS_FAILED;
        errors_register();
        const Verb *verb = take_verb(&argc, argv);
        _cleanup_(freep) void *options = calloc(1, verb->options_size);
        int r = options ? run_verb_with(verb, argc, argv, options, &subject, &error) : -ENOMEM;
        if (r >= 0 && (fflush(stdout) != 0 || ferror(stdout))) {
                r = -EIO;
                error_set(&error, SD_BUS_ERROR_IO_ERROR, "cannot write to standard output");
        }
        if (r < 0)
                r = report(r, subject, &error);
        if (options && verb->clear)
                verb->clear(options);
        return r;
}
