/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status
 *
 * One container for a person to look at: what it is, since when, what it uses, who runs in it, and what it wrote last.
 * For programs there is JSON.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/colour.h"
#include "cli/inside.h"
#include "cli/json.h"
#include "cli/place.h"
#include "cli/processes.h"
#include "cli/text.h"
#include "cli/usage.h"
#include "common/error.h"
#include "common/fd.h"

enum { TITLE_COLUMNS = 12, LOG_LINES = 10, LOG_LINES_MAX = 1000000 };

typedef struct StatusOptions {
        Common common;
        bool has_lines;
        uint64_t lines;
} StatusOptions;

/* What is read of the properties; text is the reply's. */
typedef struct Status {
        const char *name, *state, *unit, *service, *class, *result;
        uint32_t owner, leader, supervisor;
        uint64_t timestamp, dropped_bytes;
        int32_t exit_status;
        int is_privileged, is_registered, is_attached;
        const int32_t *interfaces;
        size_t n_interfaces;
        const uint8_t *id;
        size_t n_id;
} Status;

/* ---- properties ---- */

static const struct {
        const char *name;
        const char *type;
        size_t offset;
        size_t n_offset; /* of an array's length */
} rows[] = {
        {"Name", "s", offsetof(Status, name), 0},
        {"State", "s", offsetof(Status, state), 0},
        {"Unit", "s", offsetof(Status, unit), 0},
        {"Service", "s", offsetof(Status, service), 0},
        {"Class", "s", offsetof(Status, class), 0},
        {"Result", "s", offsetof(Status, result), 0},
        {"Owner", "u", offsetof(Status, owner), 0},
        {"Leader", "u", offsetof(Status, leader), 0},
        {"Supervisor", "u", offsetof(Status, supervisor), 0},
        {"Timestamp", "t", offsetof(Status, timestamp), 0},
        {"ConsoleDropped", "t", offsetof(Status, dropped_bytes), 0},
        {"ExitStatus", "i", offsetof(Status, exit_status), 0},
        {"Privileged", "b", offsetof(Status, is_privileged), 0},
        {"Registered", "b", offsetof(Status, is_registered), 0},
        {"ConsoleAttached", "b", offsetof(Status, is_attached), 0},
        {"NetworkInterfaces", "ai", offsetof(Status, interfaces), offsetof(Status, n_interfaces)},
        {"Id", "ay", offsetof(Status, id), offsetof(Status, n_id)},
};

