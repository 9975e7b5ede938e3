/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a spec, as the bus writes them
 *
 * One row an option: key, type, how it is read and checked, how it is written. Whoever adds a row has added the option
 * to the bus, to the supervisor's call and to the description; a key without a row is refused by name.
 */
#include "container/spec.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/name.h"
#include "container/idmap.h"
#include "container/limits.h"

enum { LIST_MAX = 4096 };

typedef struct Option Option;
struct Option {
        const char *key;
        const char *type;
        const char *other_type; /* a second type that is understood, or NULL */
        int (*read)(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error);
        /* Only for a value that isn't the default: 1 when something was written. */
        int (*append)(const Option *option, const Spec *spec, sd_bus_message *message);
        size_t offset;                      /* of the field, for the generic readers */
        bool (*is_valid)(const char *text); /* of each text; NULL: any that isn't empty */
};

#define FIELD(type, spec, option) ((type *)(void *)((char *)(uintptr_t)(spec) + (option)->offset))

static int option_invalid(const Option *option, sd_bus_error *error, const char *why, const char *what)
{
        return error_set(error, ERROR_INVALID_OPTION, "option '%s': %s%s%s%s", option->key, why, what ? " '" : "",
                         what ?: "", what ? "'" : "");
}

/* ---- checks of texts ---- */

static bool is_plain(const char *text)
{
        return *text != '\0';
}

static bool is_absolute_path(const char *text)
{
        return *text == '/';
}

static bool is_hostname(const char *text)
{
        size_t length = strlen(text);

        if (length < 1 || length > 64 || text[0] == '-' || text[0] == '.' || text[length - 1] == '-')
                return false;
        return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == length;
}

static bool is_assignment(const char *text)
{
        const char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return false;
        for (const char *c = text; c < equals; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        return false;
        return true;
}

static bool is_word(const char *text)
{
        return *text &&
               strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-=.") == strlen(text);
}

/* ---- generic types ---- */

static int bool_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error _unused_)
{
        int value;
        int r = sd_bus_message_read_basic(message, 'b', &value);

        if (r >= 0)
                *FIELD(bool, spec, option) = value;
        return r;
}

static int bool_describe(const Option *option, const Spec *spec, sd_bus_message *message)
{
        bool value = *FIELD(bool, spec, option);

        return sd_bus_message_append(message, "{sv}", option->key, "b", (int)value) ?: 1;
}

static int bool_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        _cleanup_(spec_freep) Spec *defaults = spec_new();

        if (!defaults)
                return -ENOMEM;
        if (*FIELD(bool, spec, option) == *FIELD(bool, defaults, option))
                return 0;
        return bool_describe(option, spec, message);
}

static int text_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        const char *text;
        int r = sd_bus_message_read_basic(message, 's', &text);

        if (r < 0)
                return r;
        if (!option->is_valid(text))
                return option_invalid(option, error, "cannot be", text);
        char **field = FIELD(char *, spec, option);
        *field = strdup(text);
        return *field ? 0 : -ENOMEM;
}

static int text_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        const char *text = *FIELD(char *, spec, option);

        if (!text)
                return 0;
        return sd_bus_message_append(message, "{sv}", option->key, "s", text) ?: 1;
}

static int texts_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **texts = NULL;
        int r = sd_bus_message_read_strv(message, &texts);

        if (r < 0)
                return r;
        if (strings_count(texts) > LIST_MAX)
                return option_invalid(option, error, "has too many elements", NULL);
        for (char **text = texts; text && *text; text++)
                if (!option->is_valid(*text))
                        return option_invalid(option, error, "cannot contain", *text);
        /* An empty list is not the same as none: an Environment of [] means none is kept. */
        if (!texts)
                texts = calloc(1, sizeof(char *));
        *FIELD(char **, spec, option) = TAKE_PTR(texts);
        return *FIELD(char **, spec, option) ? 0 : -ENOMEM;
}

