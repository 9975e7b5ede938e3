/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/call.h"

#include <string.h>

#include "common/error.h"
#include "common/name.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/creation.h"
#include "manager/delivery.h"
#include "manager/handover.h"
#include "manager/log.h"
#include "manager/pace.h"

static Call *call_new(Manager *manager, Caller *caller, sd_bus_message *message, const Method *method, size_t bytes)
{
        Call *call = calloc(1, sizeof(*call));

        if (!call)
                return NULL;
        *call = (Call){.manager = manager, .caller = caller, .message = sd_bus_message_ref(message), .method = method};
        call->bytes = bytes;
        caller_add(caller, call);
        manager_touch(manager);
        return call;
}

Call *call_free(Call *call)
{
        if (!call)
                return NULL;
        Manager *manager = call->manager;
        pace_cancel(call);
        caller_remove(call->caller, call);
        if (call->waits_for)
                TAILQ_REMOVE(&call->waits_for->waits, call, waiting);
        if (call->asks)
                container_cancel(call->asks, call);
        delivery_cancel(call);
        creation_free(call->creation);
        authority_done(&call->authority, manager->bus);
        claim_free(call->claim);
        sd_bus_slot_unref(call->slot);
        sd_event_source_disable_unref(call->again);
        spec_free(call->spec);
        execution_free(call->execution);
        confinement_done(&call->confinement);
        sd_bus_message_unref(call->message);
        free(call);
        manager_touch(manager);
        return NULL;
}

static int call_find_container(Call *call, Container *container, sd_bus_error *error)
{
        const char *name;

        if (!call->method->is_by_name) {
                call->container = container;
                return container && container->is_published
                               ? 0
                               : error_set(error, ERROR_NO_SUCH_CONTAINER, "the container has gone");
        }
        int r = sd_bus_message_read_basic(call->message, 's', &name);
        if (r < 0)
                return r;
        if (!name_is_valid(name))
                return error_set(error, ERROR_INVALID_NAME, "invalid name '%s'", name);
        call->container = container_find(call->manager, name);
        /* One that is still being made, or read, has no id yet by which an authority's answer could be known for its. */
        if (!call->container || !call->container->is_published)
                return error_set(error, ERROR_NO_SUCH_CONTAINER, "no container '%s'", name);
        return 0;
}

/* What an ordinary user may do is decided by what the user database grants: for those calls it has to be known. */
static int call_require_account(Call *call, sd_bus_error *error)
{
        bool is_own = call->method->owner != OWNER_IRRELEVANT && call->container &&
                      call->container->owner == call->caller->uid;

        if (call->caller->uid == 0 || (call->method->action != ACTION_RUN && !is_own))
                return 1;
        int r = caller_account(call->caller);
        call->is_parked = r == 0;
        if (r < 0)
                return error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "cannot ask the user database about user %u: %s",
                                 (unsigned)call->caller->uid, strerror(-r));
        return r;
}

/* The steps of a method, each time from the first. Return: as an act(), 0 when the call comes again; -errno. */
static int call_run(Call *call, Container *container, sd_bus_error *error)
{
        const Method *method = call->method;

        if (method->has_container) {
                int r = call_find_container(call, container, error);
                if (r < 0)
                        return r;
        }
        int r = call_require_account(call, error);
        if (r <= 0)
                return r;
        if (method->read) {
                r = method->read(call, error);
                if (r < 0)
                        return r;
        }
        r = authority_check(call, error);
        if (r < 0)
                log_refused(call, error);
        if (r > 0)
                r = delivery_promise(call);
        return r <= 0 ? r : method->act(call, error);
}

/* The same, and its failure is the answer. */
static void call_proceed(Call *call, Container *container)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = pace_admit(call);

        if (r > 0)
                r = call_run(call, container, &error);
        if (r < 0)
                call_reply_error(call, r, &error);
}

/* A call has to find a place before it is kept. */
static int call_find_place(const Caller *caller, sd_bus_message *message, size_t *ret_bytes, sd_bus_error *error)
{
        int r = message_weigh(message, BYTES_PER_CALL, ret_bytes);

        if (r == -E2BIG)
                return error_set(error, ERROR_LIMIT_REACHED, "the arguments of a call may take at most %zu bytes",
                                 BYTES_PER_CALL);
        if (r == -EBADMSG) /* all that a bus lets through and sd-bus doesn't */
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a handle came without its descriptor");
        return r < 0 ? r : quota_check(caller->quota, 1, *ret_bytes, error);
}

