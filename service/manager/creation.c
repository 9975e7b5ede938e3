/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/creation.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "container/ceiling.h"
#include "manager/container.h"
#include "manager/eviction.h"
#include "manager/handover.h"
#include "manager/keeper.h"
#include "manager/machined.h"
#include "manager/register.h"
#include "manager/scope.h"
#include "manager/spare.h"
#include "manager/vacancy.h"

struct Creation {
        Call *call;
        Manager *manager;
        CreationKind kind;
        Container *container;   /* ours until it runs */
        Container *predecessor; /* the exited container whose name we wait for */
        SpareWait *awaited;     /* while there is no supervisor yet */
        Vacancy *vacancy;       /* somebody else has the name, who may be about to leave it */
        sd_event_source *deadline;
        const char *awaits; /* what goes on now, for who is told that it took too long */
        sd_bus_slot *create_slot, *start_slot;
        Scope *scope;
        Registration *registration;
};

static const char ended[] = "the supervisor ended before the container ran";
static const char set_up[] = "the set-up by its supervisor";

static void creation_fail(Creation *creation, int r, const sd_bus_error *error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error gone = SD_BUS_ERROR_NULL;

        if ((!error || !sd_bus_error_is_set(error)) && (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)) {
                error_set(&gone, ERROR_SETUP_FAILED, ended);
                error = &gone;
        }
        call_reply_error(creation->call, r, error);
}

/* Whatever hangs, in a file system or in a process that somebody stopped: nobody waits for ever, and the name is free. */
static int creation_late(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Creation *creation = userdata;
        const char *name = creation->container ? creation->container->name : creation->call->spec->name;

        error_set(&error, ERROR_SETUP_FAILED, "container '%s' did not run in time (StartTimeoutSec=): it waited for %s",
                  name, creation->awaits);
        if (creation->awaited)
                creation->awaited = spare_wait_too_long(creation->awaited);
        creation_fail(creation, -ETIMEDOUT, &error);
        return 0;
}

static int creation_set_deadline(Creation *creation)
{
        const Manager *manager = creation->manager;

        if (manager->start_usec == 0)
                return 0;
        return sd_event_add_time_relative(manager->event, &creation->deadline, CLOCK_MONOTONIC, manager->start_usec, 0,
                                          creation_late, creation);
}

/* In the supervisor's words, or, where it was killed, ours: sd-bus would say that a connection was terminated. */
static void creation_refused(Creation *creation, sd_bus_message *reply)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const sd_bus_error *said = sd_bus_message_get_error(reply);

        if (sd_bus_error_has_name(said, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(said, SD_BUS_ERROR_DISCONNECTED)) {
                error_set(&error, ERROR_SETUP_FAILED, ended);
                said = &error;
        }
        creation_fail(creation, -EIO, said);
}

static void creation_withdraw(const Creation *creation, Container *container)
{
        keeper_expect_end(container);
        if (creation->scope || container->unit)
                scope_stop(creation->manager->bus, container->name);
        if (container->is_registered)
                machine_unregister(creation->manager->bus, container->name);
}

/*
 * Its supervisor goes with the link to it, and with that everything else: but for a scope that both were put into while
 * they died, and a machine that machined has only heard of when the scope was gone.
 */
static void creation_give_up(Creation *creation)
{
        Container *container = creation->container;

        container->creation = NULL;
        creation_withdraw(creation, container);
        container_free(container);
}

Creation *creation_free(Creation *creation)
{
        if (!creation)
                return NULL;
        creation->call->creation = NULL;
        creation->call->caller->quota->n_creations--;
        sd_event_source_disable_unref(creation->deadline);
        spare_wait_free(creation->awaited);
        sd_bus_slot_unref(creation->create_slot);
        sd_bus_slot_unref(creation->start_slot);
        registration_free(creation->registration);
        if (creation->predecessor)
                creation->predecessor->successor = NULL;
        vacancy_free(creation->vacancy);
        if (creation->container)
                creation_give_up(creation);
        scope_free(creation->scope);
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

/*
 * Another manager's, of which it isn't known yet what it is; or the caller's own, whose end, which the caller may have
 * seen, is still on its way to us.
 */
static bool creation_must_wait(const Call *call, const Container *there)
{
        if (there->creation)
                return false;
        return !there->is_published ||
               (container_is_ending(there) && (call->caller->uid == 0 || call->caller->uid == there->owner));
}

/*
 * Who may have a name is not decided while polkit is asked, and that can be for as long as somebody keeps a prompt open.
 * Others wait for that; root does not.
 */
static int creation_make_claim(Call *call, const char *name)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int directory = register_directory(call->manager->reg);
        int r = claim_make(directory, name, &call->claim);

        if (r == -EEXIST && eviction_of(call->manager, name) >= 0)
                r = claim_make(directory, name, &call->claim);
        if (r != -EEXIST || call->caller->uid != 0)
                return r;
        Call *other = callers_find_claim(call->manager->callers, name);
        if (!other)
                return r;
        call_reply_error(other, creation_exists(name, &error), &error);
        return claim_make(directory, name, &call->claim);
}

