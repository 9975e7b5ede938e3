/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/supervisor.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "supervisor/directory.h"
#include "supervisor/power.h"
#include "supervisor/processes.h"

enum {
        MANAGERS_MAX = 64,
        DRAIN_USEC = 500000,          /* for what the leader left running, and kept the terminal open */
        REMEMBER_USEC = 60 * 1000000, /* for somebody to ask how it ended; managers count the same for lost ones */
        FAREWELL_USEC = 5 * 1000000,  /* for managers to take what they are told last */
        DROPPED_USEC = 250000,        /* between two words about dropped bytes */
};

/* ---- state ---- */

/* All that may have changed with a state. */
static const char *const state_properties[] = {
        "State",          "Leader", "Unit",       "Registered", "NetworkInterfaces", "Registering", "ConsoleAttached",
        "ConsoleDropped", "Result", "ExitStatus", NULL,
};

void supervisor_write_state(Supervisor *supervisor, State state)
{
        Record *record = &supervisor->record;

        record->state = state;
        if (!supervisor->is_handed_over) /* its maker knows, and nobody else does */
                return;
        int r = record_write(supervisor->directory, record);
        if (r < 0)
                sd_journal_print(LOG_ERR, "cannot write the record of container %s: %s", record->name, strerror(-r));
}

void supervisor_tell_others(Supervisor *supervisor, const sd_bus *one)
{
        if (supervisor->is_handed_over)
                supervisor_emit_changed(supervisor, one, state_properties);
}

void supervisor_change_state(Supervisor *supervisor, State state)
{
        supervisor_write_state(supervisor, state);
        supervisor_tell_others(supervisor, NULL);
}

bool supervisor_is_running(const Supervisor *supervisor)
{
        return supervisor->leader >= 0 && !supervisor->has_leader_ended;
}

void supervisor_show_name(Supervisor *supervisor, char *title)
{
        supervisor->title = title;
        if (title && *supervisor->record.name != '.')
                strncpy(title, supervisor->record.name, strlen(title));
}

int supervisor_set_timer(Supervisor *supervisor, uint64_t usec, sd_event_time_handler_t handler)
{
        supervisor->timer = sd_event_source_disable_unref(supervisor->timer);
        return sd_event_add_time_relative(supervisor->event, &supervisor->timer, CLOCK_BOOTTIME, usec, 0, handler,
                                          supervisor);
}

/* ---- leaving ---- */

/* Called whenever something has happened, from when the supervisor is leaving. */
static int supervisor_try_to_go(sd_event_source *source _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;

        if (peers_have_all(&supervisor->peers))
                sd_event_exit(supervisor->event, 0);
        return 0;
}

static int supervisor_farewell_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        const Supervisor *supervisor = userdata;

        return sd_event_exit(supervisor->event, 0);
}

void supervisor_leave(Supervisor *supervisor)
{
        if (supervisor->is_leaving)
                return;
        FAULT_POINT(KEEPER_LEAVES);
        supervisor->is_leaving = true;
        peers_stop_listening(&supervisor->peers);
        /* Told to go before anybody has asked how it ended: the record stays behind, for a manager to find. */
        if (supervisor->is_told_to_go && !supervisor->is_disowned && supervisor->record.state == STATE_EXITED)
                directory_leave_record(supervisor->directory);
        else if (supervisor->directory >= 0)
                directory_remove(supervisor->directory, supervisor->record.name);
        if (sd_event_add_defer(supervisor->event, NULL, supervisor_try_to_go, supervisor) < 0 ||
            sd_event_add_post(supervisor->event, NULL, supervisor_try_to_go, supervisor) < 0 ||
            supervisor_set_timer(supervisor, FAREWELL_USEC, supervisor_farewell_timeout) < 0)
                sd_event_exit(supervisor->event, 0);
}

void supervisor_abandon(Supervisor *supervisor)
{
        supervisor->report_source = sd_event_source_disable_unref(supervisor->report_source);
        supervisor->setup = setup_free(supervisor->setup);
        supervisor->start = sd_bus_message_unref(supervisor->start);
        supervisor->maker = NULL;
        supervisor_leave(supervisor);
}

