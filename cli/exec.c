/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exec and shell
 *
 * A further process in a running container: a command with our streams, or on a terminal of the container's own; a
 * shell is a command that the user's entry in the container names. Nothing inside is asked, so it works in anything.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/connection.h"
#include "cli/place.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "common/error.h"
#include "common/fd.h"

typedef enum { TTY_AUTO, TTY_YES, TTY_NO } TtyMode;

typedef struct ExecOptions {
        Common common;
        const char *user;
        const char *directory;
        char **environment;
        unsigned tty; /* a TtyMode */
} ExecOptions;

typedef struct Exec {
        const char *verb;
        const ExecOptions *options;
        char *name; /* of the container */
        char *user;
        char *const *command;
        bool has_terminal;
        Streams streams;
} Exec;

static void exec_clear(Exec *exec)
{
        free(exec->name);
        free(exec->user);
        streams_close(&exec->streams);
}

static void exec_options_clear(void *options)
{
        ExecOptions *exec = options;

        exec->environment = strings_free(exec->environment);
}

static int read_environment(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        ExecOptions *options = target;
        const char *equals = strchr(value, '=');

        if (!equals || equals == value || !text_is_utf8(value))
                return option_invalid(option, error, "must be NAME=VALUE, in UTF-8, not", value);
        return strings_append_copy(&options->environment, value);
}

/* ---- the call ---- */

static int append_words(sd_bus_message *call, const Exec *exec, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **environment = NULL;
        const char *term = exec->has_terminal ? getenv("TERM") : NULL;
        char *terminal = NULL;
        int r = 0;

        for (char *const *word = exec->command; *word; word++)
                if (!text_is_utf8(*word)) {
                        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "not UTF-8, which is all that D-Bus carries: '%s'",
                                  *word);
                        return -EINVAL;
                }
        if (term && text_is_utf8(term))
                r = asprintf(&terminal, "TERM=%s", term) < 0 ? -ENOMEM : strings_append(&environment, terminal);
        for (char **assignment = exec->options->environment; r >= 0 && assignment && *assignment; assignment++)
                r = strings_append_copy(&environment, *assignment);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", exec->name, exec->user);
        if (r >= 0)
                r = sd_bus_message_append_strv(call, (char **)(uintptr_t)exec->command);
        return r < 0 ? r : sd_bus_message_append_strv(call, environment);
}

static int append_streams(sd_bus_message *call, Exec *exec)
{
        int r = 0;

        for (int fd = STDIN_FILENO; r >= 0 && fd <= STDERR_FILENO; fd++) {
                _cleanup_(fd_closep) int passed = streams_open(&exec->streams, fd);
                r = passed < 0 ? passed : sd_bus_message_append(call, "h", passed);
        }
        return r;
}

static int append_options(sd_bus_message *call, const Exec *exec)
{
        uint16_t rows, columns;

        int r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(call, "{sv}", "KillOnRelease", "b", 1);
        if (r >= 0 && exec->options->directory)
                r = sd_bus_message_append(call, "{sv}", "WorkingDirectory", "s", exec->options->directory);
        if (r >= 0 && exec->has_terminal && terminal_size(&rows, &columns))
                r = sd_bus_message_append(call, "{sv}", "Size", "(qq)", rows, columns);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int exec_call(Connection *connection, Exec *exec, sd_bus_message **ret_reply, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, exec->has_terminal ? "OpenContainerShell" : "ExecContainer", &call);
        if (r >= 0)
                r = append_words(call, exec, error);
        if (r >= 0 && !exec->has_terminal)
                r = append_streams(call, exec);
        if (r >= 0)
                r = append_options(call, exec);
        return r < 0 ? r : connection_call_starting(connection, call, ret_reply, error);
}

static int exec_attend(Connection *connection, Exec *exec, sd_bus_message *reply, sd_bus_error *error)
{
        _cleanup_(session_input_close)
                SessionInput input = SESSION_INPUT(.connection = connection, .name = exec->name, .ends_with_us = true);

        int r = sd_bus_message_read(reply, "u", &input.process);
        if (r >= 0)
                r = session_input_read(&input, reply, exec->has_terminal);
        if (r < 0)
                return r;
        input.streams = &exec->streams;
        if (!exec->has_terminal)
                streams_let_go(&exec->streams);
        return session_run(&input, error);
}

