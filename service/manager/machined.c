/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/machined.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-event.h>

#include "common/error.h"

#define MACHINED_NAME        "org.freedesktop.machine1"
#define MACHINED_PATH        "/org/freedesktop/machine1"
#define MACHINED_INTERFACE   "org.freedesktop.machine1.Manager"
#define MACHINE_INTERFACE    "org.freedesktop.machine1.Machine"
#define ERROR_MACHINE_EXISTS "org.freedesktop.machine1.MachineExists"

/* Who keeps the machine, in machined's words. */
#define SERVICE "pflask"

enum { DEADLINE_USEC = 5 * 1000000 };

struct Registration {
        sd_bus *bus;
        char *name;
        char *machined; /* the unique name that has answered */
        RegisterMode mode;
        sd_bus_message *request;
        sd_bus_slot *request_call;  /* while the request is unanswered */
        sd_bus_slot *service_call;  /* while machined looks whose machine has the name */
        sd_bus_slot *removed_match; /* when a machine of that name was still there */
        sd_event_source *deadline;
        MachineDone done; /* NULL: nobody waits any more */
        void *userdata;
};

static void registration_stop_waiting(Registration *registration)
{
        registration->service_call = sd_bus_slot_unref(registration->service_call);
        registration->removed_match = sd_bus_slot_unref(registration->removed_match);
        registration->deadline = sd_event_source_disable_unref(registration->deadline);
}

static void registration_destroy(void *userdata)
{
        Registration *registration = userdata;

        registration_stop_waiting(registration);
        sd_bus_message_unref(registration->request);
        sd_bus_unref(registration->bus);
        free(registration->name);
        free(registration->machined);
        free(registration);
}

Registration *registration_free(Registration *registration)
{
        if (!registration)
                return NULL;
        if (!registration->request_call) {
                registration_destroy(registration);
                return NULL;
        }
        /*
         * What machined has been asked cannot be taken back. The object stays with the connection until the answer
         * comes or the connection goes; so it lets go of the connection, or neither would ever be freed.
         */
        registration->done = NULL;
        registration_stop_waiting(registration);
        registration->request = sd_bus_message_unref(registration->request);
        registration->bus = sd_bus_unref(registration->bus);
        sd_bus_slot *call = TAKE_PTR(registration->request_call);
        sd_bus_slot_set_destroy_callback(call, registration_destroy);
        sd_bus_slot_set_floating(call, true);
        sd_bus_slot_unref(call);
        return NULL;
}

/* ---- how it ends: the last thing that is done with a registration, which may be gone afterwards ---- */

static void machine_finish(Registration *registration, int r, const sd_bus_error *error)
{
        registration_stop_waiting(registration);
        registration->done(registration->userdata, r, error);
}

static void machine_fail(Registration *registration, const char *error_name, const char *reason)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (registration->mode == REGISTER_AUTO)
                return machine_finish(registration, 0, NULL);
        int r = error_set(&error, error_name, "cannot register container '%s' with systemd-machined: %s",
                          registration->name, reason);
        machine_finish(registration, r, &error);
}

static void machine_refused(Registration *registration, sd_bus_message *reply)
{
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return machine_fail(registration, ERROR_NOT_SUPPORTED, "it is not there");
        machine_fail(registration, ERROR_SETUP_FAILED,
                     sd_bus_message_get_error(reply)->message ?: "it gives no reason");
}

static int machine_timed_out(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        machine_fail(userdata, ERROR_SETUP_FAILED, "it has not answered in time");
        return 0;
}

/* ---- asking ---- */

void machine_unregister(sd_bus *bus, const char *name)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;

        int r = sd_bus_message_new_method_call(bus, &message, MACHINED_NAME, MACHINED_PATH, MACHINED_INTERFACE,
                                               "UnregisterMachine");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", name);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(message, false);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(message, false);
        if (r >= 0)
                sd_bus_send(bus, message, NULL);
}

static int machine_asked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error);

/* sd-bus sends a message again with the serial that it had, which is free since its call has been answered. */
static void machine_ask(Registration *registration)
{
        int r = sd_bus_call_async(registration->bus, &registration->request_call, registration->request, machine_asked,
                                  registration, UINT64_MAX);

        if (r < 0)
                machine_fail(registration, ERROR_SETUP_FAILED, strerror(-r));
}

/* sd-bus lets a stranger's signal through that is sent to us alone: it knows no owner of the name that we match. */
static int machine_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error _unused_)
{
        Registration *registration = userdata;

        if (strcmp(sd_bus_message_get_sender(signal) ?: "", registration->machined) != 0)
                return 0;
        if (!registration->request_call && !registration->service_call)
                machine_ask(registration);
        return 0;
}

