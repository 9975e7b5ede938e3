/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/complaint.h"
#include "cli/connection.h"
#include "cli/place.h"
#include "cli/run-options.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "common/error.h"
#include "common/fd.h"

/* A pty where a person sits at both ends, or where one was asked for; the streams themselves otherwise. */
static bool run_wants_terminal(const RunOptions *run)
{
        if (run->pty != PTY_AUTO)
                return run->pty == PTY_YES;
        return run->is_detached || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
}

static int run_choose_streams(RunOptions *run, Streams *streams)
{
        Spec *spec = run->spec;

        spec->terminal = run_wants_terminal(run);
        if (spec->terminal) {
                terminal_size(&spec->rows, &spec->columns);
                return 0;
        }
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                /* Nobody would relay a terminal after we are gone: then it is /dev/null. */
                if (run->is_detached && isatty(fd))
                        continue;
                spec->streams[fd] = streams_open(streams, fd);
                if (spec->streams[fd] < 0)
                        return spec->streams[fd];
        }
        return 0;
}

/* A container in the background, with a console of its own, needs none. */
static int run_require_descriptors(const RunOptions *run, sd_bus *bus, sd_bus_error *error)
{
        if (run->is_detached && run_wants_terminal(run))
                return 0;
        return place_require_descriptors(&run->common, bus, "run", "..., or --detach here", error);
}

static int run_call(Connection *connection, RunOptions *run, sd_bus_message **ret_reply, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, run->is_detached ? "CreateContainer" : "RunContainer", &call);
        if (r >= 0)
                r = spec_append(run->spec, call);
        if (r < 0)
                return r;
        return run->is_detached ? connection_call(connection, call, ret_reply, error)
                                : connection_call_starting(connection, call, ret_reply, error);
}

static int run_detached(sd_bus_message *reply)
{
        const char *name;
        int r = sd_bus_message_read(reply, "so", &name, NULL);

        if (r < 0)
                return r;
        puts(name);
        return 0;
}

static int run_foreground(Connection *connection, RunOptions *run, const Keys *keys, sd_bus_message *reply,
                          Streams *streams, sd_bus_error *error)
{
        _cleanup_(session_input_close) SessionInput input = SESSION_INPUT(.connection = connection, .streams = streams,
                                                                          .ends_with_us = true, .detach_keys = *keys);

        int r = sd_bus_message_read(reply, "so", &input.name, NULL);
        if (r >= 0)
                r = session_input_read(&input, reply, true);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(run->spec->streams); i++)
                run->spec->streams[i] = fd_close(run->spec->streams[i]);
        if (!run->spec->terminal) {
                input.console = fd_close(input.console); /* /dev/null */
                streams_let_go(streams);
        }
        return session_run(&input, error);
}

static int run_container(Invocation *invocation, RunOptions *run, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(streams_close) Streams streams = STREAMS_NONE;
        Keys keys;

        int r = detach_keys_read(run->detach_keys, &keys, error);
        if (r >= 0)
                r = run_require_descriptors(run, NULL, error);
        if (r >= 0)
                r = run_options_complete(run, invocation->operands, error);
        if (r < 0)
                return r;
        invocation->subject = *run->spec->name             ? run->spec->name
                              : invocation->n_operands > 0 ? invocation->operands[0]
                                                           : "/bin/bash";
        run->spec->kill_on_release = !run->is_detached;
        r = run_choose_streams(run, &streams);
        if (r < 0)
                return error_step(error, r, "pass on", "standard streams", NULL);
        r = connection_open(&run->common, &connection, error);
        if (r >= 0)
                r = run_require_descriptors(run, connection->bus, error);
        if (r >= 0)
                r = run_call(connection, run, &reply, error);
        if (r < 0)
                return r;
        if (run->is_detached)
                return run_detached(reply);
        return run_foreground(connection, run, &keys, reply, &streams, error);
}

static int run_verb_run(Invocation *invocation, sd_bus_error *error)
{
        return run_container(invocation, invocation->options, error);
}

/* A word that is no command may have been meant for a verb. */
static void hint_at_slip(const char *command, sd_bus_error *error)
{
        const Verb *verb = sd_bus_error_has_name(error, ERROR_COMMAND_NOT_FOUND) ? verb_find_near(command) : NULL;

        if (verb)
                complaint_add(error, "did you mean the verb '%s'?", verb->name);
}

/* Without a verb: what comes first is a command, even where it looks like a verb; but then a person must say so. */
static int bare_verb_run(Invocation *invocation, sd_bus_error *error)
{
        RunOptions *run = invocation->options;
        const char *first = invocation->operands[0];

        if (run->attach) {
                invocation->subject = run->attach;
                if (first) {
                        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "--attach and a command exclude each other");
                        return -EINVAL;
                }
                return attach_to(&run->common, run->attach, false, run->detach_keys, error);
        }
        const char *bare = first && strcmp(invocation->operands[-1], "--") != 0 ? first : NULL;
        if (bare && verb_find(bare)) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                          "a verb stands before its options, and a command of that name behind --: '%s'", bare);
                return -EINVAL;
        }
        int r = run_container(invocation, run, error);
        if (r < 0 && bare)
                hint_at_slip(bare, error);
        return r;
}

const Verb *run_verb(void)
{
        static Verb verb = {
                .name = "run",
                .operands = "[--] [COMMAND...]",
                .summary = "Run a command in a new container; as without a verb, but -t is --tty",
                .max_operands = OPERANDS_MANY,
                .order = OPERANDS_LAST,
                .options_size = sizeof(RunOptions),
                .clear = run_options_clear,
                .run = run_verb_run,
        };
        verb.n_options = run_options_verb(&verb.options);
        return &verb;
}

const Verb *bare_verb(void)
{
        static Verb verb = {
                .operands = "[--] [COMMAND...]",
                .summary = "Run a command, or a shell, in a new container.",
                .max_operands = OPERANDS_MANY,
                .order = OPERANDS_LAST,
                .options_size = sizeof(RunOptions),
                .clear = run_options_clear,
                .run = bare_verb_run,
        };
        verb.n_options = run_options_bare(&verb.options);
        return &verb;
}