static int exec_in(Exec *exec, const char *who, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Common *common = &exec->options->common;

        if (!exec->user)
                exec->user = strdup(exec->options->user ?: "");
        if (!exec->user)
                return -ENOMEM;
        int r = place_require_descriptors(common, NULL, exec->verb, who, error);
        if (r >= 0)
                r = connection_open_to(common, who, &connection, &exec->name, error);
        if (r >= 0)
                r = place_require_descriptors(common, connection->bus, exec->verb, who, error);
        if (r >= 0)
                r = exec_call(connection, exec, &reply, error);
        return r < 0 ? r : exec_attend(connection, exec, reply, error);
}

/* ---- the verbs ---- */

static int exec_run(Invocation *invocation, sd_bus_error *error)
{
        const ExecOptions *options = invocation->options;
        char **command = invocation->operands + 1;

        if (strcmp(command[0], "--") == 0)
                command++;
        if (!*command) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a command is missing");
                return -EINVAL;
        }
        _cleanup_(exec_clear) Exec exec = {
                .verb = invocation->verb->name,
                .options = options,
                .command = command,
                .has_terminal = options->tty == TTY_YES ||
                                (options->tty == TTY_AUTO && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)),
                .streams = STREAMS_NONE,
        };
        invocation->subject = invocation->operands[0];
        return exec_in(&exec, invocation->subject, error);
}

/* [USER@]NAME: a name has no @, a user may have. */
static int shell_run(Invocation *invocation, sd_bus_error *error)
{
        const char *who = invocation->operands[0], *at = strrchr(who, '@');
        char **command = invocation->operands + 1;
        _cleanup_(exec_clear) Exec exec = {
                .verb = invocation->verb->name,
                .options = invocation->options,
                .command = *command && strcmp(*command, "--") == 0 ? command + 1 : command,
                .user = at ? strndup(who, (size_t)(at - who)) : NULL,
                .has_terminal = true,
                .streams = STREAMS_NONE,
        };

        invocation->subject = at ? at + 1 : who;
        return at && !exec.user ? -ENOMEM : exec_in(&exec, invocation->subject, error);
}

#define EXEC_OPTIONS                                                                                            \
        OPTION_TEXT("user", 'u', "USER", ExecOptions, user, "of the container's own users; default: its root"), \
                OPTION_OWN("setenv", 'e', "NAME=VALUE", read_environment, ExecOptions, environment,             \
                           "set in its environment"),                                                           \
                OPTION_TEXT("chdir", 'w', "DIR", ExecOptions, directory, "where it starts"), COMMON_OPTIONS

const Verb *exec_verb(void)
{
        static const Option options[] = {
                OPTION_NUMBER("tty", 't', ExecOptions, tty, TTY_YES, "give the command a terminal of its own"),
                OPTION_NUMBER("no-tty", 'T', ExecOptions, tty, TTY_NO, "give it our standard streams instead"),
                EXEC_OPTIONS,
        };
        static const Verb verb = {
                .name = "exec",
                .operands = "NAME|PID [--] COMMAND...",
                .summary = "Run a command in a running container, and end with its status",
                .min_operands = 2,
                .max_operands = OPERANDS_MANY,
                .order = OPERANDS_LAST,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(ExecOptions),
                .clear = exec_options_clear,
                .run = exec_run,
        };
        return &verb;
}

const Verb *shell_verb(void)
{
        static const Option options[] = {EXEC_OPTIONS};
        static const Verb verb = {
                .name = "shell",
                .operands = "[USER@]NAME [--] [COMMAND...]",
                .summary = "A shell on a terminal in a running container",
                .min_operands = 1,
                .max_operands = OPERANDS_MANY,
                .order = OPERANDS_LAST,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(ExecOptions),
                .clear = exec_options_clear,
                .run = shell_run,
        };
        return &verb;
}
