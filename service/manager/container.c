/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/container.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "common/record.h"
#include "manager/container-bus.h"
#include "manager/creation.h"
#include "manager/eviction.h"
#include "manager/keeper.h"
#include "manager/log.h"
#include "manager/machined.h"
#include "manager/register.h"
#include "manager/scope.h"
#include "manager/vacancy.h"

/* How long an end that nobody asks for is kept; the supervisors count the same. */
#define REMAINS_USEC (UINT64_C(60) * 1000000)

/* ---- the view ---- */

static int container_compare(const void *one, const void *other)
{
        return strcmp(((const Container *)one)->name, ((const Container *)other)->name);
}

Container *container_find(Manager *manager, const char *name)
{
        Container key = {.name = (char *)(uintptr_t)name};
        Container **found = tfind(&key, &manager->containers, container_compare);

        return found ? *found : NULL;
}

static int container_set_name(Container *container, const char *name)
{
        _cleanup_(freep) char *copy = strdup(name), *path = NULL;

        if (!copy)
                return -ENOMEM;
        int r = sd_bus_path_encode(CONTAINER_PATH_PREFIX, name, &path);
        if (r < 0)
                return r;
        free(container->name);
        free(container->path);
        container->name = TAKE_PTR(copy);
        container->path = TAKE_PTR(path);
        return 0;
}

static int container_insert(Container *container)
{
        Container **there = tsearch(container, &container->manager->containers, container_compare);

        if (!there)
                return -ENOMEM;
        return *there == container ? 0 : -EEXIST;
}

int container_new(Manager *manager, const char *name, Container **ret)
{
        Container *container = calloc(1, sizeof(*container));
        int r;

        if (!container)
                return -ENOMEM;
        *container = (Container){.manager = manager, .leader_fd = -EBADF};
        TAILQ_INIT(&container->waits);
        TAILQ_INIT(&container->questions);
        r = container_set_name(container, name);
        if (r >= 0)
                r = container_insert(container);
        if (r < 0) {
                free(container->name);
                free(container->path);
                free(container);
                return r;
        }
        TAILQ_INSERT_TAIL(&manager->list, container, others);
        manager->n_containers++;
        manager_touch(manager);
        *ret = container;
        return 0;
}

int container_rename(Container *container, const char *name)
{
        if (strcmp(container->name, name) == 0)
                return 0;
        if (container_find(container->manager, name))
                return -EEXIST;
        tdelete(container, &container->manager->containers, container_compare);
        int r = container_set_name(container, name);
        int inserted = container_insert(container);
        if (r >= 0 && container->keeper)
                r = keeper_rename(container->keeper, name);
        return r < 0 ? r : inserted;
}

/* Nobody can answer any more what the supervisor was asked. */
static void container_drop_questions(Container *container)
{
        while (!TAILQ_EMPTY(&container->questions)) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                error_set(&error, ERROR_NOT_RUNNING, "container '%s' ended before its supervisor could answer",
                          container->name);
                call_reply_error(TAILQ_FIRST(&container->questions), -EHOSTDOWN, &error);
        }
}

void container_unlink(Container *container)
{
        container_drop_questions(container);
        container->query = sd_bus_slot_unref(container->query);
        container->registration = registration_free(container->registration);
        container->link = link_free(container->link);
}

static void container_withdraw(Container *container)
{
        Manager *manager = container->manager;

        if (!container->is_published)
                return;
        container->is_published = false;
        sd_bus_emit_signal(manager->bus, MANAGER_PATH, MANAGER_INTERFACE, "ContainerRemoved", "so", container->name,
                           container->path);
        sd_bus_emit_interfaces_removed(manager->bus, container->path, CONTAINER_INTERFACE, NULL);
        sd_bus_emit_properties_changed(manager->bus, MANAGER_PATH, MANAGER_INTERFACE, "NContainers", NULL);
}

static int wait_reply(const Container *container, Call *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call->message, &reply);

        if (r >= 0)
                r = sd_bus_message_append(reply, "si", result_name(container->result), container->exit_status);
        if (r < 0)
                return r;
        return call_try_reply(call, TAKE_PTR(reply), -EBADF);
}