/* Takes a call in. Return: 1 to go on, 0 to wait for the caller's identity. */
static int call_enter(Manager *manager, sd_bus_message *message, const Method *method, Call **ret, sd_bus_error *error)
{
        Caller *caller;
        size_t bytes;
        int known = caller_of(manager->callers, message, &caller);

        if (known < 0)
                return error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "cannot find out who is calling: %s",
                                 strerror(-known));
        int r = call_find_place(caller, message, &bytes, error);
        if (r < 0) {
                caller_release(caller);
                return r;
        }
        *ret = call_new(manager, caller, message, method, bytes);
        if (!*ret)
                return -ENOMEM;
        (*ret)->is_parked = !known;
        return known;
}

int call_dispatch(Manager *manager, sd_bus_message *message, const Method *method, Container *container,
                  sd_bus_error *error)
{
        Call *call = NULL;
        int r = call_enter(manager, message, method, &call, error);

        if (r > 0)
                call_proceed(call, container);
        return r < 0 ? r : 1;
}

/* What the object is that it was sent to. By now it may be that of another container, or of none. */
static Container *call_object(const Call *call)
{
        _cleanup_(freep) char *name = NULL;

        if (sd_bus_path_decode(sd_bus_message_get_path(call->message), CONTAINER_PATH_PREFIX, &name) <= 0)
                return NULL;
        return container_find(call->manager, name);
}

void call_resume(Call *call)
{
        int r = sd_bus_message_rewind(call->message, true);

        if (r < 0)
                call_reply_error(call, r, NULL);
        else
                call_proceed(call, call_object(call));
}

static int call_comes_again(sd_event_source *source _unused_, void *userdata)
{
        Call *call = userdata;

        call->again = sd_event_source_disable_unref(call->again);
        call_resume(call);
        return 0;
}

void call_again(Call *call)
{
        call->is_parked = false;
        call->container = NULL;
        call->spec = spec_free(call->spec);
        call->execution = execution_free(call->execution);
        int r = sd_event_add_defer(call->manager->event, &call->again, call_comes_again, call);
        if (r < 0)
                call_reply_error(call, r, NULL);
}

/* What was wrong with the message, or wants memory, D-Bus has names for. Anything else failed us. */
static void call_explain(const Call *call, int r, sd_bus_error *error)
{
        if (r == -EINVAL || r == -EBADMSG || r == -ENXIO || r == -ENOMEM)
                sd_bus_error_set_errno(error, r);
        else
                error_step(error, r, "carry out", call->method->member, NULL);
}

int call_try_reply(Call *call, sd_bus_message *reply, int lease)
{
        int r = sd_bus_send(NULL, reply, NULL);

        sd_bus_message_unref(reply);
        if (r < 0)
                return r;
        delivery_sent(call);
        if (lease >= 0)
                handover_say_when_sent(call->manager, sd_bus_message_get_bus(call->message), lease);
        call_free(call);
        return CALL_ANSWERED;
}

int call_reply_with_lease(Call *call, sd_bus_message *reply, int lease)
{
        int r = call_try_reply(call, reply, lease);

        if (r < 0)
                call_reply_error(call, r, NULL);
        return CALL_ANSWERED;
}

int call_reply(Call *call, sd_bus_message *reply)
{
        return call_reply_with_lease(call, reply, -EBADF);
}

void call_reply_error(Call *call, int r, const sd_bus_error *error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error plain = SD_BUS_ERROR_NULL;

        if (!error || !sd_bus_error_is_set(error)) {
                call_explain(call, r, &plain);
                error = &plain;
        }
        r = sd_bus_reply_method_error(call->message, error);
        if (r < 0) /* once more, as what the kernel lacked for a moment; nobody else would ever answer */
                r = sd_bus_reply_method_error(call->message, error);
        if (r < 0 && sd_bus_is_open(sd_bus_message_get_bus(call->message)) > 0)
                log_failure(r, "answer", call->caller->name ?: "a peer");
        call_free(call);
}
