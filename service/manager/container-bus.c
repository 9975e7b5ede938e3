/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/container-bus.h"

#include <string.h>

#include "common/error.h"
#include "common/name.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/methods.h"

/* ---- properties ---- */

static int get_id(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                  const char *property _unused_, sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        const Container *container = userdata;

        return sd_bus_message_append_array(reply, 'y', &container->id, sizeof(container->id));
}

static int get_text(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                    const char *property _unused_, sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        char *const *text = userdata;

        return sd_bus_message_append(reply, "s", *text ?: "");
}

static int get_bool(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                    const char *property _unused_, sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        const bool *value = userdata;

        return sd_bus_message_append(reply, "b", (int)*value);
}

static int get_privileged(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                          const char *property _unused_, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error _unused_)
{
        const Container *container = userdata;

        return sd_bus_message_append(reply, "b", (int)!container->is_confined);
}

static int get_state(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                     const char *property _unused_, sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        const State *state = userdata;

        return sd_bus_message_append(reply, "s", state_name(*state));
}

static int get_result(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                      const char *property _unused_, sd_bus_message *reply, void *userdata,
                      sd_bus_error *error _unused_)
{
        const Result *result = userdata;

        return sd_bus_message_append(reply, "s", result_name(*result));
}

static int get_interfaces(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                          const char *property _unused_, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error _unused_)
{
        const Interfaces *interfaces = userdata;

        return sd_bus_message_append_array(reply, 'i', interfaces->indexes, interfaces->n * sizeof(int32_t));
}

static int get_constant(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                        const char *property, sd_bus_message *reply, void *userdata _unused_,
                        sd_bus_error *error _unused_)
{
        return sd_bus_message_append(reply, "s", *property == 'C' ? "container" : "pflask");
}

/* ---- methods ---- */

#define METHOD(by_name, member, in, in_names, out, out_names, read, action, owner, act)             \
        static int method_##member(sd_bus_message *message, void *userdata, sd_bus_error *error)    \
        {                                                                                           \
                static const Method method = {#member, out, false, true, read, action, owner, act}; \
                Container *container = userdata;                                                    \
                return call_dispatch(container->manager, message, &method, container, error);       \
        }
CONTAINER_METHODS(METHOD)
#undef METHOD

#define METHOD(by_name, member, in, in_names, out, out_names, read, action, owner, act) \
        SD_BUS_METHOD_WITH_NAMES(#member, in, in_names, out, out_names, method_##member, SD_BUS_VTABLE_UNPRIVILEGED),

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES  SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable container_vtable[] = {
        SD_BUS_VTABLE_START(0),
        CONTAINER_METHODS(METHOD) /* one row each */
        SD_BUS_SIGNAL_WITH_NAMES("CopyProgress", "sstttt",
                                 SD_BUS_PARAM(source) SD_BUS_PARAM(destination) SD_BUS_PARAM(bytes)
                                         SD_BUS_PARAM(total_bytes) SD_BUS_PARAM(files) SD_BUS_PARAM(total_files),
                                 0),
        SD_BUS_PROPERTY("Name", "s", get_text, offsetof(Container, name), CONSTANT),
        SD_BUS_PROPERTY("Id", "ay", get_id, 0, CONSTANT),
        SD_BUS_PROPERTY("Owner", "u", NULL, offsetof(Container, owner), CONSTANT),
        SD_BUS_PROPERTY("Privileged", "b", get_privileged, 0, 0),
        SD_BUS_PROPERTY("State", "s", get_state, offsetof(Container, state), CHANGES),
        SD_BUS_PROPERTY("Leader", "u", NULL, offsetof(Container, leader), CHANGES),
        SD_BUS_PROPERTY("Supervisor", "u", NULL, offsetof(Container, supervisor), CONSTANT),
        SD_BUS_PROPERTY("Timestamp", "t", NULL, offsetof(Container, timestamp), CONSTANT),
        SD_BUS_PROPERTY("TimestampMonotonic", "t", NULL, offsetof(Container, timestamp_monotonic), CONSTANT),
        SD_BUS_PROPERTY("Unit", "s", get_text, offsetof(Container, unit), CONSTANT),
        SD_BUS_PROPERTY("Registered", "b", get_bool, offsetof(Container, is_registered), CHANGES),
        SD_BUS_PROPERTY("Class", "s", get_constant, 0, CONSTANT),
        SD_BUS_PROPERTY("Service", "s", get_constant, 0, CONSTANT),
        SD_BUS_PROPERTY("NetworkInterfaces", "ai", get_interfaces, offsetof(Container, interfaces), CHANGES),
        SD_BUS_PROPERTY("ConsoleAttached", "b", get_bool, offsetof(Container, is_attached), CHANGES),
        SD_BUS_PROPERTY("ConsoleDropped", "t", NULL, offsetof(Container, dropped_bytes), 0),
        SD_BUS_PROPERTY("Result", "s", get_result, offsetof(Container, result), CHANGES),
        SD_BUS_PROPERTY("ExitStatus", "i", NULL, offsetof(Container, exit_status), CHANGES),
        SD_BUS_VTABLE_END,
};

static int container_find_object(sd_bus *bus _unused_, const char *path, const char *interface _unused_, void *userdata,
                                 void **ret, sd_bus_error *error _unused_)
{
        _cleanup_(freep) char *name = NULL;
        int r = sd_bus_path_decode(path, CONTAINER_PATH_PREFIX, &name);

        if (r <= 0)
                return r;
        Container *container = container_find(userdata, name);
        if (!container || !container->is_published)
                return 0;
        *ret = container;
        return 1;
}

static int container_list_objects(sd_bus *bus _unused_, const char *prefix _unused_, void *userdata, char ***ret,
                                  sd_bus_error *error _unused_)
{
        Manager *manager = userdata;
        _cleanup_(strings_freep) char **paths = calloc(manager->n_containers + 1, sizeof(char *));
        Container *container;
        size_t n = 0;

        if (!paths)
                return -ENOMEM;
        TAILQ_FOREACH(container, &manager->list, others) {
                if (!container->is_published)
                        continue;
                paths[n] = strdup(container->path);
                if (!paths[n++])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(paths);
        return 0;
}

int container_bus_add(Manager *manager, sd_bus *bus)
{
        int r = sd_bus_add_fallback_vtable(bus, NULL, CONTAINER_PATH_PREFIX, CONTAINER_INTERFACE, container_vtable,
                                           container_find_object, manager);

        if (r >= 0)
                r = sd_bus_add_node_enumerator(bus, NULL, CONTAINER_PATH_PREFIX, container_list_objects, manager);
        return r;
}
