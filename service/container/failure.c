/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/failure.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

_Static_assert(sizeof(Failure) <= PIPE_BUF, "a failure is one write");

enum { ERRNO_MAX = 4095 }; /* the kernel's MAX_ERRNO */

static const char *const failure_error_names[] = {
        [FAILURE_SETUP] = ERROR_SETUP_FAILED,
        [FAILURE_COMMAND_NOT_FOUND] = ERROR_COMMAND_NOT_FOUND,
        [FAILURE_COMMAND_NOT_EXECUTABLE] = ERROR_COMMAND_NOT_EXECUTABLE,
        [FAILURE_NO_SUCH_USER] = ERROR_NO_SUCH_USER,
        [FAILURE_INVALID_OPTION] = ERROR_INVALID_OPTION,
        [FAILURE_NOT_SUPPORTED] = ERROR_NOT_SUPPORTED,
        [FAILURE_LIMIT_REACHED] = ERROR_LIMIT_REACHED,
        [FAILURE_ACCESS_DENIED] = SD_BUS_ERROR_ACCESS_DENIED,
        [FAILURE_NOT_RUNNING] = ERROR_NOT_RUNNING,
        [FAILURE_NO_PRIVATE_NETWORK] = ERROR_NO_PRIVATE_NETWORK,
};

int failure_set(Failure *failure, int code, FailureKind kind, const char *format, ...)
{
        va_list arguments;

        failure->code = code;
        failure->kind = kind;
        va_start(arguments, format);
        int length = vsnprintf(failure->sentence, sizeof(failure->sentence), format, arguments);
        va_end(arguments);
        /* A path may be longer than a record: what is left out shows. The reason at the end is kept. */
        if (length >= (int)sizeof(failure->sentence))
                snprintf(failure->sentence + 1900, sizeof(failure->sentence) - 1900, "...: %s", strerror(-code));
        return code;
}

int failure_step(Failure *failure, int code, const char *step, const char *object, const char *target)
{
        const char *limit = error_limit(code);

        return failure_set(failure, code, limit ? FAILURE_LIMIT_REACHED : FAILURE_SETUP, "cannot %s%s%s%s%s: %s%s%s%s",
                           step, object ? " " : "", object ?: "", target ? " on " : "", target ?: "", strerror(-code),
                           limit ? " (" : "", limit ?: "", limit ? ")" : "");
}

int failure_take(const Failure *told, Failure *failure)
{
        *failure = *told;
        failure->sentence[sizeof(failure->sentence) - 1] = '\0';
        if (failure->code >= 0 || failure->code < -ERRNO_MAX)
                failure->code = -EPROTO;
        if ((unsigned)failure->kind >= ELEMENTS(failure_error_names))
                failure->kind = FAILURE_SETUP;
        return failure->code;
}

int failure_to_bus_error(const Failure *failure, sd_bus_error *error)
{
        error_set(error, failure_error_names[failure->kind], "%s", failure->sentence);
        return failure->code;
}
