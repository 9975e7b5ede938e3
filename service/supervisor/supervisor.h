/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervisor
 *
 * One container's keeper: parent of the leader, owner of the console, writer of the record. Managers come and go, and
 * what is here goes on without any. Only until whoever asked for the container has the answer does it belong to the
 * manager that began it: if that one goes, nothing half made stays, and nobody else has seen anything but "starting".
 *
 * The states are those of the container, starting to exited. Behind them is one more: leaving, when the directory is
 * gone and the last words are on their way.
 */
#pragma once

#include <stdbool.h>

#include <sys/queue.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "common/peers.h"
#include "common/record.h"
#include "container/setup.h"
#include "supervisor/attachment.h"
#include "supervisor/calls.h"
#include "supervisor/console.h"
#include "supervisor/joined.h"
#include "supervisor/transfer.h"

/* A leader that is asked to end, or to reboot. */
typedef struct Asking {
        int signal;
        unsigned n_looks;  /* at whether it hears that */
        unsigned n_likely; /* of them, that showed that it might */
        uint64_t timeout_usec;
} Asking;

/* How often it has rebooted lately: what can't come up must not have the machine to itself. */
typedef struct Pace {
        uint64_t since_usec;
        unsigned n;
} Pace;

struct Supervisor {
        sd_event *event;
        int directory; /* the container's; its lock, flock(2), says that the container has an owner */
        char *title;   /* where ps(1) finds the container's name, as long as it is there; borrowed, or NULL */
        Record record; /* what is known; changed in supervisor_change_state() once the container exists */
        Peers peers;
        sd_bus *maker; /* of the manager that makes the container, until Start has been answered; borrowed */

        Spec *spec;
        User *user;       /* who runs the command, without ids; NULL before the first leader is the command */
        Console *console; /* NULL without Terminal */
        Attachment attachment;
        Holder creator;
        bool is_creator_attached; /* the answer of Start has the lease in it */
        Lease *handover;          /* in its place, for who doesn't attach: it says whether the answer was given */
        const sd_bus *giver;      /* through which the answer went; borrowed, only to be compared */
        bool is_handed_over;      /* whoever asked for the container has been told of it */
        bool is_disowned;         /* whoever asked for it never will be: nothing of it may stay */
        bool kill_on_release;
        bool is_confined; /* as it was made; for people to read */

        Setup *setup;
        Failure *failure; /* of a set-up that failed before Start was called */
        sd_bus_message *start;
        sd_event_source *report_source; /* while the leader is on its way to execve(2) */

        int leader; /* pidfd, once the leader is the command; none while another one is on its way */
        sd_event_source *leader_source;
        sd_event_source *children_source;
        bool has_leader_ended; /* from here on the rest is killed, and the console drained */

        TAILQ_HEAD(, Joined) joined; /* processes that were sent in after the leader */
        unsigned n_joined;
        uint32_t last_joined;

        TAILQ_HEAD(, Transfer) transfers;
        unsigned n_transfers;

        Asking asking;          /* while the timer is that of power.c */
        Calls ends;             /* of Terminate and PowerOff, which wait for the end */
        Calls reboots;          /* of Reboot, which wait for another leader */
        Pace pace;              /* of all reboots */
        bool is_registering;    /* systemd-machined still has the machine of a former leader */
        bool is_held;           /* the leader waits at its barrier for a manager to change that */
        sd_event_source *timer; /* of the present state: for how long to wait for what comes next */
        uint64_t dropped_told;
        sd_event_source *dropped_timer; /* until managers are told of what the ring has overwritten */
        uint64_t stop_usec;             /* what the leader has to end when it is we who are told to go */
        bool is_told_to_go;             /* the exit record won't be asked for */
        bool is_leaving;
};

/* What Create says besides the spec. */
typedef struct Creator {
        Identity identity; /* borrowed */
        Holder holder;
        bool is_attached;
} Creator;

/**
 * supervisor_new() - a supervisor without a container
 * @title:  for supervisor_show_name(), when there is a name to show
 *
 * Return: 0; -errno.
 */
int supervisor_new(char *title, Supervisor **ret);

/**
 * supervisor_show_name() - in ps(1), from now on and from when the container has another one
 * @title:  borrowed: a blank argument of the program, which the name overwrites
 */
void supervisor_show_name(Supervisor *supervisor, char *title);

/** supervisor_free() - takes NULL; with a container it is killed and removed. Return: NULL. */
Supervisor *supervisor_free(Supervisor *supervisor);
DEFINE_CLEANUP(Supervisor, supervisor_free)

/**
 * supervisor_run() - serve until there is nothing more to serve
 * @fd:  connection to the manager that makes the container, consumed in any case
 *
 * Return: 0; -errno.
 */
