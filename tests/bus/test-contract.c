/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract
 *
 * What is offered is what interfaces/ says, no more and no less; what is refused is refused by name, with a sentence
 * that says what was wrong, and leaves nothing behind.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

/* ---- introspection ---- */

static GDBusNodeInfo *node_from_file(const char *name)
{
        g_autofree char *file = g_strconcat(g_getenv("PFLASK_INTERFACES_DIRECTORY"), "/", name, ".xml", NULL);
        g_autofree char *xml = NULL;
        g_autoptr(GError) error = NULL;

        g_file_get_contents(file, &xml, NULL, &error);
        g_assert_no_error(error);
        GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
        g_assert_no_error(error);
        return node;
}

static GDBusInterfaceInfo *interface_of(GDBusNodeInfo *node, const char *name)
{
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, name);

        g_assert_nonnull(info);
        return info;
}

static GDBusNodeInfo *introspect(Client *client, const char *path)
{
        g_autoptr(GError) error = NULL;
        const char *xml;

        g_autoptr(GVariant) reply = client_call(client, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL,
                                                NULL, NULL, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(&s)", &xml);
        GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);
        g_assert_no_error(error);
        return node;
}

static void describe_arguments(GString *text, const char *direction, GDBusArgInfo **arguments)
{
        for (; arguments && *arguments; arguments++)
                g_string_append_printf(text, " %s %s %s", direction, (*arguments)->signature, (*arguments)->name);
}

static int compare_lines(const void *one, const void *other)
{
        return strcmp(*(char *const *)one, *(char *const *)other);
}

/* One line a member, sorted, so that a difference is readable. */
static char *describe_interface(const GDBusInterfaceInfo *info)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (GDBusMethodInfo **method = info->methods; method && *method; method++) {
                g_string_append_printf(text, "method %s", (*method)->name);
                describe_arguments(text, "in", (*method)->in_args);
                describe_arguments(text, "out", (*method)->out_args);
                g_string_append_c(text, '\n');
        }
        for (GDBusSignalInfo **signal = info->signals; signal && *signal; signal++) {
                g_string_append_printf(text, "signal %s", (*signal)->name);
                describe_arguments(text, "out", (*signal)->args);
                g_string_append_c(text, '\n');
        }
        for (GDBusPropertyInfo **property = info->properties; property && *property; property++) {
                const char *emits = g_dbus_annotation_info_lookup((*property)->annotations,
                                                                  "org.freedesktop.DBus.Property.EmitsChangedSignal");
                g_string_append_printf(text, "property %s %s %u %s\n", (*property)->name, (*property)->signature,
                                       (*property)->flags, emits ? emits : "true");
        }
        g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
        qsort(lines, g_strv_length(lines), sizeof(*lines), compare_lines);
        return g_strjoinv("\n", lines);
}

static void assert_same_interface(Client *client, const char *path, const char *name)
{
        g_autoptr(GDBusNodeInfo) written = node_from_file(name);
        g_autoptr(GDBusNodeInfo) live = introspect(client, path);
        g_autofree char *expected = describe_interface(interface_of(written, name));
        g_autofree char *actual = describe_interface(interface_of(live, name));

        g_assert_cmpstr(actual, ==, expected);
}

static void test_manager_introspection(Fixture *fixture)
{
        assert_same_interface(fixture->client, MANAGER_PATH, MANAGER_INTERFACE);
        g_autoptr(GDBusNodeInfo) node = introspect(fixture->client, MANAGER_PATH);
        interface_of(node, "org.freedesktop.DBus.ObjectManager");
}

static void test_container_introspection(Fixture *fixture)
{
        create(fixture->client, "box.1", "exec sleep 100", NULL);
        g_autofree char *path = container_path("box.1");
        assert_same_interface(fixture->client, path, CONTAINER_INTERFACE);
        terminate(fixture->client, "box.1");
}

/* WaitProcess is the same word on both; else "Container" stands at the end, or before one of the words: ReadLog is
   ReadContainerLog. */