void supervisor_disown(Supervisor *supervisor)
{
        supervisor->is_disowned = true;
        if (supervisor->record.state == STATE_EXITED)
                supervisor_leave(supervisor);
        else
                supervisor_kill(supervisor);
}

/* A manager has gone. The one that makes the container would have been told how that ends. */
static void supervisor_lost_peer(sd_bus *bus, void *userdata)
{
        Supervisor *supervisor = userdata;

        attachment_drop_manager(supervisor, bus);
        joined_drop_manager(supervisor, bus);
        calls_drop(&supervisor->ends, bus);
        calls_drop(&supervisor->reboots, bus);
        transfer_drop_calls(supervisor, bus);
        if (bus == supervisor->maker)
                supervisor_abandon(supervisor);
}

/* ---- the end ---- */

static int supervisor_forgotten(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        supervisor_leave(userdata);
        return 0;
}

static void supervisor_exited(Supervisor *supervisor)
{
        if (supervisor->console && !supervisor->attachment.lease)
                console_close(supervisor->console);
        supervisor_change_state(supervisor, STATE_EXITED);
        FAULT_POINT(KEEPER_END_NOTED);
        supervisor_emit_exited(supervisor);
        attachment_refuse(supervisor);
        calls_answer(&supervisor->ends, NULL);
        power_refuse(supervisor, NULL);
        if (supervisor->is_told_to_go || supervisor->is_disowned ||
            supervisor_set_timer(supervisor, REMEMBER_USEC, supervisor_forgotten) < 0)
                supervisor_leave(supervisor);
}

bool supervisor_has_pid_namespace(const Supervisor *supervisor)
{
        return !(supervisor->spec->shared_namespaces & CLONE_NEWPID);
}

/* Without a pid namespace the leader's death ends nobody else. Return: is somebody left. */
static bool supervisor_kill_rest(const Supervisor *supervisor)
{
        return !supervisor_has_pid_namespace(supervisor) && processes_signal_descendants(SIGKILL) > 0;
}

static bool supervisor_is_drained(const Supervisor *supervisor)
{
        return !supervisor->console || supervisor->attachment.lease || supervisor->console->is_hung_up;
}

/* The holder has gone after the end: what it left is read, and the pty given back. */
static void supervisor_finish_console(Supervisor *supervisor)
{
        if (!supervisor->console || supervisor->attachment.lease)
                return;
        console_read(supervisor->console);
        console_close(supervisor->console);
}

void supervisor_settle(Supervisor *supervisor)
{
        if (!supervisor->has_leader_ended)
                return;
        if (supervisor->record.state == STATE_EXITED)
                supervisor_finish_console(supervisor);
        else if (supervisor_kill_rest(supervisor))
                return;
        else if (supervisor->record.state == STATE_REBOOTING)
                power_restart(supervisor);
        else if (supervisor_is_drained(supervisor))
                supervisor_exited(supervisor);
}

static int supervisor_drain_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;

        if (supervisor->record.state == STATE_REBOOTING)
                power_restart(supervisor);
        else
                supervisor_exited(supervisor);
        return 0;
}

static int supervisor_tell_dropped(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        static const char *const properties[] = {"ConsoleDropped", NULL};
        Supervisor *supervisor = userdata;

        supervisor->dropped_timer = sd_event_source_disable_unref(supervisor->dropped_timer);
        supervisor_emit_changed(supervisor, NULL, properties);
        return 0;
}

/* Managers are told of dropped bytes some time after they were, so that an endless writer costs them next to nothing. */
void supervisor_console_read(Console *console, void *userdata)
{
        Supervisor *supervisor = userdata;

        if (!supervisor->dropped_timer && ring_dropped(console->ring) != supervisor->dropped_told) {
                supervisor->dropped_told = ring_dropped(console->ring);
                sd_event_add_time_relative(supervisor->event, &supervisor->dropped_timer, CLOCK_MONOTONIC, DROPPED_USEC,
                                           0, supervisor_tell_dropped, supervisor);
        }
        supervisor_settle(supervisor);
}

