/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/table.h"
#include "common/error.h"

typedef struct Row {
        const char *name, *state, *path;
        uint32_t owner, leader;
} Row;

static int row_read(sd_bus_message *reply, Row *ret)
{
        return sd_bus_message_read(reply, "(susuo)", &ret->name, &ret->owner, &ret->state, &ret->leader, &ret->path);
}

static int list_print_json(sd_bus_message *reply, const Common *common)
{
        Json json = {.file = stdout, .is_pretty = common->json == JSON_PRETTY};
        Row row;
        int r;

        json_begin(&json, '[');
        while ((r = row_read(reply, &row)) > 0) {
                json_begin(&json, '{');
                json_key(&json, "name");
                json_text(&json, row.name);
                json_key(&json, "owner");
                json_number(&json, row.owner);
                json_key(&json, "state");
                json_text(&json, row.state);
                json_key(&json, "leader");
                json_number(&json, row.leader);
                json_key(&json, "path");
                json_text(&json, row.path);
                json_end(&json, '}');
        }
        json_end(&json, ']');
        return r;
}

static void owner_format(uint32_t uid, char *text, size_t bytes)
{
        const struct passwd *user = getpwuid(uid);

        if (user)
                snprintf(text, bytes, "%s", user->pw_name);
        else
                snprintf(text, bytes, "%" PRIu32, uid);
}

static int list_print_table(sd_bus_message *reply, const Common *common, sd_bus_error *error)
{
        static const TableColumn columns[] = {{"NAME", false}, {"OWNER", false}, {"STATE", false}, {"LEADER", true}};
        _cleanup_(table_freep) Table *table = NULL;
        char owner[64], leader[16];
        unsigned n = 0;
        Row row;

        int r = table_new(columns, ELEMENTS(columns), !common->no_legend, &table);
        if (r == -ENOSYS)
                error_set(error, ERROR_NOT_SUPPORTED, "tables need libsmartcols.so.1; --json works without it");
        if (r < 0)
                return r;
        while ((r = row_read(reply, &row)) > 0) {
                owner_format(row.owner, owner, sizeof(owner));
                snprintf(leader, sizeof(leader), "%" PRIu32, row.leader);
                r = table_add(table, (const char *const[]){row.name, owner, row.state, row.leader ? leader : "-"});
                if (r < 0)
                        return r;
                n++;
        }
        if (r < 0)
                return r;
        if (n > 0 || common->no_legend)
                return table_print(table);
        puts("No containers.");
        return 0;
}

static int list_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const Common *common = invocation->options;

        int r = connection_open(common, &connection, error);
        if (r >= 0)
                r = connection_new_call(connection, "ListContainers", &call);
        if (r >= 0)
                r = connection_call(connection, call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(susuo)");
        if (r < 0)
                return r;
        return common->json != JSON_OFF ? list_print_json(reply, common) : list_print_table(reply, common, error);
}

const Verb *list_verb(void)
{
        static const Option options[] = {OUTPUT_OPTIONS, COMMON_OPTIONS};
        static const Verb verb = {
                .name = "list",
                .operands = "",
                .summary = "List the containers of this host",
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(Common),
                .run = list_run,
        };
        return &verb;
}