int supervisor_run(Supervisor *supervisor, int fd);

/** supervisor_is_running() - is there a leader that has become the command, and hasn't ended */
bool supervisor_is_running(const Supervisor *supervisor);

/**
 * supervisor_assign() - take charge of a directory, before a container is made in it
 * @directory:  borrowed: the directory of the container that will be, locked
 * @name:       the directory's name; one that begins with a dot becomes that of the leader
 *
 * Once only.
 *
 * Return: 0; -errno with @error.
 */
int supervisor_assign(Supervisor *supervisor, int directory, const char *name, sd_bus_error *error);

/**
 * supervisor_create() - clone the leader and begin its set-up
 * @spec:  consumed in any case
 *
 * Once only. After a failure supervisor_abandon() is all that is left.
 *
 * Return: 0; -errno with @error.
 */
int supervisor_create(Supervisor *supervisor, Spec *spec, const Creator *creator, sd_bus_error *error);

/**
 * supervisor_start() - let the leader go on, and answer @call when it has
 * @unit:  the scope, or ""
 *
 * Return: 1; -errno with @error.
 */
int supervisor_start(Supervisor *supervisor, sd_bus_message *call, const char *unit, bool is_registered,
                     sd_bus_error *error);

/** supervisor_write_state() - the state and the record; supervisor_tell_others() has to follow */
void supervisor_write_state(Supervisor *supervisor, State state);

/** supervisor_tell_others() - PropertiesChanged, for all but @one, who is told in another way; NULL: for all */
void supervisor_tell_others(Supervisor *supervisor, const sd_bus *one);

/** supervisor_change_state() - both: the state, the record, PropertiesChanged */
void supervisor_change_state(Supervisor *supervisor, State state);

/** supervisor_has_pid_namespace() - is the leader PID 1 of its own, with which everybody in it ends */
bool supervisor_has_pid_namespace(const Supervisor *supervisor);

/** supervisor_set_timer() - replace the timer of the present state. Return: 0; -errno. */
int supervisor_set_timer(Supervisor *supervisor, uint64_t usec, sd_event_time_handler_t handler);

/**
 * supervisor_clone_leader() - clone a leader, the first or another, and listen to it
 * @identity:  whose authority its set-up has
 * @layers:    borrowed, as of SetupInput
 *
 * Return: 0; -errno with @failure.
 */
int supervisor_clone_leader(Supervisor *supervisor, const Identity *identity, int layers, Failure *failure);

/** supervisor_let_go() - let the leader that has been cloned become the command. Return: 0; -errno with @failure. */
int supervisor_let_go(Supervisor *supervisor, Failure *failure);

/** supervisor_watch() - the leader is the command from here on; its end ends the container. Return: 0; -errno. */
int supervisor_watch(Supervisor *supervisor);

/** supervisor_abandon() - end what is half made, and go */
void supervisor_abandon(Supervisor *supervisor);

/** supervisor_disown() - the same for what runs already, but of which nobody knows */
void supervisor_disown(Supervisor *supervisor);

/** supervisor_end() - there is no leader, and there will be none: the end of all of it follows */
void supervisor_end(Supervisor *supervisor);

/** supervisor_kill() - SIGKILL for the leader, also one on its way: the end of all of it follows */
void supervisor_kill(Supervisor *supervisor);

/** supervisor_terminate() - the same, and answer @call when it has ended. Return: 1; -errno with @error. */
int supervisor_terminate(Supervisor *supervisor, sd_bus_message *call, sd_bus_error *error);

/** supervisor_reap() - reap what nobody asks about: orphans of a shared pid namespace */
void supervisor_reap(Supervisor *supervisor);

/** supervisor_settle() - when the leader has ended, and nothing of it is on its way any more: tell so, or reboot */
void supervisor_settle(Supervisor *supervisor);

/** supervisor_console_read() - the console's handler: what was read may have been the last */
void supervisor_console_read(Console *console, void *userdata);

/** supervisor_leave() - remove the directory; the loop ends when everybody has been told everything */
void supervisor_leave(Supervisor *supervisor);

/* ---- the interface org.pflask.Supervisor1: supervisor-bus.c ---- */

/** supervisor_serve() - the peers_serve_t of a Supervisor */
int supervisor_serve(sd_bus *bus, void *userdata);

/** supervisor_emit_changed() - PropertiesChanged, for all managers but @one; NULL: for all */
void supervisor_emit_changed(Supervisor *supervisor, const sd_bus *one, const char *const *properties);

/** supervisor_emit_exited() - the signal Exited, for all managers */
void supervisor_emit_exited(Supervisor *supervisor);