static GDBusMethodInfo *method_by_name(GDBusInterfaceInfo *manager, const char *member)
{
        GDBusMethodInfo *method = g_dbus_interface_info_lookup_method(manager, member);

        for (gsize i = 1; !method && i <= strlen(member); i++) {
                g_autofree char *name = g_strdup_printf("%.*sContainer%s", (int)i, member, member + i);
                method = g_dbus_interface_info_lookup_method(manager, name);
        }
        return method;
}

static void test_both_faces(Fixture *fixture)
{
        g_autoptr(GDBusNodeInfo) manager_node = introspect(fixture->client, MANAGER_PATH);
        g_autoptr(GDBusNodeInfo) container_node = node_from_file(CONTAINER_INTERFACE);
        GDBusInterfaceInfo *manager = interface_of(manager_node, MANAGER_INTERFACE);
        GDBusInterfaceInfo *container = interface_of(container_node, CONTAINER_INTERFACE);

        for (GDBusMethodInfo **method = container->methods; *method; method++) {
                GDBusMethodInfo *by_name = method_by_name(manager, (*method)->name);
                g_autoptr(GString) own = g_string_new(" in s name"), named = g_string_new(NULL);
                g_test_message("%s", (*method)->name);
                g_assert_nonnull(by_name);
                describe_arguments(own, "in", (*method)->in_args);
                describe_arguments(own, "out", (*method)->out_args);
                describe_arguments(named, "in", by_name->in_args);
                describe_arguments(named, "out", by_name->out_args);
                g_assert_cmpstr(own->str, ==, named->str);
        }
}

/* ---- what is refused ---- */

static void test_bad_names(Fixture *fixture)
{
        static const char *const names[] = {
                "../x",         "/",
                "a/b",          ".",
                "..",           ".host",
                "-leading",     "trailing-",
                "trailing.",    "two..dots",
                "with space",   "with\nnewline",
                "with\ttab",    "percent%n",
                "na\xc3\xafve", "0123456789012345678901234567890123456789012345678901234567890123x",
        };
        static const char *const by_name[] = {"GetContainer", "WaitContainer", "TerminateContainer"};

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                static const char *const command[] = {"true", NULL};
                g_autofree char *sentence = manager_refuses(fixture->client, "InvalidName", "CreateContainer",
                                                            "(s^as@a{sv})", names[i], command, options(NULL));
                g_assert_null(strpbrk(sentence, "\n\t"));
                for (guint j = 0; j < G_N_ELEMENTS(by_name); j++)
                        g_free(manager_refuses(fixture->client, "InvalidName", by_name[j], "(s)", names[i]));
        }
}

static void test_longest_name(Fixture *fixture)
{
        const char *name = "0123456789.01234_6789-01234567890123456789012345678901234567890x";

        g_assert_cmpuint(strlen(name), ==, 64);
        create(fixture->client, name, "exec sleep 100", NULL);
        terminate(fixture->client, name);
}

static void test_bad_options(Fixture *fixture)
{
        /* What is asked for, and the word that the sentence must have. */
        static const char *const rows[][2] = {
                {"{'Rooot': <'/'>}", "Rooot"},
                {"{'terminal': <true>}", "terminal"},
                {"{'': <1>}", "unknown"},
                {"{'Terminal': <'yes'>}", "Terminal"},
                {"{'Terminal': <1>}", "Terminal"},
                {"{'Terminal': <<true>>}", "Terminal"},
                {"{'Environment': <'A=B'>}", "Environment"},
                {"{'Environment': <['=B']>}", "Environment"},
                {"{'Environment': <['NAMEONLY']>}", "Environment"},
                {"{'WorkingDirectory': <'relative'>}", "WorkingDirectory"},
                {"{'WorkingDirectory': <''>}", "WorkingDirectory"},
                {"{'Hostname': <'-'>}", "Hostname"},
                {"{'Hostname': <'a b'>}", "Hostname"},
                {"{'SharedNamespaces': <['time']>}", "SharedNamespaces"},
                {"{'SharedNamespaces': <'net'>}", "SharedNamespaces"},
                {"{'Size': <(uint16 24, uint16 80)>, 'Terminal': <false>}", "Size"},
                {"{'Size': <(24, 80)>}", "Size"},
                {"{'Stdin': <handle 0>}", "Stdin"},
                {"{'Stdin': <'file'>, 'Terminal': <false>}", "Stdin"},
                {"{'Hostname': <'a'>, 'SharedNamespaces': <['uts']>}", "Hostname"},
        };

        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                static const char *const command[] = {"true", NULL};
                if (strstr(rows[i][0], "handle"))
                        continue; /* a handle needs its descriptor: test_handle_without_descriptor() */
                g_autofree char *sentence = manager_refuses(fixture->client, "InvalidOption", "CreateContainer",
                                                            "(s^as@a{sv})", "box", command, options(rows[i][0]));
                g_test_message("%s", rows[i][0]);
                g_assert_nonnull(strstr(sentence, rows[i][1]));
        }
}

