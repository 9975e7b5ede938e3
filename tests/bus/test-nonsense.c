/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nonsense
 *
 * A client that sends whatever can be sent: to every method of both interfaces, as live introspection has them, values
 * of the right types that are plausible or absurd, and values of other types. Each call is answered, by success or by
 * an error with a name and a sentence; the manager lives, and in the end nothing is left.
 *
 * The seed is told and can be given: PFLASK_TEST_SEED. PFLASK_NONSENSE_SECONDS is how long, 5 by default. No string
 * here is a path of the host that could be harmed: everything happens beneath the test's own directory.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "fixture.h"

enum { IN_FLIGHT_MAX = 12, DEPTH_MAX = 3, N_HANDLES = 3, CALLS_PER_BOX = 25 };

typedef struct Nonsense {
        Client *client;
        GRand *random;
        GPtrArray *methods; /* of GDBusMethodInfo, borrowed from the nodes */
        guint n_manager_methods;
        GUnixFDList *handles;
        GPtrArray *pending; /* of Question */
        guint n_calls, n_successes;
} Nonsense;

#define PICK(nonsense, array) ((array)[g_rand_int_range((nonsense)->random, 0, G_N_ELEMENTS(array))])

static gboolean one_in(Nonsense *nonsense, gint32 n)
{
        return g_rand_int_range(nonsense->random, 0, n) == 0;
}

/* ---- values ---- */

/* What an argument, or an option, of that name could well be: a text of GVariant. */
static const struct {
        const char *name;
        const char *values[4];
} plausible[] = {
        {"name", {"'box'", "'box'", "'a.b'", "''"}},
        {"command", {"['sleep', '0.2']", "['true']", "['sh', '-c', 'echo x; exit 3']", "['sleep', '2']"}},
        {"environment", {"['A=B']", "@as []", "['A=', 'B==']", "['PATH=/bin']"}},
        {"user", {"'root'", "''", "'65534'", "'nobody'"}},
        {"who", {"'leader'", "'all'", "'leader'", "'all'"}},
        {"signal", {"15", "9", "1", "0"}},
        {"pid", {"uint32 1", "uint32 0", "uint32 2", "uint32 4294967295"}},
        {"process", {"uint32 1", "uint32 2", "uint32 0", "uint32 4294967295"}},
        {"stdin", {"handle 0", "handle 1", "handle 2", "handle 7"}},
        {"source", {"'/run/test'", "'/run/test/absent'", "'/dev/null'", "'/proc/self/fd/0'"}},
        {"destination", {"'/run/test/a'", "'/run/test/a/b'", "'/run/test/../test/c'", "'relative'"}},
};

static const char *const texts[] = {
        "",
        "box",
        "a.b",
        "x-1",
        "true",
        "leader",
        "/run/test/a",
        "relative",
        "A=B",
        "=",
        "../x",
        "65534",
        "two\nlines",
        "\x1b[2J",
        "na\xc3\xafve",
        "%n%s",
        "a..b",
        "0123456789012345678901234567890123456789012345678901234567890123x",
        "4294967296",
        "nonsense0",
};

/* Options of the contract and some that are none. A key not known to be of some type has a value of any. */
static const struct {
        const char *key, *type;
} options_known[] = {
        {"Terminal", "b"},
        {"StubInit", "b"},
        {"NoNewPrivileges", "b"},
        {"KillOnRelease", "b"},
        {"PrivateNetwork", "b"},
        {"PrivateDevices", "b"},
        {"ReadOnly", "b"},
        {"Ephemeral", "b"},
        {"Take", "b"},
        {"WorkingDirectory", "s"},
        {"Hostname", "s"},
        {"User", "s"},
        {"Register", "s"},
        {"Root", "s"},
        {"Root", "h"},
        {"Stdin", "h"},
        {"Stdout", "h"},
        {"Stderr", "h"},
        {"Environment", "as"},
        {"Capabilities", "as"},
        {"Size", "(qq)"},
        {"StopSignal", "i"},
        {"Mounts", "a(sas)"},
        {"Interfaces", "a(sas)"},
        {"UserMaps", "a(uuu)"},
        {"Properties", "a(sv)"},
        {"Limits", "a(stt)"},
        {"SharedNamespaces", "as"},
        {"", "s"},
        {"terminal", "b"},
        {"Rooot", "s"},
        {"Terminal", "s"},
        {"Size", "(uu)"},
        {"UserMaps", "a(uuut)"},
        {"Mounts", "a{sv}"},
        {"Limits", "v"},
};

