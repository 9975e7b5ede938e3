/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log
 *
 * What an administrator reads afterwards: a line when a container has started or ended, a line for a refused call.
 * Never an environment, a command line or a byte of a console. To the journal where stderr is the journal's, else as
 * lines to stderr.
 */
#pragma once

#include "manager/container.h"

typedef enum {
        LOG_CONTAINER_STARTED,
        LOG_CONTAINER_EXITED,
} LogEvent;

/** log_container() - something happened to @container */
void log_container(const Container *container, LogEvent event);

/** log_refused() - the caller of @call was refused */
void log_refused(const Call *call, const sd_bus_error *error);

/** log_failure() - the program itself cannot STEP OBJECT; error_limit() is named. Return: @code. */
int log_failure(int code, const char *step, const char *object);

/** log_limit() - the same, where @code stands for a @limit of its own; or NULL */
int log_limit(int code, const char *step, const char *object, const char *limit);

/** log_ignored() - what is written at @line of @path (0: the whole file) is ignored because of @reason */
void log_ignored(const char *path, unsigned line, const char *reason);
