/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a container begins
 *
 * Create clones the leader, so that there is something to put into a scope and to register; Start lets it go on, and is
 * answered when it has become the command. In between the set-up runs by itself, and may fail before anybody asks.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "container/delegation.h"
#include "supervisor/directory.h"
#include "supervisor/power.h"
#include "supervisor/supervisor.h"

static uint64_t now_usec(clockid_t clock)
{
        struct timespec now;

        clock_gettime(clock, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the leader on its way ---- */

/* The name is free before the failure is told: whoever hears of it may try again at once. */
static void start_answer_failure(Supervisor *supervisor, sd_bus_message *call, const Failure *failure)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *kept = sd_bus_message_ref(call);
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        failure_to_bus_error(failure, &error);
        supervisor_abandon(supervisor);
        sd_bus_reply_method_error(kept, &error);
}

/* Kept until Start asks, if it hasn't yet. */
static void start_failed(Supervisor *supervisor, const Failure *failure)
{
        supervisor->report_source = sd_event_source_disable_unref(supervisor->report_source);
        if (supervisor->record.state != STATE_STARTING) {
                power_restart_failed(supervisor, failure);
                return;
        }
        if (supervisor->start) {
                start_answer_failure(supervisor, supervisor->start, failure);
                return;
        }
        supervisor->failure = malloc(sizeof(*failure));
        if (supervisor->failure)
                *supervisor->failure = *failure;
        else
                supervisor_abandon(supervisor);
}

/* Only now do others see it: as it is by now, for it may have ended already. */
static void start_given(void *userdata)
{
        Supervisor *supervisor = userdata;

        if (supervisor->is_handed_over)
                return;
        supervisor->is_handed_over = true;
        supervisor_write_state(supervisor, supervisor->record.state);
        /* Of its beginning whoever has made it was told by the answer, but of nothing that has happened since. */
        supervisor_tell_others(supervisor, supervisor->record.state == STATE_RUNNING ? supervisor->giver : NULL);
        FAULT_POINT(KEEPER_GIVEN);
        directory_announce(supervisor->directory);
}

static void start_handover_ended(Lease *lease _unused_, LeaseEnd end, void *userdata)
{
        Supervisor *supervisor = userdata;

        supervisor->handover = lease_free(supervisor->handover);
        if (end == LEASE_UNGIVEN)
                supervisor_disown(supervisor);
}

/* For who doesn't attach the manager itself keeps the lease, until it has answered. */
static int start_append_handover(Supervisor *supervisor, sd_bus_message *reply)
{
        _cleanup_(fd_closep) int manager = -EBADF;

        int r = attachment_append_null(reply);
        if (r >= 0)
                r = lease_new(supervisor->event, supervisor->creator, start_handover_ended, supervisor,
                              &supervisor->handover, &manager);
        if (r < 0)
                return r;
        lease_on_given(supervisor->handover, start_given);
        return sd_bus_message_append(reply, "h", manager);
}

static int start_answer(Supervisor *supervisor)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = TAKE_PTR(supervisor->start), *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        supervisor->giver = supervisor->maker;
        supervisor->maker = NULL;
        if (r >= 0)
                r = supervisor->is_creator_attached
                            ? attachment_give(supervisor, supervisor->creator, reply, start_given)
                            : start_append_handover(supervisor, reply);
        if (supervisor->console && !supervisor->attachment.lease)
                console_resume(supervisor->console);
        supervisor_write_state(supervisor, STATE_RUNNING);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        FAULT_POINT(KEEPER_ANSWERED);
        if (r < 0) {
                error_step(&error, r, "hand over", "the container", supervisor->record.name);
                sd_bus_reply_method_error(call, &error);
        }
        return r;
}