static int row_read(sd_bus_message *message, unsigned row, Status *status)
{
        char *base = (char *)status;

        int r = sd_bus_message_enter_container(message, 'v', rows[row].type);
        if (r < 0)
                return r;
        if (rows[row].n_offset > 0)
                r = sd_bus_message_read_array(message, rows[row].type[1],
                                              (const void **)(void *)(base + rows[row].offset),
                                              (size_t *)(void *)(base + rows[row].n_offset));
        else
                r = sd_bus_message_read_basic(message, rows[row].type[0], base + rows[row].offset);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int status_read_property(sd_bus_message *message, Status *status)
{
        const char *name;

        int r = sd_bus_message_read_basic(message, 's', &name);
        if (r < 0)
                return r;
        for (unsigned row = 0; row < ELEMENTS(rows); row++)
                if (strcmp(name, rows[row].name) == 0)
                        return row_read(message, row, status);
        return sd_bus_message_skip(message, "v");
}

static int status_read(sd_bus_message *reply, Status *ret)
{
        *ret = (Status){.name = "", .state = "", .unit = "", .service = "", .class = "", .result = ""};
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = status_read_property(reply, ret);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        ret->n_interfaces /= sizeof(*ret->interfaces);
        return r;
}

/* ---- lines ---- */

static void title_print(const char *title)
{
        printf("%*s%s ", TITLE_COLUMNS, title, *title ? ":" : " ");
}

static void state_print(const Status *status)
{
        char since[64] = "";
        struct timespec now;
        time_t sec = (time_t)(status->timestamp / 1000000);
        struct tm local;

        title_print("State");
        printf("%s%s%s", colour(COLOUR_BOLD), status->state, colour(COLOUR_PLAIN));
        if (strcmp(status->result, "exited") == 0)
                printf(" with status %d", status->exit_status);
        else if (strcmp(status->result, "killed") == 0 || strcmp(status->result, "dumped") == 0)
                printf(", %s by SIG%s", status->result, sigabbrev_np(status->exit_status) ?: "?");
        else if (*status->result)
                printf(", %s", status->result);
        if (localtime_r(&sec, &local) && strftime(since, sizeof(since), "%a %Y-%m-%d %H:%M:%S %Z", &local) > 0)
                printf(*status->result ? "; started %s" : " since %s", since);
        clock_gettime(CLOCK_REALTIME, &now);
        uint64_t now_usec = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        if (now_usec >= status->timestamp)
                printf("; %s ago", text_from_duration(now_usec - status->timestamp).text);
        putchar('\n');
}

static void owner_print(const Status *status)
{
        const struct passwd *user = getpwuid(status->owner);

        title_print("Owner");
        if (user)
                printf("%s", user->pw_name);
        else
                printf("%" PRIu32, status->owner);
        printf(" (%s)\n", status->is_privileged ? "privileged" : "confined");
}

static void leader_print(const Status *status, bool is_here)
{
        _cleanup_(freep) char *name = NULL;
        char path[32];

        if (status->leader == 0)
                return;
        title_print("Leader");
        printf("%" PRIu32, status->leader);
        snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", status->leader);
        if (is_here && fd_read_file(AT_FDCWD, path, 64, &name, NULL) >= 0) {
                name[strcspn(name, "\n")] = '\0';
                _cleanup_(freep) char *shown = error_escape(name);
                printf(" (%s)", shown ?: "");
        }
        putchar('\n');
        title_print("Supervisor");
        printf("%" PRIu32 "\n", status->supervisor);
}

static void service_print(const Status *status)
{
        title_print("Service");
        printf("%s; class %s%s\n", status->service, status->class,
               status->is_registered ? "; registered with systemd-machined" : "");
}

static void interfaces_print(const Status *status, bool is_here)
{
        char name[IF_NAMESIZE];

        for (size_t i = 0; i < status->n_interfaces; i++) {
                title_print(i == 0 ? "Interface" : "");
                if (is_here && if_indextoname((unsigned)status->interfaces[i], name))
                        printf("%s\n", name);
                else
                        printf("%" PRIi32 "\n", status->interfaces[i]);
        }
}

static void console_print(const Status *status)
{
        if (!status->is_attached && status->dropped_bytes == 0)
                return;
        title_print("Console");
        printf("%s", status->is_attached ? "attached" : "");
        if (status->dropped_bytes > 0)
                printf("%s%" PRIu64 " bytes overwritten before anybody read them", status->is_attached ? "; " : "",
                       status->dropped_bytes);
        putchar('\n');
}

static void figure_print(const char *title, uint64_t value, Figure (*format)(uint64_t))
{
        if (value == USAGE_UNKNOWN)
                return;
        title_print(title);
        if (format)
                printf("%s\n", format(value).text);
        else
                printf("%" PRIu64 "\n", value);
}

/* ---- what is inside ---- */

static void addresses_print(Connection *connection, const char *name)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = inside_ask(connection, name, "GetContainerAddresses");
        char text[INET6_ADDRSTRLEN];
        bool is_first = true;

        if (!reply || sd_bus_message_enter_container(reply, 'a', "(iay)") < 0)
                return;
        while (inside_read_address(reply, text) > 0) {
                title_print(is_first ? "Address" : "");
                printf("%s\n", text);
                is_first = false;
        }
}

static void system_print(Connection *connection, const char *name)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = inside_ask(connection, name, "GetContainerOSRelease");
        const char *key, *value, *system = NULL;

        if (!reply || sd_bus_message_enter_container(reply, 'a', "{ss}") < 0)
                return;
        while (sd_bus_message_read(reply, "{ss}", &key, &value) > 0)
                if (strcmp(key, "PRETTY_NAME") == 0 || (!system && strcmp(key, "NAME") == 0))
                        system = value;
        if (!system)
                return;
        _cleanup_(freep) char *shown = error_escape(system);
        title_print("OS");
        printf("%s\n", shown ?: "");
}

/* The start of the last @lines lines; one that isn't finished counts. */
static size_t log_tail(const char *log, size_t n, uint64_t lines)
{
        size_t at = n > 0 && log[n - 1] == '\n' ? n - 1 : n;

        for (uint64_t seen = 0; at > 0; at--)
                if (log[at - 1] == '\n' && ++seen == lines)
                        break;
        return at;
}

