/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/waiting.h"

#include <string.h>

#include "common/error.h"

enum { FIRST_DELAY_USEC = 20 * 1000, LAST_DELAY_USEC = 2 * 1000 * 1000 };

int result_to_status(Result result, int status)
{
        switch (result) {
        case RESULT_EXITED:
                return status & 0xff;
        case RESULT_KILLED:
        case RESULT_DUMPED:
                return 128 + status;
        case RESULT_NONE:
        case RESULT_LOST:
                break;
        }
        return STATUS_FAILED;
}

/* Is it the manager that failed us, and not the question: then another manager can be asked. */
static bool is_worth_asking_again(const sd_bus_error *error)
{
        static const char *const names[] = {
                SD_BUS_ERROR_NO_REPLY,        SD_BUS_ERROR_DISCONNECTED,      SD_BUS_ERROR_TIMEOUT,
                SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_SERVER,
        };

        for (unsigned i = 0; i < ELEMENTS(names); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return false;
}

static void waiting_end(Waiting *waiting)
{
        waiting_stop(waiting);
        waiting->answered(waiting, waiting->userdata);
}

static int waiting_retry(Waiting *waiting);

static int waiting_on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Waiting *waiting = userdata;
        const char *result = "";

        waiting->slot = sd_bus_slot_unref(waiting->slot);
        if (error && is_worth_asking_again(error) && waiting_retry(waiting) >= 0)
                return 0;
        if (error)
                sd_bus_error_copy(&waiting->error, error);
        else if (sd_bus_message_read(reply, "si", &result, &waiting->status) >= 0)
                waiting->result = result_from_name(result);
        if (!error && waiting->result == RESULT_NONE)
                error_set(&waiting->error, SD_BUS_ERROR_INCONSISTENT_MESSAGE, "the manager's answer is unknown: '%s'",
                          result);
        waiting_end(waiting);
        return 0;
}

static int waiting_ask(Waiting *waiting)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call_on(waiting->connection, waiting->process ? "WaitProcess" : "WaitContainer",
                                       waiting->name, &call);
        if (r >= 0 && waiting->process)
                r = sd_bus_message_append(call, "u", waiting->process);
        if (r >= 0)
                r = connection_call_async(waiting->connection, &waiting->slot, call, waiting_on_answer, waiting);
        return r;
}

static int waiting_on_again(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Waiting *waiting = userdata;

        waiting->again = sd_event_source_disable_unref(waiting->again);
        int r = connection_reopen(waiting->connection);
        if (r > 0)
                r = sd_bus_attach_event(waiting->connection->bus, waiting->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = waiting_ask(waiting);
        if (r < 0 && r != -ENOLINK)
                r = waiting_retry(waiting);
        if (r < 0) {
                error_set(&waiting->error, SD_BUS_ERROR_DISCONNECTED, "cannot ask any more how it ends: %s",
                          strerror(-r));
                waiting_end(waiting);
        }
        return 0;
}

/* Nothing on a broken bus tells when it is whole again, so this looks, ever less often. */
static int waiting_retry(Waiting *waiting)
{
        waiting->delay_usec = waiting->delay_usec == 0                     ? FIRST_DELAY_USEC
                              : waiting->delay_usec >= LAST_DELAY_USEC / 2 ? LAST_DELAY_USEC
                                                                           : waiting->delay_usec * 2;
        return sd_event_add_time_relative(waiting->event, &waiting->again, CLOCK_MONOTONIC, waiting->delay_usec, 0,
                                          waiting_on_again, waiting);
}

int waiting_start(Waiting *waiting)
{
        int r = 0;

        if (!sd_bus_get_event(waiting->connection->bus))
                r = sd_bus_attach_event(waiting->connection->bus, waiting->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? r : waiting_ask(waiting);
}

void waiting_stop(Waiting *waiting)
{
        waiting->slot = sd_bus_slot_unref(waiting->slot);
        waiting->again = sd_event_source_disable_unref(waiting->again);
}