/* Whose status is asked for by its pidfd. */
static bool supervisor_keeps_status(const void *userdata, pid_t pid)
{
        const Supervisor *supervisor = userdata;

        return pid == supervisor->record.leader || joined_has(supervisor, pid);
}

void supervisor_reap(Supervisor *supervisor)
{
        processes_reap(supervisor_keeps_status, supervisor);
}

static int supervisor_children_ended(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
                                     void *userdata)
{
        Supervisor *supervisor = userdata;

        supervisor_reap(supervisor);
        supervisor_settle(supervisor);
        return 0;
}

/* Interfaces and cgroups go back before the end is told, so that whoever hears of it can use them again. */
void supervisor_end(Supervisor *supervisor)
{
        supervisor->setup = setup_free(supervisor->setup);
        free(TAKE_PTR(supervisor->record.cgroup));
        if (supervisor->console) {
                console_leave_terminal(supervisor->console);
                supervisor->console->is_hung_up = false;
                console_look(supervisor->console);
        }
        if (supervisor_set_timer(supervisor, DRAIN_USEC, supervisor_drain_timeout) < 0)
                supervisor_exited(supervisor);
        else
                supervisor_settle(supervisor);
}

static int supervisor_leader_ended(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;
        Record *record = &supervisor->record;

        int r = process_wait(fd, &record->result, &record->status);
        if (r == 0)
                return 0;
        FAULT_POINT(KEEPER_END);
        if (r < 0)
                record->result = RESULT_LOST;
        supervisor->leader_source = sd_event_source_disable_unref(supervisor->leader_source);
        supervisor->leader = fd_close(supervisor->leader);
        supervisor->has_leader_ended = true;
        transfer_cancel_all(supervisor);
        record->leader = 0;
        supervisor_reap(supervisor);
        if (!power_reboots(supervisor))
                supervisor_end(supervisor);
        else if (supervisor_set_timer(supervisor, DRAIN_USEC, supervisor_drain_timeout) < 0)
                power_restart(supervisor);
        else
                supervisor_settle(supervisor);
        return 0;
}

/* ---- its end ---- */

void supervisor_kill(Supervisor *supervisor)
{
        bool reboots = supervisor->record.state == STATE_REBOOTING;

        if (!supervisor_is_running(supervisor) && !reboots)
                return;
        if (supervisor->record.state != STATE_STOPPING)
                supervisor_change_state(supervisor, STATE_STOPPING);
        if (supervisor_is_running(supervisor))
                process_signal(supervisor->leader, SIGKILL);
        else if (supervisor->has_leader_ended)
                supervisor_end(supervisor);
        else
                process_signal(supervisor->setup->pidfd, SIGKILL); /* the next one, on its way: that is its failure */
}

int supervisor_terminate(Supervisor *supervisor, sd_bus_message *call, sd_bus_error *error)
{
        if (supervisor->record.state == STATE_EXITED || supervisor->record.state == STATE_STARTING)
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' is not running", supervisor->record.name);
        int r = calls_add(&supervisor->ends, call, supervisor->record.name, error);
        if (r < 0)
                return r;
        supervisor_kill(supervisor);
        return 1;
}

/* ---- the loop ---- */

int supervisor_watch(Supervisor *supervisor)
{
        supervisor->leader = TAKE_FD(supervisor->setup->pidfd);
        return sd_event_add_io(supervisor->event, &supervisor->leader_source, supervisor->leader, EPOLLIN,
                               supervisor_leader_ended, supervisor);
}

/*
 * A scope is stopped, maybe because the machine goes down. Whoever does that won't ask how the container ended, and
 * waits for us to go; and whoever says so twice, or by SIGTERM, doesn't want to wait for what is in it.
 */
