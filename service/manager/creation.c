/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/creation.h"

#include <string.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/keeper.h"
#include "manager/machined.h"
#include "manager/register.h"
#include "manager/scope.h"
#include "manager/spare.h"

struct Creation {
        Call *call;
        Manager *manager;
        CreationKind kind;
        Container *container;   /* ours until it runs */
        Container *predecessor; /* the exited container whose name we wait for */
        Keeper *dying;          /* the supervisor that still has it */
        SpareWait *awaited;     /* while there is no supervisor yet */
        sd_bus_slot *create_slot, *start_slot;
        Scope *scope;
        Registration *registration;
};

static void creation_fail(Creation *creation, int r, const sd_bus_error *error)
{
        call_reply_error(creation->call, r, error);
}

/* In the supervisor's words, or, where it was killed, ours: sd-bus would say that a connection was terminated. */
static void creation_refused(Creation *creation, sd_bus_message *reply)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const sd_bus_error *said = sd_bus_message_get_error(reply);

        if (sd_bus_error_has_name(said, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(said, SD_BUS_ERROR_DISCONNECTED)) {
                error_set(&error, ERROR_SETUP_FAILED, "the supervisor ended before the container ran");
                said = &error;
        }
        creation_fail(creation, -EIO, said);
}

Creation *creation_free(Creation *creation)
{
        if (!creation)
                return NULL;
        creation->call->creation = NULL;
        creation->call->caller->quota->n_creations--;
        spare_wait_free(creation->awaited);
        sd_bus_slot_unref(creation->create_slot);
        sd_bus_slot_unref(creation->start_slot);
        scope_free(creation->scope);
        registration_free(creation->registration);
        if (creation->predecessor)
                creation->predecessor->successor = NULL;
        if (creation->dying)
                creation->dying->successor = NULL;
        if (creation->container) {
                creation->container->creation = NULL;
                /* It goes with its scope, unless machined has only heard of it when the scope was gone. */
                if (creation->container->is_registered)
                        machine_unregister(creation->manager->bus, creation->container->name);
                container_free(creation->container);
        }
        free(creation);
        return NULL;
}

/* ---- the name ---- */

static int creation_exists(const char *name, sd_bus_error *error)
{
        return error_set(error, ERROR_CONTAINER_EXISTS, "container '%s' exists already", name);
}

/* A name can be used again as soon as its container has ended; by others only once that end has been told. */
static bool creation_may_follow(const Call *call, const Container *there)
{
        return there->state == STATE_EXITED && !there->successor &&
               (there->is_forgotten || call->caller->uid == 0 || call->caller->uid == there->owner);
}

/* Names are claimed before anybody has allowed anything: they are few. */
static int creation_require_name(const Call *call, sd_bus_error *error)
{
        if (call->caller->uid == 0 || call->caller->quota->n_names < NAMES_PER_UID)
                return 0;
        return error_set(error, ERROR_LIMIT_REACHED, "user %u is making %u containers already",
                         (unsigned)call->caller->uid, (unsigned)NAMES_PER_UID);
}

int creation_claim(Call *call, sd_bus_error *error)
{
        const char *name = call->spec->name;

        if (call->claim)
                return 0;
        Container *there = *name ? container_find(call->manager, name) : NULL;
        if (there && creation_may_follow(call, there))
                return 0;
        if (there)
                return creation_exists(name, error);
        int r = creation_require_name(call, error);
        if (r < 0)
                return r;
        r = claim_make(register_directory(call->manager->reg), name, &call->claim);
        if (r >= 0)
                call->caller->quota->n_names++;
        const Keeper *dying = r == -EEXIST ? keeper_dying(call->manager, name) : NULL;
        if (dying && !dying->successor)
                return 0;
        if (r == -EEXIST)
                return creation_exists(name, error);
        return r < 0 ? error_step(error, r, "make", "directory", *name ? name : CONTAINERS_DIRECTORY) : 0;
}

/* ---- the answer ---- */

static int creation_append_answer(Creation *creation, sd_bus_message *reply, sd_bus_message *started)
{
        Container *container = creation->container;
        int console, lease;
        int r = sd_bus_message_append(reply, "so", container->name, container->path);

        if (r < 0 || creation->kind == CREATION_DETACHED)
                return r;
        r = sd_bus_message_read(started, "hh", &console, &lease);
        return r < 0 ? r : sd_bus_message_append(reply, "hh", console, lease);
}

