/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link between a container as a manager sees it and its supervisor
 *
 * Properties are loaded once and then follow the supervisor's signals. How a container ended is told by the signal
 * Exited alone, or by the first loading when it had ended before: never by a property that changes on its own.
 */
#include <string.h>
#include <sys/pidfd.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/creation.h"
#include "manager/keeper.h"
#include "manager/reboot.h"
#include "manager/register.h"
#include "manager/verb.h"

/* ---- properties, a row each ---- */

static int text_read(sd_bus_message *message, void *field)
{
        const char *text;
        int r = sd_bus_message_read(message, "s", &text);
        char **place = field;

        if (r < 0)
                return r;
        char *copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(*place);
        *place = copy;
        return 0;
}

static int bool_read(sd_bus_message *message, void *field)
{
        int value;
        int r = sd_bus_message_read(message, "b", &value);

        if (r >= 0)
                *(bool *)field = value;
        return r;
}

static int u32_read(sd_bus_message *message, void *field)
{
        return sd_bus_message_read(message, "u", field);
}

static int i32_read(sd_bus_message *message, void *field)
{
        return sd_bus_message_read(message, "i", field);
}

static int u64_read(sd_bus_message *message, void *field)
{
        return sd_bus_message_read(message, "t", field);
}

static int id_read(sd_bus_message *message, void *field)
{
        const void *bytes;
        size_t n;
        int r = sd_bus_message_read_array(message, 'y', &bytes, &n);

        if (r < 0)
                return r;
        if (n != sizeof(sd_id128_t))
                return -EBADMSG;
        memcpy(field, bytes, n);
        return 0;
}

/* Who has started what, so that it is theirs to signal though another manager was told so. */
static int starters_read(sd_bus_message *message, void *container)
{
        uint32_t process, uid;
        int r = sd_bus_message_enter_container(message, 'a', "(uu)");

        while (r >= 0 && (r = sd_bus_message_read(message, "(uu)", &process, &uid)) > 0)
                container_remember_starter(container, process, uid);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int interfaces_read(sd_bus_message *message, void *field)
{
        Interfaces *interfaces = field;
        const void *bytes;
        size_t n;
        int r = sd_bus_message_read_array(message, 'i', &bytes, &n);

        if (r < 0)
                return r;
        int32_t *copy = n > 0 ? malloc(n) : NULL; /* most have none, and there are many */
        if (n > 0 && !copy)
                return -ENOMEM;
        if (n > 0)
                memcpy(copy, bytes, n);
        free(interfaces->indexes);
        *interfaces = (Interfaces){.indexes = copy, .n = n / sizeof(int32_t)};
        return 0;
}

static int state_read(sd_bus_message *message, void *field)
{
        const char *name;
        int r = sd_bus_message_read(message, "s", &name);

        return r < 0 ? r : state_from_name(name, field);
}

static int result_read(sd_bus_message *message, void *field)
{
        const char *name;
        int r = sd_bus_message_read(message, "s", &name);

        if (r >= 0)
                *(Result *)field = result_from_name(name);
        return r;
}

static const struct {
        const char *name;
        const char *type;
        int (*read)(sd_bus_message *message, void *field);
        size_t offset;
} properties[] = {
        {"Id", "ay", id_read, offsetof(Container, id)},
        {"Owner", "u", u32_read, offsetof(Container, owner)},
        {"State", "s", state_read, offsetof(Container, told.state)},
        {"Leader", "u", u32_read, offsetof(Container, leader)},
        {"Supervisor", "u", u32_read, offsetof(Container, supervisor)},
        {"Timestamp", "t", u64_read, offsetof(Container, timestamp)},
        {"TimestampMonotonic", "t", u64_read, offsetof(Container, timestamp_monotonic)},
        {"Unit", "s", text_read, offsetof(Container, unit)},
        {"Registered", "b", bool_read, offsetof(Container, is_registered)},
        {"Registering", "b", bool_read, offsetof(Container, is_registering)},
        {"Terminal", "b", bool_read, offsetof(Container, has_terminal)},
        {"Confined", "b", bool_read, offsetof(Container, is_confined)},
        {"NetworkInterfaces", "ai", interfaces_read, offsetof(Container, interfaces)},
        {"ConsoleAttached", "b", bool_read, offsetof(Container, is_attached)},
        {"ConsoleDropped", "t", u64_read, offsetof(Container, dropped_bytes)},
        {"Starters", "a(uu)", starters_read, 0},
        {"Result", "s", result_read, offsetof(Container, told.result)},
        {"ExitStatus", "i", i32_read, offsetof(Container, told.status)},
};

static int property_read(Container *container, sd_bus_message *message)
{
        const char *name;
        int r = sd_bus_message_read(message, "s", &name);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(properties); i++) {
                if (strcmp(name, properties[i].name) != 0)
                        continue;
                r = sd_bus_message_enter_container(message, 'v', properties[i].type);
                if (r >= 0)
                        r = properties[i].read(message, (char *)container + properties[i].offset);
                return r < 0 ? r : sd_bus_message_exit_container(message);
        }
        return sd_bus_message_skip(message, "v");
}