int creation_claim(Call *call, sd_bus_error *error)
{
        const char *name = call->spec->name;

        if (call->claim)
                return 0;
        Container *there = *name ? container_find(call->manager, name) : NULL;
        if (there && (creation_must_wait(call, there) || creation_may_follow(call, there)))
                return 0;
        if (there)
                return creation_exists(name, error);
        int r = creation_require_name(call, error);
        if (r < 0)
                return r;
        FAULT_POINT(CREATE_BEGUN);
        r = creation_make_claim(call, name);
        FAULT_POINT(CREATE_CLAIMED);
        if (r >= 0)
                call->caller->quota->n_names++;
        if (r == -EEXIST) /* whoever has it may be about to leave it */
                return 0;
        return r < 0 ? error_step(error, r, "make", "directory", *name ? name : CONTAINERS_DIRECTORY) : 0;
}

/* ---- the answer ---- */

static int creation_append_answer(Creation *creation, sd_bus_message *reply, sd_bus_message *started, int *ret_lease)
{
        Container *container = creation->container;
        int console;
        int r = sd_bus_message_append(reply, "so", container->name, container->path);

        if (r >= 0)
                r = sd_bus_message_read(started, "hh", &console, ret_lease);
        if (r < 0 || creation->kind == CREATION_DETACHED)
                return r;
        return sd_bus_message_append(reply, "hh", console, *ret_lease);
}

/*
 * Its supervisor has been told that it is somebody's, but whoever asked for it cannot be, and hears that there is none.
 * Until its supervisor has gone we know it, so that nobody finds it.
 */
static void creation_take_back(Creation *creation, Container *container, int r)
{
        container->is_forgotten = true;
        if (link_call(container->link, SUPERVISOR_INTERFACE, "Disown", NULL, NULL, NULL, NULL) < 0)
                process_signal(container->keeper->pidfd, SIGKILL);
        creation_withdraw(creation, container);
        creation_fail(creation, r, NULL);
}

/*
 * The leader has become the command. From here the container is its own, as soon as the call has been answered; where
 * the lease isn't part of the answer, just before: whoever has been told of a container shall find it.
 */
static int creation_started(sd_bus_message *started, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Creation *creation = userdata;
        Call *call = creation->call;
        Container *container = creation->container;
        CreationKind kind = creation->kind;
        int lease;

        if (sd_bus_message_is_method_error(started, NULL)) {
                creation_refused(creation, started);
                return 0;
        }
        FAULT_POINT(CREATE_STARTED);
        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = creation_append_answer(creation, reply, started, &lease);
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
        container->is_attached = kind == CREATION_ATTACHED;
        r = kind == CREATION_DETACHED ? handover_say(lease) : 0;
        FAULT_POINT(CREATE_CERTAIN);
        /* Who waits is answered first: everybody is told afterwards. */
        if (r >= 0)
                r = call_try_reply(call, TAKE_PTR(reply), kind == CREATION_ATTACHED ? lease : -EBADF);
        if (r < 0) {
                creation_take_back(creation, container, r);
                return 0;
        }
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
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *request = NULL;
        const Container *container = creation->container;
        int r = link_request(container->link, SUPERVISOR_INTERFACE, "Start", &request);

        creation->awaits = set_up;
        if (r >= 0)
                r = sd_bus_message_append(request, "sbt", container->unit ?: "", (int)container->is_registered,
                                          creation->manager->stop_usec);
        if (r >= 0)
                r = link_send(container->link, request, creation_started, creation, UINT64_MAX, &creation->start_slot);

        FAULT_POINT(CREATE_START);
        if (r < 0)
                creation_fail(creation, r, NULL);
}

