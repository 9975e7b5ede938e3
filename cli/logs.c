/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/connection.h"
#include "common/error.h"
#include "common/fd.h"

typedef struct LogsOptions {
        Common common;
        bool is_raw;
} LogsOptions;

/*
 * For a terminal, which would obey what a container has written: only text and ends of lines come through.
 */
static void log_print_shown(const char *log, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)log[i];
                bool is_line_end = c == '\r' && i + 1 < n && log[i + 1] == '\n';
                bool is_c1 = c == 0xc2 && i + 1 < n && (unsigned char)log[i + 1] < 0xa0;
                if (is_line_end)
                        continue;
                if (is_c1 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t'))
                        printf("\\x%02x", c);
                else
                        putchar(c);
        }
}

static int logs_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(freep) char *name = NULL;
        const LogsOptions *options = invocation->options;
        const void *log;
        uint64_t dropped;
        size_t n;

        invocation->subject = invocation->operands[0];
        int r = connection_open(&options->common, &connection, error);
        if (r < 0)
                return r;
        name = connection_find(connection, invocation->subject, error);
        if (!name)
                return -sd_bus_error_get_errno(error) ?: -ENOMEM;
        r = connection_new_call(connection, "ReadContainerLog", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        if (r >= 0)
                r = connection_call(connection, call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &log, &n);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &dropped);
        if (r < 0)
                return r;
        if (dropped > 0)
                fprintf(stderr, "pflask: %s: %" PRIu64 " bytes before this are lost\n", name, dropped);
        if (!options->is_raw && isatty(STDOUT_FILENO))
                log_print_shown(log, n);
        else
                fwrite(log, 1, n, stdout);
        return 0;
}

const Verb *logs_verb(void)
{
        static const Option options[] = {
                OPTION_FLAG("raw", '\0', LogsOptions, is_raw, "as it was written, on a terminal too"),
                COMMON_OPTIONS,
        };
        static const Verb verb = {
                .name = "logs",
                .operands = "NAME|PID",
                .summary = "Print what a container wrote while nobody was attached",
                .min_operands = 1,
                .max_operands = 1,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(LogsOptions),
                .run = logs_run,
        };
        return &verb;
}