/* The length of a sequence that a terminal obeys: ECMA-48, 5.4. Colours and the like are no words. */
static size_t sequence_length(const char *text, size_t n)
{
        size_t at = 2;

        if (n < 2 || text[0] != '\033' || text[1] != '[')
                return 0;
        while (at < n && text[at] >= 0x20 && text[at] < 0x40)
                at++;
        return at < n ? at + 1 : n;
}

/* Only text comes through. */
static void log_line_print(const char *line, size_t n)
{
        _cleanup_(freep) char *text = malloc(n + 1);
        size_t length = 0;

        for (size_t at = 0; text && at < n;) {
                size_t sequence = sequence_length(line + at, n - at);
                if (sequence == 0 && line[at] && line[at] != '\r')
                        text[length++] = line[at] == '\t' ? ' ' : line[at];
                at += sequence ?: 1;
        }
        if (!text)
                return;
        text[length] = '\0';
        _cleanup_(freep) char *shown = error_escape(text);
        printf("%s\n", shown ?: "");
}

static void log_print(Connection *connection, const char *name, uint64_t lines)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = inside_ask(connection, name, "ReadContainerLog");
        const void *bytes;
        size_t n;

        if (lines == 0 || !reply || sd_bus_message_read_array(reply, 'y', &bytes, &n) < 0 || n == 0)
                return;
        const char *log = bytes, *end = log + n;
        putchar('\n');
        for (const char *line = log + log_tail(log, n, lines); line < end;) {
                const char *next = memchr(line, '\n', (size_t)(end - line));
                log_line_print(line, (size_t)((next ?: end) - line));
                line = next ? next + 1 : end;
        }
}

/* ---- all of it ---- */

static void identity_print(const Status *status)
{
        printf("%s%s%s(", colour(COLOUR_BOLD), status->name, colour(COLOUR_PLAIN));
        for (size_t i = 0; i < status->n_id; i++)
                printf("%02x", status->id[i]);
        puts(")");
}

