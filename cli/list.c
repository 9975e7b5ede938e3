/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * List
 *
 * The containers of the host, as the manager knows them without asking one of them, and what each uses, as the kernel
 * counts it: so the list is there at once, whatever the containers do.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "cli/colour.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/place.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/usage.h"
#include "common/error.h"

typedef struct Row {
        const char *name, *state, *path; /* the reply's */
        uint32_t owner, leader;
        Usage usage;
} Row;

typedef struct Rows {
        Row *rows;
        size_t n;
} Rows;

static void rows_clear(Rows *rows)
{
        free(rows->rows);
}

static int row_compare(const void *one, const void *other)
{
        return strcmp(((const Row *)one)->name, ((const Row *)other)->name);
}

static int rows_read(sd_bus_message *reply, bool is_here, Rows *ret)
{
        Row row;

        int r = sd_bus_message_enter_container(reply, 'a', "(susuo)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(reply, "(susuo)", &row.name, &row.owner, &row.state, &row.leader, &row.path)) >
               0) {
                usage_read(row.name, is_here ? (pid_t)row.leader : 0, &row.usage);
                Row *larger = reallocarray(ret->rows, ret->n + 1, sizeof(row));
                if (!larger)
                        return -ENOMEM;
                ret->rows = larger;
                ret->rows[ret->n++] = row;
        }
        if (ret->n > 0)
                qsort(ret->rows, ret->n, sizeof(*ret->rows), row_compare);
        return r;
}

/* ---- JSON ---- */

static void json_figure(Json *json, const char *key, uint64_t figure)
{
        if (figure == USAGE_UNKNOWN)
                return;
        json_key(json, key);
        json_number(json, figure);
}

static void row_print_json(Json *json, const Row *row)
{
        json_begin(json, '{');
        json_key(json, "name");
        json_text(json, row->name);
        json_key(json, "owner");
        json_number(json, row->owner);
        json_key(json, "state");
        json_text(json, row->state);
        json_key(json, "leader");
        json_number(json, row->leader);
        json_key(json, "path");
        json_text(json, row->path);
        json_figure(json, "tasks", row->usage.tasks);
        json_figure(json, "memory_bytes", row->usage.memory_bytes);
        json_figure(json, "cpu_usec", row->usage.cpu_usec);
        json_end(json, '}');
}

static void list_print_json(const Rows *rows, const Common *common)
{
        Json json = {.file = stdout, .is_pretty = common->json == JSON_PRETTY};

        json_begin(&json, '[');
        for (size_t i = 0; i < rows->n; i++)
                row_print_json(&json, &rows->rows[i]);
        json_end(&json, ']');
}

/* ---- a table ---- */

static Figure figure_unknown(void)
{
        return (Figure){"-"};
}

static Figure figure_number(uint64_t number)
{
        Figure figure;

        snprintf(figure.text, sizeof(figure.text), "%" PRIu64, number);
        return figure;
}

static Figure figure_of(uint64_t value, Figure (*format)(uint64_t))
{
        return value == USAGE_UNKNOWN ? figure_unknown() : format(value);
}

/* What runs is shown plainly; what has ended, or is about to, is not what one looks for. */
static const char *state_colour(const char *state)
{
        if (strcmp(state, "running") == 0)
                return NULL;
        return strcmp(state, "exited") == 0 ? COLOUR_FAINT : COLOUR_WARN;
}

static int row_add(Table *table, const Row *row)
{
        const struct passwd *user = getpwuid(row->owner);
        Figure owner = figure_number(row->owner);
        Figure leader = figure_of(row->leader ?: USAGE_UNKNOWN, figure_number);
        Figure tasks = figure_of(row->usage.tasks, figure_number);
        Figure memory = figure_of(row->usage.memory_bytes, text_from_size);
        Figure cpu = figure_of(row->usage.cpu_usec, text_from_duration);
        const char *const cells[] = {
                row->name, user ? user->pw_name : owner.text, row->state, leader.text, tasks.text, memory.text,
                cpu.text};

        return table_add(table, cells, state_colour(row->state));
}

static int list_print_table(const Rows *rows, const Common *common, sd_bus_error *error)
{
        static const TableColumn columns[] = {
                {"NAME", false}, {"OWNER", false}, {"STATE", false}, {"LEADER", true},
                {"TASKS", true}, {"MEMORY", true}, {"CPU", true},
        };
        _cleanup_(table_freep) Table *table = NULL;

        int r = table_new(columns, ELEMENTS(columns), !common->no_legend, &table);
        if (r == -ENOSYS)
                error_set(error, ERROR_NOT_SUPPORTED, "tables need libsmartcols.so.1; --json works without it");
        for (size_t i = 0; r >= 0 && i < rows->n; i++)
                r = row_add(table, &rows->rows[i]);
        if (r < 0)
                return r;
        if (rows->n > 0 || common->no_legend)
                return table_print(table);
        puts("No containers.");
        return 0;
}

/* ---- the verb ---- */

static int list_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const Common *common = invocation->options;
        _cleanup_(rows_clear) Rows rows = {};

        int r = connection_open(common, &connection, error);
        if (r >= 0)
                r = connection_new_call(connection, "ListContainers", &call);
        if (r >= 0)
                r = connection_call(connection, call, &reply, error);
        if (r >= 0)
                r = rows_read(reply, !place_is_away(common), &rows);
        if (r < 0)
                return r;
        if (common->json == JSON_OFF)
                return list_print_table(&rows, common, error);
        list_print_json(&rows, common);
        return 0;
}

const Verb *list_verb(void)
{
        static const Option options[] = {OUTPUT_OPTIONS, COMMON_OPTIONS};
        static const Verb verb = {
                .name = "list",
                .operands = "",
                .summary = "List the containers of this host, and what they use",
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(Common),
                .run = list_run,
        };
        return &verb;
}