/* Who reads the manager's log may wait for its end: it isn't held open for as long as the container lives. */
static void start_leave_log(void)
{
        _cleanup_(fd_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (null >= 0)
                dup2(null, STDERR_FILENO);
}

/* The leader is the command: the container is its own from here. A maker that couldn't be answered hasn't got one. */
static void start_succeeded(Supervisor *supervisor)
{
        supervisor->report_source = sd_event_source_disable_unref(supervisor->report_source);
        supervisor->setup->report = fd_close(supervisor->setup->report);
        FAULT_POINT(KEEPER_EXECUTED);
        user_free(supervisor->user);
        supervisor->user = TAKE_PTR(supervisor->setup->user);
        int r = supervisor_watch(supervisor);
        int answered = supervisor->start ? start_answer(supervisor) : power_restarted(supervisor);
        if (r < 0 || answered < 0)
                supervisor_disown(supervisor);
        if (r < 0)
                supervisor_abandon(supervisor);
        if (supervisor->is_handed_over)
                directory_announce(supervisor->directory);
        start_leave_log();
        malloc_trim(0);
}

static int start_reported(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;
        Failure failure = {};
        int r = setup_read(supervisor->setup, &failure);

        if (r < 0)
                start_failed(supervisor, &failure);
        else if (r == SETUP_EXECUTED)
                start_succeeded(supervisor);
        return 0;
}

int supervisor_let_go(Supervisor *supervisor, Failure *failure)
{
        const char *unit = supervisor->record.unit;
        int r = *unit ? delegation_make(unit, supervisor->setup->pid, supervisor->setup->maps, failure) : 0;

        return r < 0 ? r : setup_go(supervisor->setup, failure);
}

int supervisor_start(Supervisor *supervisor, sd_bus_message *call, const char *unit, bool is_registered,
                     sd_bus_error *error)
{
        Record *record = &supervisor->record;
        Failure failure = {};

        if (!supervisor->setup || supervisor->start || record->state != STATE_STARTING)
                return error_set(error, SD_BUS_ERROR_FAILED, "nothing waits to be started");
        if (supervisor->failure) {
                start_answer_failure(supervisor, call, supervisor->failure);
                return 1;
        }
        char *copy = strdup(unit);
        if (!copy)
                return -ENOMEM;
        free(record->unit);
        record->unit = copy;
        record->is_registered = is_registered;
        supervisor->start = sd_bus_message_ref(call);
        FAULT_POINT(KEEPER_LET_GO);
        if (supervisor_let_go(supervisor, &failure) < 0)
                start_failed(supervisor, &failure);
        return 1;
}

/* ---- making the leader ---- */

/* If the streams stayed open here, their end would never be seen by who reads the other side: they are lent once. */
static void create_close_lent(Supervisor *supervisor)
{
        for (unsigned i = 0; i < ELEMENTS(supervisor->spec->streams); i++)
                supervisor->spec->streams[i] = fd_close(supervisor->spec->streams[i]);
        if (supervisor->console)
                console_leave_devpts(supervisor->console);
}

/* For who cleans up if we can't, which can be at any time from here. */
static int create_note_cgroup(Supervisor *supervisor)
{
        Record *record = &supervisor->record;

        free(TAKE_PTR(record->cgroup));
        if (!supervisor->setup->cgroup)
                return 0;
        record->cgroup = cgroup_lines(supervisor->setup->cgroup, RECORD_CGROUP_MAX);
        return record->cgroup ? record_write(supervisor->directory, record) : 0;
}

int supervisor_clone_leader(Supervisor *supervisor, const Identity *identity, int layers, Failure *failure)
{
        const SetupInput input = {
                .spec = supervisor->spec,
                .identity = identity,
                .terminal = supervisor->console ? supervisor->console->terminal : -EBADF,
                .devpts = supervisor->console ? supervisor->console->devpts : -EBADF,
                .lock = supervisor->directory,
                .layers = layers,
        };
        int r = setup_begin(&input, &supervisor->setup, failure);

        create_close_lent(supervisor);
        if (r < 0)
                return r;
        supervisor->record.leader = supervisor->setup->pid;
        r = create_note_cgroup(supervisor);
        if (r >= 0)
                r = sd_event_add_io(supervisor->event, &supervisor->report_source, supervisor->setup->report, EPOLLIN,
                                    start_reported, supervisor);
        return r < 0 ? failure_step(failure, r, "listen to", "the leader", NULL) : 0;
}

static int create_leader(Supervisor *supervisor, const Identity *identity, sd_bus_error *error)
{
        Failure failure = {};
        int r = 0;

        if (supervisor->spec->terminal)
                r = console_open(supervisor->spec, &supervisor->console, &failure);
        if (r >= 0)
                r = supervisor_clone_leader(supervisor, identity, -EBADF, &failure);
        return r < 0 ? failure_to_bus_error(&failure, error) : 0;
}

static int create_name(Supervisor *supervisor, sd_bus_error *error)
{
        Record *record = &supervisor->record;
        char name[32];

        if (*supervisor->spec->name)
                return strcmp(supervisor->spec->name, record->name) == 0
                               ? 0
                               : error_set(error, ERROR_INVALID_NAME, "the directory of '%s' is that of '%s'",
                                           supervisor->spec->name, record->name);
        snprintf(name, sizeof(name), "pflask-%d", (int)record->leader);
        char *copy = strdup(name);
        int r = copy ? directory_rename(supervisor->directory, record->name, name) : -ENOMEM;
        if (r < 0) {
                free(copy);
                return r == -EEXIST ? error_set(error, ERROR_CONTAINER_EXISTS, "container '%s' exists already", name)
                                    : error_step(error, r, "rename", "the directory", name);
        }
        free(record->name);
        record->name = copy;
        supervisor_show_name(supervisor, supervisor->title);
        return 0;
}

static void create_fill_record(Supervisor *supervisor, const Creator *creator)
{
        Record *record = &supervisor->record;

        record->owner = creator->holder.uid;
        record->has_terminal = supervisor->spec->terminal;
        record->timestamp = now_usec(CLOCK_REALTIME);
        record->timestamp_monotonic = now_usec(CLOCK_MONOTONIC);
        supervisor->creator = creator->holder;
        supervisor->is_creator_attached = creator->is_attached;
        supervisor->kill_on_release = supervisor->spec->kill_on_release;
}

int supervisor_assign(Supervisor *supervisor, int directory, const char *name, sd_bus_error *error)
{
        if (supervisor->directory >= 0)
                return error_set(error, SD_BUS_ERROR_FAILED, "this is the supervisor of '%s' already",
                                 supervisor->record.name);
        char *copy = strdup(name);
        int kept = copy ? fd_keep(directory) : -ENOMEM;
        if (kept < 0) {
                free(copy);
                return error_step(error, kept, "keep", "the directory", name);
        }
        free(supervisor->record.name);
        supervisor->record.name = copy;
        supervisor->directory = kept;
        supervisor_show_name(supervisor, supervisor->title);
        return 0;
}

int supervisor_create(Supervisor *supervisor, Spec *spec, const Creator *creator, sd_bus_error *error)
{
        supervisor->spec = spec;
        if (supervisor->directory < 0)
                return error_set(error, SD_BUS_ERROR_FAILED, "there is no directory for the container yet");
        int r = create_leader(supervisor, &creator->identity, error);
        if (r < 0)
                return r;
        FAULT_POINT(KEEPER_CLONED);
        create_fill_record(supervisor, creator);
        r = create_name(supervisor, error);
        if (r < 0)
                return r;
        if (supervisor->console)
                r = console_attach_event(supervisor->console, supervisor->event, supervisor_console_read, supervisor);
        if (r >= 0)
                r = peers_listen(&supervisor->peers, supervisor->directory, CONTROL_SOCKET);
        FAULT_POINT(KEEPER_LISTENS);
        if (r < 0)
                return error_step(error, r, "listen in", "the directory", supervisor->record.name);
        r = record_write(supervisor->directory, &supervisor->record);
        return r < 0 ? error_step(error, r, "write", "the record", supervisor->record.name) : 0;
}
