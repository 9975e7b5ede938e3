/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/complaint.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

/* As a word of its own, which may stand in quotes or before a colon. */
static bool is_named(const char *sentence, const char *about)
{
        size_t length = strlen(about);
        /* strchr(3) finds the end of the sentence as well. */
        const char *at = length > 0 ? strstr(sentence, about) : NULL;

        for (; at; at = strstr(at + 1, about))
                if ((at == sentence || strchr(" '", at[-1])) && strchr(" ':", at[length]))
                        return true;
        return false;
}

void complain(const char *about, const char *sentence)
{
        _cleanup_(freep) char *shown = error_escape(sentence);
        _cleanup_(freep) char *name = about && !is_named(sentence, about) ? error_escape(about) : NULL;

        fprintf(stderr, "pflask: %s%s%s\n", name ?: "", name ? ": " : "", shown ?: "out of memory");
}

void complaint_add(sd_bus_error *error, const char *format, ...)
{
        _cleanup_(sd_bus_error_free) sd_bus_error whole = SD_BUS_ERROR_NULL;
        _cleanup_(freep) char *more = NULL;
        va_list arguments;

        va_start(arguments, format);
        int r = vasprintf(&more, format, arguments);
        va_end(arguments);
        if (r < 0) {
                more = NULL;
                return;
        }
        error_set(&whole, error->name, "%s; %s", error->message ?: "", more);
        sd_bus_error_free(error);
        sd_bus_error_move(error, &whole);
}