static void creation_registered(void *userdata, int r, const sd_bus_error *error)
{
        Creation *creation = userdata;

        FAULT_POINT(MACHINE_MADE);
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
        creation->awaits = "systemd-machined";
        int r = machine_register(creation->manager->bus, &input, creation_registered, creation, &creation->registration,
                                 &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

static void creation_scoped(void *userdata, int r, const sd_bus_error *error)
{
        Creation *creation = userdata;

        FAULT_POINT(SCOPE_MADE);
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
                .stop_usec = creation->manager->stop_usec,
                .properties = spec->properties,
                .n_properties = spec->n_properties,
        };

        if (!creation->manager->has_systemd) {
                creation_register(creation);
                return;
        }
        creation->awaits = "systemd's scope";
        int r = scope_start(creation->manager->bus, &input, creation_scoped, creation, &creation->scope, &error);
        FAULT_POINT(SCOPE_ASKED);
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
        FAULT_POINT(CREATE_CLONED);
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
        int r = link_request(container->link, SUPERVISOR_INTERFACE, "Create", &request);

        creation->awaits = set_up;
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
                started_end(creation->manager, started);
                return error_step(error, r, "hold", "the supervisor", NULL);
        }
        container_take_link(container, TAKE_PTR(started->link));
        FAULT_POINT(CREATE_SPAWNED);
        r = creation_assign(creation);
        FAULT_POINT(CREATE_ASSIGNED);
        if (r < 0)
                return error_step(error, r, "speak to", "the supervisor", NULL);
        claim_hand_over(creation->call->claim);
        r = creation_ask_create(creation);
        FAULT_POINT(CREATE_ASKED);
        return r < 0 ? error_step(error, r, "ask", "the supervisor", NULL) : 0;
}

static int creation_without_supervisor(int r, sd_bus_error *error)
{
        Failure failure;

        if (r == -ECHILD)
                return error_set(error, ERROR_SETUP_FAILED, ended);
        if (r != -EAGAIN)
                return error_step(error, r, "execute", "pflask-supervisor", NULL);
        ceiling_failure(&failure, r, "a supervisor", 0, -EBADF);
        return failure_to_bus_error(&failure, error);
}

static void creation_supervised(void *userdata, int r, Started *started)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Creation *creation = userdata;

        creation->awaited = NULL;
        r = r < 0 ? creation_without_supervisor(r, &error) : creation_supervise(creation, started, &error);
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
        creation->awaits = "a supervisor";
        if (spare_take(call->manager, &started) > 0)
                return creation_supervise(creation, &started, error);
        r = spare_await(call->manager, creation_supervised, creation, &creation->awaited);
        return r < 0 ? creation_without_supervisor(r, error) : 0;
}

static void creation_look(void *userdata, bool is_late);

/* The name is ours, or its former owner is sent away, or we wait for what becomes of who has it. */
static int creation_take_name(Creation *creation, bool is_late, sd_bus_error *error)
{
        Call *call = creation->call;
        int r = creation_claim(call, error);

        if (r < 0)
                return r;
        if (call->claim) {
                creation->vacancy = vacancy_free(creation->vacancy);
                return creation_make_container(creation, error);
        }
        Container *there = container_find(creation->manager, call->spec->name);
        if (there && !creation_must_wait(call, there)) {
                creation->vacancy = vacancy_free(creation->vacancy);
                creation->predecessor = there;
                there->successor = creation;
                container_forget(there);
                return 0;
        }
        if (is_late)
                return creation_exists(call->spec->name, error);
        return creation->vacancy ? 0 : vacancy_await(creation->manager, creation_look, creation, &creation->vacancy);
}

static void creation_look(void *userdata, bool is_late)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Creation *creation = userdata;

        int r = creation_take_name(creation, is_late, &error);
        if (r < 0)
                creation_fail(creation, r, &error);
}

int creation_start(Call *call, CreationKind kind, sd_bus_error *error)
{
        if (call->spec->n_properties > 0 && !call->manager->has_systemd)
                return error_set(error, ERROR_NOT_SUPPORTED,
                                 "option 'Properties' sets limits of a scope, and there is no systemd to make one");
        Creation *creation = calloc(1, sizeof(*creation));

        if (!creation)
                return -ENOMEM;
        *creation = (Creation){.call = call, .manager = call->manager, .kind = kind, .awaits = "its name"};
        call->creation = creation;
        call->caller->quota->n_creations++;
        int r = creation_set_deadline(creation);
        if (r >= 0)
                r = call->claim ? creation_make_container(creation, error) : creation_take_name(creation, false, error);
        return r < 0 ? r : CALL_LATER;
}

void creation_name_is_free(Creation *creation)
{
        creation->predecessor = NULL;
        creation_look(creation, false);
}

void creation_supervisor_lost(Creation *creation)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        error_set(&error, ERROR_SETUP_FAILED, "the supervisor of '%s' ended during the set-up",
                  creation->container->name);
        creation_fail(creation, -EIO, &error);
}
