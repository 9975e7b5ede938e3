/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/scope.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "common/error.h"
#include "common/name.h"
#include "common/names.h"

#define SYSTEMD_NAME      "org.freedesktop.systemd1"
#define SYSTEMD_PATH      "/org/freedesktop/systemd1"
#define SYSTEMD_INTERFACE "org.freedesktop.systemd1.Manager"
#define SCOPE_PREFIX      "pflask-"
#define SCOPE_SUFFIX      ".scope"
#define ERROR_UNIT_EXISTS "org.freedesktop.systemd1.UnitExists"

enum {
        DEADLINE_USEC = 25 * 1000000,
        STOP_MARGIN_USEC = 10 * 1000000, /* for a supervisor to end what has had its time, before systemd does */
};

struct Scope {
        sd_bus *bus;
        char *unit;
        sd_bus_message *request;
        char *job;               /* its object path, once PID 1 has answered */
        char *systemd;           /* the unique name that has answered */
        sd_bus_slot *call;       /* while the request is unanswered */
        sd_bus_slot *job_match;  /* of all jobs: sd-bus does not look for a string behind a number */
        sd_bus_slot *unit_match; /* when a unit of that name was still there */
        sd_event_source *deadline;
        ScopeDone done;
        void *userdata;
};

bool scope_is_available(sd_bus *bus)
{
        return bus && sd_booted() > 0 && sd_bus_get_name_creds(bus, SYSTEMD_NAME, 0, NULL) >= 0;
}

char *scope_unit_name(const char *name)
{
        char *unit;

        /* Every character of a container's name is one that unit names allow: systemd.unit(5). */
        return asprintf(&unit, SCOPE_PREFIX "%s" SCOPE_SUFFIX, name) < 0 ? NULL : unit;
}

static void scope_stop_waiting(Scope *scope)
{
        scope->call = sd_bus_slot_unref(scope->call);
        scope->job_match = sd_bus_slot_unref(scope->job_match);
        scope->unit_match = sd_bus_slot_unref(scope->unit_match);
        scope->deadline = sd_event_source_disable_unref(scope->deadline);
}

Scope *scope_free(Scope *scope)
{
        if (!scope)
                return NULL;
        scope_stop_waiting(scope);
        sd_bus_message_unref(scope->request);
        sd_bus_unref(scope->bus);
        free(scope->unit);
        free(scope->job);
        free(scope->systemd);
        free(scope);
        return NULL;
}

/* ---- how it ends: the last thing that is done with a scope, which may be gone afterwards ---- */

static void scope_fail(Scope *scope, const char *reason)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = error_set(&error, ERROR_SETUP_FAILED, "cannot start unit %s: %s", scope->unit, reason);

        scope_stop_waiting(scope);
        scope->done(scope->userdata, r, &error);
}

static int scope_timed_out(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        scope_fail(userdata, "systemd has not answered in time");
        return 0;
}

/* sd-bus lets a stranger's signal through that is sent to us alone: it knows no owner of the name that we match. */
static bool scope_is_systemds(const Scope *scope, sd_bus_message *signal)
{
        return scope->systemd && strcmp(sd_bus_message_get_sender(signal) ?: "", scope->systemd) == 0;
}

static int scope_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error _unused_)
{
        Scope *scope = userdata;
        const char *job, *result;

        int r = sd_bus_message_read(signal, "uoss", NULL, &job, NULL, &result);
        if (r < 0 || !scope->job || strcmp(job, scope->job) != 0 || !scope_is_systemds(scope, signal))
                return 0;
        if (strcmp(result, "done") != 0) {
                _cleanup_(freep) char *reason = NULL;

                r = asprintf(&reason, "its job has ended with '%s'", result);
                scope_fail(scope, r < 0 ? strerror(ENOMEM) : reason);
                return 0;
        }
        scope_stop_waiting(scope);
        scope->done(scope->userdata, 0, NULL);
        return 0;
}

/* Without a word of ours, sd-bus would close the whole connection over a match that the bus refuses. */
static int scope_listens(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        if (sd_bus_message_is_method_error(reply, NULL))
                scope_fail(userdata, "the bus does not tell of its job");
        return 0;
}

/* ---- asking ---- */

/* Calls that nobody waits for: what comes of them is told by signals. */
static int scope_tell_systemd(sd_bus *bus, const char *member, const char *types, ...)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        va_list arguments;

        int r = sd_bus_message_new_method_call(bus, &message, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_INTERFACE, member);
        va_start(arguments, types);
        if (r >= 0)
                r = sd_bus_message_appendv(message, types, arguments);
        va_end(arguments);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(message, false);
        return r < 0 ? r : sd_bus_send(bus, message, NULL);
}

