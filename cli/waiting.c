/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/waiting.h"

#include <string.h>

#include "common/error.h"
#include "common/names.h"

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

/* The manager failed us, and not the question: another one can be asked. */
static bool is_lost(const sd_bus_error *error)
{
        return sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_TIMEOUT,
                                      SD_BUS_ERROR_NO_SERVER);
}

/* There is none, and asking has not brought one. */
static bool is_absent(const sd_bus_error *error)
{
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

static void waiting_end(Waiting *waiting)
{
        waiting_stop(waiting);
        waiting->answered(waiting, waiting->userdata);
}

static int waiting_retry(Waiting *waiting, const sd_bus_error *error);

static int waiting_on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Waiting *waiting = userdata;
        const char *result = "";

        waiting->slot = sd_bus_slot_unref(waiting->slot);
        waiting->had_manager = waiting->had_manager || !error || !is_absent(error);
        bool is_worth_it = error && (is_lost(error) || (is_absent(error) && waiting->had_manager));
        if (is_worth_it && waiting_retry(waiting, error) >= 0)
                return 0;
        if (error) {
                sd_bus_error_copy(&waiting->error, error);
                connection_explain(waiting->connection, "WaitContainer", &waiting->error);
        } else {
                if (sd_bus_message_read(reply, "si", &result, &waiting->status) >= 0)
                        waiting->result = result_from_name(result);
                if (waiting->result == RESULT_NONE)
                        error_set(&waiting->error, SD_BUS_ERROR_INCONSISTENT_MESSAGE,
                                  "the manager's answer is unknown: '%s'", result);
        }
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
                waiting->appears = sd_bus_slot_unref(waiting->appears);
        if (r > 0)
                r = sd_bus_attach_event(waiting->connection->bus, waiting->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = waiting_ask(waiting);
        if (r < 0 && r != -ENOLINK)
                r = waiting_retry(waiting, NULL);
        if (r < 0) {
                error_set(&waiting->error, SD_BUS_ERROR_DISCONNECTED, "cannot ask any more how it ends: %s",
                          strerror(-r));
                waiting_end(waiting);
        }
        return 0;
}

static int waiting_on_owner(sd_bus_message *message, void *userdata, sd_bus_error *ret_error _unused_)
{
        Waiting *waiting = userdata;
        const char *owner;

        if (sd_bus_message_read(message, "sss", NULL, NULL, &owner) >= 0 && *owner && !waiting->slot && !waiting->again)
                waiting_ask(waiting);
        return 0;
}

/* It may have appeared before we looked; and asking may bring it. */
static int waiting_on_watch(sd_bus_message *message _unused_, void *userdata, sd_bus_error *ret_error _unused_)
{
        Waiting *waiting = userdata;

        if (!waiting->slot && !waiting->again)
                waiting_ask(waiting);
        return 0;
}

/* Nothing on a broken bus tells when it is whole again, so this looks, ever less often. */
static int waiting_retry_later(Waiting *waiting)
{
        waiting->delay_usec = waiting->delay_usec == 0                     ? FIRST_DELAY_USEC
                              : waiting->delay_usec >= LAST_DELAY_USEC / 2 ? LAST_DELAY_USEC
                                                                           : waiting->delay_usec * 2;
        return sd_event_add_time_relative(waiting->event, &waiting->again, CLOCK_MONOTONIC, waiting->delay_usec, 0,
                                          waiting_on_again, waiting);
}

/* @error: of the last question; NULL: it couldn't be asked. A manager that falls at each question is not hurried. */
static int waiting_retry(Waiting *waiting, const sd_bus_error *error)
{
        static const char match[] = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                    "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                                    "arg0='" MANAGER_BUS_NAME "'";
        const Connection *connection = waiting->connection;

        if (!error || connection->is_peer || sd_bus_is_open(connection->bus) <= 0)
                return waiting_retry_later(waiting);
        if (!waiting->appears)
                return sd_bus_add_match_async(connection->bus, &waiting->appears, match, waiting_on_owner,
                                              waiting_on_watch, waiting);
        return is_absent(error) ? 0 : waiting_retry_later(waiting);
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
        waiting->appears = sd_bus_slot_unref(waiting->appears);
        waiting->again = sd_event_source_disable_unref(waiting->again);
}
