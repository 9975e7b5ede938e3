/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Container
 *
 * What this manager sees of one container: a copy of what its supervisor says, kept fresh by the supervisor's signals.
 * The truth is over there; if the supervisor goes without a word, the container is lost, and this object is what
 * remains to say so.
 */
#pragma once

#include "common/fault.h"
#include "common/process.h"
#include "common/state.h"
#include "manager/call.h"
#include "manager/claim.h"
#include "manager/link.h"
#include "manager/machined.h"
#include "manager/manager.h"

/* Indexes of the host's ends of a container's network interfaces. */
typedef struct Interfaces {
        int32_t *indexes;
        size_t n;
} Interfaces;

/* Who started which of the processes that were sent into a container. A manager that begins anew asks polkit again. */
typedef struct Starter {
        uint32_t process;
        uid_t uid;
} Starter;

enum { STARTERS = 64 };

struct Container {
        TAILQ_ENTRY(Container) others;
        Manager *manager;
        char *name;
        char *path; /* of its object */
        sd_id128_t id;
        uid_t owner;
        State state;
        pid_t leader;  /* for people to read */
        int leader_fd; /* pidfd */
        pid_t supervisor;
        Keeper *keeper; /* the supervisor as a process; NULL when it is dead */
        uint64_t timestamp;
        uint64_t timestamp_monotonic;
        char *unit;
        bool is_registered;
        bool is_registering; /* after a reboot: the leader is yet to become the machine */
        bool has_terminal;
        bool is_confined; /* as it was made; for people to read. Authority asks the kernel: confinement_holds() */
        bool is_attached;
        uint64_t dropped_bytes;
        Interfaces interfaces;
        Result result;
        int exit_status;
        struct {
                State state;
                Result result;
                int32_t status;
        } told; /* what the supervisor said last; it counts once it has been acted upon */

        Link *link;                 /* to the supervisor */
        Registration *registration; /* of the new leader after a reboot */
        sd_bus_slot *query;
        sd_event_source *forget_timer; /* of a lost one; else the supervisor counts the time */
        Claim *remains;                /* the directory of a lost one */
        bool is_published;             /* on the bus, and told of by ContainerNew */
        bool is_loading;               /* found while the register was read, and not yet loaded */
        bool is_forgotten;             /* its supervisor has been told to go */
        Creation *creation;            /* that makes it, while starting */
        Creation *successor;           /* that waits for the name */
        TAILQ_HEAD(, Call) waits;      /* for its end */
        TAILQ_HEAD(, Call) questions;  /* that its supervisor has been asked */
        Starter *starters;             /* the latest STARTERS; NULL before the first */
        unsigned n_starters;
};

/** container_new() - add a container to the manager's view. Return: 0; -EEXIST; -errno. */
int container_new(Manager *manager, const char *name, Container **ret);

/** container_free() - take it out of the view; the container itself doesn't notice. Return: NULL. */
Container *container_free(Container *container);
DEFINE_CLEANUP(Container, container_free)

/** container_find() - by name; NULL when there is none */
Container *container_find(Manager *manager, const char *name);

/** container_rename() - a container that is named after its leader gets its name. Return: 0; -EEXIST; -errno. */
int container_rename(Container *container, const char *name);

/**
 * container_link() - speak to the supervisor over @fd, which is consumed in any case
 *
 * Return: 0; -errno.
 */
int container_link(Container *container, int fd);

/** container_take_link() - speak to the supervisor over @link, which is the container's from here */
void container_take_link(Container *container, Link *link);

/** container_read_created() - the "ayaitt", id, interfaces and times, of the supervisor's first answer. Return: 0; -errno. */
int container_read_created(Container *container, sd_bus_message *reply);

/** container_load() - ask the supervisor for everything; publishes the container with the answer. Return: 0; -errno. */
int container_load(Container *container);

/** container_open_leader() - hold the leader that the supervisor has named, by pidfd. Return: 0; -errno. */
int container_open_leader(Container *container);

/** container_unlink() - stop listening to the supervisor */
void container_unlink(Container *container);

/** container_is_ending() - its leader or its supervisor has died, and we have not been told yet how it ended */
bool container_is_ending(const Container *container);

/** container_ended() - the leader has ended: tell everybody who waits, and forget it if the owner was among them */
void container_ended(Container *container, Result result, int status);

/** container_lost() - what remains when the supervisor has gone without a word */
void container_lost(Container *container);

/**
 * container_bury() - a container that ran, and whose supervisor can't say any more how it ended, or has only written it
 * @remains:  its directory, consumed; NULL when another manager was faster
 */
void container_bury(Container *container, Claim *remains);

/** container_publish() - the container exists from here on for everyone: InterfacesAdded, ContainerNew */
void container_publish(Container *container);

/** container_forget() - its end has been told to whoever it concerned: remove it, its supervisor first */
void container_forget(Container *container);

/** container_remember_starter() - @uid has started @process */
void container_remember_starter(Container *container, uint32_t process, uid_t uid);

/** container_has_started() - was it @uid who started @process */
bool container_has_started(const Container *container, uint32_t process, uid_t uid);

/** container_wait() - answer @call when the container ends; at once if it has. Return: as an act(). */
int container_wait(Container *container, Call *call);

/**
 * container_call() - ask the supervisor something for @call
 * @request:  consumed
 * @answer:   called with its reply, which may be an error; answers the call
 *
 * Return: CALL_LATER; -errno with @error.
 */
int container_call(Container *container, Call *call, sd_bus_message *request, sd_bus_message_handler_t answer,
                   sd_bus_error *error);

/** container_cancel() - whoever asked the question that @call waits for has left */
void container_cancel(Container *container, Call *call);

/** container_request() - a method call to the supervisor, to be filled. Return: 0; -errno with @error. */
int container_request(Container *container, const char *member, sd_bus_message **ret, sd_bus_error *error);