/* The leader has become the command. From here the container is its own, and the call only has to be answered. */
static int creation_started(sd_bus_message *started, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Creation *creation = userdata;
        Call *call = creation->call;
        Container *container = creation->container;

        if (sd_bus_message_is_method_error(started, NULL)) {
                creation_refused(creation, started);
                return 0;
        }
        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = creation_append_answer(creation, reply, started);
        if (r < 0) {
                creation_fail(creation, r, NULL);
                return 0;
        }
        container->creation = NULL;
        creation->container = NULL;
        container->state = STATE_RUNNING;
        if (container->told.state == STATE_STARTING) /* of this the answer is all that we are told */
                container->told.state = STATE_RUNNING;
        container->has_terminal = call->spec->terminal;
        container->is_confined = call->confinement.is_confined;
        container->is_attached = creation->kind == CREATION_ATTACHED;
        /* Who waits is answered first: everybody is told afterwards. */
        call_reply(call, TAKE_PTR(reply));
        container_publish(container);
        if (!container->manager->is_direct) /* which mostly makes one */
                spare_prepare(container->manager);
        if (container->told.state == STATE_EXITED)
                container_ended(container, container->told.result, container->told.status);
        return 0;
}

/* ---- the steps ---- */

static void creation_ask_start(Creation *creation)
{
        Container *container = creation->container;
        int r = link_call(container->link, SUPERVISOR_INTERFACE, "Start", creation_started, creation,
                          &creation->start_slot, "sb", container->unit ?: "", (int)container->is_registered);

        if (r < 0)
                creation_fail(creation, r, NULL);
}

static void creation_registered(void *userdata, int r, const sd_bus_error *error)
{
        Creation *creation = userdata;

        creation->registration = registration_free(creation->registration);
        creation->container->is_registered = r > 0;
        if (r < 0)
                creation_fail(creation, r, error);
        else
                creation_ask_start(creation);
}

/* machined lists machines of systemd's scopes; where there are none, only who insists is told that it isn't there. */
static void creation_register(Creation *creation)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const Container *container = creation->container;
        const MachineInput input = {
                .name = container->name,
                .id = container->id,
                .leader = container->leader,
                .interfaces = container->interfaces.indexes,
                .n_interfaces = container->interfaces.n,
                .mode = creation->call->spec->registration,
        };

        if (input.mode == REGISTER_NO || (input.mode == REGISTER_AUTO && !creation->manager->has_systemd)) {
                creation_ask_start(creation);
                return;
        }
        int r = machine_register(creation->manager->bus, &input, creation_registered, creation, &creation->registration,
                                 &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

static void creation_scoped(void *userdata, int r, const sd_bus_error *error)
{
        Creation *creation = userdata;

        creation->scope = scope_free(creation->scope);
        if (r < 0) {
                creation_fail(creation, r, error);
                return;
        }
        free(creation->container->unit);
        creation->container->unit = scope_unit_name(creation->container->name);
        creation_register(creation);
}

static void creation_make_scope(Creation *creation)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const Container *container = creation->container;
        const Spec *spec = creation->call->spec;
        const ScopeInput input = {
                .name = container->name,
                .supervisor = container->supervisor,
                .leader = container->leader,
                .owner = container->owner,
                .is_confined = creation->call->confinement.is_confined,
                .properties = spec->properties,
                .n_properties = spec->n_properties,
        };

        if (!creation->manager->has_systemd) {
                creation_register(creation);
                return;
        }
        int r = scope_start(creation->manager->bus, &input, creation_scoped, creation, &creation->scope, &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

static int creation_read_created(Creation *creation, sd_bus_message *reply)
{
        Container *container = creation->container;
        const char *name;
        int r = sd_bus_message_read(reply, "us", &container->leader, &name);

        if (r >= 0)
                r = container_read_created(container, reply);
        if (r < 0)
                return r;
        r = container_open_leader(container);
        if (r < 0 && r != -ESRCH) /* of a set-up that has failed already the supervisor tells the reason */
                return r;
        return container_rename(container, name);
}

static int creation_created(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Creation *creation = userdata;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                creation_refused(creation, reply);
                return 0;
        }
        int r = creation_read_created(creation, reply);
        if (r < 0)
                creation_fail(creation, error_step(&error, r, "hold", "the leader", NULL), &error);
        else
                creation_make_scope(creation);
        return 0;
}

static int creation_append_caller(Creation *creation, sd_bus_message *request)
{
        const Call *call = creation->call;
        const Identity *identity = &call->confinement.identity;
        int r = sd_bus_message_append(request, "(uuus)", (uint32_t)call->caller->uid, (uint32_t)identity->gid,
                                      (uint32_t)call->caller->pid, caller_name(call->caller));

        if (r >= 0)
                r = sd_bus_message_append_array(request, 'u', identity->groups, identity->n_groups * sizeof(gid_t));
        if (r >= 0)
                r = sd_bus_message_append(request, "bb", (int)call->confinement.is_confined,
                                          (int)(creation->kind == CREATION_ATTACHED));
        return r;
}

static int creation_ask_create(Creation *creation)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *request = NULL;
        Container *container = creation->container;
        int r = link_request(container->link, "Create", &request);

        if (r >= 0)
                r = spec_append(creation->call->spec, request);
        if (r >= 0)
                r = creation_append_caller(creation, request);
        if (r < 0)
                return r;
        return link_send(container->link, request, creation_created, creation, UINT64_MAX, &creation->create_slot);
}