static int open_pair(sd_bus_message *message, const char *key, const char *type)
{
        int r = sd_bus_message_open_container(message, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(message, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', type);
        return r;
}

static int close_pair(sd_bus_message *message)
{
        int r = sd_bus_message_close_container(message);

        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : 1;
}

static int texts_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        char **texts = *FIELD(char **, spec, option);

        if (!texts)
                return 0;
        int r = open_pair(message, option->key, "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(message, texts);
        return r < 0 ? r : close_pair(message);
}

static int descriptor_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error _unused_)
{
        int borrowed;
        int r = sd_bus_message_read_basic(message, 'h', &borrowed);

        if (r < 0)
                return r;
        int kept = fd_keep(borrowed);
        if (kept < 0)
                return kept;
        *FIELD(int, spec, option) = kept;
        return 0;
}

static int descriptor_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        int fd = *FIELD(int, spec, option);

        if (fd < 0)
                return 0;
        return sd_bus_message_append(message, "{sv}", option->key, "h", fd) ?: 1;
}

/* ---- options with a shape of their own ---- */

static int root_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        const Option as_descriptor = {.key = option->key, .offset = offsetof(Spec, root_fd)};
        char type;
        int r = sd_bus_message_peek_type(message, &type, NULL);

        if (r < 0)
                return r;
        if (type == 's')
                return text_read(option, message, spec, error);
        return descriptor_read(&as_descriptor, message, spec, error);
}

static int root_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        const Option as_descriptor = {.key = option->key, .offset = offsetof(Spec, root_fd)};

        if (spec->root_path)
                return text_append(option, spec, message);
        return descriptor_append(&as_descriptor, spec, message);
}

static int namespaces_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        const char *word;
        int r = sd_bus_message_enter_container(message, 'a', "s");

        while (r >= 0 && (r = sd_bus_message_read_basic(message, 's', &word)) > 0) {
                uint64_t flag = spec_namespace_flag(word);
                if (!flag)
                        return option_invalid(option, error, "there is no namespace", word);
                spec->shared_namespaces |= flag;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int namespaces_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        static const char *const words[] = {"user", "mount", "net", "ipc", "uts", "pid", "cgroup"};

        if (!spec->shared_namespaces)
                return 0;
        int r = open_pair(message, option->key, "as");
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "s");
        for (unsigned i = 0; r >= 0 && i < ELEMENTS(words); i++)
                if (spec->shared_namespaces & spec_namespace_flag(words[i]))
                        r = sd_bus_message_append(message, "s", words[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : close_pair(message);
}

static int size_read(const Option *option _unused_, sd_bus_message *message, Spec *spec, sd_bus_error *error _unused_)
{
        return sd_bus_message_read(message, "(qq)", &spec->rows, &spec->columns);
}

static int size_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        if (!spec->rows && !spec->columns)
                return 0;
        return sd_bus_message_append(message, "{sv}", option->key, "(qq)", spec->rows, spec->columns) ?: 1;
}

static int signal_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        int r = sd_bus_message_read(message, "i", &spec->stop_signal);

        if (r < 0)
                return r;
        if (spec->stop_signal < 1 || spec->stop_signal > SIGRTMAX)
                return option_invalid(option, error, "is not a signal", NULL);
        return 0;
}

static int signal_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        if (!spec->stop_signal)
                return 0;
        return sd_bus_message_append(message, "{sv}", option->key, "i", spec->stop_signal) ?: 1;
}

static const char *const register_modes[] = {[REGISTER_AUTO] = "auto", [REGISTER_YES] = "yes", [REGISTER_NO] = "no"};

static int register_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        const char *word;
        int r = sd_bus_message_read(message, "s", &word);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(register_modes); i++)
                if (strcmp(word, register_modes[i]) == 0) {
                        spec->registration = (RegisterMode)i;
                        return 0;
                }
        return option_invalid(option, error, "must be auto, yes or no, not", word);
}

static int register_append(const Option *option, const Spec *spec, sd_bus_message *message)
{
        if (spec->registration == REGISTER_AUTO)
                return 0;
        return sd_bus_message_append(message, "{sv}", option->key, "s", register_modes[spec->registration]) ?: 1;
}

