/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Show and describe
 *
 * What is known of a container, one KEY=VALUE a line, or as JSON: its properties, which are for everybody, and what it
 * was asked to be, which is not. Both are a{sv} to us, so whatever a newer service adds is shown as well.
 */
#include <stdio.h>
#include <string.h>

#include "cli/connection.h"
#include "cli/inside.h"
#include "cli/json.h"
#include "cli/text.h"
#include "common/error.h"
#include "common/names.h"

typedef struct ShowOptions {
        Common common;
        char **wanted; /* NULL: all */
        bool is_value;
} ShowOptions;

static int read_wanted(const Option *option _unused_, const char *value, void *target, sd_bus_error *error _unused_)
{
        _cleanup_(strings_freep) char **words = NULL;
        ShowOptions *options = target;

        int r = text_split(value, ',', &words);
        for (char **word = words; r >= 0 && *word; word++)
                r = strings_append_copy(&options->wanted, *word);
        return r;
}

static void show_clear(void *options)
{
        ShowOptions *show = options;

        show->wanted = strings_free(show->wanted);
}

static bool is_wanted(const ShowOptions *options, const char *key)
{
        bool is_listed = !options->wanted;

        for (char **word = options->wanted; word && *word && !is_listed; word++)
                is_listed = strcmp(*word, key) == 0;
        return is_listed;
}

/* Text and bytes are shown bare, the rest as JSON has it. */
static int value_print(sd_bus_message *message)
{
        Json json = {.file = stdout};
        const uint8_t *bytes;
        const char *type, *text;
        size_t n;

        int r = sd_bus_message_peek_type(message, NULL, &type);
        if (r < 0)
                return r;
        if (strcmp(type, "s") == 0) {
                r = sd_bus_message_read(message, "v", "s", &text);
                _cleanup_(freep) char *shown = r < 0 ? NULL : error_escape(text);
                printf("%s\n", shown ?: "");
                return r;
        }
        if (strcmp(type, "ay") == 0) {
                r = sd_bus_message_enter_container(message, 'v', "ay");
                if (r >= 0)
                        r = sd_bus_message_read_array(message, 'y', (const void **)&bytes, &n);
                for (size_t i = 0; r >= 0 && i < n; i++)
                        printf("%02x", bytes[i]);
                putchar('\n');
                return r < 0 ? r : sd_bus_message_exit_container(message);
        }
        r = json_value(&json, message);
        if (!strchr("ar", *type))
                putchar('\n');
        return r;
}

static int value_show(sd_bus_message *message, const char *key, const ShowOptions *options, Json *json)
{
        if (options->common.json != JSON_OFF) {
                json_key(json, key);
                return json_value(json, message);
        }
        if (!options->is_value)
                printf("%s=", key);
        return value_print(message);
}

static int pair_print(sd_bus_message *message, const ShowOptions *options, Json *json)
{
        const char *key;

        int r = sd_bus_message_enter_container(message, 'e', "sv");
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(message, 's', &key);
        if (r < 0)
                return r;
        r = is_wanted(options, key) ? value_show(message, key, options, json) : sd_bus_message_skip(message, "v");
        return r < 0 ? r : sd_bus_message_exit_container(message) < 0 ? -EBADMSG : 1;
}

static int show_print(sd_bus_message *reply, const ShowOptions *options)
{
        Json json = {.file = stdout, .is_pretty = options->common.json == JSON_PRETTY};

        if (options->common.json != JSON_OFF)
                json_begin(&json, '{');
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = pair_print(reply, options, &json)) > 0)
                ;
        if (options->common.json != JSON_OFF)
                json_end(&json, '}');
        return r;
}

/* ---- what is inside ---- */

static int append_addresses(sd_bus_message *all, sd_bus_message *reply)
{
        char text[INET6_ADDRSTRLEN];

        int r = sd_bus_message_open_container(all, 'a', "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(iay)");
        while (r >= 0 && (r = inside_read_address(reply, text)) > 0)
                r = sd_bus_message_append(all, "s", text);
        return r < 0 ? r : sd_bus_message_close_container(all);
}

static int append_os_release(sd_bus_message *all, sd_bus_message *reply)
{
        return sd_bus_message_copy(all, reply, true);
}

