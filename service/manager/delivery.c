/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/delivery.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/names.h"
#include "manager/call.h"
#include "manager/caller.h"
#include "manager/log.h"

enum {
        FDS_IN_ALL = 60, /* of the 64 that the bus keeps; a message has up to 2 */
        FDS_OF_ORDINARY = 40,
        FDS_PER_UID = 16,
};
#define FIRST_LOOK_USEC UINT64_C(2000)
#define LAST_LOOK_USEC  UINT64_C(128000)
#define PATIENCE_USEC   (UINT64_C(2) * 1000000)
#define JAM_USEC        (UINT64_C(5) * 1000000)

/* Bytes of answers. A connection may have so many before the bus is asked; more of it than the other is too much. */
#define BYTES_UNTIL_ASKED ((size_t)128 << 10)
#define BYTES_KEPT        ((size_t)512 << 10)
#define BYTES_UNKNOWN     ((size_t)32 << 20) /* of all connections, of which the bus hasn't been asked yet */

struct Deliveries {
        Manager *manager;
        LIST_HEAD(, Delivery) sent;
        TAILQ_HEAD(, Call) waits;
        unsigned n_fds, n_ordinary;
        size_t bytes_sent;
        sd_event_source *look;
        uint64_t look_usec;
        sd_event_source *jam_look;
        sd_bus_slot *jam_query;
        unsigned n_unanswered;
};

int deliveries_new(Manager *manager, Deliveries **ret)
{
        Deliveries *deliveries = calloc(1, sizeof(*deliveries));

        if (!deliveries)
                return -ENOMEM;
        deliveries->manager = manager;
        LIST_INIT(&deliveries->sent);
        TAILQ_INIT(&deliveries->waits);
        *ret = deliveries;
        return 0;
}

Deliveries *deliveries_free(Deliveries *deliveries)
{
        if (!deliveries)
                return NULL;
        sd_event_source_disable_unref(deliveries->look);
        sd_event_source_disable_unref(deliveries->jam_look);
        sd_bus_slot_unref(deliveries->jam_query);
        free(deliveries);
        return NULL;
}

/* ---- counting ---- */

static Deliveries *deliveries_of(const Caller *caller)
{
        return callers_manager(caller->callers)->deliveries;
}

static void count_fds(const Caller *caller, int n)
{
        Deliveries *deliveries = deliveries_of(caller);

        caller->quota->n_fds += (unsigned)n;
        deliveries->n_fds += (unsigned)n;
        if (caller->uid != 0)
                deliveries->n_ordinary += (unsigned)n;
}

static bool has_room(const Caller *caller, unsigned n)
{
        const Deliveries *deliveries = deliveries_of(caller);

        if (deliveries->n_fds + n > FDS_IN_ALL)
                return false;
        return caller->uid == 0 ||
               (caller->quota->n_fds + n <= FDS_PER_UID && deliveries->n_ordinary + n <= FDS_OF_ORDINARY);
}

static unsigned n_fds_of(const Method *method)
{
        unsigned n = 0;

        for (const char *type = method->out; *type; type++)
                n += *type == SD_BUS_TYPE_UNIX_FD;
        return n;
}

/* ---- who waits ---- */

static void stop_waiting(Call *call)
{
        TAILQ_REMOVE(&deliveries_of(call->caller)->waits, call, waiting);
        call->delivery_deadline_usec = 0;
}

static void promise(Call *call)
{
        call->n_promised = n_fds_of(call->method);
        count_fds(call->caller, (int)call->n_promised);
}

/* Something was read, or will not be sent. */
static void deliveries_look(Deliveries *deliveries)
{
        Call *call, *next;

        for (call = TAILQ_FIRST(&deliveries->waits); call; call = next) {
                next = TAILQ_NEXT(call, waiting);
                if (!has_room(call->caller, n_fds_of(call->method)))
                        continue;
                stop_waiting(call);
                promise(call);
                call_again(call);
        }
}

/* ---- asking the bus ---- */

