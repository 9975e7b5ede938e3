/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors a person reads
 *
 * A function returns -errno for the code above it and, where a person will be told, fills an sd_bus_error in the same
 * statement: its name from the one table here, its sentence with step, object and reason. A sentence is never parsed.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macros.h"

#define ERROR_NO_SUCH_CONTAINER      "org.pflask.Manager1.Error.NoSuchContainer"
#define ERROR_NO_SUCH_PROCESS        "org.pflask.Manager1.Error.NoSuchProcess"
#define ERROR_CONTAINER_EXISTS       "org.pflask.Manager1.Error.ContainerExists"
#define ERROR_INVALID_NAME           "org.pflask.Manager1.Error.InvalidName"
#define ERROR_INVALID_OPTION         "org.pflask.Manager1.Error.InvalidOption"
#define ERROR_SETUP_FAILED           "org.pflask.Manager1.Error.SetupFailed"
#define ERROR_COMMAND_NOT_FOUND      "org.pflask.Manager1.Error.CommandNotFound"
#define ERROR_COMMAND_NOT_EXECUTABLE "org.pflask.Manager1.Error.CommandNotExecutable"
#define ERROR_NOT_RUNNING            "org.pflask.Manager1.Error.NotRunning"
#define ERROR_CONSOLE_BUSY           "org.pflask.Manager1.Error.ConsoleBusy"
#define ERROR_NO_CONSOLE             "org.pflask.Manager1.Error.NoConsole"
#define ERROR_NO_PRIVATE_NETWORK     "org.pflask.Manager1.Error.NoPrivateNetwork"
#define ERROR_NO_SUCH_USER           "org.pflask.Manager1.Error.NoSuchUser"
#define ERROR_LIMIT_REACHED          "org.pflask.Manager1.Error.LimitReached"
#define ERROR_NOT_SUPPORTED          "org.pflask.Manager1.Error.NotSupported"

/**
 * errors_register() - make the names above known to sd-bus, once at the start of a program
 *
 * Without it sd-bus turns each of them into EIO: sd_bus_error_add_map(3).
 */
void errors_register(void);

/**
 * error_set() - fill @error with a name and a sentence
 * @error:   filled, unless NULL
 * @name:    one of the names above, or of org.freedesktop.DBus.Error
 *
 * What sd-bus refuses in a sentence (common/utf8.h), or a control character, is shown as \xNN: it crosses the bus, and
 * then a terminal.
 *
 * Return: the -errno that belongs to @name, so that it can be returned at once.
 */
int error_set(sd_bus_error *error, const char *name, const char *format, ...) _printf_(3, 4);

/**
 * error_step() - SetupFailed: cannot STEP OBJECT on TARGET: REASON
 * @error:    filled, unless NULL
 * @code:     -errno, the reason
 * @step:     a verb: "mount", "open", "write"
 * @object:   what it was done with, or NULL
 * @target:   what it was done to, or NULL: then " on TARGET" is left out
 *
 * Where @code stands for a limit of the machine, it is LimitReached, and the limit is named.
 *
 * Return: @code.
 */
int error_step(sd_bus_error *error, int code, const char *step, const char *object, const char *target);

/** error_limit() - the limit of the machine that -errno @code stands for wherever it comes. Return: its name; NULL. */
const char *error_limit(int code);

/** error_escape() - @text with everything shown as error_set() does it. Return: the caller's, or NULL. */
char *error_escape(const char *text);
