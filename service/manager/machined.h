/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine
 *
 * A container as systemd-machined lists it. A Registration is only the wait for machined's answer, and machined has
 * a deadline: it is a convenience for people, and no container is held up by it for long. The machine itself goes
 * when it is unregistered, or with the scope.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "common/macros.h"
#include "container/spec.h"

typedef struct Registration Registration;

/* What machined is told. Everything is borrowed for the call of machine_register() only. */
typedef struct MachineInput {
        const char *name; /* must be claimed, since a machine of ours left under it is unregistered */
        sd_id128_t id;
        pid_t leader;              /* in its scope already: machined takes the unit from its cgroup */
        const int32_t *interfaces; /* indexes of the host's ends */
        size_t n_interfaces;
        RegisterMode mode; /* not REGISTER_NO */
} MachineInput;

/**
 * MachineDone - how the wait has ended; called once, from the loop, and it may free the registration
 * @r:      1: registered; 0: it is not, and REGISTER_AUTO asked for no more; -errno, only with REGISTER_YES
 * @error:  with -errno, the sentence; valid during the call
 */
typedef void (*MachineDone)(void *userdata, int r, const sd_bus_error *error);

/**
 * machine_register() - RegisterMachineWithNetwork, without blocking
 * @bus:   the system bus, attached to a loop; machined is activated if it can be
 * @done:  not called when this fails
 * @ret:   the caller's; free it after @done, or before to stop waiting
 *
 * The machine of an earlier leader of the same container is unregistered first, so that a reboot needs no other
 * step; a machine of somebody else is left alone. After 5 s the answer is no, and should machined say yes later it is
 * told to forget the machine again.
 *
 * Return: 0; -errno with @error.
 */
int machine_register(sd_bus *bus, const MachineInput *input, MachineDone done, void *userdata, Registration **ret,
                     sd_bus_error *error);

/** machine_unregister() - the container has ended; nobody waits for the answer, and machined is not activated */
void machine_unregister(sd_bus *bus, const char *name);

/** registration_free() - takes NULL; ends the wait. Return: NULL. */
Registration *registration_free(Registration *registration);
DEFINE_CLEANUP(Registration, registration_free)
