/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/verb.h"

#include <stdarg.h>

#include "common/error.h"
#include "common/names.h"
#include "manager/container.h"

int verb_answer(Call *call, sd_bus_message *reply, sd_bus_message **ret)
{
        call->slot = sd_bus_slot_unref(call->slot);
        if (call->asks)
                TAILQ_REMOVE(&call->asks->questions, call, waiting);
        call->asks = NULL;
        if (!sd_bus_message_is_method_error(reply, NULL))
                return sd_bus_message_new_method_return(call->message, ret);
        const sd_bus_error *said = sd_bus_message_get_error(reply);
        if (!sd_bus_error_has_name(said, SD_BUS_ERROR_NO_REPLY) &&
            !sd_bus_error_has_name(said, SD_BUS_ERROR_DISCONNECTED)) {
                call_reply_error(call, -EIO, said);
                return -EIO;
        }
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        error_set(&error, ERROR_NOT_RUNNING, "the container ended before its supervisor could answer");
        call_reply_error(call, -EHOSTDOWN, &error);
        return -EIO;
}

void verb_finish_with_lease(Call *call, int r, sd_bus_message *answer, int lease)
{
        if (r < 0)
                call_reply_error(call, r, NULL);
        else
                call_reply_with_lease(call, sd_bus_message_ref(answer), lease);
}

void verb_finish(Call *call, int r, sd_bus_message *answer)
{
        verb_finish_with_lease(call, r, answer, -EBADF);
}

int verb_require_running(const Call *call, sd_bus_error *error)
{
        if (call->container->state != STATE_EXITED)
                return 0;
        return error_set(error, ERROR_NOT_RUNNING, "container '%s' has ended", call->container->name);
}

int answer_same(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;

        if (verb_answer(userdata, reply, &answer) >= 0)
                verb_finish(userdata, sd_bus_message_copy(answer, reply, true), answer);
        return 0;
}

int answer_empty(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;

        if (verb_answer(userdata, reply, &answer) >= 0)
                verb_finish(userdata, 0, answer);
        return 0;
}

int verb_send(Call *call, sd_bus_message *request, int r, sd_bus_message_handler_t answer, sd_bus_error *error)
{
        if (r >= 0)
                return container_call(call->container, call, request, answer, error);
        sd_bus_message_unref(request);
        return r;
}

int verb_ask(Call *call, const char *member, sd_bus_message_handler_t answer, sd_bus_error *error, const char *types,
             ...)
{
        sd_bus_message *request;
        va_list arguments;
        int r = container_request(call->container, member, &request, error);

        if (r < 0)
                return r;
        va_start(arguments, types);
        r = sd_bus_message_appendv(request, types, arguments);
        va_end(arguments);
        return verb_send(call, request, r, answer, error);
}