/* Reads each element of an array of @type by @element, which sees an entered struct. */
static int list_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error, const char *type,
                     int (*element)(const Option *, sd_bus_message *, Spec *, sd_bus_error *))
{
        int r = sd_bus_message_enter_container(message, 'a', type);
        char members[16] = {};

        memcpy(members, type + 1, strlen(type) - 2);
        for (unsigned n = 0; r >= 0 && (r = sd_bus_message_enter_container(message, 'r', members)) > 0; n++) {
                if (n >= LIST_MAX)
                        return option_invalid(option, error, "has too many elements", NULL);
                r = element(option, message, spec, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Writes an array of @type; @element appends element @i. */
static int list_append(const Option *option, const Spec *spec, sd_bus_message *message, const char *type, size_t n,
                       int (*element)(const Spec *, size_t i, sd_bus_message *))
{
        char array[16] = "a";

        if (n == 0)
                return 0;
        strncat(array, type, sizeof(array) - 2);
        int r = open_pair(message, option->key, array);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', type);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = element(spec, i, message);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : close_pair(message);
}

typedef struct Shape {
        const char *word;
        size_t n_arguments;
} Shape;

static const Shape mount_shapes[] = {
        [MOUNT_BIND] = {"bind", 2},
        [MOUNT_BIND_READ_ONLY] = {"bind-ro", 2},
        [MOUNT_OVERLAY] = {"overlay", 3},
        [MOUNT_TMP] = {"tmp", 1},
};
static const Shape interface_shapes[] = {
        [INTERFACE_MOVE] = {"move", 2},
        [INTERFACE_MACVLAN] = {"macvlan", 2},
        [INTERFACE_IPVLAN] = {"ipvlan", 2},
        [INTERFACE_VETH] = {"veth", 2},
};

/* Reads "sas" and finds the shape with that word and that many arguments. Return: its index; -errno. */
static int shape_read(const Option *option, sd_bus_message *message, const Shape *shapes, size_t n, char ***ret,
                      sd_bus_error *error)
{
        _cleanup_(strings_freep) char **arguments = NULL;
        const char *word;
        int r = sd_bus_message_read(message, "s", &word);

        if (r >= 0)
                r = sd_bus_message_read_strv(message, &arguments);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(word, shapes[i].word) != 0)
                        continue;
                if (strings_count(arguments) != shapes[i].n_arguments)
                        return option_invalid(option, error, "wrong number of arguments for", word);
                *ret = TAKE_PTR(arguments);
                return (int)i;
        }
        return option_invalid(option, error, "there is no kind", word);
}

static int mount_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **arguments = NULL;
        int kind = shape_read(option, message, mount_shapes, ELEMENTS(mount_shapes), &arguments, error);

        if (kind < 0)
                return kind;
        for (char **path = arguments; *path; path++)
                if (!is_absolute_path(*path))
                        return option_invalid(option, error, "is not an absolute path:", *path);
        Mount *mount = spec_grow_list(&spec->mounts, &spec->n_mounts, sizeof(*mount));
        if (!mount)
                return -ENOMEM;
        mount->kind = (MountKind)kind;
        if (mount->kind == MOUNT_TMP) {
                mount->destination = TAKE_PTR(arguments[0]);
                return 0;
        }
        mount->source = arguments[0];
        mount->destination = arguments[1];
        mount->work = arguments[2];
        arguments[0] = NULL; /* the three belong to the spec now; the array alone is freed here */
        return 0;
}

static int mount_append(const Spec *spec, size_t i, sd_bus_message *message)
{
        const Mount *mount = &spec->mounts[i];
        const char *word = mount_shapes[mount->kind].word;

        if (mount->kind == MOUNT_TMP)
                return sd_bus_message_append(message, "(sas)", word, 1, mount->destination);
        if (mount->kind == MOUNT_OVERLAY)
                return sd_bus_message_append(message, "(sas)", word, 3, mount->source, mount->destination, mount->work);
        return sd_bus_message_append(message, "(sas)", word, 2, mount->source, mount->destination);
}

static bool is_interface_name(const char *name)
{
        size_t length = strlen(name);

        if (length < 1 || length > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return false;
        for (const char *c = name; *c; c++)
                if (*c <= ' ' || *c == 0x7f || *c == '/' || *c == ':' || *c == '%')
                        return false;
        return true;
}

static int interface_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **arguments = NULL;
        int kind = shape_read(option, message, interface_shapes, ELEMENTS(interface_shapes), &arguments, error);

        if (kind < 0)
                return kind;
        for (char **name = arguments; *name; name++)
                if (!is_interface_name(*name))
                        return option_invalid(option, error,
                                              "is not an interface name of at most 15 characters:", *name);
        Interface *interface = spec_grow_list(&spec->interfaces, &spec->n_interfaces, sizeof(*interface));
        if (!interface)
                return -ENOMEM;
        interface->kind = (InterfaceKind)kind;
        interface->inside = TAKE_PTR(arguments[1]);
        interface->outside = TAKE_PTR(arguments[0]);
        return 0;
}