static int supervisor_told_to_go(sd_event_source *source _unused_, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *supervisor = userdata;
        bool is_patient = info->ssi_signo == SCOPE_STOP_SIGNAL && !supervisor->is_told_to_go;

        supervisor->is_told_to_go = true;
        if (supervisor->record.state == STATE_EXITED)
                supervisor_leave(supervisor);
        else if (supervisor->record.state == STATE_STARTING)
                supervisor_abandon(supervisor);
        else if (is_patient)
                power_stop(supervisor, supervisor->stop_usec);
        else
                supervisor_kill(supervisor);
        return 0;
}

int supervisor_new(char *title, Supervisor **ret)
{
        _cleanup_(supervisor_freep) Supervisor *supervisor = calloc(1, sizeof(*supervisor));

        if (!supervisor)
                return -ENOMEM;
        *supervisor = (Supervisor){.title = title, .directory = -EBADF, .leader = -EBADF};
        TAILQ_INIT(&supervisor->joined);
        TAILQ_INIT(&supervisor->transfers);
        supervisor->record = (Record){.supervisor = getpid(), .name = strdup(""), .unit = strdup("")};
        peers_init(&supervisor->peers, NULL, MANAGERS_MAX, supervisor_serve, supervisor_lost_peer, supervisor);
        if (!supervisor->record.name || !supervisor->record.unit)
                return -ENOMEM;
        int r = sd_event_new(&supervisor->event);
        if (r >= 0)
                r = sd_id128_randomize(&supervisor->record.id);
        if (r < 0)
                return r;
        supervisor->peers.event = supervisor->event;
        supervisor->peers.id = supervisor->record.id;
        *ret = TAKE_PTR(supervisor);
        return 0;
}

Supervisor *supervisor_free(Supervisor *supervisor)
{
        if (!supervisor)
                return NULL;
        if (supervisor->directory >= 0 && supervisor->record.name && !supervisor->is_leaving)
                directory_remove(supervisor->directory, supervisor->record.name);
        joined_free_all(supervisor);
        transfer_free_all(supervisor);
        attachment_done(&supervisor->attachment);
        lease_free(supervisor->handover);
        calls_drop(&supervisor->ends, NULL);
        calls_drop(&supervisor->reboots, NULL);
        sd_bus_message_unref(supervisor->start);
        sd_event_source_disable_unref(supervisor->report_source);
        sd_event_source_disable_unref(supervisor->leader_source);
        sd_event_source_disable_unref(supervisor->children_source);
        sd_event_source_disable_unref(supervisor->timer);
        sd_event_source_disable_unref(supervisor->dropped_timer);
        peers_done(&supervisor->peers);
        setup_free(supervisor->setup);
        fd_close(supervisor->leader);
        console_free(supervisor->console);
        spec_free(supervisor->spec);
        user_free(supervisor->user);
        free(supervisor->failure);
        record_done(&supervisor->record);
        sd_event_unref(supervisor->event);
        fd_close(supervisor->directory);
        free(supervisor);
        return NULL;
}

static int supervisor_block_signals(void)
{
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SCOPE_STOP_SIGNAL);
        sigaddset(&signals, SIGCHLD);
        return sigprocmask(SIG_BLOCK, &signals, NULL) < 0 ? -errno : 0;
}

int supervisor_run(Supervisor *supervisor, int fd)
{
        int r = peers_add(&supervisor->peers, fd, &supervisor->maker);

        if (r >= 0)
                r = supervisor_block_signals();
        if (r >= 0)
                r = sd_event_add_signal(supervisor->event, NULL, SIGTERM, supervisor_told_to_go, supervisor);
        if (r >= 0)
                r = sd_event_add_signal(supervisor->event, NULL, SCOPE_STOP_SIGNAL, supervisor_told_to_go, supervisor);
        if (r >= 0)
                r = sd_event_add_signal(supervisor->event, &supervisor->children_source, SIGCHLD,
                                        supervisor_children_ended, supervisor);
        return r < 0 ? r : sd_event_loop(supervisor->event);
}
