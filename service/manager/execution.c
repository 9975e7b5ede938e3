/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/execution.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"

Execution *execution_free(Execution *execution)
{
        if (!execution)
                return NULL;
        free(execution->user);
        strings_free(execution->command);
        strings_free(execution->environment);
        free(execution->working_directory);
        for (unsigned i = 0; i < ELEMENTS(execution->streams); i++)
                fd_close(execution->streams[i]);
        free(execution);
        return NULL;
}

/* ---- options ---- */

static int read_directory(sd_bus_message *message, Execution *execution, sd_bus_error *error)
{
        const char *directory;
        int r = sd_bus_message_read(message, "s", &directory);

        if (r < 0)
                return r;
        if (*directory != '/')
                return error_set(error, ERROR_INVALID_OPTION, "option 'WorkingDirectory' is not an absolute path: '%s'",
                                 directory);
        free(execution->working_directory);
        execution->working_directory = strdup(directory);
        return execution->working_directory ? 0 : -ENOMEM;
}

static int read_size(sd_bus_message *message, Execution *execution, sd_bus_error *error)
{
        if (!execution->has_terminal)
                return error_set(error, ERROR_INVALID_OPTION, "option 'Size' needs a terminal");
        return sd_bus_message_read(message, "(qq)", &execution->rows, &execution->columns);
}

static int read_kill_on_release(sd_bus_message *message, Execution *execution, sd_bus_error *error _unused_)
{
        int value;
        int r = sd_bus_message_read(message, "b", &value);

        if (r >= 0)
                execution->kill_on_release = value;
        return r;
}

static const struct {
        const char *key;
        const char *type;
        int (*read)(sd_bus_message *message, Execution *execution, sd_bus_error *error);
} options[] = {
        {"WorkingDirectory", "s", read_directory},
        {"Size", "(qq)", read_size},
        {"KillOnRelease", "b", read_kill_on_release},
};

static int option_read(sd_bus_message *message, Execution *execution, sd_bus_error *error)
{
        const char *key, *type;
        int r = sd_bus_message_read(message, "s", &key);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(options); i++) {
                if (strcmp(key, options[i].key) != 0)
                        continue;
                r = sd_bus_message_peek_type(message, NULL, &type);
                if (r < 0)
                        return r;
                if (strcmp(type, options[i].type) != 0)
                        return error_set(error, ERROR_INVALID_OPTION, "option '%s' is of type %s, not %s", key,
                                         options[i].type, type);
                r = sd_bus_message_enter_container(message, 'v', type);
                if (r >= 0)
                        r = options[i].read(message, execution, error);
                return r < 0 ? r : sd_bus_message_exit_container(message);
        }
        return error_set(error, ERROR_INVALID_OPTION, "unknown option '%s'", key);
}

static int options_read(sd_bus_message *message, Execution *execution, sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = option_read(message, execution, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* ---- the whole ---- */

static int streams_read(sd_bus_message *message, Execution *execution)
{
        for (unsigned i = 0; i < ELEMENTS(execution->streams); i++) {
                int borrowed;
                int r = sd_bus_message_read(message, "h", &borrowed);
                if (r < 0)
                        return r;
                execution->streams[i] = fd_keep(borrowed);
                if (execution->streams[i] < 0)
                        return execution->streams[i];
        }
        return 0;
}

static int execution_check(const Execution *execution, sd_bus_error *error)
{
        if (!execution->has_terminal && (!execution->command || !execution->command[0]))
                return error_set(error, ERROR_INVALID_OPTION, "the command is empty");
        if (execution->command && execution->command[0] && !*execution->command[0])
                return error_set(error, ERROR_INVALID_OPTION, "the command's name is empty");
        for (char **assignment = execution->environment; assignment && *assignment; assignment++)
                if (**assignment == '=' || !strchr(*assignment, '='))
                        return error_set(error, ERROR_INVALID_OPTION, "the environment cannot contain '%s'",
                                         *assignment);
        return 0;
}

int execution_read(sd_bus_message *message, bool has_terminal, Execution **ret, sd_bus_error *error)
{
        _cleanup_(execution_freep) Execution *execution = calloc(1, sizeof(*execution));
        const char *user;

        if (!execution)
                return -ENOMEM;
        *execution = (Execution){.has_terminal = has_terminal, .streams = {-EBADF, -EBADF, -EBADF}};
        int r = sd_bus_message_read(message, "s", &user);
        if (r >= 0)
                execution->user = strdup(user);
        if (r >= 0 && !execution->user)
                r = -ENOMEM;
        if (r >= 0)
                r = sd_bus_message_read_strv(message, &execution->command);
        if (r >= 0)
                r = sd_bus_message_read_strv(message, &execution->environment);
        if (r >= 0 && !has_terminal)
                r = streams_read(message, execution);
        if (r >= 0)
                r = options_read(message, execution, error);
        if (r >= 0)
                r = execution_check(execution, error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(execution);
        return 0;
}

int execution_append(const Execution *execution, sd_bus_message *message)
{
        int r = sd_bus_message_append(message, "s", execution->user);

        if (r >= 0)
                r = sd_bus_message_append_strv(message, execution->command);
        if (r >= 0)
                r = sd_bus_message_append_strv(message, execution->environment);
        if (r >= 0)
                r = sd_bus_message_append(message, "s(qq)bb", execution->working_directory ?: "", execution->rows,
                                          execution->columns, (int)execution->has_terminal,
                                          (int)execution->kill_on_release);
        if (r < 0)
                return r;
        if (execution->has_terminal)
                return sd_bus_message_append(message, "ah", 0);
        return sd_bus_message_append(message, "ah", 3, execution->streams[0], execution->streams[1],
                                     execution->streams[2]);
}

const char *execution_user(const char *user, char buffer[static 16])
{
        if (!user || !*user)
                return "root";
        if (strspn(user, "0123456789") != strlen(user))
                return user;
        while (*user == '0')
                user++;
        if (!*user)
                return "root";
        snprintf(buffer, 16, "%s", user);
        return buffer;
}