static int scope_stop_unit(sd_bus *bus, const char *unit)
{
        return scope_tell_systemd(bus, "StopUnit", "ss", unit, "replace");
}

/* Where there is no supervisor, nobody makes anything of the signal that a stop begins with. */
static int scope_kill_unit(sd_bus *bus, const char *unit)
{
        int r = scope_tell_systemd(bus, "KillUnit", "ssi", unit, "all", SIGKILL);

        return r < 0 ? r : scope_stop_unit(bus, unit);
}

void scope_stop(sd_bus *bus, const char *name)
{
        _cleanup_(freep) char *unit = scope_unit_name(name);

        if (unit)
                scope_stop_unit(bus, unit);
}

void scope_kill(sd_bus *bus, const char *name)
{
        _cleanup_(freep) char *unit = scope_unit_name(name);

        if (unit)
                scope_kill_unit(bus, unit);
}

/* ---- what is left ---- */

typedef struct Sweep {
        ScopeIsUsed is_used;
        void *userdata;
} Sweep;

/* Return: the name of the container, the caller's; NULL: it is none of ours. */
static char *scope_container_name(const char *unit)
{
        const char *end = strrchr(unit, '.');

        if (strncmp(unit, SCOPE_PREFIX, strlen(SCOPE_PREFIX)) != 0 || !end || strcmp(end, SCOPE_SUFFIX) != 0)
                return NULL;
        char *name = strndup(unit + strlen(SCOPE_PREFIX), (size_t)(end - unit) - strlen(SCOPE_PREFIX));
        if (name && !name_is_valid(name)) {
                free(name);
                return NULL;
        }
        return name;
}

static int scope_listed(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        const Sweep *sweep = userdata;
        const char *unit;

        if (sd_bus_message_is_method_error(reply, NULL) ||
            sd_bus_message_enter_container(reply, 'a', "(ssssssouso)") < 0)
                return 0;
        while (sd_bus_message_read(reply, "(ssssssouso)", &unit, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) >
               0) {
                _cleanup_(freep) char *name = scope_container_name(unit);
                if (name && !sweep->is_used(sweep->userdata, name))
                        scope_kill_unit(sd_bus_message_get_bus(reply), unit);
        }
        return 0;
}

int scope_stop_unused(sd_bus *bus, ScopeIsUsed is_used, void *userdata)
{
        sd_bus_slot *slot;
        Sweep *sweep = malloc(sizeof(*sweep));

        if (!sweep)
                return -ENOMEM;
        *sweep = (Sweep){.is_used = is_used, .userdata = userdata};
        int r = sd_bus_call_method_async(bus, &slot, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_INTERFACE,
                                         "ListUnitsByPatterns", scope_listed, sweep, "asas", 0, 1,
                                         SCOPE_PREFIX "*" SCOPE_SUFFIX);
        if (r < 0) {
                free(sweep);
                return r;
        }
        sd_bus_slot_set_destroy_callback(slot, free);
        sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return r;
}

/* ---- asking for one ---- */

static int scope_asked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

/* sd-bus sends a message again with the serial that it had, which is free since its call has been answered. */
static int scope_ask(Scope *scope)
{
        return sd_bus_call_async(scope->bus, &scope->call, scope->request, scope_asked, scope, UINT64_MAX);
}

static int scope_unit_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error _unused_)
{
        Scope *scope = userdata;

        if (scope->call || scope->job || !scope_is_systemds(scope, signal))
                return 0;
        int r = scope_ask(scope);
        if (r < 0)
                scope_fail(scope, strerror(-r));
        return 0;
}

/*
 * The name is claimed, so whatever is in a unit of that name has no supervisor any more. Mostly the unit is just being
 * collected. Once we listen, asking again tells whether there is still something to wait for.
 */
static int scope_stop_remains(Scope *scope)
{
        if (scope->unit_match)
                return 0;
        _cleanup_(freep) char *match = NULL;
        if (asprintf(&match,
                     "type='signal',sender='" SYSTEMD_NAME "',path='" SYSTEMD_PATH "',interface='" SYSTEMD_INTERFACE
                     "',member='UnitRemoved',arg0='%s'",
                     scope->unit) < 0)
                return -ENOMEM;
        int r = sd_bus_add_match_async(scope->bus, &scope->unit_match, match, scope_unit_removed, scope_listens, scope);
        if (r >= 0)
                r = scope_kill_unit(scope->bus, scope->unit);
        return r < 0 ? r : scope_ask(scope);
}

