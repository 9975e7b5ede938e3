/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy and bind
 *
 * Files across the border of a container. Paths on our side may be relative to where we are; those in the container
 * start at its root.
 */
#include <stdio.h>

#include "cli/connection.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "common/error.h"

typedef struct TransferOptions {
        Common common;
        bool is_read_only;
        bool makes_directory;
        bool replaces;
        bool follows;
} TransferOptions;

/* What one of the verbs says to the manager. */
typedef struct Transfer {
        const char *member;
        bool is_source_ours, is_destination_ours;
        bool is_bind; /* bb at the end, instead of a{sv} */
} Transfer;

static int append_path(sd_bus_message *call, const Common *common, const char *path, bool is_ours, sd_bus_error *error)
{
        _cleanup_(freep) char *rooted = NULL, *absolute = NULL;

        /* In the container a path starts at its root, also without saying so. */
        if (!is_ours && asprintf(&rooted, "%s%s", *path == '/' ? "" : "/", path) < 0)
                return -ENOMEM;
        int r = place_path(common, rooted ?: path, &absolute, error);
        return r < 0 ? r : sd_bus_message_append(call, "s", absolute);
}

static int append_options(sd_bus_message *call, const Transfer *transfer, const TransferOptions *options)
{
        if (transfer->is_bind)
                return sd_bus_message_append(call, "bb", (int)options->is_read_only, (int)options->makes_directory);
        return sd_bus_message_append(call, "a{sv}", 3, "Replace", "b", (int)options->replaces, "Follow", "b",
                                     (int)options->follows, "Progress", "b", (int)progress_is_wanted());
}

static int transfer(Invocation *invocation, const Transfer *transfer, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(progress_end) Progress progress = {};
        const char *source = invocation->operands[1];
        const TransferOptions *options = invocation->options;
        _cleanup_(freep) char *name = NULL, *here = text_to_absolute_path(source);

        if (!here)
                return -ENOMEM;
        invocation->subject = invocation->operands[0];
        int r = connection_open_to(&options->common, invocation->subject, &connection, &name, error);
        if (r >= 0)
                r = connection_new_call_on(connection, transfer->member, name, &call);
        if (r >= 0)
                r = append_path(call, &options->common, source, transfer->is_source_ours, error);
        if (r >= 0)
                r = append_path(call, &options->common, invocation->operands[2] ?: here, transfer->is_destination_ours,
                                error);
        if (r >= 0)
                r = append_options(call, transfer, options);
        if (r >= 0 && !transfer->is_bind && progress_is_wanted())
                r = progress_start(&progress, connection, name);
        if (r >= 0)
                r = connection_call(connection, call, NULL, error);
        return r < 0 ? r : 0;
}

static int copy_to_run(Invocation *invocation, sd_bus_error *error)
{
        return transfer(invocation, &(Transfer){.member = "CopyToContainer", .is_source_ours = true}, error);
}

static int copy_from_run(Invocation *invocation, sd_bus_error *error)
{
        return transfer(invocation, &(Transfer){.member = "CopyFromContainer", .is_destination_ours = true}, error);
}

static int bind_run(Invocation *invocation, sd_bus_error *error)
{
        return transfer(invocation,
                        &(Transfer){.member = "BindMountContainer", .is_source_ours = true, .is_bind = true}, error);
}

#define TRANSFER_VERB(function, verb_name, verb_summary, verb_options) \
        const Verb *function##_verb(void)                              \
        {                                                              \
                static const Verb verb = {                             \
                        .name = verb_name,                             \
                        .operands = "NAME|PID SOURCE [DESTINATION]",   \
                        .summary = verb_summary,                       \
                        .min_operands = 2,                             \
                        .max_operands = 3,                             \
                        .options = verb_options,                       \
                        .n_options = ELEMENTS(verb_options),           \
                        .options_size = sizeof(TransferOptions),       \
                        .run = function##_run,                         \
                };                                                     \
                return &verb;                                          \
        }

static const Option copy_options[] = {
        OPTION_FLAG("replace", '\0', TransferOptions, replaces, "what has the destination's name already"),
        OPTION_FLAG("follow", '\0', TransferOptions, follows, "copy what links lead to, not the links"),
        COMMON_OPTIONS,
};
static const Option bind_options[] = {
        OPTION_FLAG("read-only", '\0', TransferOptions, is_read_only, "nothing can be changed through it"),
        OPTION_FLAG("mkdir", '\0', TransferOptions, makes_directory, "make what it is to be mounted on"),
        COMMON_OPTIONS,
};
TRANSFER_VERB(copy_to, "copy-to", "Copy a file or a directory into a container", copy_options)
TRANSFER_VERB(copy_from, "copy-from", "Copy a file or a directory out of a container", copy_options)
TRANSFER_VERB(bind, "bind", "Mount a file or a directory of the host in a running container", bind_options)
