/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scope
 *
 * The unit of systemd that a container's processes live in: pflask-NAME.scope, asked for before the leader runs
 * anything. A Scope is only the wait for it. The unit itself belongs to its processes and is collected, failed or
 * not, when the last of them is gone; so there is nothing to lose with the manager. But where they were dying when
 * systemd put them into the unit, it is empty from its beginning, and systemd never told so: what has failed is stopped,
 * and so is what a manager that was killed has left.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

#include "common/macros.h"
#include "container/spec.h"

typedef struct Scope Scope;

/* What the scope is made of. Everything is borrowed for the call of scope_start() only. */
typedef struct ScopeInput {
        const char *name; /* of the container; it must be claimed, since a unit left under it is stopped */
        pid_t supervisor;
        pid_t leader;
        uid_t owner;
        bool is_confined; /* the scope lies in user-OWNER.slice, so that the owner's limits hold; else in machine.slice */
        uint64_t stop_usec; /* what the container has to end when the scope is stopped, and its supervisor asks it to */
        const Property *properties;
        size_t n_properties;
} ScopeInput;

/**
 * ScopeDone - how the wait has ended; called once, from the loop, and it may free the scope
 * @r:      0: both processes are in the unit, which is active; -errno
 * @error:  with -errno, the sentence; valid during the call
 */
typedef void (*ScopeDone)(void *userdata, int r, const sd_bus_error *error);

/**
 * scope_is_available() - is systemd the init here, and on this bus
 * @bus:  the system bus, or NULL
 *
 * Waits for the bus, so it is for the start of a program. sd_booted(3); the name alone could be activated, and a
 * private bus has none.
 */
bool scope_is_available(sd_bus *bus);

/** scope_unit_name() - the unit of a container. Return: the caller's, or NULL. */
char *scope_unit_name(const char *name);

/**
 * scope_start() - ask systemd for the scope, and wait for its job without blocking
 * @bus:    the system bus, attached to a loop
 * @done:   not called when this fails
 * @ret:    the caller's; free it after @done, or before to stop waiting
 *
 * A unit that is left from an earlier container of that name is stopped and waited for. PID 1 has 25 s for all this.
 *
 * Return: 0; -errno with @error.
 */
int scope_start(sd_bus *bus, const ScopeInput *input, ScopeDone done, void *userdata, Scope **ret, sd_bus_error *error);

/** scope_stop() - have systemd stop what a supervisor that ends leaves empty; nobody waits for it */
void scope_stop(sd_bus *bus, const char *name);

/** scope_kill() - have systemd kill what is left of a container that has no supervisor; nobody waits for it */
void scope_kill(sd_bus *bus, const char *name);

/** ScopeIsUsed - is there a container of that name, or somebody who makes one */
typedef bool (*ScopeIsUsed)(void *userdata, const char *name);

/**
 * scope_stop_unused() - ask systemd which scopes there are, and stop those that are left
 * @userdata:  outlives the bus
 *
 * Return: 0 or more; -errno.
 */
int scope_stop_unused(sd_bus *bus, ScopeIsUsed is_used, void *userdata);

/** scope_free() - takes NULL; ends the wait. Return: NULL. */
Scope *scope_free(Scope *scope);
DEFINE_CLEANUP(Scope, scope_free)
