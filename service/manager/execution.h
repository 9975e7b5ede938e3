/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Execution
 *
 * What a caller wants to run in a container: the arguments of OpenContainerShell and ExecContainer, read and checked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef struct Execution {
        char *user;     /* "" is root of the container */
        char **command; /* empty: the user's shell */
        char **environment;
        char *working_directory; /* "" is the default */
        uint16_t rows, columns;
        bool has_terminal;
        bool kill_on_release;
        int streams[3]; /* -EBADF with a terminal */
} Execution;

/**
 * execution_read() - read "sasas", with @has_terminal false three descriptors, and the options
 * @ret:  the caller's
 *
 * Return: 0; -errno with @error.
 */
int execution_read(sd_bus_message *message, bool has_terminal, Execution **ret, sd_bus_error *error);

/** execution_append() - write it for the supervisor: "sassa(...)": see Join in its interface. Return: 0; -errno. */
int execution_append(const Execution *execution, sd_bus_message *message);

/**
 * execution_user() - who it is to polkit: "root" for "", NULL and every spelling of 0, a number without leading zeros
 * @buffer:  for the answer, which may lie there
 */
const char *execution_user(const char *user, char buffer[static 16]);

/** execution_free() - takes NULL. Return: NULL. */
Execution *execution_free(Execution *execution);
DEFINE_CLEANUP(Execution, execution_free)