/* Return: whether it is on its way. */
static bool container_answer_wait(Container *container, Call *call)
{
        FAULT_POINT(EXIT_TELLING);
        TAILQ_REMOVE(&container->waits, call, waiting);
        call->waits_for = NULL;
        int r = wait_reply(container, call);
        if (r < 0)
                call_reply_error(call, r, NULL);
        return r >= 0;
}

/* Who has heard how it ended knows it, also where another manager was faster, and has told its owner. */
static void container_answer_last_waits(Container *container)
{
        while (!TAILQ_EMPTY(&container->waits)) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                if (container->state == STATE_EXITED) {
                        container_answer_wait(container, TAILQ_FIRST(&container->waits));
                        continue;
                }
                error_set(&error, ERROR_NO_SUCH_CONTAINER, "container '%s' is gone", container->name);
                call_reply_error(TAILQ_FIRST(&container->waits), -ENXIO, &error);
        }
}

Container *container_free(Container *container)
{
        if (!container)
                return NULL;
        Manager *manager = container->manager;
        Creation *successor = container->successor;
        bool was_seen = container->is_published;

        tdelete(container, &manager->containers, container_compare);
        TAILQ_REMOVE(&manager->list, container, others);
        manager->n_containers--;
        container_withdraw(container);
        container_answer_last_waits(container);
        if (container->is_loading)
                register_loaded_one(manager->reg);
        container_unlink(container);
        keeper_let_go(container);
        sd_event_source_disable_unref(container->forget_timer);
        fd_close(container->leader_fd);
        if (container->remains)
                eviction_begin(manager, container->remains);
        free(container->interfaces.indexes);
        free(container->starters);
        free(container->unit);
        _cleanup_(freep) char *name = TAKE_PTR(container->name);
        free(container->path);
        free(container);
        if (successor)
                creation_name_is_free(successor);
        /* While we still saw the former one, another manager may have made the next of that name. */
        if (was_seen)
                register_look(manager->reg, name);
        vacancies_look(manager);
        manager_touch(manager);
        return NULL;
}

void container_publish(Container *container)
{
        Manager *manager = container->manager;

        if (container->is_published)
                return;
        container->is_published = true;
        log_container(container, LOG_CONTAINER_STARTED);
        sd_bus_emit_interfaces_added(manager->bus, container->path, CONTAINER_INTERFACE, NULL);
        sd_bus_emit_signal(manager->bus, MANAGER_PATH, MANAGER_INTERFACE, "ContainerNew", "so", container->name,
                           container->path);
        sd_bus_emit_properties_changed(manager->bus, MANAGER_PATH, MANAGER_INTERFACE, "NContainers", NULL);
        vacancies_look(manager);
}

/* ---- the end ---- */

/*
 * The owner is told, and whoever else waits, for after this nobody can be.
 *
 * Return: whether the container is to be forgotten: an owner has heard it.
 */
static bool container_tell_owner(Container *container)
{
        bool is_told = false;

        while (!TAILQ_EMPTY(&container->waits)) {
                Call *call = TAILQ_FIRST(&container->waits);
                bool is_owner = call->caller->uid == container->owner;
                is_told |= container_answer_wait(container, call) && is_owner;
        }
        FAULT_POINT(EXIT_TOLD);
        return is_told;
}

static int container_owner_is_there(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Call *call = userdata;
        Container *container = call->waits_for;
        int is_there = false;

        call->slot = sd_bus_slot_unref(call->slot);
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "b", &is_there) < 0)
                container_answer_wait(container, call); /* who may not have heard it can ask once more */
        else if (is_there && container_tell_owner(container))
                container_forget(container);
        return 0;
}

/*
 * The record goes when the owner has been answered, so it had better be somebody who can hear it: a client that was
 * killed may have taken its container along. The bus is asked first; one who has left is dropped when it says so.
 */
