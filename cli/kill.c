/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kill, terminate, poweroff, reboot
 *
 * Each does one thing to every container that is named. One that fails doesn't keep the others from it; the status
 * tells of the first.
 */
#include <signal.h>
#include <string.h>

#include "cli/complaint.h"
#include "cli/connection.h"
#include "cli/text.h"
#include "common/error.h"

typedef struct KillOptions {
        Common common;
        const char *signal;
        const char *who;
} KillOptions;

typedef struct Act {
        const char *member;
        const char *who; /* of KillContainer; NULL: the call has the name alone */
        int signal;
} Act;

static int act_on(Connection *connection, const Act *act, const char *who, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(freep) char *name = connection_find(connection, who, error);

        if (!name)
                return -sd_bus_error_get_errno(error) ?: -ENOMEM;
        int r = connection_new_call_on(connection, act->member, name, &call);
        if (r >= 0 && act->who)
                r = sd_bus_message_append(call, "si", act->who, act->signal);
        return r < 0 ? r : connection_call(connection, call, NULL, error);
}

static int act_on_all(Invocation *invocation, const Act *act, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        int status = 0;

        int r = connection_open(invocation->options, &connection, error);
        for (int i = 0; r >= 0 && i < invocation->n_operands; i++) {
                int failed = act_on(connection, act, invocation->operands[i], error);
                if (failed >= 0)
                        continue;
                complain(invocation->operands[i], error->message ?: strerror(-failed));
                sd_bus_error_free(error);
                status = STATUS_FAILED;
        }
        return r < 0 ? r : status;
}

static int kill_run(Invocation *invocation, sd_bus_error *error)
{
        const KillOptions *options = invocation->options;
        Act act = {"KillContainer", options->who ?: "leader", SIGTERM};

        if (options->signal)
                act.signal = text_to_signal(options->signal);
        if (act.signal < 0) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "there is no signal '%s'", options->signal);
                return -EINVAL;
        }
        return act_on_all(invocation, &act, error);
}

static int terminate_run(Invocation *invocation, sd_bus_error *error)
{
        return act_on_all(invocation, &(Act){.member = "TerminateContainer"}, error);
}

static int poweroff_run(Invocation *invocation, sd_bus_error *error)
{
        return act_on_all(invocation, &(Act){.member = "PowerOffContainer"}, error);
}

static int reboot_run(Invocation *invocation, sd_bus_error *error)
{
        return act_on_all(invocation, &(Act){.member = "RebootContainer"}, error);
}

const Verb *kill_verb(void)
{
        static const Option options[] = {
                OPTION_TEXT("signal", 's', "SIGNAL", KillOptions, signal, "which; default: TERM"),
                OPTION_TEXT("who", '\0', "leader|all", KillOptions, who, "its PID 1, the default, or everything in it"),
                COMMON_OPTIONS,
        };
        static const Verb verb = {
                .name = "kill",
                .operands = "NAME|PID...",
                .summary = "Send a signal into containers",
                .min_operands = 1,
                .max_operands = OPERANDS_MANY,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(KillOptions),
                .run = kill_run,
        };
        return &verb;
}

static const Option plain_options[] = {COMMON_OPTIONS};

#define PLAIN_VERB(verb_name, verb_summary)                   \
        const Verb *verb_name##_verb(void)                    \
        {                                                     \
                static const Verb verb = {                    \
                        .name = #verb_name,                   \
                        .operands = "NAME|PID...",            \
                        .summary = verb_summary,              \
                        .min_operands = 1,                    \
                        .max_operands = OPERANDS_MANY,        \
                        .options = plain_options,             \
                        .n_options = ELEMENTS(plain_options), \
                        .options_size = sizeof(Common),       \
                        .run = verb_name##_run,               \
                };                                            \
                return &verb;                                 \
        }
PLAIN_VERB(terminate, "Kill everything in containers; answers when they are gone")
PLAIN_VERB(poweroff, "Ask containers to shut down; answers when they have")
PLAIN_VERB(reboot, "Ask containers to start anew")
