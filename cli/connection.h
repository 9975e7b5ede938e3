/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connection
 *
 * The way to a manager: the service on the system bus, on that of another host or of a container; the same, for root,
 * without the bus; or a manager of our own at the other end of a socket. All speak the same interface, so only this
 * file knows which it is. What the manager
 * does outlives it, so the connection can be made again and the same question asked again.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "cli/verb.h"
#include "common/macros.h"

typedef struct Connection {
        sd_bus *bus;
        const Common *common; /* borrowed: where to */
        bool is_direct;       /* the manager is our own */
        bool is_peer; /* there is no bus in between: nobody has a name, and signals are only for who causes them */
        bool may_ask; /* polkit may put a question to a person */
        int agent;    /* pidfd, or -EBADF */
        int manager;  /* of our own: pidfd, or -EBADF */
        int held;     /* signals, while a command is started; or -EBADF */
} Connection;

/**
 * connection_open() - reach the manager that the options ask for
 * @error:  filled on failure
 *
 * Root speaks to the service without the bus where that is possible, unless DBUS_SYSTEM_BUS_ADDRESS names one. Root
 * without a system bus gets a manager of its own, and is told so.
 *
 * Return: 0; -errno.
 */
int connection_open(const Common *common, Connection **ret, sd_bus_error *error);

/** connection_open_to_hear() - the same, and what happens to all containers is told there: always a bus */
int connection_open_to_hear(const Common *common, Connection **ret, sd_bus_error *error);

/** connection_service() - the bus name that calls go to and signals come from, or NULL */
const char *connection_service(const Connection *connection);

/**
 * connection_open_to() - the same, and the name of the container that a person means: connection_find()
 * @ret_name:  the caller's
 */
int connection_open_to(const Common *common, const char *who, Connection **ret, char **ret_name, sd_bus_error *error);

/** connection_free() - takes NULL. Return: NULL. */
Connection *connection_free(Connection *connection);
DEFINE_CLEANUP(Connection, connection_free)

/**
 * connection_reopen() - make it anew if it is broken, by the bus where there is one
 *
 * Not one by ssh: that might ask for a password, and nobody sits there who waits for that.
 *
 * Return: 1 when it was; 0; -ENOLINK when that is not for us to do; -errno.
 */
int connection_reopen(Connection *connection);

/** connection_new_call() - a call of the manager's method @member, to be filled. Return: 0; -errno. */
int connection_new_call(Connection *connection, const char *member, sd_bus_message **ret);

/** connection_new_call_on() - the same, of one that begins with the @name of a container */
int connection_new_call_on(Connection *connection, const char *member, const char *name, sd_bus_message **ret);

/**
 * connection_call() - send @call, and wait for its answer as long as it takes
 * @error:  filled on failure; where authority was denied it says which call was
 *
 * Where a person has to be asked, an agent is started and the call made again.
 *
 * Return: 0; -errno.
 */
int connection_call(Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply, sd_bus_error *error);

/**
 * connection_call_starting() - connection_call() of something that starts a command
 *
 * The signals that would end us wait from here on, for a session: cli/signals.h.
 */
int connection_call_starting(Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply,
                             sd_bus_error *error);

/**
 * connection_call_async() - the same without waiting, and without a question to a person
 *
 * An error that @callback gets is the bus's own: connection_explain().
 *
 * Return: 0; -errno.
 */
int connection_call_async(Connection *connection, sd_bus_slot **ret_slot, sd_bus_message *call,
                          sd_bus_message_handler_t callback, void *userdata);

/** connection_explain() - say in the user's terms, of a call of @member, what sd-bus says in its own */
void connection_explain(const Connection *connection, const char *member, sd_bus_error *error);

/**
 * connection_find() - the name of the container that a person means
 * @who:  its name, or the number of one of its processes
 *
 * Only what consists of digits is looked up, and as a name first.
 *
 * Return: the name, the caller's; NULL, with @error filled.
 */
char *connection_find(Connection *connection, const char *who, sd_bus_error *error);