/* Nobody answers it: if it fails, so does Create. */
static int creation_assign(const Creation *creation)
{
        const Claim *claim = creation->call->claim;

        return link_call(creation->container->link, SUPERVISOR_INTERFACE, "Assign", NULL, NULL, NULL, "sh", claim->name,
                         claim->directory);
}

/* Gives the container to a supervisor that had none: what is claimed is its own from here. */
static int creation_supervise(Creation *creation, Started *started, sd_bus_error *error)
{
        Container *container = creation->container;
        int r = keeper_begin(container, started->pidfd, started->pid);

        started->pidfd = -EBADF;
        if (r < 0) {
                started_end(started);
                return error_step(error, r, "hold", "the supervisor", NULL);
        }
        container_take_link(container, TAKE_PTR(started->link));
        r = creation_assign(creation);
        if (r < 0)
                return error_step(error, r, "speak to", "the supervisor", NULL);
        claim_hand_over(creation->call->claim);
        r = creation_ask_create(creation);
        return r < 0 ? error_step(error, r, "ask", "the supervisor", NULL) : 0;
}

static void creation_supervised(void *userdata, int r, Started *started)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Creation *creation = userdata;

        creation->awaited = NULL;
        r = r < 0 ? error_step(&error, r, "execute", "pflask-supervisor", NULL)
                  : creation_supervise(creation, started, &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

static int creation_make_container(Creation *creation, sd_bus_error *error)
{
        Call *call = creation->call;
        Container *container;
        Started started;

        int r = container_new(creation->manager, call->claim->name, &container);
        if (r < 0)
                return r == -EEXIST ? creation_exists(call->claim->name, error)
                                    : error_step(error, r, "make", "container", NULL);
        creation->container = container;
        container->creation = creation;
        container->owner = call->caller->uid;
        if (spare_take(call->manager, &started) > 0)
                return creation_supervise(creation, &started, error);
        r = spare_await(call->manager, creation_supervised, creation, &creation->awaited);
        return r < 0 ? error_step(error, r, "execute", "pflask-supervisor", NULL) : 0;
}

/* Who had the name has gone while authority was asked for, or is about to go. */
static int creation_claim_late(Creation *creation, sd_bus_error *error)
{
        int r = creation_claim(creation->call, error);

        if (r < 0)
                return r;
        if (creation->call->claim)
                return creation_make_container(creation, error);
        creation->dying = keeper_dying(creation->manager, creation->call->spec->name);
        creation->dying->successor = creation;
        return 0;
}

int creation_start(Call *call, CreationKind kind, sd_bus_error *error)
{
        if (call->spec->n_properties > 0 && !call->manager->has_systemd)
                return error_set(error, ERROR_NOT_SUPPORTED,
                                 "option 'Properties' sets limits of a scope, and there is no systemd to make one");
        Creation *creation = calloc(1, sizeof(*creation));

        if (!creation)
                return -ENOMEM;
        *creation = (Creation){.call = call, .manager = call->manager, .kind = kind};
        call->creation = creation;
        call->caller->quota->n_creations++;
        if (call->claim) {
                int r = creation_make_container(creation, error);
                return r < 0 ? r : CALL_LATER;
        }
        Container *predecessor = container_find(call->manager, call->spec->name);
        if (predecessor && !creation_may_follow(call, predecessor))
                return creation_exists(call->spec->name, error);
        if (!predecessor) {
                int r = creation_claim_late(creation, error);
                return r < 0 ? r : CALL_LATER;
        }
        creation->predecessor = predecessor;
        predecessor->successor = creation;
        container_forget(predecessor);
        return CALL_LATER;
}

void creation_name_is_free(Creation *creation)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        creation->predecessor = NULL;
        creation->dying = NULL;
        int r = creation_claim_late(creation, &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

void creation_supervisor_lost(Creation *creation)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        error_set(&error, ERROR_SETUP_FAILED, "the supervisor of '%s' ended during the set-up",
                  creation->container->name);
        creation_fail(creation, -EIO, &error);
}