static void container_tell(Container *container, Call *call)
{
        if (call->caller->uid != container->owner) {
                container_answer_wait(container, call);
                return;
        }
        if (!call->slot && sd_bus_call_method_async(container->manager->bus, &call->slot, "org.freedesktop.DBus",
                                                    "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                                                    container_owner_is_there, call, "s", call->caller->name) < 0)
                container_answer_wait(container, call);
}

/*
 * Of a peer it can be seen at once whether it hears: one who doesn't is dropped when its end is read.
 *
 * Return: true when the owner has been told, and the container is to be forgotten; else it may be later.
 */
static bool container_tell_all(Container *container)
{
        Call *call, *next;
        bool is_owner_there = false;

        for (call = TAILQ_FIRST(&container->waits); call; call = next) {
                next = TAILQ_NEXT(call, waiting);
                if (!call->caller->peer || call->caller->uid != container->owner)
                        container_tell(container, call);
                else
                        is_owner_there |= caller_is_there(call->caller);
        }
        return is_owner_there && container_tell_owner(container);
}

int container_wait(Container *container, Call *call)
{
        call->waits_for = container;
        TAILQ_INSERT_TAIL(&container->waits, call, waiting);
        if (container->state == STATE_EXITED && container_tell_all(container))
                container_forget(container);
        return CALL_LATER;
}

static int container_remembered(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        container_forget(userdata);
        return 0;
}

/* The supervisor keeps the record as long, if it can: one that is ended with its scope cannot. */
static void container_remember_end(Container *container)
{
        if (sd_event_add_time_relative(container->manager->event, &container->forget_timer, CLOCK_BOOTTIME,
                                       REMAINS_USEC, 0, container_remembered, container) < 0)
                container->forget_timer = NULL;
}

bool container_is_ending(const Container *container)
{
        return (container->state == STATE_RUNNING || container->state == STATE_STOPPING) &&
               ((container->leader_fd >= 0 && !process_is_alive(container->leader_fd)) ||
                (container->keeper && !process_is_alive(container->keeper->pidfd)));
}

void container_ended(Container *container, Result result, int status)
{
        if (container->state == STATE_EXITED)
                return;
        container->state = STATE_EXITED;
        container->result = result;
        container->exit_status = status;
        container->leader = 0;
        container->leader_fd = fd_close(container->leader_fd);
        vacancies_look(container->manager);
        if (!container->is_published)
                return;
        container_remember_end(container);
        bool is_owner_told = container_tell_all(container); /* who waits is told before everybody is */
        log_container(container, LOG_CONTAINER_EXITED);
        if (container->is_registered && container->manager->has_systemd)
                machine_unregister(container->manager->bus, container->name);
        container->is_registered = false;
        sd_bus_emit_properties_changed(container->manager->bus, container->path, CONTAINER_INTERFACE, "State", "Leader",
                                       "Registered", "Result", "ExitStatus", NULL);
        sd_bus_emit_signal(container->manager->bus, MANAGER_PATH, MANAGER_INTERFACE, "ContainerExited", "ssi",
                           container->name, result_name(result), status);
        if (is_owner_told)
                container_forget(container);
}

/*
 * The number comes from the leader's parent, which keeps it from being given to another process until it is reaped;
 * that the parent still lives is known by the link. What is read through the pidfd counts only while it is alive.
 */
int container_open_leader(Container *container)
{
        container->leader_fd = fd_close(container->leader_fd);
        if (container->leader <= 0)
                return 0;
        int fd = pidfd_open(container->leader, 0);
        if (fd < 0)
                return -errno;
        container->leader_fd = fd;
        return 0;
}

void container_bury(Container *container, Claim *remains)
{
        _cleanup_(record_freep) Record *record = NULL;

        /* It may have written down how the container ended, and died before it could say so. */
        bool is_known = remains && record_read(remains->directory, &record) >= 0 && record->state == STATE_EXITED &&
                        sd_id128_equal(record->id, container->id);
        container->remains = remains;
        if (container->leader_fd >= 0)
                process_signal(container->leader_fd, SIGKILL);
        if (remains)
                eviction_warn(remains);
        /* Without a pid namespace others may have outlived both. */
        if (container->manager->has_systemd)
                scope_kill(container->manager->bus, container->name);
        container_ended(container, is_known ? record->result : RESULT_LOST, is_known ? record->status : 0);
}

/*
 * If the supervisor said how the container ended before it died, that stands: until it is asked for, if the supervisor
 * left its directory behind; not at all, if it removed it, for then somebody has asked another manager.
 */
void container_lost(Container *container)
{
        bool is_ended = container->state == STATE_EXITED;
        Claim *remains = NULL;

        container_unlink(container);
        claim_take_over(register_directory(container->manager->reg), container->name, &remains);
        if (!container->creation && container->is_published && !container->is_forgotten && !is_ended) {
                container_bury(container, TAKE_PTR(remains));
                return;
        }
        container->remains = TAKE_PTR(remains);
        if (container->creation)
                creation_supervisor_lost(container->creation);
        else if (container->is_forgotten || !container->is_published || !container->remains)
                container_free(container);
}

/*
 * Its name is free when the supervisor has answered, which is after it removed the directory. One that dies instead may
 * have left it behind, to be found again as if nobody had been told: its keeper cleans up.
 */
static int container_forgotten(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Container *container = userdata;

        FAULT_POINT(EXIT_FORGOTTEN);
        container->query = sd_bus_slot_unref(container->query);
        bool is_cut_off = sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) ||
                          sd_bus_message_is_method_error(reply, SD_BUS_ERROR_DISCONNECTED);
        if (!is_cut_off || !container->keeper)
                container_free(container);
        return 0;
}

void container_forget(Container *container)
{
        if (container->is_forgotten)
                return;
        container->is_forgotten = true;
        if (!container->link) {
                container_free(container);
                return;
        }
        container->query = sd_bus_slot_unref(container->query);
        int r = link_call(container->link, SUPERVISOR_INTERFACE, "Forget", container_forgotten, container,
                          &container->query, NULL);
        if (r >= 0)
                return;
        if (container->keeper) /* it has nothing more to do, and goes one way or the other */
                process_signal(container->keeper->pidfd, SIGKILL);
        else
                container_free(container);
}

/* ---- processes that were sent into it ---- */

void container_remember_starter(Container *container, uint32_t process, uid_t uid)
{
        if (!container->starters)
                container->starters = calloc(STARTERS, sizeof(*container->starters));
        if (container->starters) /* else polkit is asked */
                container->starters[container->n_starters++ % STARTERS] = (Starter){.process = process, .uid = uid};
}

bool container_has_started(const Container *container, uint32_t process, uid_t uid)
{
        for (unsigned i = 0; i < STARTERS && i < container->n_starters; i++)
                if (container->starters[i].process == process)
                        return container->starters[i].uid == uid;
        return false;
}

/* ---- questions for a caller ---- */

int container_request(Container *container, const char *member, sd_bus_message **ret, sd_bus_error *error)
{
        if (!container->link)
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' has no supervisor any more",
                                 container->name);
        int r = link_request(container->link, SUPERVISOR_INTERFACE, member, ret);
        return r < 0 ? error_step(error, r, "ask the supervisor of", container->name, NULL) : 0;
}

int container_call(Container *container, Call *call, sd_bus_message *request, sd_bus_message_handler_t answer,
                   sd_bus_error *error)
{
        int r = link_send(container->link, request, answer, call, UINT64_MAX, &call->slot);

        if (r >= 0)
                sd_bus_message_get_cookie(request, &call->cookie);
        sd_bus_message_unref(request);
        if (r < 0)
                return error_step(error, r, "ask the supervisor of", container->name, NULL);
        call->asks = container;
        TAILQ_INSERT_TAIL(&container->questions, call, waiting);
        return CALL_LATER;
}

void container_cancel(Container *container, Call *call)
{
        TAILQ_REMOVE(&container->questions, call, waiting);
        call->asks = NULL;
        if (container->link)
                link_call(container->link, SUPERVISOR_INTERFACE, "Cancel", NULL, NULL, NULL, "t", call->cookie);
}
