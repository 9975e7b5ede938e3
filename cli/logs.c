/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs
 *
 * What a container wrote while nobody was attached: as much as its supervisor keeps, and with --follow what comes after
 * that. Nobody is disturbed by a follower; one that is too slow for the container is told how much it has missed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/connection.h"
#include "cli/place.h"
#include "cli/printer.h"
#include "cli/text.h"
#include "common/error.h"
#include "common/fd.h"

enum { CHUNK_BYTES = 64 * 1024 };

typedef struct LogsOptions {
        Common common;
        bool is_raw;
        bool follows;
        const char *lines;
} LogsOptions;

typedef struct Logs {
        Connection *connection;
        char *name;
        Printer printer;
        uint64_t n_lines; /* UINT64_MAX: all that there are */
        uint64_t place;   /* behind the last byte that has been printed, counted from the start of the container */
        bool has_begun;
} Logs;

static void logs_clear(Logs *logs)
{
        connection_free(logs->connection);
        free(logs->name);
}

static void logs_print_last(Logs *logs, const char *log, size_t n)
{
        size_t begin = logs->n_lines == UINT64_MAX ? 0 : last_lines(log, n, logs->n_lines);

        printer_print(&logs->printer, log + begin, n - begin);
}

static void logs_tell_lost(const Logs *logs, uint64_t n)
{
        fflush(stdout);
        fprintf(stderr, "pflask: %s: %" PRIu64 " bytes %s are lost\n", logs->name, n,
                logs->has_begun ? "in between" : "before this");
}

/* ---- what there is ---- */

static int logs_read(Logs *logs, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const void *log;
        uint64_t dropped;
        size_t n;

        int r = connection_new_call_on(logs->connection, "ReadContainerLog", logs->name, &call);
        if (r >= 0)
                r = connection_call(logs->connection, call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &log, &n);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &dropped);
        if (r < 0)
                return r;
        if (dropped > 0 && logs->n_lines == UINT64_MAX)
                logs_tell_lost(logs, dropped);
        logs_print_last(logs, log, n);
        return 0;
}

/* ---- and what comes ---- */

/* Reads @n bytes, or as many as come before the end. Return: how many; -errno. */
static ssize_t read_up_to(int fd, char *bytes, size_t n)
{
        size_t total = 0;

        while (total < n) {
                ssize_t got = read(fd, bytes + total, n - total);
                if (got < 0 && errno != EINTR)
                        return -errno;
                if (got == 0)
                        break;
                total += got > 0 ? (size_t)got : 0;
        }
        return (ssize_t)total;
}

/* The first that comes is what was there already: all of it at once, for its last lines. */
static int follow_begin(Logs *logs, int log, uint64_t begin, uint64_t end)
{
        _cleanup_(freep) char *bytes = malloc(CHUNK_BYTES);
        size_t n = end - begin <= CHUNK_BYTES ? (size_t)(end - begin) : CHUNK_BYTES;

        ssize_t got = bytes ? read_up_to(log, bytes, n) : -ENOMEM;
        if (got < 0)
                return (int)got;
        logs_print_last(logs, bytes, (size_t)got);
        logs->place = begin + (uint64_t)got;
        logs->has_begun = true;
        return 0;
}

static int follow_to_the_end(Logs *logs, int log, uint64_t begin)
{
        _cleanup_(freep) char *bytes = malloc(CHUNK_BYTES);
        uint64_t place = begin;

        if (!bytes)
                return -ENOMEM;
        for (;;) {
                /* Whoever reads us may read on before there is more. */
                if (fflush(stdout) != 0)
                        return -errno;
                ssize_t n = read(log, bytes, CHUNK_BYTES);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                uint64_t known = logs->place > place ? logs->place - place : 0;
                place += (uint64_t)n;
                if (known >= (uint64_t)n)
                        continue;
                printer_print(&logs->printer, bytes + known, (size_t)n - known);
                logs->place = place;
        }
}

static int follow_once(Logs *logs, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        uint64_t begin, end;
        int log;

        int r = connection_new_call_on(logs->connection, "FollowContainerLog", logs->name, &call);
        if (r >= 0)
                r = connection_call(logs->connection, call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "htt", &log, &begin, &end);
        if (r >= 0 && !logs->has_begun) {
                r = follow_begin(logs, log, begin, end);
                begin = logs->place;
        }
        if (r < 0)
                return r;
        if (begin > logs->place)
                logs_tell_lost(logs, begin - logs->place);
        return follow_to_the_end(logs, log, begin);
}

/* The pipe ends with the container, or because we were too slow: then there is something new when we ask again. */
static int logs_follow(Logs *logs, sd_bus_error *error)
{
        uint64_t before;
        int r;

        do {
                before = logs->place;
                bool is_first = !logs->has_begun;
                r = is_first ? 0 : connection_reopen(logs->connection);
                if (r >= 0)
                        r = follow_once(logs, error);
                if (!is_first && sd_bus_error_has_names(error, ERROR_NO_SUCH_CONTAINER, ERROR_NOT_RUNNING)) {
                        sd_bus_error_free(error); /* it is forgotten by now, or just being */
                        return 0;
                }
        } while (r >= 0 && logs->place != before);
        return r;
}

/* ---- the verb ---- */

static int logs_run(Invocation *invocation, sd_bus_error *error)
{
        const LogsOptions *options = invocation->options;
        const char *who = invocation->subject = invocation->operands[0];
        _cleanup_(logs_clear) Logs logs = {.printer = printer_for(options->is_raw), .n_lines = UINT64_MAX};

        if (options->lines && text_to_number(options->lines, UINT64_MAX - 1, &logs.n_lines) < 0) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "option '--lines': not a number: '%s'", options->lines);
                return -EINVAL;
        }
        int r = options->follows ? place_require_descriptors(&options->common, NULL, "logs -f", who, error) : 0;
        if (r >= 0)
                r = connection_open_to(&options->common, who, &logs.connection, &logs.name, error);
        if (r >= 0 && options->follows)
                r = place_require_descriptors(&options->common, logs.connection->bus, "logs -f", who, error);
        if (r >= 0)
                r = options->follows ? logs_follow(&logs, error) : logs_read(&logs, error);
        printer_end(&logs.printer);
        return r;
}

const Verb *logs_verb(void)
{
        static const Option options[] = {
                OPTION_FLAG("follow", 'f', LogsOptions, follows, "go on with what it writes, until it ends"),
                OPTION_TEXT("lines", 'n', "LINES", LogsOptions, lines, "begin with so many of the last lines"),
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
