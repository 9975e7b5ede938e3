/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manager's object on the bus
 */
#include "common/names.h"
#include "config.h"
#include "manager/container-bus.h"
#include "manager/container.h"
#include "manager/manager.h"
#include "manager/methods.h"

static int get_version(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                       const char *property _unused_, sd_bus_message *reply, void *userdata _unused_,
                       sd_bus_error *error _unused_)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

/* What this build can do, by the words that clients ask for; what a method or option offers needs no word. */
static int get_features(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                        const char *property _unused_, sd_bus_message *reply, void *userdata,
                        sd_bus_error *error _unused_)
{
        const Manager *manager = userdata;
        int r = sd_bus_message_open_container(reply, 'a', "s");

        if (r >= 0)
                r = sd_bus_message_append(reply, "s", manager->is_direct ? "direct" : "polkit");
        if (r >= 0 && manager->has_systemd)
                r = sd_bus_message_append(reply, "s", "scope");
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_n_containers(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_,
                            const char *property _unused_, sd_bus_message *reply, void *userdata,
                            sd_bus_error *error _unused_)
{
        const Manager *manager = userdata;
        const Container *container;
        uint32_t n = 0;

        TAILQ_FOREACH(container, &manager->list, others)
                n += container->is_published;
        return sd_bus_message_append(reply, "u", n);
}

#define METHOD(member, in, in_names, out, out_names, read, action, owner, act)                       \
        static int method_##member(sd_bus_message *message, void *userdata, sd_bus_error *error)     \
        {                                                                                            \
                static const Method method = {#member, out, false, false, read, action, owner, act}; \
                return call_dispatch(userdata, message, &method, NULL, error);                       \
        }
#define NAME_METHOD(member, in, in_names, out, out_names, read, action, owner, act)                \
        static int method_##member(sd_bus_message *message, void *userdata, sd_bus_error *error)   \
        {                                                                                          \
                static const Method method = {#member, out, true, true, read, action, owner, act}; \
                return call_dispatch(userdata, message, &method, NULL, error);                     \
        }
#define CONTAINER_METHOD(member, on_object, in, in_names, out, out_names, read, action, owner, act) \
        NAME_METHOD(member, in, in_names, out, out_names, read, action, owner, act)
MANAGER_METHODS(METHOD)
NAME_METHODS(NAME_METHOD)
CONTAINER_METHODS(CONTAINER_METHOD)
#undef METHOD
#undef NAME_METHOD
#undef CONTAINER_METHOD

#define METHOD(member, in, in_names, out, out_names, read, action, owner, act) \
        SD_BUS_METHOD_WITH_NAMES(#member, in, in_names, out, out_names, method_##member, SD_BUS_VTABLE_UNPRIVILEGED),
#define NAME_METHOD(member, in, in_names, out, out_names, read, action, owner, act) \
        METHOD(member, "s" in, P(name) in_names, out, out_names, read, action, owner, act)
#define CONTAINER_METHOD(member, on_object, in, in_names, out, out_names, read, action, owner, act) \
        NAME_METHOD(member, in, in_names, out, out_names, read, action, owner, act)

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        MANAGER_METHODS(METHOD)             /* one row each */
        NAME_METHODS(NAME_METHOD)           /* by the container's name */
        CONTAINER_METHODS(CONTAINER_METHOD) /* the same as on the container's object */
        SD_BUS_SIGNAL_WITH_NAMES("ContainerNew", "so", P(name) P(path), 0),
        SD_BUS_SIGNAL_WITH_NAMES("ContainerExited", "ssi", P(name) P(result) P(status), 0),
        SD_BUS_SIGNAL_WITH_NAMES("ContainerRemoved", "so", P(name) P(path), 0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("NContainers", "u", get_n_containers, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("MaxContainersPerUser", "u", NULL, offsetof(Manager, max_containers_per_user),
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int manager_add_objects(Manager *manager, sd_bus *bus)
{
        int r = sd_bus_add_object_vtable(bus, NULL, MANAGER_PATH, MANAGER_INTERFACE, manager_vtable, manager);

        if (r >= 0)
                r = sd_bus_add_object_manager(bus, NULL, MANAGER_PATH);
        return r < 0 ? r : container_bus_add(manager, bus);
}