static int interface_append(const Spec *spec, size_t i, sd_bus_message *message)
{
        const Interface *interface = &spec->interfaces[i];

        return sd_bus_message_append(message, "(sas)", interface_shapes[interface->kind].word, 2, interface->outside,
                                     interface->inside);
}

static int map_read(const Option *option _unused_, sd_bus_message *message, Spec *spec, sd_bus_error *error _unused_)
{
        IdMap *map = spec_grow_list(&spec->user_maps, &spec->n_user_maps, sizeof(*map));

        if (!map)
                return -ENOMEM;
        return sd_bus_message_read(message, "uuu", &map->container, &map->host, &map->count);
}

static int map_append(const Spec *spec, size_t i, sd_bus_message *message)
{
        const IdMap *map = &spec->user_maps[i];

        return sd_bus_message_append(message, "(uuu)", map->container, map->host, map->count);
}

static int limit_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        Limit *limit = spec_grow_list(&spec->limits, &spec->n_limits, sizeof(*limit));
        const char *name;

        if (!limit)
                return -ENOMEM;
        int r = sd_bus_message_read(message, "stt", &name, &limit->soft, &limit->hard);
        if (r < 0)
                return r;
        limit->resource = limit_from_name(name);
        if (limit->resource < 0)
                return option_invalid(option, error, "there is no resource limit", name);
        if (limit->soft > limit->hard)
                return option_invalid(option, error, "the soft limit is above the hard one of", name);
        return 0;
}

static int limit_append(const Spec *spec, size_t i, sd_bus_message *message)
{
        const Limit *limit = &spec->limits[i];

        return sd_bus_message_append(message, "(stt)", limit_name(limit->resource), limit->soft, limit->hard);
}

/* The properties of a scope that a caller may set; whatever else systemd knows is not for strangers. */
static const struct {
        const char *name;
        const char *type;
} scope_properties[] = {
        {"MemoryMax", "t"},          {"MemoryHigh", "t"}, {"TasksMax", "t"},     {"CPUWeight", "t"},
        {"CPUQuotaPerSecUSec", "t"}, {"IOWeight", "t"},   {"AllowedCPUs", "ay"},
};