static const char *const types[] = {"s", "b", "y", "n",  "q",  "i",    "u",     "x",   "t",      "d",         "o",
                                    "g", "h", "v", "as", "ay", "(qq)", "a{sv}", "aas", "a(sas)", "(s(s(s)))", "a{us}"};

static GVariant *value_new(Nonsense *nonsense, const GVariantType *type, guint depth);

static guint64 number(Nonsense *nonsense)
{
        static const guint64 special[] = {0, 1, 2, 9, 15, 80, 255, 65535, G_MAXINT32, G_MAXUINT32, G_MAXUINT64};

        return one_in(nonsense, 4) ? (guint64)g_rand_int(nonsense->random) << 32 | g_rand_int(nonsense->random)
                                   : PICK(nonsense, special);
}

static GVariant *text_new(Nonsense *nonsense)
{
        if (!one_in(nonsense, 40))
                return g_variant_new_string(PICK(nonsense, texts));
        return g_variant_new_take_string(g_strnfill((gsize)g_rand_int_range(nonsense->random, 100, 20000), 'x'));
}

static GVariant *basic_new(Nonsense *nonsense, char type)
{
        static const char *const paths[] = {"/", MANAGER_PATH, CONTAINER_PATH_PREFIX "/box", "/a/b_2e"};
        guint64 n = number(nonsense);

        switch (type) {
        case 'b':
                return g_variant_new_boolean(n & 1);
        case 'y':
                return g_variant_new_byte((guint8)n);
        case 'n':
                return g_variant_new_int16((gint16)n);
        case 'q':
                return g_variant_new_uint16((guint16)n);
        case 'i':
                return g_variant_new_int32((gint32)n);
        case 'u':
                return g_variant_new_uint32((guint32)n);
        case 'x':
                return g_variant_new_int64((gint64)n);
        case 't':
                return g_variant_new_uint64(n);
        case 'd':
                return g_variant_new_double((double)n / 3);
        case 'h':
                return g_variant_new_handle(one_in(nonsense, 8) ? (gint32)n & 0xff : (gint32)(n % N_HANDLES));
        case 'o':
                return g_variant_new_object_path(PICK(nonsense, paths));
        case 'g':
                return g_variant_new_signature(PICK(nonsense, types));
        default:
                return text_new(nonsense);
        }
}

static GVariant *any_new(Nonsense *nonsense, guint depth)
{
        const char *type = depth < DEPTH_MAX ? PICK(nonsense, types) : "u";

        return value_new(nonsense, G_VARIANT_TYPE(type), depth + 1);
}

static GVariant *option_new(Nonsense *nonsense, guint depth)
{
        gint32 i = g_rand_int_range(nonsense->random, 0, G_N_ELEMENTS(options_known));
        GVariant *value = one_in(nonsense, 10) ? any_new(nonsense, depth)
                                               : value_new(nonsense, G_VARIANT_TYPE(options_known[i].type), depth + 1);

        return g_variant_new_dict_entry(g_variant_new_string(options_known[i].key), g_variant_new_variant(value));
}

static GVariant *array_new(Nonsense *nonsense, const GVariantType *type, guint depth)
{
        GVariantBuilder builder;
        gint32 n = g_rand_int_range(nonsense->random, 0, 4);

        g_variant_builder_init(&builder, type);
        for (gint32 i = 0; i < n; i++)
                g_variant_builder_add_value(&builder,
                                            g_variant_type_equal(type, G_VARIANT_TYPE_VARDICT)
                                                    ? option_new(nonsense, depth)
                                                    : value_new(nonsense, g_variant_type_element(type), depth + 1));
        return g_variant_builder_end(&builder);
}

static GVariant *tuple_new(Nonsense *nonsense, const GVariantType *type, guint depth)
{
        GVariantBuilder builder;

        g_variant_builder_init(&builder, type);
        for (const GVariantType *item = g_variant_type_first(type); item; item = g_variant_type_next(item))
                g_variant_builder_add_value(&builder, value_new(nonsense, item, depth + 1));
        return g_variant_builder_end(&builder);
}

static GVariant *value_new(Nonsense *nonsense, const GVariantType *type, guint depth)
{
        if (g_variant_type_is_variant(type))
                return g_variant_new_variant(any_new(nonsense, depth));
        if (g_variant_type_is_array(type))
                return array_new(nonsense, type, depth);
        if (g_variant_type_is_tuple(type) || g_variant_type_is_dict_entry(type))
                return tuple_new(nonsense, type, depth);
        return basic_new(nonsense, *g_variant_type_peek_string(type));
}