static int scope_asked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        Scope *scope = userdata;
        const char *job;
        int r;

        scope->call = sd_bus_slot_unref(scope->call);
        free(scope->systemd);
        scope->systemd = strdup(sd_bus_message_get_sender(reply) ?: "");
        if (!scope->systemd) {
                r = -ENOMEM;
        } else if (sd_bus_message_is_method_error(reply, ERROR_UNIT_EXISTS)) {
                r = scope_stop_remains(scope);
        } else if (sd_bus_message_is_method_error(reply, NULL)) {
                scope_fail(scope, sd_bus_message_get_error(reply)->message ?: "systemd gives no reason");
                return 0;
        } else {
                r = sd_bus_message_read(reply, "o", &job);
                scope->job = r < 0 ? NULL : strdup(job);
                r = r < 0 ? r : scope->job ? 0 : -ENOMEM;
        }
        if (r < 0)
                scope_fail(scope, strerror(-r));
        return 0;
}

static int scope_append_properties(sd_bus_message *message, const ScopeInput *input)
{
        char description[sizeof("Container ") + 64], slice[sizeof("user-4294967295.slice")] = "machine.slice";

        snprintf(description, sizeof(description), "Container %s", input->name);
        if (input->is_confined)
                snprintf(slice, sizeof(slice), "user-%" PRIu32 ".slice", (uint32_t)input->owner);
        int r = sd_bus_message_open_container(message, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", description,
                                          "Slice", "s", slice, "Delegate", "b", 1, "CollectMode", "s",
                                          "inactive-or-failed", "KillSignal", "i", SCOPE_STOP_SIGNAL, "TimeoutStopUSec",
                                          "t", input->stop_usec + STOP_MARGIN_USEC, "PIDs", "au", 2,
                                          (uint32_t)input->supervisor, (uint32_t)input->leader);
        for (size_t i = 0; r >= 0 && i < input->n_properties; i++)
                r = spec_append_property(message, input->properties + i);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int scope_make_request(Scope *scope, const ScopeInput *input)
{
        int r = sd_bus_message_new_method_call(scope->bus, &scope->request, SYSTEMD_NAME, SYSTEMD_PATH,
                                               SYSTEMD_INTERFACE, "StartTransientUnit");

        if (r >= 0)
                r = sd_bus_message_set_auto_start(scope->request, false);
        if (r >= 0)
                r = sd_bus_message_append(scope->request, "ss", scope->unit, "fail");
        if (r >= 0)
                r = scope_append_properties(scope->request, input);
        return r < 0 ? r : sd_bus_message_append(scope->request, "a(sa(sv))", 0);
}

static int scope_begin(Scope *scope, const ScopeInput *input)
{
        scope->unit = scope_unit_name(input->name);
        if (!scope->unit)
                return -ENOMEM;
        int r = sd_event_add_time_relative(sd_bus_get_event(scope->bus), &scope->deadline, CLOCK_MONOTONIC,
                                           DEADLINE_USEC, 0, scope_timed_out, scope);
        if (r >= 0)
                r = sd_bus_match_signal_async(scope->bus, &scope->job_match, SYSTEMD_NAME, SYSTEMD_PATH,
                                              SYSTEMD_INTERFACE, "JobRemoved", scope_job_removed, scope_listens, scope);
        /* Signals are sent only while somebody has subscribed. To do so again is an error that nobody is told of. */
        if (r >= 0)
                r = scope_tell_systemd(scope->bus, "Subscribe", "");
        if (r >= 0)
                r = scope_make_request(scope, input);
        return r < 0 ? r : scope_ask(scope);
}

int scope_start(sd_bus *bus, const ScopeInput *input, ScopeDone done, void *userdata, Scope **ret, sd_bus_error *error)
{
        _cleanup_(scope_freep) Scope *scope = calloc(1, sizeof(*scope));

        if (!scope)
                return error_step(error, -ENOMEM, "start", "scope", NULL);
        *scope = (Scope){.bus = sd_bus_ref(bus), .done = done, .userdata = userdata};
        int r = scope_begin(scope, input);
        if (r < 0)
                return error_step(error, r, "start", scope->unit ?: "scope", NULL);
        *ret = TAKE_PTR(scope);
        return 0;
}