static int read_statistics(sd_bus_message *reply, uint32_t *ret_n_fds, uint32_t *ret_bytes)
{
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const char *key;
                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                uint32_t *field = strcmp(key, "OutgoingFDs") == 0     ? ret_n_fds
                                  : strcmp(key, "OutgoingBytes") == 0 ? ret_bytes
                                                                      : NULL;
                r = field ? sd_bus_message_read(reply, "v", "u", field) : sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static void delivery_set_sent(Delivery *delivery, unsigned n)
{
        Deliveries *deliveries = deliveries_of(delivery->caller);

        if (n > 0 && delivery->n_sent == 0)
                LIST_INSERT_HEAD(&deliveries->sent, delivery, others);
        if (n == 0 && delivery->n_sent > 0)
                LIST_REMOVE(delivery, others);
        delivery->n_sent = n;
}

static void delivery_forget_bytes(Delivery *delivery, size_t bytes)
{
        delivery->bytes_sent -= bytes;
        deliveries_of(delivery->caller)->bytes_sent -= bytes;
}

/* The bus reads in order: what it says is of everything that was sent before the question, and of nothing after it. */
static int delivery_told(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Delivery *delivery = userdata;
        uint32_t n_kept = 0, bytes_kept = 0;

        delivery->query = sd_bus_slot_unref(delivery->query);
        if (!sd_bus_message_is_method_error(reply, NULL) && read_statistics(reply, &n_kept, &bytes_kept) < 0)
                n_kept = bytes_kept = 0;
        unsigned n_read = delivery->n_before - (n_kept < delivery->n_before ? n_kept : delivery->n_before);
        count_fds(delivery->caller, -(int)n_read);
        delivery_set_sent(delivery, delivery->n_sent - n_read);
        delivery_forget_bytes(delivery, delivery->bytes_asked);
        delivery->bytes_kept = bytes_kept;
        deliveries_look(deliveries_of(delivery->caller));
        return 0;
}

static void delivery_ask(Delivery *delivery)
{
        const Caller *caller = delivery->caller;

        if (delivery->query)
                return;
        delivery->n_before = delivery->n_sent;
        delivery->bytes_asked = delivery->bytes_sent;
        sd_bus_call_method_async(callers_manager(caller->callers)->bus, &delivery->query, "org.freedesktop.DBus",
                                 "/org/freedesktop/DBus", "org.freedesktop.DBus.Debug.Stats", "GetConnectionStats",
                                 delivery_told, delivery, "s", caller->name);
}

static void deliveries_ask(Deliveries *deliveries)
{
        Delivery *delivery;

        LIST_FOREACH(delivery, &deliveries->sent, others)
                delivery_ask(delivery);
}

static void refuse_late(Deliveries *deliveries, uint64_t now)
{
        Call *call, *next;

        for (call = TAILQ_FIRST(&deliveries->waits); call; call = next) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                next = TAILQ_NEXT(call, waiting);
                if (call->delivery_deadline_usec > now)
                        continue;
                error_set(&error, ERROR_LIMIT_REACHED,
                          "too many descriptors were answered that nobody has read yet (at most %u of one user)",
                          (unsigned)FDS_PER_UID);
                call_reply_error(call, -EDQUOT, &error);
        }
}

static int deliveries_look_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        Deliveries *deliveries = userdata;

        refuse_late(deliveries, usec);
        if (TAILQ_EMPTY(&deliveries->waits))
                return 0;
        deliveries_ask(deliveries);
        if (deliveries->look_usec < LAST_LOOK_USEC)
                deliveries->look_usec *= 2;
        int r = sd_event_source_set_time_relative(source, deliveries->look_usec);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int deliveries_look_soon(Deliveries *deliveries)
{
        deliveries_ask(deliveries);
        deliveries->look_usec = FIRST_LOOK_USEC;
        if (!deliveries->look)
                return sd_event_add_time_relative(deliveries->manager->event, &deliveries->look, CLOCK_MONOTONIC,
                                                  FIRST_LOOK_USEC, 0, deliveries_look_again, deliveries);
        int r = sd_event_source_set_time_relative(deliveries->look, FIRST_LOOK_USEC);
        return r < 0 ? r : sd_event_source_set_enabled(deliveries->look, SD_EVENT_ONESHOT);
}

/* ---- descriptors ---- */

int delivery_promise(Call *call)
{
        Deliveries *deliveries = call->manager->deliveries;
        unsigned n = n_fds_of(call->method);
        uint64_t now;

        if (n == 0 || call->n_promised > 0 || call->caller->peer)
                return 1;
        if (has_room(call->caller, n)) {
                promise(call);
                return 1;
        }
        int r = sd_event_now(call->manager->event, CLOCK_MONOTONIC, &now);
        if (r >= 0 && TAILQ_EMPTY(&deliveries->waits))
                r = deliveries_look_soon(deliveries);
        if (r < 0)
                return r;
        call->delivery_deadline_usec = now + PATIENCE_USEC;
        TAILQ_INSERT_TAIL(&deliveries->waits, call, waiting);
        return 0;
}

void delivery_sent(Call *call)
{
        Delivery *delivery = &call->caller->delivery;

        delivery_set_sent(delivery, delivery->n_sent + call->n_promised);
        call->n_promised = 0;
}