static void test_option_given_twice(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};

        g_autofree char *sentence = manager_refuses(fixture->client, "InvalidOption", "CreateContainer", "(s^as@a{sv})",
                                                    "box", command,
                                                    options("[{'Terminal', <true>}, {'Terminal', <true>}]"));
        g_assert_nonnull(strstr(sentence, "Terminal"));
}

static void test_handle_without_descriptor(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;
        static const char *const command[] = {"true", NULL};

        g_autoptr(GVariant) reply = client_call(
                fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                g_variant_new("(s^as@a{sv})", "box", command, options("{'Terminal': <false>, 'Stdin': <handle 7>}")),
                NULL, NULL, &error);
        g_assert_null(reply);
        g_assert_nonnull(error);
}

static void test_empty_command(Fixture *fixture)
{
        static const char *const nothing[] = {NULL};
        static const char *const unnamed[] = {"", NULL};

        g_free(manager_refuses(fixture->client, "InvalidOption", "CreateContainer", "(s^as@a{sv})", "box", nothing,
                               options(NULL)));
        g_free(manager_refuses(fixture->client, "InvalidOption", "CreateContainer", "(s^as@a{sv})", "box", unnamed,
                               options(NULL)));
}

static void test_command_not_found(Fixture *fixture)
{
        static const char *const commands[] = {"no-such-command", "/no/such/command", "/etc/passwd/x"};

        for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
                const char *const command[] = {commands[i], NULL};
                g_autofree char *sentence = manager_refuses(fixture->client, "CommandNotFound", "CreateContainer",
                                                            "(s^as@a{sv})", "box", command, options(NULL));
                g_assert_nonnull(strstr(sentence, commands[i]));
        }
}

static void test_command_not_executable(Fixture *fixture)
{
        static const char *const commands[] = {"/etc", "/etc/passwd", "/dev/null"};

        for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
                const char *const command[] = {commands[i], NULL};
                g_autofree char *sentence = manager_refuses(fixture->client, "CommandNotExecutable", "CreateContainer",
                                                            "(s^as@a{sv})", "box", command, options(NULL));
                g_assert_nonnull(strstr(sentence, commands[i]));
        }
}

static void test_setup_failure_is_a_sentence(Fixture *fixture)
{
        static const char *const command[] = {"true", NULL};

        g_autofree char *sentence = manager_refuses(fixture->client, "SetupFailed", "CreateContainer", "(s^as@a{sv})",
                                                    "box", command,
                                                    options("{'WorkingDirectory': <'/no/such/directory'>}"));
        g_assert_true(g_str_has_prefix(sentence, "cannot "));
        g_assert_nonnull(strstr(sentence, "/no/such/directory"));
        g_assert_nonnull(strstr(sentence, ": No such file or directory"));
}

/* CVE-2024-21626: a directory of the host that a descriptor still holds open would be the command's, and from there
   the whole host is reached by "..". */
