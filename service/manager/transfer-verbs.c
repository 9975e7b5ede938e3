/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs that bring something into a container, or fetch it
 *
 * The reading and acting steps of their rows in methods.h. On the host's side a path means what it would mean to the
 * caller: who is let in as the owner of a confined container has the own authority there and no other, which the
 * supervisor takes on before it looks; root, and whom polkit let in, have root's.
 */
#include <string.h>

#include "common/error.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/methods.h"
#include "manager/verb.h"

/* ---- reading ---- */

/*
 * Reads both paths. A service has no working directory, so they begin at a root; an empty destination is the same one.
 */
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

int bind_read(Call *call, sd_bus_error *error)
{
        int is_read_only, makes_destination;
        int r = paths_read(call, error);

        if (r >= 0)
                r = sd_bus_message_read(call->message, "bb", &is_read_only, &makes_destination);
        if (r < 0)
                return r;
        call->arguments.transfer.flags[0] = is_read_only;
        call->arguments.transfer.flags[1] = makes_destination;
        return 0;
}

/* An option of a copy is a flag. */
enum { COPY_REPLACE, COPY_FOLLOW, COPY_PROGRESS };
static const char *const copy_options[] = {
        [COPY_REPLACE] = "Replace",
        [COPY_FOLLOW] = "Follow",
        [COPY_PROGRESS] = "Progress",
};

static int option_read(Call *call, bool *seen, sd_bus_error *error)
{
        const char *key, *type;
        unsigned i = 0;
        int value;

        int r = sd_bus_message_read(call->message, "s", &key);
        if (r < 0)
                return r;
        while (i < ELEMENTS(copy_options) && strcmp(key, copy_options[i]) != 0)
                i++;
        if (i == ELEMENTS(copy_options))
                return error_set(error, ERROR_INVALID_OPTION, "unknown option '%s'", key);
        if (seen[i])
                return error_set(error, ERROR_INVALID_OPTION, "option '%s' is given twice", key);
        r = sd_bus_message_peek_type(call->message, NULL, &type);
        if (r >= 0 && strcmp(type, "b") != 0)
                return error_set(error, ERROR_INVALID_OPTION, "option '%s' is of type b, not %s", key, type);
        if (r >= 0)
                r = sd_bus_message_read(call->message, "v", "b", &value);
        if (r < 0)
                return r;
        seen[i] = true;
        call->arguments.transfer.flags[i] = value;
        return 0;
}

int copy_read(Call *call, sd_bus_error *error)
{
        bool seen[ELEMENTS(copy_options)] = {};
        int r = paths_read(call, error);

        memset(call->arguments.transfer.flags, 0, sizeof(call->arguments.transfer.flags));
        if (r >= 0)
                r = sd_bus_message_enter_container(call->message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(call->message, 'e', "sv")) > 0) {
                r = option_read(call, seen, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call->message);
        }
        return r;
}

/* ---- acting ---- */

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

/* Sends both paths, the flags and whose authority counts. */
static int transfer_ask(Call *call, const char *member, unsigned n_flags, sd_bus_error *error)
{
        const bool *flags = call->arguments.transfer.flags;
        sd_bus_message *request;
        int r = verb_require_running(call, error);

        if (r >= 0)
                r = container_request(call->container, member, &request, error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(request, "ss", call->arguments.transfer.source, call->arguments.transfer.destination);
        for (unsigned i = 0; r >= 0 && i < n_flags; i++)
                r = sd_bus_message_append(request, "b", (int)flags[i]);
        if (r >= 0)
                r = authority_append(call, request);
        return verb_send(call, request, r, answer_empty, error);
}

int bind_act(Call *call, sd_bus_error *error)
{
        return transfer_ask(call, "BindMount", 2, error);
}

int copy_to_act(Call *call, sd_bus_error *error)
{
        return transfer_ask(call, "CopyTo", ELEMENTS(copy_options), error);
}

int copy_from_act(Call *call, sd_bus_error *error)
{
        return transfer_ask(call, "CopyFrom", ELEMENTS(copy_options), error);
}

/* Only to whoever asked for the copy: others have no business with paths of the host. */
int copy_show_progress(const Call *call, sd_bus_message *told)
{
        uint64_t bytes, total_bytes, files, total_files;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        sd_bus *bus = sd_bus_message_get_bus(call->message);

        if (call->method->read != copy_read)
                return -EINVAL;
        int r = sd_bus_message_read(told, "tttt", &bytes, &total_bytes, &files, &total_files);
        if (r >= 0)
                r = sd_bus_message_new_signal(bus, &signal, call->asks->path, CONTAINER_INTERFACE, "CopyProgress");
        if (r >= 0 && !call->caller->peer)
                r = sd_bus_message_set_destination(signal, call->caller->name);
        if (r >= 0)
                r = sd_bus_message_append(signal, "sstttt", call->arguments.transfer.source,
                                          call->arguments.transfer.destination, bytes, total_bytes, files, total_files);
        return r < 0 ? r : sd_bus_send(NULL, signal, NULL);
}

int root_directory_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, "OpenRootDirectory", answer_same, error, "");
}