static int property_read_value(sd_bus_message *message, const char *type, Property *property)
{
        const void *bytes;
        int r = sd_bus_message_enter_container(message, 'v', type);

        if (r < 0)
                return r;
        if (*type == 't') {
                r = sd_bus_message_read(message, "t", &property->number);
        } else {
                r = sd_bus_message_read_array(message, 'y', &bytes, &property->n_bytes);
                if (r >= 0) {
                        property->bytes = malloc(property->n_bytes + 1);
                        if (!property->bytes)
                                return -ENOMEM;
                        memcpy(property->bytes, bytes, property->n_bytes);
                }
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int property_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        const char *name, *type;
        int r = sd_bus_message_read(message, "s", &name);

        if (r < 0)
                return r;
        for (unsigned i = 0; i < ELEMENTS(scope_properties); i++) {
                if (strcmp(name, scope_properties[i].name) != 0)
                        continue;
                r = sd_bus_message_peek_type(message, NULL, &type);
                if (r < 0)
                        return r;
                if (strcmp(type, scope_properties[i].type) != 0)
                        return option_invalid(option, error, "wrong type of", name);
                Property *property = spec_grow_list(&spec->properties, &spec->n_properties, sizeof(*property));
                if (!property)
                        return -ENOMEM;
                property->name = scope_properties[i].name;
                return property_read_value(message, scope_properties[i].type, property);
        }
        return option_invalid(option, error, "there is no such resource property:", name);
}

int spec_append_property(sd_bus_message *message, const Property *property)
{
        if (!property->bytes)
                return sd_bus_message_append(message, "(sv)", property->name, "t", property->number);
        int r = sd_bus_message_open_container(message, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", property->name);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(message, 'y', property->bytes, property->n_bytes);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append(const Spec *spec, size_t i, sd_bus_message *message)
{
        return spec_append_property(message, &spec->properties[i]);
}

/* The reader and the writer of an option that is an array of structs. */
#define LIST_OPTION(name, list, n_list, type)                                                                   \
        static int name##s_read(const Option *option, sd_bus_message *message, Spec *spec, sd_bus_error *error) \
        {                                                                                                       \
                return list_read(option, message, spec, error, type, name##_read);                              \
        }                                                                                                       \
        static int name##s_append(const Option *option, const Spec *spec, sd_bus_message *message)              \
        {                                                                                                       \
                return list_append(option, spec, message, type, spec->n_list, name##_append);                   \
        }
LIST_OPTION(mount, mounts, n_mounts, "(sas)")
LIST_OPTION(interface, interfaces, n_interfaces, "(sas)")
LIST_OPTION(map, user_maps, n_user_maps, "(uuu)")
LIST_OPTION(limit, limits, n_limits, "(stt)")
LIST_OPTION(property, properties, n_properties, "(sv)")

/* ---- the table ---- */

#define BOOL(key, field)                                                            \
        {                                                                           \
                key, "b", NULL, bool_read, bool_append, offsetof(Spec, field), NULL \
        }
#define TEXT(key, field, check)                                                      \
        {                                                                            \
                key, "s", NULL, text_read, text_append, offsetof(Spec, field), check \
        }
#define TEXTS(key, field, check)                                                        \
        {                                                                               \
                key, "as", NULL, texts_read, texts_append, offsetof(Spec, field), check \
        }
#define STREAM(key, number)                                                                                           \
        {                                                                                                             \
                key, "h", NULL, descriptor_read, descriptor_append, offsetof(Spec, streams) + (number) * sizeof(int), \
                        NULL                                                                                          \
        }
#define OWN(key, type, name)                                         \
        {                                                            \
                key, type, NULL, name##_read, name##_append, 0, NULL \
        }

static const Option options[] = {
        {"Root", "s", "h", root_read, root_append, offsetof(Spec, root_path), is_absolute_path},
        BOOL("Ephemeral", ephemeral),
        BOOL("ReadOnly", read_only),
        TEXT("WorkingDirectory", working_directory, is_absolute_path),
        TEXT("Hostname", hostname, is_hostname),
        TEXT("User", user, is_plain),
        TEXTS("Environment", environment, is_assignment),
        OWN("Mounts", "a(sas)", mounts),
        BOOL("PrivateNetwork", private_network),
        OWN("Interfaces", "a(sas)", interfaces),
        OWN("UserMaps", "a(uuu)", maps),
        TEXTS("Capabilities", capabilities, is_word),
        OWN("SharedNamespaces", "as", namespaces),
        TEXTS("Cgroups", cgroups, is_word),
        OWN("Properties", "a(sv)", propertys),
        BOOL("Terminal", terminal),
        STREAM("Stdin", 0),
        STREAM("Stdout", 1),
        STREAM("Stderr", 2),
        OWN("Size", "(qq)", size),
        BOOL("StubInit", stub_init),
        BOOL("NoNewPrivileges", no_new_privileges),
        OWN("Limits", "a(stt)", limits),
        OWN("StopSignal", "i", signal),
        BOOL("PrivateDevices", private_devices),
        OWN("Register", "s", register),
        BOOL("KillOnRelease", kill_on_release),
};

static const Option *option_find(const char *key)
{
        for (unsigned i = 0; i < ELEMENTS(options); i++)
                if (strcmp(key, options[i].key) == 0)
                        return &options[i];
        return NULL;
}

/* ---- reading ---- */

static int option_read(sd_bus_message *message, Spec *spec, uint64_t *seen, sd_bus_error *error)
{
        const char *key, *type;
        int r = sd_bus_message_read_basic(message, 's', &key);

        if (r < 0)
                return r;
        const Option *option = option_find(key);
        if (!option)
                return error_set(error, ERROR_INVALID_OPTION, "unknown option '%s'", key);
        uint64_t bit = UINT64_C(1) << (option - options);
        if (*seen & bit)
                return option_invalid(option, error, "was given twice", NULL);
        *seen |= bit;
        r = sd_bus_message_peek_type(message, NULL, &type);
        if (r < 0)
                return r;
        if (strcmp(type, option->type) != 0 && (!option->other_type || strcmp(type, option->other_type) != 0))
                return error_set(error, ERROR_INVALID_OPTION, "option '%s' is of type %s, not %s", key, option->type,
                                 type);
        r = sd_bus_message_enter_container(message, 'v', type);
        if (r >= 0)
                r = option->read(option, message, spec, error);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int options_read(sd_bus_message *message, Spec *spec, sd_bus_error *error)
{
        uint64_t seen = 0;
        int r = sd_bus_message_enter_container(message, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = option_read(message, spec, &seen, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Options that contradict each other. Nothing is ignored: what could not take effect is an error. */
static int spec_check(const Spec *spec, sd_bus_error *error)
{
        bool has_streams = spec->streams[0] >= 0 || spec->streams[1] >= 0 || spec->streams[2] >= 0;
        const struct {
                bool is_wrong;
                const char *sentence;
        } rules[] = {
                {!spec->command || !spec->command[0], "the command is empty"},
                {spec->command && spec->command[0] && !*spec->command[0], "the command's name is empty"},
                {spec->ephemeral && !spec_has_root(spec), "option 'Ephemeral' needs a Root"},
                {spec->terminal && has_streams, "options 'Stdin', 'Stdout' and 'Stderr' need Terminal to be false"},
                {!spec->terminal && (spec->rows || spec->columns), "option 'Size' needs a Terminal"},
                {spec->shared_namespaces & CLONE_NEWNS &&
                         (spec_has_root(spec) || spec->n_mounts > 0 || spec->read_only),
                 "options 'Root', 'Mounts' and 'ReadOnly' need a mount namespace, which SharedNamespaces leaves out"},
                {spec->shared_namespaces & CLONE_NEWNET && (spec->n_interfaces > 0 || spec->private_network),
                 "options 'PrivateNetwork' and 'Interfaces' need a net namespace, which SharedNamespaces leaves out"},
                {spec->shared_namespaces & CLONE_NEWUTS && spec->hostname,
                 "option 'Hostname' needs a uts namespace, which SharedNamespaces leaves out"},
                {spec->shared_namespaces & CLONE_NEWUSER && spec->n_user_maps > 0,
                 "option 'UserMaps' needs a user namespace, which SharedNamespaces leaves out"},
                {spec->n_user_maps > 0 && idmap_is_broken(spec->user_maps, spec->n_user_maps),
                 "option 'UserMaps': the ranges are empty, overlap or exceed 32 bits, or are more than 340"},
        };

        for (unsigned i = 0; i < ELEMENTS(rules); i++)
                if (rules[i].is_wrong)
                        return error_set(error, ERROR_INVALID_OPTION, "%s", rules[i].sentence);
        return 0;
}

int spec_read(sd_bus_message *message, Spec **ret, sd_bus_error *error)
{
        _cleanup_(spec_freep) Spec *spec = spec_new();
        const char *name;

        if (!spec)
                return -ENOMEM;
        int r = sd_bus_message_read_basic(message, 's', &name);
        if (r < 0)
                return r;
        if (*name && !name_is_valid(name))
                return error_set(error, ERROR_INVALID_NAME,
                                 "invalid name '%s': 1 to 64 of A-Z a-z 0-9 . _ - are allowed, the first and the last "
                                 "alphanumeric, without '..'",
                                 name);
        spec->name = strdup(name);
        if (!spec->name)
                return -ENOMEM;
        r = sd_bus_message_read_strv(message, &spec->command);
        if (r < 0)
                return r;
        r = options_read(message, spec, error);
        if (r < 0)
                return r;
        r = spec_check(spec, error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(spec);
        return 0;
}

/* ---- writing ---- */

/* A descriptor says nothing about what it was; the environment is the supervisor's to tell. */
static int option_describe(const Option *option, const Spec *spec, sd_bus_message *message)
{
        if (*option->type == 'h' || (option->other_type && spec->root_fd >= 0) ||
            strcmp(option->key, "Environment") == 0)
                return 0;
        return option->append == bool_append ? bool_describe(option, spec, message)
                                             : option->append(option, spec, message);
}

int spec_describe(const Spec *spec, sd_bus_message *message)
{
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < ELEMENTS(options); i++)
                r = option_describe(&options[i], spec, message);
        return r < 0 ? r : 0;
}

int spec_append(const Spec *spec, sd_bus_message *message)
{
        int r = sd_bus_message_append(message, "s", spec->name);

        if (r >= 0)
                r = sd_bus_message_append_strv(message, spec->command);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "{sv}");
        for (unsigned i = 0; r >= 0 && i < ELEMENTS(options); i++)
                r = options[i].append(&options[i], spec, message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}
