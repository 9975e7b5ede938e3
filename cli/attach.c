/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/attach.h"

#include "cli/connection.h"
#include "cli/place.h"
#include "cli/run-options.h"
#include "cli/session.h"

typedef struct AttachOptions {
        Common common;
        bool takes;
        const char *detach_keys;
} AttachOptions;

static int call_attach(Connection *connection, const char *name, bool takes, sd_bus_message **ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call_on(connection, "AttachContainer", name, &call);
        if (r >= 0)
                r = takes ? sd_bus_message_append(call, "a{sv}", 1, "Take", "b", 1)
                          : sd_bus_message_append(call, "a{sv}", 0);
        return r < 0 ? r : connection_call(connection, call, ret, error);
}

int attach_to(const Common *common, const char *who, bool takes, const char *detach_keys, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *name = NULL;
        _cleanup_(session_input_close) SessionInput input = SESSION_INPUT();

        int r = detach_keys_read(detach_keys, &input.detach_keys, error);
        if (r >= 0)
                r = place_require_descriptors(common, NULL, "attach", who, error);
        if (r >= 0)
                r = connection_open_to(common, who, &connection, &name, error);
        if (r >= 0)
                r = place_require_descriptors(common, connection->bus, "attach", who, error);
        if (r >= 0)
                r = call_attach(connection, name, takes, &reply, error);
        if (r >= 0)
                r = session_input_read(&input, reply, true);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &input.backlog, &input.backlog_bytes);
        if (r < 0)
                return r;
        input.connection = connection;
        input.name = name;
        return session_run(&input, error);
}

static int attach_run(Invocation *invocation, sd_bus_error *error)
{
        const AttachOptions *options = invocation->options;

        invocation->subject = invocation->operands[0];
        return attach_to(&options->common, invocation->subject, options->takes, options->detach_keys, error);
}

const Verb *attach_verb(void)
{
        static const Option options[] = {
                OPTION_FLAG("take", '\0', AttachOptions, takes, "from whoever holds the console now"),
                OPTION_TEXT("detach-keys", '\0', "KEYS", AttachOptions, detach_keys,
                            "keys that detach, such as ctrl-],ctrl-]; or none; default: ctrl-@"),
                COMMON_OPTIONS,
        };
        static const Verb verb = {
                .name = "attach",
                .operands = "NAME|PID",
                .summary = "Hold the console of a container, until it ends or the detach keys are typed",
                .min_operands = 1,
                .max_operands = 1,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(AttachOptions),
                .run = attach_run,
        };
        return &verb;
}