static GVariant *argument_new(Nonsense *nonsense, const GDBusArgInfo *argument)
{
        for (gsize i = 0; i < G_N_ELEMENTS(plausible); i++)
                if (strcmp(argument->name, plausible[i].name) == 0 && !one_in(nonsense, 4))
                        return g_variant_new_parsed(PICK(nonsense, plausible[i].values));
        return value_new(nonsense, G_VARIANT_TYPE(argument->signature), 0);
}

/* The arguments of @method; or, sometimes, one too few, one too many, or one of another type. */
static GVariant *arguments_new(Nonsense *nonsense, const GDBusMethodInfo *method)
{
        GVariantBuilder builder;

        g_variant_builder_init(&builder, G_VARIANT_TYPE_TUPLE);
        for (GDBusArgInfo **argument = method->in_args; argument && *argument; argument++) {
                if (one_in(nonsense, 60))
                        continue;
                g_variant_builder_add_value(&builder, one_in(nonsense, 40) ? any_new(nonsense, 0)
                                                                           : argument_new(nonsense, *argument));
        }
        if (one_in(nonsense, 30))
                g_variant_builder_add_value(&builder, any_new(nonsense, 0));
        return g_variant_builder_end(&builder);
}

/* ---- calls ---- */

typedef struct Question {
        Nonsense *nonsense;
        const char *member;
} Question;

static Question *question_new(Nonsense *nonsense, const char *member)
{
        Question *question = g_new(Question, 1);

        *question = (Question){nonsense, member};
        nonsense->n_calls++;
        g_ptr_array_add(nonsense->pending, question);
        return question;
}

static void check_error(const char *member, const GError *error)
{
        const char *name = client_error_name(error);
        static const char *const standard[] = {
                "AccessDenied",     "InteractiveAuthorizationRequired",
                "InvalidArgs",      "UnknownMethod",
                "UnknownObject",    "UnknownInterface",
                "LimitsExceeded",   "PropertyReadOnly",
                "InvalidSignature",
        };

        if (g_str_has_prefix(name, ERROR_PREFIX))
                return;
        for (gsize i = 0; i < G_N_ELEMENTS(standard); i++)
                if (g_str_has_prefix(name, "org.freedesktop.DBus.Error.") &&
                    strcmp(name + strlen("org.freedesktop.DBus.Error."), standard[i]) == 0)
                        return;
        g_error("%s: no error that says anything: %s", member, error->message);
}

static void answered(GObject *connection, GAsyncResult *result, void *data)
{
        g_autofree Question *question = data;
        Nonsense *nonsense = question->nonsense;
        g_autoptr(GError) error = NULL;
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(connection), &fds,
                                                                                    result, &error);

        g_ptr_array_remove_fast(nonsense->pending, question);
        if (reply)
                nonsense->n_successes++;
        else
                check_error(question->member, error);
}

static void call_something(Nonsense *nonsense)
{
        static const char *const paths[] = {MANAGER_PATH, CONTAINER_PATH_PREFIX "/box", CONTAINER_PATH_PREFIX "/_2e",
                                            CONTAINER_PATH_PREFIX};
        guint i = (guint)g_rand_int_range(nonsense->random, 0, (gint32)nonsense->methods->len);
        gboolean is_managers = i < nonsense->n_manager_methods;
        const GDBusMethodInfo *method = nonsense->methods->pdata[i];
        const char *path = one_in(nonsense, 50) ? PICK(nonsense, paths) : paths[is_managers ? 0 : 1];

        g_dbus_connection_call_with_unix_fd_list(nonsense->client->connection, nonsense->client->destination, path,
                                                 is_managers ? MANAGER_INTERFACE : CONTAINER_INTERFACE,
                                                 one_in(nonsense, 100) ? "NoSuchMethod" : method->name,
                                                 arguments_new(nonsense, method), NULL, G_DBUS_CALL_FLAGS_NONE,
                                                 G_MAXINT, nonsense->handles, NULL, answered,
                                                 question_new(nonsense, method->name));
}

static void call_manager(Nonsense *nonsense, const char *member, GVariant *parameters)
{
        g_dbus_connection_call(nonsense->client->connection, nonsense->client->destination, MANAGER_PATH,
                               MANAGER_INTERFACE, member, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL,
                               answered, question_new(nonsense, member));
}