static int machine_listens(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        if (sd_bus_message_is_method_error(reply, NULL))
                machine_fail(userdata, ERROR_SETUP_FAILED, "the bus does not tell of machines");
        return 0;
}

/* The name is claimed, so a machine of ours under it is that of a leader that has ended. */
static int machine_service_told(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        Registration *registration = userdata;
        const char *service;

        registration->service_call = sd_bus_slot_unref(registration->service_call);
        if (!sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "v", "s", &service) >= 0) {
                if (strcmp(service, SERVICE) != 0) {
                        machine_fail(registration, ERROR_SETUP_FAILED, "somebody else's machine has that name");
                        return 0;
                }
                machine_unregister(registration->bus, registration->name);
        }
        machine_ask(registration);
        return 0;
}

static int machine_check_service(Registration *registration, sd_bus_message *reply)
{
        _cleanup_(freep) char *match = NULL, *path = NULL;

        if (registration->removed_match)
                return 0; /* it has been told to forget that machine, and will say when it has */
        registration->machined = strdup(sd_bus_message_get_sender(reply) ?: "");
        if (!registration->machined)
                return -ENOMEM;
        if (asprintf(&match,
                     "type='signal',sender='" MACHINED_NAME "',path='" MACHINED_PATH "',interface='" MACHINED_INTERFACE
                     "',member='MachineRemoved',arg0='%s'",
                     registration->name) < 0)
                return -ENOMEM;
        int r = sd_bus_path_encode(MACHINED_PATH "/machine", registration->name, &path);
        if (r >= 0)
                r = sd_bus_add_match_async(registration->bus, &registration->removed_match, match, machine_removed,
                                           machine_listens, registration);
        if (r >= 0)
                r = sd_bus_call_method_async(registration->bus, &registration->service_call, MACHINED_NAME, path,
                                             "org.freedesktop.DBus.Properties", "Get", machine_service_told,
                                             registration, "ss", MACHINE_INTERFACE, "Service");
        return r;
}

static int machine_asked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        Registration *registration = userdata;

        if (!registration->done) {
                if (!sd_bus_message_is_method_error(reply, NULL))
                        machine_unregister(sd_bus_message_get_bus(reply), registration->name);
                return 0;
        }
        registration->request_call = sd_bus_slot_unref(registration->request_call);
        if (sd_bus_message_is_method_error(reply, ERROR_MACHINE_EXISTS)) {
                int r = machine_check_service(registration, reply);
                if (r < 0)
                        machine_fail(registration, ERROR_SETUP_FAILED, strerror(-r));
        } else if (sd_bus_message_is_method_error(reply, NULL)) {
                machine_refused(registration, reply);
        } else {
                machine_finish(registration, 1, NULL);
        }
        return 0;
}

static int machine_make_request(Registration *registration, const MachineInput *input)
{
        int r = sd_bus_message_new_method_call(registration->bus, &registration->request, MACHINED_NAME, MACHINED_PATH,
                                               MACHINED_INTERFACE, "RegisterMachineWithNetwork");

        if (r >= 0)
                r = sd_bus_message_append(registration->request, "s", input->name);
        if (r >= 0)
                r = sd_bus_message_append_array(registration->request, 'y', input->id.bytes, sizeof(input->id.bytes));
        if (r >= 0)
                r = sd_bus_message_append(registration->request, "ssus", SERVICE, "container", (uint32_t)input->leader,
                                          "");
        return r < 0 ? r
                     : sd_bus_message_append_array(registration->request, 'i', input->interfaces,
                                                   input->n_interfaces * sizeof(*input->interfaces));
}

static int machine_begin(Registration *registration, const MachineInput *input)
{
        registration->name = strdup(input->name);
        if (!registration->name)
                return -ENOMEM;
        int r = sd_event_add_time_relative(sd_bus_get_event(registration->bus), &registration->deadline,
                                           CLOCK_MONOTONIC, DEADLINE_USEC, 0, machine_timed_out, registration);
        if (r >= 0)
                r = machine_make_request(registration, input);
        return r < 0 ? r
                     : sd_bus_call_async(registration->bus, &registration->request_call, registration->request,
                                         machine_asked, registration, UINT64_MAX);
}

int machine_register(sd_bus *bus, const MachineInput *input, MachineDone done, void *userdata, Registration **ret,
                     sd_bus_error *error)
{
        _cleanup_(registration_freep) Registration *registration = calloc(1, sizeof(*registration));

        if (!registration)
                return error_step(error, -ENOMEM, "register", "container", NULL);
        *registration = (Registration){.bus = sd_bus_ref(bus), .mode = input->mode, .done = done, .userdata = userdata};
        int r = machine_begin(registration, input);
        if (r < 0)
                return error_step(error, r, "register", input->name, NULL);
        *ret = TAKE_PTR(registration);
        return 0;
}
