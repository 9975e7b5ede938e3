/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* Every terminfo has it, and it promises less than any terminal keeps. */
#define DEFAULT_TERM "vt220"

/* The length of NAME in NAME=VALUE, or 0 when there is no valid one. */
static size_t name_length(const char *assignment)
{
        size_t length = strcspn(assignment, "=");

        if (assignment[length] != '=')
                return 0;
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)assignment[i] < ' ' || assignment[i] == 0x7f)
                        return 0;
        return length;
}

static char **environment_find(char **environment, const char *name, size_t length)
{
        for (; *environment; environment++)
                if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
                        return environment;
        return NULL;
}

/* Takes @assignment, which may be NULL for lack of memory. There is room for it. */
static int environment_set(char **environment, char *assignment)
{
        if (!assignment)
                return -ENOMEM;
        char **place = environment_find(environment, assignment, name_length(assignment));
        if (!place) {
                environment[strings_count(environment)] = assignment;
                return 0;
        }
        free(*place);
        *place = assignment;
        return 0;
}

/* Sets a variable that has no value so far. */
static int environment_default(char **environment, const char *name, const char *value)
{
        char *assignment;

        if (!value || environment_find(environment, name, strlen(name)))
                return 0;
        if (asprintf(&assignment, "%s=%s", name, value) < 0)
                return -ENOMEM;
        return environment_set(environment, assignment);
}

static int environment_set_given(char **environment, char *const *given, Failure *failure)
{
        for (; given && *given; given++) {
                size_t length = name_length(*given);
                if (length == 0)
                        return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                                           "option 'Environment': '%.*s' is not the name of a variable",
                                           (int)strcspn(*given, "="), *given);
                if (length == strlen("container") && strncmp(*given, "container", length) == 0)
                        continue;
                int r = environment_set(environment, strdup(*given));
                if (r < 0)
                        return failure_step(failure, r, "make", "the environment", NULL);
        }
        return 0;
}

int environment_build(char *const *given, const User *user, bool has_terminal, char ***ret, Failure *failure)
{
        const struct {
                const char *name, *value;
        } defaults[] = {
                {"PATH", DEFAULT_PATH},  {"HOME", user->home},   {"USER", user->name},
                {"LOGNAME", user->name}, {"SHELL", user->shell}, {"TERM", has_terminal ? DEFAULT_TERM : NULL},
        };
        _cleanup_(strings_freep) char **environment = calloc(strings_count(given) + ELEMENTS(defaults) + 2,
                                                             sizeof(char *));

        if (!environment)
                return failure_step(failure, -ENOMEM, "make", "the environment", NULL);
        int r = environment_set_given(environment, given, failure);
        if (r < 0)
                return r;
        for (unsigned i = 0; r >= 0 && i < ELEMENTS(defaults); i++)
                r = environment_default(environment, defaults[i].name, defaults[i].value);
        if (r >= 0)
                r = environment_set(environment, strdup("container=pflask"));
        if (r < 0)
                return failure_step(failure, r, "make", "the environment", NULL);
        *ret = TAKE_PTR(environment);
        return 0;
}
