/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Complaint
 *
 * What a person is told on standard error of what went wrong: pflask: WHAT: WHY. What it is about is said once: a
 * sentence that names it has no name before it.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macros.h"

/**
 * complain() - write a complaint
 * @about:     a container, a command; or NULL
 * @sentence:  what went wrong
 */
void complain(const char *about, const char *sentence);

/** complaint_add() - "; " and what else may help, behind the sentence of @error */
void complaint_add(sd_bus_error *error, const char *format, ...) _printf_(2, 3);