/* Keys beside those of the properties, and where they come from. */
static const struct {
        const char *key;
        const char *type;
        const char *member;
        int (*append)(sd_bus_message *all, sd_bus_message *reply);
} insides[] = {
        {"Addresses", "as", "GetContainerAddresses", append_addresses},
        {"OSRelease", "a{ss}", "GetContainerOSRelease", append_os_release},
};

static int append_inside(sd_bus_message *all, size_t i, sd_bus_message *reply)
{
        int r = sd_bus_message_open_container(all, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(all, "s", insides[i].key);
        if (r >= 0)
                r = sd_bus_message_open_container(all, 'v', insides[i].type);
        if (r >= 0)
                r = insides[i].append(all, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(all);
        return r < 0 ? r : sd_bus_message_close_container(all);
}

/* Adds that to the a{sv} of the properties, which is replaced. It never travels: it is a message to be read from. */
static int show_extend(Connection *connection, const char *name, const ShowOptions *options,
                       sd_bus_message **properties)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *all = NULL;

        int r = sd_bus_message_new_signal(connection->bus, &all, MANAGER_PATH, CONTAINER_INTERFACE, "Shown");
        if (r >= 0)
                r = sd_bus_message_open_container(all, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_enter_container(*properties, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_copy(all, *properties, true);
        for (size_t i = 0; r >= 0 && i < ELEMENTS(insides); i++) {
                if (!is_wanted(options, insides[i].key))
                        continue;
                _cleanup_(sd_bus_message_unrefp)
                        sd_bus_message *reply = inside_ask(connection, name, insides[i].member);
                if (reply)
                        r = append_inside(all, i, reply);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(all);
        if (r >= 0)
                r = sd_bus_message_seal(all, 1, 0);
        if (r < 0)
                return r;
        sd_bus_message_unref(*properties);
        *properties = TAKE_PTR(all);
        return 0;
}

/* ---- the verbs ---- */

typedef int (*ShowAsk)(Connection *connection, const char *name, const ShowOptions *options, sd_bus_message **ret_reply,
                       sd_bus_error *error);

static int properties_ask(Connection *connection, const char *name, const ShowOptions *options,
                          sd_bus_message **ret_reply, sd_bus_error *error)
{
        int r = inside_properties(connection, name, ret_reply, error);

        return r < 0 ? r : show_extend(connection, name, options, ret_reply);
}

static int description_ask(Connection *connection, const char *name, const ShowOptions *options _unused_,
                           sd_bus_message **ret_reply, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, "DescribeContainer", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        return r < 0 ? r : connection_call(connection, call, ret_reply, error);
}

static int show_with(Invocation *invocation, ShowAsk ask, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *name = NULL;
        const ShowOptions *options = invocation->options;

        invocation->subject = invocation->operands[0];
        int r = connection_open_to(&options->common, invocation->subject, &connection, &name, error);
        if (r >= 0)
                r = ask(connection, name, options, &reply, error);
        if (r >= 0)
                r = show_print(reply, options);
        return r < 0 ? r : 0;
}

static int show_run(Invocation *invocation, sd_bus_error *error)
{
        return show_with(invocation, properties_ask, error);
}

static int describe_run(Invocation *invocation, sd_bus_error *error)
{
        return show_with(invocation, description_ask, error);
}

static const Option show_options[] = {
        OPTION_OWN("property", 'p', "NAME,...", read_wanted, ShowOptions, wanted, "only these"),
        OPTION_FLAG("value", '\0', ShowOptions, is_value, "print values without their names"),
        OUTPUT_OPTIONS,
        COMMON_OPTIONS,
};

#define SHOW_VERB(verb_name, verb_summary)                   \
        const Verb *verb_name##_verb(void)                   \
        {                                                    \
                static const Verb verb = {                   \
                        .name = #verb_name,                  \
                        .operands = "NAME|PID",              \
                        .summary = verb_summary,             \
                        .min_operands = 1,                   \
                        .max_operands = 1,                   \
                        .options = show_options,             \
                        .n_options = ELEMENTS(show_options), \
                        .options_size = sizeof(ShowOptions), \
                        .clear = show_clear,                 \
                        .run = verb_name##_run,              \
                };                                           \
                return &verb;                                \
        }
SHOW_VERB(show, "Show the properties of a container")
SHOW_VERB(describe, "Show what a container was asked to be")