/* Ends every container and waits for it, for only then it is forgotten at once; and takes what has been answered. */
static void end_everything(Nonsense *nonsense)
{
        g_autoptr(GVariant) reply = manager_call(nonsense->client, "ListContainers", NULL);
        g_autoptr(GVariantIter) containers = NULL;
        const char *name, *state;

        g_variant_get(reply, "(a(susuo))", &containers);
        while (g_variant_iter_next(containers, "(&su&suo)", &name, NULL, &state, NULL, NULL)) {
                const char *refusal = outcome(nonsense->client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer",
                                              g_variant_new("(s)", name));
                /* Not for one that starts, which cannot be ended yet. */
                if (!*refusal || strcmp(state, "exited") == 0)
                        call_manager(nonsense, "WaitContainer", g_variant_new("(s)", name));
        }
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

/* ---- the test ---- */

static GDBusNodeInfo *introspect(Nonsense *nonsense, const char *path, const char *interface)
{
        g_autoptr(GError) error = NULL;
        const char *xml;

        g_autoptr(GVariant) reply = client_call(nonsense->client, path, "org.freedesktop.DBus.Introspectable",
                                                "Introspect", NULL, NULL, NULL, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(&s)", &xml);
        GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
        g_assert_no_error(error);
        for (GDBusMethodInfo **method = g_dbus_node_info_lookup_interface(node, interface)->methods; *method; method++)
                g_ptr_array_add(nonsense->methods, *method);
        return node;
}

static GUnixFDList *handles_new(void)
{
        int fds[N_HANDLES + 1] = {open("/dev/null", O_RDWR | O_CLOEXEC), open("/", O_PATH | O_CLOEXEC)};

        g_assert_cmpint(pipe2(fds + 2, O_CLOEXEC), ==, 0);
        GUnixFDList *handles = g_unix_fd_list_new_from_array(fds, N_HANDLES); /* takes them */
        fd_close(fds[N_HANDLES]);
        return handles;
}

static guint from_environment(const char *name, guint otherwise)
{
        const char *text = g_getenv(name);

        return text ? (guint)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

/* What is pending for long waits for an end, or makes another container; so everything ends, until few are pending. */
static void await_answers(Nonsense *nonsense, guint n_pending)
{
        gint64 deadline = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;

        while (g_main_context_iteration(NULL, FALSE))
                ;
        while (nonsense->pending->len > n_pending) {
                const Question *oldest = nonsense->pending->pdata[0];
                if (g_get_monotonic_time() > deadline)
                        g_error("%s is not answered", oldest->member);
                end_everything(nonsense);
        }
}

static void talk(Nonsense *nonsense, guint seconds)
{
        gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;

        for (guint n = 0; g_get_monotonic_time() < end; n++) {
                if (n % CALLS_PER_BOX == 0) /* so that there is something to talk nonsense to */
                        call_manager(nonsense, "CreateContainer",
                                     g_variant_new_parsed("('box', ['sleep', '100'], @a{sv} {})"));
                call_something(nonsense);
                await_answers(nonsense, IN_FLIGHT_MAX);
        }
}

static void test_nonsense(Fixture *fixture)
{
        guint seed = from_environment("PFLASK_TEST_SEED", g_random_int());
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);
        g_autoptr(GPtrArray) methods = g_ptr_array_new(), pending = g_ptr_array_new();
        g_autoptr(GUnixFDList) handles = handles_new();
        Nonsense nonsense = {.client = fixture->client,
                             .random = random,
                             .methods = methods,
                             .handles = handles,
                             .pending = pending};

        g_test_message("PFLASK_TEST_SEED=%u", seed);
        create(fixture->client, "box", "exec sleep 100", NULL);
        g_autoptr(GDBusNodeInfo) manager _unused_ = introspect(&nonsense, MANAGER_PATH, MANAGER_INTERFACE);
        nonsense.n_manager_methods = methods->len;
        g_autoptr(GDBusNodeInfo)
                box _unused_ = introspect(&nonsense, CONTAINER_PATH_PREFIX "/box", CONTAINER_INTERFACE);
        talk(&nonsense, from_environment("PFLASK_NONSENSE_SECONDS", 2));
        await_answers(&nonsense, 0);
        end_everything(&nonsense);
        await_answers(&nonsense, 0);
        g_test_message("%u calls, %u successes", nonsense.n_calls, nonsense.n_successes);
        g_assert_cmpuint(nonsense.n_successes, >, 0);
}

static const Test tests[] = {
        TEST("/nonsense/is-answered-and-leaves-nothing", test_nonsense, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
