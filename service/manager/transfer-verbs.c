/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs that bring something into a container, or fetch it
 *
 * The reading and acting steps of their rows in methods.h. On the host's side a path means what it would mean to the
 * caller: who is let in as the owner of a confined container has the own authority there and no other, which the
 * supervisor takes on before it looks; root, and whom polkit let in, have root's.
 */
#include "common/error.h"
#include "manager/container.h"
#include "manager/methods.h"
#include "manager/verb.h"

/* Reads both paths. A service has no working directory, so they begin at a root; an empty destination is the same one. */
static int paths_read(Call *call, sd_bus_error *error)
{
        const char **source = &call->arguments.transfer.source, **destination = &call->arguments.transfer.destination;
        int r = sd_bus_message_read(call->message, "ss", source, destination);

        if (r < 0)
                return r;
        if (!**destination)
                *destination = *source;
        if (**source != '/' || **destination != '/')
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "'%s' is not an absolute path",
                                 **source != '/' ? *source : *destination);
        return 0;
}

/* "(uu)aub", for the supervisor. */
static int authority_append(const Call *call, sd_bus_message *request)
{
        bool is_owner = call->authority.is_owner;
        const Account *account = is_owner ? call->caller->account : &(const Account){};

        int r = sd_bus_message_append(request, "(uu)", (uint32_t)account->uid, (uint32_t)account->gid);
        if (r >= 0)
                r = sd_bus_message_append_array(request, 'u', account->groups, account->n_groups * sizeof(gid_t));
        return r < 0 ? r : sd_bus_message_append(request, "b", (int)is_owner);
}

int bind_read(Call *call, sd_bus_error *error)
{
        int r = paths_read(call, error);

        return r < 0 ? r
                     : sd_bus_message_read(call->message, "bb", &call->arguments.transfer.is_read_only,
                                           &call->arguments.transfer.makes_destination);
}

/* Sends both paths, two flags and whose authority counts. */
static int transfer_ask(Call *call, const char *member, int one, int other, sd_bus_error *error)
{
        sd_bus_message *request;
        int r = verb_require_running(call, error);

        if (r >= 0)
                r = container_request(call->container, member, &request, error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(request, "ssbb", call->arguments.transfer.source,
                                  call->arguments.transfer.destination, one, other);
        if (r >= 0)
                r = authority_append(call, request);
        if (r < 0) {
                sd_bus_message_unref(request);
                return r;
        }
        return container_call(call->container, call, request, answer_empty, error);
}

int bind_act(Call *call, sd_bus_error *error)
{
        return transfer_ask(call, "BindMount", call->arguments.transfer.is_read_only,
                            call->arguments.transfer.makes_destination, error);
}

int root_directory_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, "OpenRootDirectory", answer_same, error);
}
