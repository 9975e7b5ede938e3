/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "cli/complaint.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/waiting.h"

typedef struct WaitOptions {
        Common common;
        bool is_any;
} WaitOptions;

/* Those that are waited for: as many as were named. */
typedef struct WaitSet {
        Waiting *waits;
        char **names;
        int n, n_open;
        bool is_any;
        const Waiting *first; /* to end */
} WaitSet;

static void set_clear(WaitSet *set)
{
        for (int i = 0; set->waits && i < set->n; i++) {
                waiting_stop(&set->waits[i]);
                sd_bus_error_free(&set->waits[i].error);
        }
        free(set->waits);
        strings_free(set->names);
}

static void set_on_answer(Waiting *waiting, void *userdata)
{
        WaitSet *set = userdata;

        if (!set->first)
                set->first = waiting;
        if (--set->n_open == 0 || set->is_any)
                sd_event_exit(waiting->event, 0);
}

static int set_start(WaitSet *set, Invocation *invocation, Connection *connection, sd_event *event, sd_bus_error *error)
{
        set->n = set->n_open = invocation->n_operands;
        set->waits = calloc((size_t)set->n, sizeof(*set->waits));
        set->names = calloc((size_t)set->n + 1, sizeof(*set->names));
        if (!set->waits || !set->names)
                return -ENOMEM;
        for (int i = 0; i < set->n; i++) {
                invocation->subject = invocation->operands[i];
                set->names[i] = connection_find(connection, invocation->operands[i], error);
                if (!set->names[i])
                        return -sd_bus_error_get_errno(error) ?: -ENOMEM;
        }
        for (int i = 0; i < set->n; i++) {
                set->waits[i] = (Waiting){
                        .connection = connection,
                        .event = event,
                        .name = set->names[i],
                        .answered = set_on_answer,
                        .userdata = set,
                };
                int r = waiting_start(&set->waits[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int wait_status(const Waiting *waiting)
{
        if (waiting->result == RESULT_NONE)
                complain(waiting->name, waiting->error.message ?: "cannot be waited for");
        else if (waiting->result == RESULT_LOST)
                complain(waiting->name, RESULT_LOST_SENTENCE);
        return result_to_status(waiting->result, waiting->status);
}

static void wait_print_json(Json *json, const Waiting *waiting)
{
        json_begin(json, '{');
        json_key(json, "name");
        json_text(json, waiting->name);
        if (waiting->result != RESULT_NONE) {
                json_key(json, "result");
                json_text(json, result_name(waiting->result));
                json_key(json, "status");
                json_number(json, (uint64_t)waiting->status);
        }
        json_end(json, '}');
}

/* Those that are told of: the first to end with --any, else all of them. */
static void set_print(const WaitSet *set, const Common *common)
{
        Json json = {.file = stdout, .is_pretty = common->json == JSON_PRETTY};

        if (common->json == JSON_OFF) {
                if (set->is_any)
                        puts(set->first->name);
                return;
        }
        json_begin(&json, '[');
        for (int i = 0; i < set->n; i++)
                if (!set->is_any || &set->waits[i] == set->first)
                        wait_print_json(&json, &set->waits[i]);
        json_end(&json, ']');
}

/* The status of one, if one was named; of the first to end with --any; else of the first that failed. */
static int set_conclude(const WaitSet *set, const Common *common)
{
        int status = 0;

        set_print(set, common);
        if (set->is_any)
                return wait_status(set->first);
        for (int i = 0; i < set->n; i++) {
                int one = wait_status(&set->waits[i]);
                status = status ?: one;
        }
        return status;
}

static int wait_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        const WaitOptions *options = invocation->options;
        _cleanup_(set_clear) WaitSet set = {.is_any = options->is_any};

        int r = connection_open(&options->common, &connection, error);
        if (r >= 0)
                r = sd_event_new(&event);
        if (r >= 0)
                r = set_start(&set, invocation, connection, event, error);
        if (r < 0)
                return r;
        invocation->subject = NULL;
        r = sd_event_loop(event);
        if (connection->bus)
                sd_bus_detach_event(connection->bus);
        return r < 0 ? r : set_conclude(&set, &options->common);
}

const Verb *wait_verb(void)
{
        static const Option options[] = {
                OPTION_FLAG("any", '\0', WaitOptions, is_any, "until the first has ended, and print its name"),
                JSON_OPTION,
                COMMON_OPTIONS,
        };
        static const Verb verb = {
                .name = "wait",
                .operands = "NAME|PID...",
                .summary = "Wait until containers have ended, and end with the status",
                .min_operands = 1,
                .max_operands = OPERANDS_MANY,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(WaitOptions),
                .run = wait_run,
        };
        return &verb;
}