static int properties_read(Container *container, sd_bus_message *message)
{
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = property_read(container, message);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

int container_read_created(Container *container, sd_bus_message *reply)
{
        int r = id_read(reply, &container->id);

        if (r >= 0)
                r = interfaces_read(reply, &container->interfaces);
        if (r >= 0)
                r = sd_bus_message_read(reply, "tt", &container->timestamp, &container->timestamp_monotonic);
        return r;
}

/* ---- signals ---- */

static void properties_changed(Container *container, sd_bus_message *message)
{
        pid_t leader = container->leader;

        if (sd_bus_message_skip(message, "s") < 0 || properties_read(container, message) < 0)
                return;
        if (container->state == STATE_EXITED || container->told.state == STATE_EXITED)
                return;
        container->state = container->told.state;
        if (leader != container->leader) {
                FAULT_POINT(REBOOT_FOLLOWED);
                container_open_leader(container);
                reboot_follow(container);
        }
        if (container->is_published)
                sd_bus_emit_properties_changed(container->manager->bus, container->path, CONTAINER_INTERFACE, "State",
                                               "Leader", "Registered", "NetworkInterfaces", "ConsoleAttached", NULL);
}

static void exited(Container *container, sd_bus_message *message)
{
        const char *result;
        int32_t status;

        FAULT_POINT(EXIT_HEARD);
        if (sd_bus_message_read(message, "si", &result, &status) >= 0)
                container_ended(container, result_from_name(result), status);
}

static void copy_progressed(Container *container, sd_bus_message *message)
{
        const Call *call;
        uint64_t cookie;

        if (sd_bus_message_read(message, "t", &cookie) < 0)
                return;
        TAILQ_FOREACH(call, &container->questions, waiting)
                if (call->cookie == cookie) {
                        copy_show_progress(call, message);
                        return;
                }
}

static const struct {
        const char *interface;
        const char *member;
        void (*hear)(Container *container, sd_bus_message *signal);
} signals[] = {
        {"org.freedesktop.DBus.Properties", "PropertiesChanged", properties_changed},
        {SUPERVISOR_INTERFACE, "Exited", exited},
        {SUPERVISOR_INTERFACE, "CopyProgress", copy_progressed},
};

static void heard(sd_bus_message *signal, void *userdata)
{
        for (unsigned i = 0; i < ELEMENTS(signals); i++)
                if (sd_bus_message_is_signal(signal, signals[i].interface, signals[i].member)) {
                        signals[i].hear(userdata, signal);
                        return;
                }
}

/*
 * The supervisor dies, and its keeper will notice when it is over; or it lives and only the link is broken, and then it
 * listens for a new one.
 */
static void closed(void *userdata)
{
        Container *container = userdata;

        container_unlink(container);
        if (container->creation) {
                creation_supervisor_lost(container->creation);
                return;
        }
        if (!container->keeper || !process_is_alive(container->keeper->pidfd))
                return;
        int fd = register_connect(container->manager->reg, container->name);
        if (fd >= 0 && container_link(container, fd) >= 0)
                container_load(container);
}

static const LinkListener listener = {.heard = heard, .closed = closed};

void container_take_link(Container *container, Link *link)
{
        link_hand_over(link, &listener, container);
        container->link = link;
}

int container_link(Container *container, int fd)
{
        return link_new(container->manager->event, fd, &listener, container, &container->link);
}

/* ---- loading ---- */

/* It lives, but was stopped, or swapped out, for so long that the link was given up: it is asked on the next one. */
static bool is_only_late(const Container *container, sd_bus_message *reply)
{
        return sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) && container->keeper &&
               process_is_alive(container->keeper->pidfd);
}

static int loaded(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Container *container = userdata;
        Register *reg = container->manager->reg;

        FAULT_POINT(BEGIN_LOADED);
        container->query = sd_bus_slot_unref(container->query);
        if (is_only_late(container, reply))
                return 0;
        bool is_lost = sd_bus_message_is_method_error(reply, NULL) || properties_read(container, reply) < 0;
        bool is_starting = !is_lost && container->told.state == STATE_STARTING;
        if (is_starting)
                register_await(reg, container->name);
        if (container->is_loading) {
                container->is_loading = false;
                register_loaded_one(reg);
        }
        if (is_lost) {
                container_lost(container);
        } else if (container->is_forgotten) {
                container->is_forgotten = false; /* it may have been on its way when the link broke */
                container_forget(container);
        } else if (is_starting) {
                /* Another manager is making it, and it may come to nothing. It is announced when it is anybody's. */
                container_free(container);
        } else {
                container_open_leader(container);
                container_publish(container);
                container->state = container->told.state == STATE_EXITED ? STATE_RUNNING : container->told.state;
                reboot_follow(container);
                if (container->told.state == STATE_EXITED)
                        container_ended(container, container->told.result, container->told.status);
        }
        return 0;
}

int container_load(Container *container)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *request = NULL;
        int r = link_request(container->link, "org.freedesktop.DBus.Properties", "GetAll", &request);

        if (r >= 0)
                r = sd_bus_message_append(request, "s", SUPERVISOR_INTERFACE);
        return r < 0 ? r : link_send(container->link, request, loaded, container, UINT64_MAX, &container->query);
}
