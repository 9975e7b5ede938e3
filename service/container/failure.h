/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failure
 *
 * Why the set-up of a container stopped, in a fixed record: the set-up runs in a process without a bus, and the record
 * is what crosses from there to the supervisor, in one write (at most PIPE_BUF: pipe(7)). The room that failed fills
 * it where it failed; the supervisor makes a bus error of it and adds nothing.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef enum {
        FAILURE_SETUP, /* SetupFailed */
        FAILURE_COMMAND_NOT_FOUND,
        FAILURE_COMMAND_NOT_EXECUTABLE,
        FAILURE_NO_SUCH_USER,
        FAILURE_INVALID_OPTION,
        FAILURE_NOT_SUPPORTED,
        FAILURE_LIMIT_REACHED,
        FAILURE_ACCESS_DENIED,
        FAILURE_NOT_RUNNING,
        FAILURE_NO_PRIVATE_NETWORK,
} FailureKind;

typedef struct Failure {
        int code; /* -errno; 0: nothing has failed */
        FailureKind kind;
        char sentence[2048];
} Failure;

/**
 * failure_step() - SetupFailed: cannot STEP OBJECT on TARGET: REASON
 * @failure:  filled
 * @code:     -errno
 * @object:   or NULL
 * @target:   or NULL: then " on TARGET" is left out
 *
 * Return: @code, so that it can be returned at once.
 */
int failure_step(Failure *failure, int code, const char *step, const char *object, const char *target);

/** failure_set() - the same for any kind, with a sentence of one's own. Return: @code. */
int failure_set(Failure *failure, int code, FailureKind kind, const char *format, ...) _printf_(4, 5);

/**
 * failure_take() - believe a record of another process's as far as it can be believed: anything may be in it
 * @told:     as it came
 * @failure:  filled
 *
 * Return: its code; -EPROTO where that is none.
 */
int failure_take(const Failure *told, Failure *failure);

/** failure_to_bus_error() - Return: failure->code. */
int failure_to_bus_error(const Failure *failure, sd_bus_error *error);