static unsigned terminal_columns(void)
{
        struct winsize size;

        return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* What is counted for a cgroup; where there is none, who is there can still be counted. */
static void usage_of(const Status *status, const Processes *processes, Usage *ret)
{
        usage_read(status->name, (pid_t)status->leader, ret);
        if (ret->tasks == USAGE_UNKNOWN && processes->n > 0)
                ret->tasks = processes->threads;
}

static int processes_show(const Status *status)
{
        _cleanup_(processes_done) Processes processes = {};
        Usage usage;

        int r = processes_read(status->name, (pid_t)status->supervisor, (pid_t)status->leader, &processes);
        if (r < 0)
                return r;
        usage_of(status, &processes, &usage);
        figure_print("Tasks", usage.tasks, NULL);
        figure_print("Memory", usage.memory_bytes, text_from_size);
        figure_print("CPU", usage.cpu_usec, text_from_duration);
        if (processes.n == 0)
                return 0;
        title_print("Processes");
        processes_print(&processes, TITLE_COLUMNS + 2, terminal_columns());
        return 0;
}

static int status_print(Connection *connection, const Status *status, const StatusOptions *options)
{
        bool is_here = !place_name(&options->common);

        identity_print(status);
        state_print(status);
        owner_print(status);
        leader_print(status, is_here);
        service_print(status);
        system_print(connection, status->name);
        addresses_print(connection, status->name);
        interfaces_print(status, is_here);
        console_print(status);
        if (*status->unit) {
                title_print("Unit");
                puts(status->unit);
        }
        int r = is_here ? processes_show(status) : 0;
        if (r >= 0)
                log_print(connection, status->name, options->has_lines ? options->lines : LOG_LINES);
        return r;
}

/* ---- the same for programs ---- */

static int properties_print_json(Json *json, sd_bus_message *reply)
{
        const char *key;

        int r = sd_bus_message_rewind(reply, true);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(reply, 's', &key);
                if (r < 0)
                        return r;
                json_key(json, key);
                r = json_value(json, reply);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

static void inside_print_json(Json *json, Connection *connection, const char *name)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *system = inside_ask(connection, name, "GetContainerOSRelease");
        _cleanup_(sd_bus_message_unrefp)
                sd_bus_message *addresses = inside_ask(connection, name, "GetContainerAddresses");
        char text[INET6_ADDRSTRLEN];

        if (system) {
                json_key(json, "OSRelease");
                json_value(json, system);
        }
        if (!addresses || sd_bus_message_enter_container(addresses, 'a', "(iay)") < 0)
                return;
        json_key(json, "Addresses");
        json_begin(json, '[');
        while (inside_read_address(addresses, text) > 0)
                json_text(json, text);
        json_end(json, ']');
}

static void usage_print_json(Json *json, const Usage *usage)
{
        const struct {
                const char *key;
                uint64_t value;
        } figures[] = {{"Tasks", usage->tasks}, {"MemoryBytes", usage->memory_bytes}, {"CPUUsec", usage->cpu_usec}};

        for (unsigned i = 0; i < ELEMENTS(figures); i++) {
                if (figures[i].value == USAGE_UNKNOWN)
                        continue;
                json_key(json, figures[i].key);
                json_number(json, figures[i].value);
        }
}

static int processes_print_json(Json *json, const Status *status)
{
        _cleanup_(processes_done) Processes processes = {};
        Usage usage;

        int r = processes_read(status->name, (pid_t)status->supervisor, (pid_t)status->leader, &processes);
        if (r < 0)
                return r;
        usage_of(status, &processes, &usage);
        usage_print_json(json, &usage);
        json_key(json, "Processes");
        json_begin(json, '[');
        for (size_t i = 0; i < processes.n; i++) {
                json_begin(json, '{');
                json_key(json, "PID");
                json_number(json, (uint64_t)processes.list[i].pid);
                json_key(json, "Parent");
                json_number(json, (uint64_t)processes.list[i].parent);
                json_key(json, "CGroup");
                json_text(json, processes.list[i].cgroup);
                json_key(json, "Command");
                json_text(json, processes.list[i].command);
                json_end(json, '}');
        }
        json_end(json, ']');
        return 0;
}

static int status_print_json(Connection *connection, sd_bus_message *reply, const Status *status,
                             const StatusOptions *options)
{
        Json json = {.file = stdout, .is_pretty = options->common.json == JSON_PRETTY};

        json_begin(&json, '{');
        int r = properties_print_json(&json, reply);
        inside_print_json(&json, connection, status->name);
        if (r >= 0 && !place_name(&options->common))
                r = processes_print_json(&json, status);
        json_end(&json, '}');
        return r;
}

/* ---- one of them ---- */

static int status_one(Connection *connection, const char *who, const StatusOptions *options, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Status status;

        _cleanup_(freep) char *name = connection_find(connection, who, error);
        if (!name)
                return -sd_bus_error_get_errno(error) ?: -ENOMEM;
        int r = inside_properties(connection, name, &reply, error);
        if (r >= 0)
                r = status_read(reply, &status);
        if (r < 0)
                return r;
        return options->common.json == JSON_OFF ? status_print(connection, &status, options)
                                                : status_print_json(connection, reply, &status, options);
}

/* ---- the verb ---- */

static int status_run(Invocation *invocation, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;
        const StatusOptions *options = invocation->options;

        invocation->subject = invocation->operands[0];
        int r = connection_open(&options->common, &connection, error);
        for (int i = 0; r >= 0 && i < invocation->n_operands; i++) {
                if (i > 0 && options->common.json == JSON_OFF)
                        putchar('\n');
                invocation->subject = invocation->operands[i];
                r = status_one(connection, invocation->subject, options, error);
        }
        return r < 0 ? r : 0;
}

static int read_lines(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        StatusOptions *options = target;

        options->has_lines = true;
        int r = text_to_number(value, LOG_LINES_MAX, &options->lines);
        return r < 0 ? option_invalid(option, error, "must be a number of lines, not", value) : 0;
}

const Verb *status_verb(void)
{
        static const Option options[] = {
                OPTION_OWN("lines", 'n', "N", read_lines, StatusOptions, lines, "of its console (10)"),
                OUTPUT_OPTIONS,
                COMMON_OPTIONS,
        };
        static const Verb verb = {
                .name = "status",
                .operands = "NAME|PID...",
                .summary = "Show how a container is: who runs in it, what it uses, what it wrote last",
                .min_operands = 1,
                .max_operands = OPERANDS_MANY,
                .options = options,
                .n_options = ELEMENTS(options),
                .options_size = sizeof(StatusOptions),
                .run = status_run,
        };
        return &verb;
}