static void test_descriptor_as_directory(Fixture *fixture)
{
        static const char *const command[] = {"pwd", NULL};

        for (guint i = 0; i < 64; i++) {
                g_autofree char *text = g_strdup_printf("{'WorkingDirectory': <'/proc/self/fd/%u'>}", i);
                g_free(manager_refuses(fixture->client, "SetupFailed", "CreateContainer", "(s^as@a{sv})", "box",
                                       command, options(text)));
        }
}

static void test_no_such_container(Fixture *fixture)
{
        g_autofree char *path = container_path("absent");
        static const char *const by_name[] = {"GetContainer",       "ReadContainerLog",  "WaitContainer",
                                              "TerminateContainer", "DescribeContainer", NULL};

        for (guint i = 0; by_name[i]; i++) {
                g_autofree char *sentence = manager_refuses(fixture->client, "NoSuchContainer", by_name[i], "(s)",
                                                            "absent");
                g_assert_nonnull(strstr(sentence, "absent"));
        }
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "KillContainer", "(ssi)", "absent", "leader", 9));
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "AttachContainer", "(s@a{sv})", "absent",
                               options(NULL)));
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "GetContainerByPID", "(u)", 1u));
        g_free(manager_refuses(fixture->client, "NoSuchProcess", "GetContainerByPID", "(u)", 4000000000u));
        g_assert_cmpstr(outcome(fixture->client, path, CONTAINER_INTERFACE, "Terminate", NULL), ==,
                        "org.freedesktop.DBus.Error.UnknownObject");
}

static void test_kill_arguments(Fixture *fixture)
{
        static const int signals[] = {0, -1, 65, 1000};

        create(fixture->client, "box", "exec sleep 100", NULL);
        for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
                g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "KillContainer",
                                       "(ssi)", "box", "leader", signals[i]));
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "KillContainer", "(ssi)",
                               "box", "everybody", 9));
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "KillContainer", "(ssi)",
                               "box", "", 9));
        terminate(fixture->client, "box");
}

static void test_attach_options(Fixture *fixture)
{
        create(fixture->client, "box", "exec sleep 100", NULL);
        g_free(manager_refuses(fixture->client, "InvalidOption", "AttachContainer", "(s@a{sv})", "box",
                               options("{'Tak': <true>}")));
        g_free(manager_refuses(fixture->client, "InvalidOption", "AttachContainer", "(s@a{sv})", "box",
                               options("{'Take': <'yes'>}")));
        terminate(fixture->client, "box");
}

static void test_wrong_signature(Fixture *fixture)
{
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "GetContainer", "(u)", 1u));
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "CreateContainer", "(s)",
                               "box"));
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.UnknownMethod", "NoSuchMethod", NULL));
}

/* ---- what is told ---- */

