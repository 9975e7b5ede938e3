/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run-options.h"

#include <ctype.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/place.h"
#include "cli/property.h"
#include "cli/text.h"
#include "common/error.h"
#include "common/fd.h"
#include "container/limits.h"

Spec *run_options_spec(RunOptions *options)
{
        if (!options->spec)
                options->spec = spec_new();
        return options->spec;
}

void run_options_clear(void *options)
{
        RunOptions *run = options;

        run->environment = strings_free(run->environment);
        run->spec = spec_free(run->spec);
}

/* ---- readers of what is a field of the spec ---- */

static void *spec_field(const Option *option, void *target)
{
        Spec *spec = run_options_spec(target);

        return spec ? (char *)spec + option->offset : NULL;
}

static int spec_flag(const Option *option, const char *value _unused_, void *target, sd_bus_error *error _unused_)
{
        bool *field = spec_field(option, target);

        if (!field)
                return -ENOMEM;
        *field = !option->number; /* 1: the flag takes away what is there by default */
        return 0;
}

static int spec_text(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        char **field = spec_field(option, target), *copy = strdup(value);

        if (!field || !copy) {
                free(copy);
                return -ENOMEM;
        }
        free(*field);
        *field = copy;
        return text_is_utf8(value) ? 0 : option_invalid(option, error, "is not UTF-8", NULL);
}

static int spec_words(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **words = NULL;
        char ***field = spec_field(option, target);

        int r = field ? text_split(value, ',', &words) : -ENOMEM;
        if (r >= 0 && !text_is_utf8(value))
                r = option_invalid(option, error, "is not UTF-8", NULL);
        for (char **word = words; r >= 0 && *word; word++)
                r = **word ? strings_append_copy(field, *word)
                           : option_invalid(option, error, "an empty word in", value);
        return r;
}

static int spec_namespace(const Option *option, const char *value _unused_, void *target, sd_bus_error *error _unused_)
{
        uint64_t *field = spec_field(option, target);

        if (!field)
                return -ENOMEM;
        *field |= option->number;
        return 0;
}

/* ---- paths: ours may be relative to where we are, those in the container never ---- */

/* Whether it is a path of this machine isn't known before the last option has been read; @value: it is in there. */
static char *path_here(RunOptions *options, const char *path, const char *value)
{
        if (*path != '/')
                options->relative_path = value;
        return text_to_absolute_path(path);
}