void delivery_cancel(Call *call)
{
        if (call->delivery_deadline_usec)
                stop_waiting(call);
        if (call->n_promised == 0)
                return;
        count_fds(call->caller, -(int)call->n_promised);
        call->n_promised = 0;
        deliveries_look(call->manager->deliveries);
}

/* ---- the last resort ---- */

static int jam_ask(Deliveries *deliveries);

/* It is asked twice, since we may have been stopped while it answered. What it keeps of us it forgets when we go. */
static int jam_told(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Deliveries *deliveries = userdata;
        Manager *manager = deliveries->manager;

        deliveries->jam_query = sd_bus_slot_unref(deliveries->jam_query);
        deliveries->n_unanswered = sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY)
                                           ? deliveries->n_unanswered + 1
                                           : 0;
        if (deliveries->n_unanswered == 0)
                return 0;
        if (deliveries->n_unanswered == 1)
                return jam_ask(deliveries);
        log_failure(-ETIMEDOUT, "answer anybody on", "the bus, which keeps too much that nobody has read");
        manager->is_cut_off = true;
        return sd_event_exit(manager->event, EXIT_FAILURE);
}

static int jam_ask(Deliveries *deliveries)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *query = NULL;
        sd_bus *bus = deliveries->manager->bus;
        int r = sd_bus_message_new_method_call(bus, &query, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                               "org.freedesktop.DBus", "GetId");

        return r < 0 ? r : sd_bus_call_async(bus, &deliveries->jam_query, query, jam_told, deliveries, JAM_USEC);
}

static int jam_look(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Deliveries *deliveries = userdata;

        deliveries->jam_look = sd_event_source_disable_unref(deliveries->jam_look);
        jam_ask(deliveries);
        return 0;
}

/* There is something to answer: look whether the bus takes it, but not at each. */
static void jam_expect(Deliveries *deliveries)
{
        if (!deliveries->jam_look && !deliveries->jam_query)
                sd_event_add_time_relative(deliveries->manager->event, &deliveries->jam_look, CLOCK_MONOTONIC, JAM_USEC,
                                           0, jam_look, deliveries);
}

/* ---- bytes ---- */

/* The least that is more than an answer has. */
static size_t answer_bytes(const Manager *manager, sd_bus_message *message)
{
        static const struct {
                const char *member;
                size_t bytes, per_container;
        } large[] = {
                {"GetManagedObjects", 4096, 2048}, {"Introspect", 16384, 64},
                {"ListContainers", 1024, 192},     {"AttachContainer", 80 << 10, 0},
                {"Attach", 80 << 10, 0},           {"ReadContainerLog", 80 << 10, 0},
                {"ReadLog", 80 << 10, 0},          {"Describe", 1 << 20, 0},
                {"DescribeContainer", 1 << 20, 0}, {"GetContainerOSRelease", 64 << 10, 0},
                {"GetOSRelease", 64 << 10, 0},
        };
        const char *member = sd_bus_message_get_member(message) ?: "";

        for (unsigned i = 0; i < ELEMENTS(large); i++)
                if (strcmp(member, large[i].member) == 0)
                        return large[i].bytes + large[i].per_container * manager->n_containers;
        return 2048;
}

int delivery_admit(Delivery *delivery, sd_bus_message *message, sd_bus_error *error)
{
        Deliveries *deliveries = deliveries_of(delivery->caller);
        size_t bytes = answer_bytes(deliveries->manager, message);
        size_t most = BYTES_KEPT + 2 * bytes;
        bool is_known = delivery->bytes_sent < BYTES_UNTIL_ASKED || deliveries->bytes_sent < BYTES_UNKNOWN;

        jam_expect(deliveries);
        if (delivery->bytes_sent >= BYTES_UNTIL_ASKED || delivery->bytes_kept >= BYTES_KEPT)
                delivery_ask(delivery);
        if (delivery->bytes_kept > 2 * most)
                return 0;
        if (delivery->bytes_kept > most || !is_known)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "answers that were not read yet take too much (at most %zu bytes of one connection)",
                                 most);
        delivery->bytes_sent += bytes;
        deliveries->bytes_sent += bytes;
        return 1;
}

void delivery_done(Delivery *delivery)
{
        Deliveries *deliveries = deliveries_of(delivery->caller);

        delivery->query = sd_bus_slot_unref(delivery->query);
        count_fds(delivery->caller, -(int)delivery->n_sent);
        delivery_set_sent(delivery, 0);
        delivery_forget_bytes(delivery, delivery->bytes_sent);
        deliveries_look(deliveries);
}
