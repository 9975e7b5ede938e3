/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "cli/connection.h"
#include "cli/json.h"
#include "common/error.h"
#include "common/names.h"

/* The manager's signals, and what they are called here. */
static const struct {
        const char *member, *event;
        bool has_result;
} events[] = {
        {"ContainerNew", "new", false},
        {"ContainerExited", "exited", true},
        {"ContainerRemoved", "removed", false},
};

static void event_print(const Common *common, const char *event, const char *name, const char *result, int status)
{
        Json json = {.file = stdout, .is_pretty = common->json == JSON_PRETTY};
        _cleanup_(freep) char *shown = error_escape(name);

        if (common->json == JSON_OFF) {
                printf("%-8s %s", event, shown ?: "");
                if (result)
                        printf(" %s %d", result, status);
                putchar('\n');
                return;
        }
        json_begin(&json, '{');
        json_key(&json, "event");
        json_text(&json, event);
        json_key(&json, "name");
        json_text(&json, name);
        if (result) {
                json_key(&json, "result");
                json_text(&json, result);
                json_key(&json, "status");
                json_number(&json, (uint64_t)status);
        }
        json_end(&json, '}');
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        const char *name, *result = NULL;
        int status = 0;

        for (unsigned i = 0; i < ELEMENTS(events); i++) {
                if (!sd_bus_message_is_signal(message, MANAGER_INTERFACE, events[i].member))
                        continue;
                int r = sd_bus_message_read(message, "s", &name);
                if (r >= 0 && events[i].has_result)
                        r = sd_bus_message_read(message, "si", &result, &status);
                if (r >= 0)
                        event_print(userdata, events[i].event, name, result, status);
                if (r >= 0 && fflush(stdout) != 0)
                        return sd_event_exit(sd_bus_get_event(sd_bus_message_get_bus(message)), -EIO);
        }
        return 0;
}

static int on_disconnected(sd_bus_message *message, void *userdata _unused_, sd_bus_error *error _unused_)
{
        return sd_event_exit(sd_bus_get_event(sd_bus_message_get_bus(message)), -ECONNRESET);
}

static int monitor_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        const Common *common = invocation->options;

        int r = connection_open_to_hear(common, &connection, error);
        if (r < 0)
                return r;
        r = sd_event_new(&event);
        if (r >= 0)
                r = sd_bus_match_signal(connection->bus, NULL, connection_service(connection), MANAGER_PATH,
                                        MANAGER_INTERFACE, NULL, on_signal, invocation->options);
        if (r >= 0)
                r = sd_bus_match_signal(connection->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL);
        if (r >= 0)
                r = sd_bus_attach_event(connection->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_loop(event);
        sd_bus_detach_event(connection->bus);
        if (r < 0)
                error_set(error, SD_BUS_ERROR_DISCONNECTED, "events have ended: %s", strerror(-r));
        return r;
}

const Verb *monitor_verb(void)
{
        static const Option options[] = {OUTPUT_OPTIONS, COMMON_OPTIONS};
        static const Verb verb = {
                .name = "monitor",
                .operands = "",
                .summary = "Print what happens to containers, as it happens",
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(Common),
                .run = monitor_run,
        };
        return &verb;
}