/* A path that cannot be written in a message goes as a descriptor, which is as good. */
static int read_root(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        Spec *spec = run_options_spec(target);

        if (!spec)
                return -ENOMEM;
        if (!*value)
                return option_invalid(option, error, "is empty", NULL);
        /* The last one counts, whichever form the others had. */
        free(TAKE_PTR(spec->root_path));
        spec->root_fd = fd_close(spec->root_fd);
        if (!text_is_utf8(value)) {
                spec->root_fd = open(value, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (spec->root_fd >= 0)
                        return 0;
                error_step(error, -errno, "open", value, NULL);
                return -EINVAL;
        }
        spec->root_path = path_here(target, value, value);
        return spec->root_path ? 0 : -ENOMEM;
}

static const struct {
        const char *word;
        MountKind kind;
        size_t n_words; /* with the first */
} mount_rows[] = {
        {"bind", MOUNT_BIND, 3},
        {"bind-ro", MOUNT_BIND_READ_ONLY, 3},
        {"overlay", MOUNT_OVERLAY, 4},
        {"tmp", MOUNT_TMP, 2},
};

static int mount_find(char *const *words)
{
        for (unsigned i = 0; i < ELEMENTS(mount_rows); i++)
                if (strcmp(words[0], mount_rows[i].word) == 0 && strings_count(words) == mount_rows[i].n_words)
                        return (int)i;
        return -EINVAL;
}

static int read_mount(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **words = NULL;
        Spec *spec = run_options_spec(target);

        int r = spec ? text_split(value, ':', &words) : -ENOMEM;
        if (r < 0)
                return r;
        int row = mount_find(words);
        if (row < 0)
                return option_invalid(option, error,
                                      "must be bind:SOURCE:DESTINATION, bind-ro:SOURCE:DESTINATION, "
                                      "overlay:UPPER:DESTINATION:WORK or tmp:DESTINATION, not",
                                      value);
        if (!text_is_utf8(value))
                return option_invalid(option, error, "is not UTF-8", NULL);
        Mount *mount = spec_grow_list(&spec->mounts, &spec->n_mounts, sizeof(*mount));
        if (!mount)
                return -ENOMEM;
        mount->kind = mount_rows[row].kind;
        bool has_source = mount->kind != MOUNT_TMP, has_work = mount->kind == MOUNT_OVERLAY;
        mount->source = has_source ? path_here(target, words[1], value) : NULL;
        mount->destination = strdup(words[has_source ? 2 : 1]);
        mount->work = has_work ? path_here(target, words[3], value) : NULL;
        return mount->destination && (mount->source || !has_source) && (mount->work || !has_work) ? 0 : -ENOMEM;
}

/* ---- network, users, limits ---- */

static int read_interface(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        static const char *const kinds[] = {
                [INTERFACE_MACVLAN] = "macvlan",
                [INTERFACE_IPVLAN] = "ipvlan",
                [INTERFACE_VETH] = "veth",
        };
        _cleanup_(strings_freep) char **words = NULL;
        Spec *spec = run_options_spec(target);
        unsigned kind = INTERFACE_MOVE;

        if (!spec)
                return -ENOMEM;
        spec->private_network = true;
        int r = value ? text_split(value, ':', &words) : 0;
        if (r < 0 || !value)
                return r;
        size_t n = strings_count(words);
        if (n == 3)
                for (kind = INTERFACE_MACVLAN; kind < ELEMENTS(kinds) && strcmp(words[0], kinds[kind]) != 0;)
                        kind++;
        if (n < 2 || n > 3 || kind >= ELEMENTS(kinds) || !text_is_utf8(value))
                return option_invalid(option, error,
                                      "must be DEVICE:NAME, macvlan:MASTER:NAME, ipvlan:MASTER:NAME or "
                                      "veth:OUTSIDE:INSIDE, not",
                                      value);
        Interface *interface = spec_grow_list(&spec->interfaces, &spec->n_interfaces, sizeof(*interface));
        if (!interface)
                return -ENOMEM;
        interface->kind = (InterfaceKind)kind;
        interface->outside = strdup(words[n - 2]);
        interface->inside = strdup(words[n - 1]);
        return interface->outside && interface->inside ? 0 : -ENOMEM;
}

static int read_user_map(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **words = NULL;
        Spec *spec = run_options_spec(target);
        uint64_t numbers[3];

        int r = spec ? text_split(value, ':', &words) : -ENOMEM;
        if (r < 0)
                return r;
        r = strings_count(words) == ELEMENTS(numbers) ? 0 : -EINVAL;
        for (unsigned i = 0; r >= 0 && i < ELEMENTS(numbers); i++)
                r = text_to_number(words[i], UINT32_MAX, &numbers[i]);
        if (r < 0)
                return option_invalid(option, error, "must be ID:HOSTID:COUNT, three numbers, not", value);
        IdMap *map = spec_grow_list(&spec->user_maps, &spec->n_user_maps, sizeof(*map));
        if (!map)
                return -ENOMEM;
        *map = (IdMap){(uint32_t)numbers[0], (uint32_t)numbers[1], (uint32_t)numbers[2]};
        return 0;
}

static int limit_value(const char *text, uint64_t *ret)
{
        if (strcmp(text, "infinity") == 0 || strcmp(text, "unlimited") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return text_to_size(text, ret);
}

static int read_limit(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **sides = NULL, **values = NULL;
        Spec *spec = run_options_spec(target);
        Limit limit;

        int r = spec ? text_split(value, '=', &sides) : -ENOMEM;
        if (r >= 0)
                r = strings_count(sides) == 2 ? text_split(sides[1], ':', &values) : -EINVAL;
        if (r >= 0)
                r = strings_count(values) <= 2 ? limit_value(values[0], &limit.soft) : -EINVAL;
        if (r >= 0)
                r = limit_value(values[1] ?: values[0], &limit.hard);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return option_invalid(option, error, "must be NAME=SOFT or NAME=SOFT:HARD, not", value);
        for (char *letter = sides[0]; *letter; letter++)
                *letter = (char)toupper((unsigned char)*letter);
        limit.resource = limit_from_name(sides[0]);
        if (limit.resource < 0)
                return option_invalid(option, error, "there is no resource limit", sides[0]);
        Limit *added = spec_grow_list(&spec->limits, &spec->n_limits, sizeof(*added));
        if (!added)
                return -ENOMEM;
        *added = limit;
        return 0;
}

static int read_property(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        Spec *spec = run_options_spec(target);
        Property property;

        int r = spec ? property_parse(value, &property) : -ENOMEM;
        if (r == -ENOENT)
                return option_invalid(option, error, "there is no such resource property:", value);
        if (r < 0)
                return r == -ENOMEM ? r : option_invalid(option, error, "not a value that it can have:", value);
        Property *added = spec_grow_list(&spec->properties, &spec->n_properties, sizeof(*added));
        if (!added) {
                free(property.bytes);
                return -ENOMEM;
        }
        *added = property;
        return 0;
}

/* ---- the rest ---- */

static int read_environment(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **assignments = NULL;
        RunOptions *run = target;

        int r = text_split(value, ',', &assignments);
        for (char **assignment = assignments; r >= 0 && *assignment; assignment++) {
                const char *equals = strchr(*assignment, '=');
                if (!equals || equals == *assignment || !text_is_utf8(*assignment))
                        return option_invalid(option, error, "must be NAME=VALUE, in UTF-8, not", *assignment);
                r = strings_append_copy(&run->environment, *assignment);
        }
        return r;
}

static int read_stop_signal(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        Spec *spec = run_options_spec(target);
        int signal = text_to_signal(value);

        if (!spec)
                return -ENOMEM;
        if (signal < 0)
                return option_invalid(option, error, "there is no signal", value);
        spec->stop_signal = signal;
        return 0;
}

static int read_register(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        static const char *const modes[] = {[REGISTER_AUTO] = "auto", [REGISTER_YES] = "yes", [REGISTER_NO] = "no"};
        Spec *spec = run_options_spec(target);

        if (!spec)
                return -ENOMEM;
        for (unsigned i = 0; i < ELEMENTS(modes); i++)
                if (strcmp(value, modes[i]) == 0) {
                        spec->registration = (RegisterMode)i;
                        return 0;
                }
        return option_invalid(option, error, "must be auto, yes or no, not", value);
}

/* -t of the pflask of old is the hostname; alone it is what everybody else's is. */
static int read_hostname_or_pty(const Option *option, const char *value, void *target, sd_bus_error *error)
{
        RunOptions *run = target;

        if (value)
                return spec_text(option, value, target, error);
        run->pty = PTY_YES;
        return 0;
}

/* ---- the rows ---- */

#define SPEC_FLAG(option_name, option_letter, field, takes_away, option_help)                                     \
        {                                                                                                         \
                .name = option_name, .letter = option_letter, .read = spec_flag, .offset = offsetof(Spec, field), \
                .number = takes_away, .help = option_help                                                         \
        }
#define SPEC_OWN(option_name, option_letter, option_argument, reader, field, option_help)                  \
        {                                                                                                  \
                .name = option_name, .letter = option_letter, .argument = option_argument, .read = reader, \
                .offset = offsetof(Spec, field), .help = option_help                                       \
        }
#define SHARE(option_name, option_letter, flag, what)                                                         \
        {                                                                                                     \
                .name = option_name, .letter = option_letter, .read = spec_namespace,                         \
                .offset = offsetof(Spec, shared_namespaces), .number = flag, .help = "share the host's " what \
        }

/* The first rows are for the form without a verb alone, the last for 'run' alone: each sees a window of the table. */
enum { BARE_ROWS = 7, VERB_ROWS = 5 };

static const Option rows[] = {
        {
                .letter = 't',
                .argument = "[NAME]",
                .read = read_hostname_or_pty,
                .offset = offsetof(Spec, hostname),
                .help = "hostname; without a name: --tty",
                .takes_word = true,
        },
        OPTION_NUMBER("tty", '\0', RunOptions, pty, PTY_YES, "give the command a terminal of its own"),
        OPTION_TEXT("attach", 'a', "NAME|PID", RunOptions, attach, "attach to that container instead"),
        SHARE("no-mountns", 'M', CLONE_NEWNS, "mounts"),
        SHARE("no-utsns", 'H', CLONE_NEWUTS, "hostname"),
        OPTION_HOST('\0'),
        OPTION_MACHINE('\0'),

        OPTION_NUMBER("no-tty", 'T', RunOptions, pty, PTY_NO, "give it our standard streams instead"),
        SPEC_OWN("name", '\0', "NAME", spec_text, name, "name of the container; default: pflask-PID"),
        OPTION_FLAG("detach", 'd', RunOptions, is_detached, "leave it in the background, and print its name"),
        OPTION_TEXT("detach-keys", '\0', "KEYS", RunOptions, detach_keys,
                    "keys that detach, such as ctrl-],ctrl-]; or none; default: ctrl-@"),
        SPEC_OWN("chroot", 'r', "DIR", read_root, root_path, "root directory; default: the host's"),
        SPEC_FLAG("ephemeral", 'w', ephemeral, 0, "throw away what is changed in the root directory"),
        SPEC_FLAG("read-only", '\0', read_only, 0, "nothing can be changed in the root directory"),
        SPEC_OWN("mount", 'm', "KIND:...", read_mount, mounts,
                 "bind:SRC:DST, bind-ro:SRC:DST, overlay:UPPER:DST:WORK, tmp:DST"),
        SPEC_OWN("netif", 'n', "[=KIND:...]", read_interface, interfaces,
                 "a network of its own; DEV:NAME, macvlan:MASTER:NAME, ipvlan:MASTER:NAME, veth:OUTSIDE:INSIDE"),
        SPEC_OWN("user", 'u', "USER", spec_text, user, "who runs the command"),
        SPEC_OWN("user-map", 'e', "ID:HOSTID:COUNT", read_user_map, user_maps,
                 "map ids of the container to the host's"),
        SPEC_OWN("caps", 'b', "CAP,...", spec_words, capabilities, "capabilities: all, -all, NAME, +NAME, -NAME"),
        SPEC_OWN("cgroup", 'g', "CONTROLLER,...", spec_words, cgroups, "a cgroup of its own, without systemd"),
        SPEC_OWN("property", '\0', "NAME=VALUE", read_property, properties, "resources, such as MemoryMax=64M"),
        SPEC_OWN("rlimit", '\0', "NAME=SOFT:HARD", read_limit, limits, "resource limit of the command"),
        SPEC_OWN("hostname", '\0', "NAME", spec_text, hostname, "hostname of the container"),
        SPEC_OWN("chdir", 'c', "DIR", spec_text, working_directory, "where the command starts"),
        OPTION_OWN("setenv", 's', "NAME=VALUE,...", read_environment, RunOptions, environment,
                   "set in its environment"),
        OPTION_FLAG("keepenv", 'k', RunOptions, keeps_environment, "with --chroot: keep our environment"),
        SPEC_FLAG("no-dev", '\0', private_devices, 1, "leave the root directory's /dev as it is"),
        OPTION_NUMBER("stub-init", '\0', RunOptions, stub_init, STUB_INIT_YES,
                      "a small init is PID 1, not the command; default without --chroot"),
        OPTION_NUMBER("no-stub-init", '\0', RunOptions, stub_init, STUB_INIT_NO, "the command is PID 1"),
        SPEC_FLAG("no-new-privs", '\0', no_new_privileges, 0, "execve(2) gives no privileges"),
        SPEC_OWN("stop-signal", '\0', "SIGNAL", read_stop_signal, stop_signal, "what poweroff sends"),
        SPEC_OWN("register", '\0', "auto|yes|no", read_register, registration, "with systemd-machined"),
        SHARE("no-userns", 'U', CLONE_NEWUSER, "users"),
        SHARE("no-netns", 'N', CLONE_NEWNET, "network"),
        SHARE("no-ipcns", 'I', CLONE_NEWIPC, "System V IPC"),
        SHARE("no-pidns", 'P', CLONE_NEWPID, "processes"),
        SHARE("no-cgroupns", '\0', CLONE_NEWCGROUP, "view of cgroups"),
        EVERYBODYS_OPTIONS,

        OPTION_NUMBER("tty", 't', RunOptions, pty, PTY_YES, "give the command a terminal of its own"),
        SHARE("no-mountns", '\0', CLONE_NEWNS, "mounts"),
        SHARE("no-utsns", '\0', CLONE_NEWUTS, "hostname"),
        OPTION_HOST('H'),
        OPTION_MACHINE('M'),
};

size_t run_options_bare(const Option **ret)
{
        *ret = rows;
        return ELEMENTS(rows) - VERB_ROWS;
}

size_t run_options_verb(const Option **ret)
{
        *ret = rows + BARE_ROWS;
        return ELEMENTS(rows) - BARE_ROWS;
}

/* ---- what is filled in ---- */

static int complete_command(Spec *spec, char *const *command, sd_bus_error *error)
{
        static char shell[] = "/bin/bash";
        char *const by_default[] = {shell, NULL};
        int r = 0;

        for (char *const *word = *command ? command : by_default; r >= 0 && *word; word++) {
                if (!text_is_utf8(*word)) {
                        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "not UTF-8, which is all that D-Bus carries: '%s'",
                                  *word);
                        return -EINVAL;
                }
                r = strings_append_copy(&spec->command, *word);
        }
        return r;
}

static int complete_directory(const RunOptions *run, sd_bus_error *error)
{
        Spec *spec = run->spec;

        if (spec->working_directory || spec_has_root(spec) || place_is_away(&run->common))
                return 0;
        /* A directory that was removed, or that we cannot reach, has no name: then it is the container's default. */
        spec->working_directory = get_current_dir_name();
        if (!spec->working_directory || text_is_utf8(spec->working_directory))
                return 0;
        error_set(error, SD_BUS_ERROR_INVALID_ARGS, "the name of the present directory is not UTF-8; use --chdir");
        return -EINVAL;
}

/* What no shell would have set, and what D-Bus cannot carry, stays behind; the latter not silently. */
static int append_our_environment(char ***environment)
{
        int r = 0;

        for (char **variable = environ; r >= 0 && *variable; variable++) {
                const char *equals = strchr(*variable, '=');
                if (!equals || equals == *variable)
                        continue;
                if (!text_is_utf8(*variable)) {
                        _cleanup_(freep) char *name = strndup(*variable, (size_t)(equals - *variable));
                        _cleanup_(freep) char *shown = name ? error_escape(name) : NULL;
                        fprintf(stderr, "pflask: environment variable %s is not UTF-8 and is left out\n", shown ?: "");
                        continue;
                }
                r = strings_append_copy(environment, *variable);
        }
        return r;
}

static int complete_environment(RunOptions *run)
{
        const char *term = getenv("TERM");
        char *terminal = NULL;
        int r = 0;

        if ((!spec_has_root(run->spec) && !place_is_away(&run->common)) || run->keeps_environment)
                r = append_our_environment(&run->spec->environment);
        else if (term && text_is_utf8(term))
                r = asprintf(&terminal, "TERM=%s", term) < 0 ? -ENOMEM
                                                             : strings_append(&run->spec->environment, terminal);
        for (char **assignment = run->environment; r >= 0 && assignment && *assignment; assignment++)
                r = strings_append_copy(&run->spec->environment, *assignment);
        return r;
}

int run_options_complete(RunOptions *options, char *const *command, sd_bus_error *error)
{
        Spec *spec = run_options_spec(options);

        if (!spec)
                return -ENOMEM;
        if (options->relative_path && place_is_away(&options->common)) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a relative path is none of %s: '%s'",
                          place_name(&options->common), options->relative_path);
                return -EINVAL;
        }
        if (!spec->name)
                spec->name = strdup("");
        spec->stub_init = options->stub_init == STUB_INIT_YES ||
                          (options->stub_init == STUB_INIT_AUTO && !spec_has_root(spec) &&
                           !(spec->shared_namespaces & CLONE_NEWPID));
        int r = spec->name ? complete_command(spec, command, error) : -ENOMEM;
        if (r >= 0)
                r = complete_directory(options, error);
        return r < 0 ? r : complete_environment(options);
}

int detach_keys_read(const char *text, Keys *ret, sd_bus_error *error)
{
        int r = keys_parse(text ?: "ctrl-@", ret);

        if (r < 0)
                error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                          "option '--detach-keys': not keys, such as ctrl-],ctrl-]: '%s'", text);
        return r;
}
