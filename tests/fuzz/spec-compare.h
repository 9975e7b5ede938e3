/* SPDX-License-Identifier: BSD-2-Clause */
/* Two specs, field by field: what was lost between the manager and the supervisor would be lost in silence. */
#pragma once

#include "container/spec.h"

/** spec_check_same() - ends the program where they differ; descriptors are compared by the files behind them */
void spec_check_same(const Spec *one, const Spec *other);

/** fuzz_bus() - a connection without a peer, which is all that a message needs. Return: borrowed. */
sd_bus *fuzz_bus(void);

/** fuzz_call() - a new message of that connection. Return: the caller's. */
sd_bus_message *fuzz_call(void);

/** spec_check_survives() - written for the supervisor and read there, it is the same spec */
void spec_check_survives(const Spec *spec);