static void test_manager_properties(Fixture *fixture)
{
        g_autoptr(GVariant) version = NULL, features = NULL, count = NULL, maximum = NULL;
        g_autoptr(GVariant) all = NULL;
        g_autoptr(GError) error = NULL;

        create(fixture->client, "box", "exec sleep 100", NULL);
        g_autoptr(GVariant) reply = client_call(fixture->client, MANAGER_PATH, "org.freedesktop.DBus.Properties",
                                                "GetAll", g_variant_new("(s)", MANAGER_INTERFACE), NULL, NULL, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(@a{sv})", &all);
        version = g_variant_lookup_value(all, "Version", G_VARIANT_TYPE_STRING);
        features = g_variant_lookup_value(all, "Features", G_VARIANT_TYPE_STRING_ARRAY);
        count = g_variant_lookup_value(all, "NContainers", G_VARIANT_TYPE_UINT32);
        maximum = g_variant_lookup_value(all, "MaxContainersPerUser", G_VARIANT_TYPE_UINT32);
        g_assert_nonnull(version);
        g_assert_nonnull(features);
        g_assert_cmpuint(g_variant_get_uint32(count), ==, 1);
        g_assert_cmpuint(g_variant_get_uint32(maximum), ==, 64);
        terminate(fixture->client, "box");
}

static void test_busctl(Fixture *fixture)
{
        g_autofree char *out = NULL, *err = NULL;
        g_autoptr(GError) error = NULL;
        int status;

        g_spawn_command_line_sync("busctl call org.pflask.Manager1 /org/pflask/Manager1 org.pflask.Manager1 "
                                  "CreateContainer 'sasa{sv}' box 2 sleep 100 0",
                                  &out, &err, &status, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(err, ==, "");
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpstr(out, ==, "so \"box\" \"/org/pflask/Manager1/container/box\"\n");
        g_clear_pointer(&out, g_free);
        g_clear_pointer(&err, g_free);
        g_spawn_command_line_sync("busctl introspect org.pflask.Manager1 /org/pflask/Manager1/container/box", &out,
                                  &err, &status, &error);
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
        g_assert_nonnull(strstr(out, ".Terminate"));
        g_assert_nonnull(strstr(out, "\"running\""));
        terminate(fixture->client, "box");
}

static void test_describe(Fixture *fixture)
{
        g_autoptr(GVariant) description = NULL;
        g_auto(GStrv) command = NULL, environment = NULL;

        create(fixture->client, "box", "exec sleep 100",
               "{'Environment': <['A=B']>, 'Hostname': <'inside'>, 'StubInit': <true>}");
        g_autoptr(GVariant) reply = manager_call(fixture->client, "DescribeContainer", "(s)", "box");
        g_variant_get(reply, "(@a{sv})", &description);
        g_assert_true(g_variant_lookup(description, "Command", "^as", &command));
        g_assert_cmpstr(command[0], ==, "sh");
        g_assert_true(g_variant_lookup(description, "Environment", "^as", &environment));
        static const char *const assignments[] = {"A=B", "HOME=/root", "USER=root", "container=pflask"};
        for (guint i = 0; i < G_N_ELEMENTS(assignments); i++)
                g_assert_true(g_strv_contains((const char *const *)environment, assignments[i]));
        gboolean has_terminal = FALSE, is_ephemeral = TRUE;
        g_assert_true(g_variant_lookup(description, "Terminal", "b", &has_terminal) && has_terminal);
        g_assert_true(g_variant_lookup(description, "Ephemeral", "b", &is_ephemeral) && !is_ephemeral);
        const char *hostname;
        g_assert_true(g_variant_lookup(description, "Hostname", "&s", &hostname));
        g_assert_cmpstr(hostname, ==, "inside");
        terminate(fixture->client, "box");
}

static void expect_line(int fd, const char *expected)
{
        char line[256] = "";

        for (gsize n = 0; n < sizeof(line) - 1 && !strchr(line, '\n'); n++)
                g_assert_cmpint(read(fd, line + n, 1), ==, 1);
        g_assert_true(g_str_has_prefix(line, expected));
}

/* The end of the authentication and the first call in one segment, as a client sends them that is quick: nothing more
   arrives then, and the answer must come nevertheless. */
static void test_quick_peer(Fixture *fixture)
{
        g_autoptr(GDBusMessage)
                call = g_dbus_message_new_method_call(NULL, MANAGER_PATH, MANAGER_INTERFACE, "ListContainers");
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        char answer[16];
        gsize n;
        int fd;

        _cleanup_(fd_closep) int manager = direct_manager(fixture, &fd);
        g_assert_cmpint(fd_write_all(fd, "\0AUTH EXTERNAL 30\r\n", 19), ==, 0);
        expect_line(fd, "OK ");
        g_dbus_message_set_serial(call, 1);
        g_autofree guint8 *blob = g_dbus_message_to_blob(call, &n, G_DBUS_CAPABILITY_FLAGS_NONE, &error);
        g_assert_no_error(error);
        g_byte_array_append(bytes, (const guint8 *)"BEGIN\r\n", 7);
        g_byte_array_append(bytes, blob, (guint)n);
        g_assert_cmpint(fd_write_all(fd, bytes->data, bytes->len), ==, 0);
        g_assert_cmpint(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5000), ==, 1);
        g_assert_cmpint(read(fd, answer, sizeof(answer)), ==, sizeof(answer));
        fd_close(fd);
        await_process(manager);
}

/* What is installed, but with the programs of the build tree: the bus executes the manager itself, as it does where no
   systemd runs. */
static void test_activation(Fixture *fixture)
{
        g_autofree char *built = build_path("bus-policy/" MANAGER_BUS_NAME ".service");
        g_autofree char *program = build_path("service/manager/pflask-manager");
        g_autoptr(GKeyFile) service = g_key_file_new();
        g_autoptr(GError) error = NULL;
        guint pid;

        g_key_file_load_from_file(service, built, G_KEY_FILE_NONE, &error);
        g_assert_no_error(error);
        g_key_file_set_string(service, "D-BUS Service", "Exec", program);
        g_assert_cmpint(g_mkdir_with_parents(BUS_SERVICES_DIRECTORY, 0755), ==, 0);
        g_key_file_save_to_file(service, BUS_SERVICES_DIRECTORY "/" MANAGER_BUS_NAME ".service", &error);
        g_assert_no_error(error);
        fixture_stop_manager(fixture, SIGTERM);
        g_variant_unref(client_bus_call(fixture->client, "ReloadConfig", NULL));
        g_assert_cmpuint(n_containers(fixture->client), ==, 0);
        /* In its environment the bus has told it which it is. */
        g_assert_cmpint(access(RUNTIME_DIRECTORY "/" PRIVATE_SOCKET, F_OK), ==, 0);
        g_autoptr(GVariant) reply = client_bus_call(fixture->client, "GetConnectionUnixProcessID",
                                                    g_variant_new("(s)", MANAGER_BUS_NAME));
        g_variant_get(reply, "(u)", &pid);
        _cleanup_(fd_closep) int activated = pidfd_open((pid_t)pid, 0);
        kill((pid_t)pid, SIGTERM);
        await_process(activated);
        unlink(BUS_SERVICES_DIRECTORY "/" MANAGER_BUS_NAME ".service");
        g_variant_unref(client_bus_call(fixture->client, "ReloadConfig", NULL));
        fixture_start_manager(fixture);
}

static const Test tests[] = {
        TEST("/introspection/of-the-manager-is-the-xml", test_manager_introspection, ON_BOTH),
        TEST("/introspection/of-a-container-is-the-xml", test_container_introspection, ON_BOTH),
        TEST("/introspection/by-name-and-on-the-object-is-the-same", test_both_faces, ON_BUS),
        TEST("/refused/bad-names", test_bad_names, ON_BOTH),
        TEST("/refused/not-the-longest-name", test_longest_name, ON_BOTH),
        TEST("/refused/bad-options-by-their-name", test_bad_options, ON_BOTH),
        TEST("/refused/an-option-given-twice", test_option_given_twice, ON_BUS),
        TEST("/refused/a-handle-without-descriptor", test_handle_without_descriptor, ON_BUS),
        TEST("/refused/an-empty-command", test_empty_command, ON_BOTH),
        TEST("/refused/a-command-that-is-not-there", test_command_not_found, ON_BOTH),
        TEST("/refused/a-command-that-cannot-be-executed", test_command_not_executable, ON_BOTH),
        TEST("/refused/set-up-with-step-object-and-reason", test_setup_failure_is_a_sentence, ON_BOTH),
        TEST("/refused/A2-a-descriptor-as-directory", test_descriptor_as_directory, ON_BOTH),
        TEST("/refused/a-container-that-is-not-there", test_no_such_container, ON_BOTH),
        TEST("/refused/kill-with-no-signal-or-nobody", test_kill_arguments, ON_BOTH),
        TEST("/refused/attach-with-unknown-options", test_attach_options, ON_BOTH),
        TEST("/refused/wrong-signatures", test_wrong_signature, ON_BOTH),
        TEST("/told/properties-of-the-manager", test_manager_properties, ON_BOTH),
        TEST("/told/to-busctl", test_busctl, ON_BUS),
        TEST("/told/to-a-peer-that-is-quick", test_quick_peer, ON_DIRECT),
        TEST("/told/to-whoever-calls-first", test_activation, ON_BUS),
        TEST("/told/options-as-they-took-effect", test_describe, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
