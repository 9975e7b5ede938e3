/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/calls.h"

#include "common/error.h"

int calls_add(Calls *calls, sd_bus_message *call, const char *name, sd_bus_error *error)
{
        if (calls->n == CALLS_MAX)
                return error_set(error, ERROR_LIMIT_REACHED, "too many calls wait for '%s'", name);
        calls->messages[calls->n++] = sd_bus_message_ref(call);
        return 0;
}

void calls_answer(Calls *calls, const sd_bus_error *error)
{
        for (unsigned i = 0; i < calls->n; i++) {
                if (sd_bus_error_is_set(error))
                        sd_bus_reply_method_error(calls->messages[i], error);
                else
                        sd_bus_reply_method_return(calls->messages[i], NULL);
                sd_bus_message_unref(calls->messages[i]);
        }
        calls->n = 0;
}

void calls_drop(Calls *calls, const sd_bus *bus)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < calls->n; i++) {
                if (!bus || sd_bus_message_get_bus(calls->messages[i]) == bus)
                        sd_bus_message_unref(calls->messages[i]);
                else
                        calls->messages[kept++] = calls->messages[i];
        }
        calls->n = kept;
}
