/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Authority
 *
 * Root is not asked, the owner of a confined container isn't about it, and everybody else is polkit's to decide, with
 * the container, its owner, the user and the program known to the rule. A real polkitd decides here, by rules in which
 * bob may do anything to the container "open", run "true" anywhere, and nothing else; alice may run her own; carol has
 * no rule.
 */
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "fixture.h"

#define DENIED      "org.freedesktop.DBus.Error.AccessDenied"
#define INTERACTIVE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

static const char *const idle = "exec sleep 100";

/* Every detail is looked at, so that one that is missing or wrong lets nobody in. */
static const char rules[] =
        "polkit.addRule(function(action, subject) {\n"
        "  if (action.id == 'org.pflask.manager1.run-own' && subject.user == 'alice')\n"
        "    return polkit.Result.YES;\n"
        "  if (action.id.indexOf('org.pflask.manager1.') != 0 || subject.user != 'bob')\n"
        "    return polkit.Result.NOT_HANDLED;\n"
        "  if (action.lookup('container') == 'open' && action.lookup('owner') == '0')\n"
        "    return polkit.Result.YES;\n"
        "  if (action.id == 'org.pflask.manager1.run-privileged' && action.lookup('program') == 'true' &&\n"
        "      action.lookup('user') == 'root')\n"
        "    return polkit.Result.YES;\n"
        "  if (action.lookup('container') == 'never')\n"
        "    return polkit.Result.NO;\n"
        "  if (action.lookup('container') == 'slow') {\n"
        "    polkit.spawn(['/bin/sleep', '1']);\n"
        "    return polkit.Result.YES;\n"
        "  }\n"
        "});\n";

/* A method, and what it is called with besides the name. */
typedef struct Verb {
        const char *by_name, *on_object;
        const char *arguments; /* GVariant text of a tuple's inside, or NULL */
        gboolean is_open;      /* to all */
        gboolean ends_it;
} Verb;

static const Verb verbs[] = {
        {"GetContainer", NULL, NULL, TRUE, FALSE},
        {"AttachContainer", "Attach", "@a{sv} {}", FALSE, FALSE},
        {"ReadContainerLog", "ReadLog", NULL, FALSE, FALSE},
        {"FollowContainerLog", "FollowLog", NULL, FALSE, FALSE},
        {"DescribeContainer", "Describe", NULL, FALSE, FALSE},
        {"KillContainer", "Kill", "'leader', 18", FALSE, FALSE},
        {"TerminateContainer", "Terminate", NULL, FALSE, TRUE},
};

static GVariant *verb_parameters(const Verb *verb, const char *name)
{
        g_autoptr(GString) text = g_string_new("(");
        g_autoptr(GError) error = NULL;

        if (name)
                g_string_append_printf(text, "'%s'%s", name, verb->arguments ? ", " : ",");
        if (verb->arguments)
                g_string_append_printf(text, "%s%s", verb->arguments, name || strchr(verb->arguments, ',') ? "" : ",");
        g_string_append_c(text, ')');
        if (strcmp(text->str, "()") == 0)
                return NULL;
        GVariant *parameters = g_variant_parse(NULL, text->str, NULL, NULL, &error);
        g_assert_no_error(error);
        return parameters;
}

/* Both faces of the verb; @expected: the error that each must give, or NULL. */
static void assert_verb(Client *client, const Verb *verb, const char *name, const char *expected)
{
        g_autofree char *path = container_path(name);

        for (int face = 0; face < 2; face++) {
                if (face == 1 && (!verb->on_object || (verb->ends_it && !expected)))
                        continue;
                const char *error = face == 0 ? outcome(client, MANAGER_PATH, MANAGER_INTERFACE, verb->by_name,
                                                        verb_parameters(verb, name))
                                              : outcome(client, path, CONTAINER_INTERFACE, verb->on_object,
                                                        verb_parameters(verb, NULL));
                g_assert_cmpstr(error, ==, expected ? expected : "");
        }
}

static void assert_matrix(Client *client, const char *name, const char *expected)
{
        for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
                assert_verb(client, &verbs[i], name, verbs[i].is_open ? NULL : expected);
}

static void test_root(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        assert_matrix(fixture->client, "box", NULL);
        wait_for(fixture->client, "box", "killed", SIGKILL);
}

static void test_stranger(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);

        create(fixture->client, "open", idle, NULL);
        assert_matrix(carol, "open", INTERACTIVE);
        terminate(fixture->client, "open");
}

static void test_let_in(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);

        create(fixture->client, "open", idle, NULL);
        assert_matrix(bob, "open", NULL);
        wait_for(fixture->client, "open", "killed", SIGKILL);
        create(fixture->client, "closed", idle, NULL);
        assert_matrix(bob, "closed", INTERACTIVE);
        terminate(fixture->client, "closed");
        create(fixture->client, "never", idle, NULL);
        assert_matrix(bob, "never", DENIED);
        terminate(fixture->client, "never");
}

static void test_open_to_all(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};

        create(fixture->client, "box", idle, NULL);
        g_assert_cmpuint(n_containers(carol), ==, 1);
        g_autoptr(GVariant) owner = property(carol, "box", "Owner");
        g_assert_cmpuint(g_variant_get_uint32(owner), ==, 0);
        client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"),
                          &pending);
        n_containers(carol);
        terminate(fixture->client, "box");
        await(pending.is_done);
        g_assert_no_error(pending.error);
}

static GVariant *run_parameters(const char *name, const char *program, const char *option_text)
{
        const char *const command[] = {program, NULL};

        return g_variant_new("(s^as@a{sv})", name, command, options(option_text));
}

/* With the host's user namespace a container is privileged, whoever asks; the sentence says which option it was. */
static void test_privileged_is_asked(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        g_autofree char *sentence = manager_refuses(alice, INTERACTIVE, "CreateContainer", "@(sasa{sv})",
                                                    run_parameters("box", "true", "{'SharedNamespaces': <['user']>}"));
        g_assert_nonnull(strstr(sentence, "org.pflask.manager1.run-privileged"));
        g_assert_nonnull(strstr(sentence, "SharedNamespaces"));
}

static void test_program_decides(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);

        g_variant_unref(manager_call(bob, "CreateContainer", "@(sasa{sv})",
                                     run_parameters("box", "true", "{'SharedNamespaces': <['user']>}")));
        wait_for(bob, "box", "exited", 0);
        g_free(manager_refuses(bob, INTERACTIVE, "CreateContainer", "@(sasa{sv})",
                               run_parameters("box", "false", "{'SharedNamespaces': <['user']>}")));
}

/* To have been allowed once to make it is not to be root for ever. */
static void test_owner_of_privileged(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        static const char *const command[] = {"true", NULL};
        static const Verb terminate_verb = {"TerminateContainer", "Terminate", NULL, FALSE, TRUE};

        /* "true" is what the rule lets bob run; that it is a sleep is the environment's doing. */
        g_assert_cmpint(g_mkdir_with_parents(TEST_DIRECTORY "/bin", 0755), ==, 0);
        g_assert_true(g_file_set_contents_full(TEST_DIRECTORY "/bin/true", "#!/bin/sh\nexec /bin/sleep 100\n", -1,
                                               G_FILE_SET_CONTENTS_NONE, 0755, NULL));
        g_variant_unref(
                manager_call(bob, "CreateContainer", "(s^as@a{sv})", "box", command,
                             options("{'SharedNamespaces': <['user']>, 'Environment': <['PATH=/run/test/bin']>}")));
        assert_matrix(bob, "box", INTERACTIVE);
        assert_verb(bob, &terminate_verb, "box", INTERACTIVE);
        g_variant_unref(manager_call(fixture->client, "TerminateContainer", "(s)", "box"));
        wait_for(bob, "box", "killed", SIGKILL);
}

static void test_owner_of_confined(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new_with_groups(fixture, ALICE, ALICE, NULL, 0);
        g_autoptr(Client) bob = client_new(fixture, BOB);

        create(alice, "hers", idle, NULL);
        g_autoptr(GVariant) privileged = property(alice, "hers", "Privileged");
        g_assert_false(g_variant_get_boolean(privileged));
        assert_matrix(bob, "hers", INTERACTIVE);
        assert_matrix(alice, "hers", NULL);
        wait_for(alice, "hers", "killed", SIGKILL);
}

static pid_t pid_of(Client *client, const char *name, const char *which)
{
        g_autoptr(GVariant) pid = property(client, name, which);

        return (pid_t)g_variant_get_uint32(pid);
}

/* Its supervisor hasn't noticed yet, and of a dead leader nothing can be read that shows whose it was. */
static void test_owner_of_ending(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new_with_groups(fixture, ALICE, ALICE, NULL, 0);
        g_auto(Pending) ended = {}, refused = {};

        create(alice, "hers", idle, NULL);
        pid_t supervisor = pid_of(alice, "hers", "Supervisor");
        _cleanup_(fd_closep) int leader = pidfd_open(pid_of(alice, "hers", "Leader"), 0);
        g_assert_no_errno(kill(supervisor, SIGSTOP));
        process_signal(leader, SIGKILL);
        await_process(leader);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "OpenContainerRootDirectory",
                          g_variant_new("(s)", "hers"), &refused);
        await(refused.is_done);
        g_assert_cmpstr(client_error_name(refused.error), ==, INTERACTIVE);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer", g_variant_new("(s)", "hers"),
                          &ended);
        n_containers(alice);
        g_assert_no_errno(kill(supervisor, SIGCONT));
        await(ended.is_done);
        if (ended.error)
                g_assert_cmpstr(client_error_name(ended.error), ==, ERROR_PREFIX "NotRunning");
        wait_for(alice, "hers", "killed", SIGKILL);
}

static void test_name_after_denial(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);

        for (guint i = 0; i < rounds(20); i++)
                g_free(manager_refuses(carol, INTERACTIVE, "CreateContainer", "@(sasa{sv})",
                                       run_parameters("box", "true", "{'SharedNamespaces': <['user']>}")));
        create(fixture->client, "box", "exit 1", NULL);
        wait_for(fixture->client, "box", "exited", 1);
}

static void kill_later(Client *client, const char *name, Pending *pending)
{
        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", name, "leader", SIGKILL), pending);
}

/* polkit takes its time; meanwhile others are served. */
static void test_slow_answer(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        kill_later(bob, "slow", &pending);
        g_dbus_connection_flush_sync(bob->connection, NULL, NULL);
        for (guint i = 0; i < 10; i++)
                g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        g_assert_false(pending.is_done);
        g_assert_cmpint(process_signal(fixture->polkit, SIGCONT), ==, 0);
        await(pending.is_done);
        g_assert_no_error(pending.error);
        wait_for(fixture->client, "slow", "killed", SIGKILL);
}

static void test_caller_leaves(Fixture *fixture)
{
        create(fixture->client, "slow", idle, NULL);
        for (guint i = 0; i < 5; i++) {
                g_autoptr(Client) bob = client_new(fixture, BOB);
                Pending pending = {};
                kill_later(bob, "slow", &pending);
                g_dbus_connection_flush_sync(bob->connection, NULL, NULL);
                n_containers(bob);
                g_dbus_connection_close_sync(bob->connection, NULL, NULL);
                await(pending.is_done);
                pending_clear(&pending);
        }
        g_autoptr(GVariant) state = property(fixture->client, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "slow");
}

/* Asked about one container, answered when another has its name: had it worked, bob would have killed what nobody
   let bob kill. */
static void test_replaced_meanwhile(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        kill_later(bob, "slow", &pending);
        n_containers(bob);
        terminate(fixture->client, "slow");
        create(fixture->client, "slow", idle, NULL);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "NoSuchContainer");
        g_autoptr(GVariant) state = property(fixture->client, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "slow");
}

/* Issue by issue: a bus policy that refuses what polkit should decide looks like a denial, and is a mistake. */
static void test_bus_lets_everybody_call(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autofree char *file = g_strconcat(g_getenv("PFLASK_INTERFACES_DIRECTORY"), "/" MANAGER_INTERFACE ".xml",
                                            NULL);
        g_autofree char *xml = NULL;

        g_assert_true(g_file_get_contents(file, &xml, NULL, NULL));
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, NULL);
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, MANAGER_INTERFACE);
        for (GDBusMethodInfo **method = info->methods; *method; method++)
                g_assert_cmpstr(
                        outcome(carol, MANAGER_PATH, MANAGER_INTERFACE, (*method)->name, g_variant_new("(y)", 0)), ==,
                        "org.freedesktop.DBus.Error.InvalidArgs");
}

static void test_name_is_roots(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autoptr(GError) error = NULL;

        GVariant *reply = g_dbus_connection_call_sync(carol->connection, "org.freedesktop.DBus",
                                                      "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                                      g_variant_new("(su)", MANAGER_BUS_NAME, 3u), NULL,
                                                      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
        g_assert_null(reply);
        g_assert_cmpstr(client_error_name(error), ==, DENIED);
}

/* Had a uid above INT_MAX been taken for -1 or for 0, it would be root. */
static void test_odd_uids(Fixture *fixture)
{
        static const uid_t uids[] = {ODD, 65534, 1};

        create(fixture->client, "open", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(uids); i++) {
                g_autoptr(Client) odd = client_new(fixture, uids[i]);
                assert_matrix(odd, "open", INTERACTIVE);
        }
        terminate(fixture->client, "open");
}

static void test_no_polkit(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);

        create(fixture->client, "box", idle, NULL);
        g_autofree char *sentence = manager_refuses(carol, DENIED, "TerminateContainer", "(s)", "box");
        g_assert_nonnull(strstr(sentence, "polkit"));
        terminate(fixture->client, "box");
}

/* What the client says to @uid, in one line, and nothing else. */
static void assert_says(Fixture *fixture, uid_t uid, const char *arguments, int status, const char *expected)
{
        g_autofree char *script = g_strdup_printf("exec setpriv --reuid %u --regid %u --clear-groups $pflask %s", uid,
                                                  uid, arguments);
        g_autofree char *out = NULL, *err = NULL;

        int got = shell(fixture, script, &out, &err);
        g_test_message("%s", err);
        g_assert_true(g_str_has_prefix(err, "pflask: "));
        g_assert_true(g_str_has_suffix(err, expected)); /* behind the name, where there could be several */
        g_assert_true(strchr(err, '\n') == err + strlen(err) - 1);
        g_assert_cmpint(got, ==, status);
        g_assert_cmpstr(out, ==, "");
}

/* One sentence: what was denied, why, and which action decides. Nobody can be asked here: there is no terminal. */
static void test_sentences(Fixture *fixture)
{
#define REFUSED "interactive authentication is required (polkit action org.pflask.manager1."
        static const struct {
                uid_t uid;
                const char *arguments, *sentence;
        } rows[] = {
                {CAROL, "kill box", "cannot stop, restart or signal container 'box': " REFUSED "manage)"},
                {CAROL, "--no-ask-password terminate box",
                 "cannot stop, restart or signal container 'box': " REFUSED "manage)"},
                {CAROL, "reboot box", "cannot stop, restart or signal container 'box': " REFUSED "manage)"},
                {CAROL, "attach box", "cannot use the console of container 'box': " REFUSED "attach)"},
                {CAROL, "logs box", "cannot use the console of container 'box': " REFUSED "attach)"},
                {CAROL, "exec box true", "cannot run a program in container 'box': " REFUSED "exec)"},
                {CAROL, "shell box", "cannot run a program in container 'box': " REFUSED "exec)"},
                {CAROL, "copy-to box /etc/passwd /tmp",
                 "cannot reach the files of container 'box': " REFUSED "transfer)"},
                {CAROL, "--no-ask-password bind box /etc /mnt",
                 "cannot reach the files of container 'box': " REFUSED "transfer)"},
                {CAROL, "describe box", "cannot look into container 'box': " REFUSED "inspect)"},
                {CAROL, "run --name=other --no-userns -- true",
                 "cannot run container 'other', as option 'SharedNamespaces' keeps the host's user namespace: " REFUSED
                 "run-privileged)"},
                {BOB, "terminate never",
                 "cannot stop, restart or signal container 'never': access is denied (polkit action "
                 "org.pflask.manager1.manage)"},
        };

        create(fixture->client, "box", idle, NULL);
        create(fixture->client, "never", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *expected = g_strconcat(rows[i].sentence, "\n", NULL);
                assert_says(fixture, rows[i].uid, rows[i].arguments, 125, expected);
        }
        terminate(fixture->client, "box");
        terminate(fixture->client, "never");
}

/* polkit's numbers: who is not at the machine, whose session is in the background, and who sits there. */
enum { ADMIN = 2, ADMIN_KEEP = 4, YES = 5 };

/* As who speaks the language of @locale is told of them. Return: the caller's. */
static GVariant *enumerate_actions(Client *client, const char *locale)
{
        GVariant *reply = g_dbus_connection_call_sync(
                client->connection, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                "org.freedesktop.PolicyKit1.Authority", "EnumerateActions", g_variant_new("(s)", locale), NULL,
                G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

        g_assert_nonnull(reply);
        return reply;
}

/* The translations are in the file, but it is polkit who has to find them there. */
static void test_language(Fixture *fixture)
{
        static const char *const id = "org.pflask.manager1.attach";
        g_autofree char *built = build_path("bus-policy/org.pflask.manager1.policy");
        g_autoptr(GVariantIter) actions = NULL;
        const char *action, *description, *message, *found = NULL;

        if (access(built, R_OK) < 0) {
                g_test_skip("built without gettext");
                return;
        }
        g_autoptr(GVariant) reply = enumerate_actions(fixture->client, "de_DE.UTF-8");
        g_variant_get(reply, "(a(ssssssuuua{ss}))", &actions);
        while (g_variant_iter_next(actions, "(&s&s&s&s&s&suuua{ss})", &action, &description, &message, NULL, NULL, NULL,
                                   NULL, NULL, NULL, NULL))
                if (g_str_equal(action, id))
                        found = message;
        g_assert_cmpstr(found, ==,
                        "Legitimierung ist erforderlich, um die Konsole des Containers $(container) zu benutzen.");
}

/* What polkit has read of the policy is what the contract promises, with all that a prompt shows. */
static void test_policy(Fixture *fixture)
{
        static const struct {
                const char *id;
                guint32 any, inactive, active;
        } rows[] = {
                {"run-own", ADMIN_KEEP, ADMIN_KEEP, YES}, {"run-privileged", ADMIN, ADMIN, ADMIN_KEEP},
                {"manage", ADMIN, ADMIN, ADMIN_KEEP},     {"attach", ADMIN, ADMIN, ADMIN_KEEP},
                {"exec", ADMIN, ADMIN, ADMIN_KEEP},       {"transfer", ADMIN, ADMIN, ADMIN_KEEP},
                {"inspect", ADMIN, ADMIN, ADMIN_KEEP},
        };
        const char *id, *description, *message, *vendor, *icon;
        guint32 any, inactive, active;
        g_autoptr(GVariantIter) actions = NULL;
        guint n = 0;

        g_autoptr(GVariant) reply = enumerate_actions(fixture->client, "");
        g_variant_get(reply, "(a(ssssssuuua{ss}))", &actions);
        while (g_variant_iter_next(actions, "(&s&s&s&s&s&suuua{ss})", &id, &description, &message, &vendor, NULL, &icon,
                                   &any, &inactive, &active, NULL)) {
                if (!g_str_has_prefix(id, "org.pflask.manager1."))
                        continue;
                id += strlen("org.pflask.manager1.");
                guint i = 0;
                while (i < G_N_ELEMENTS(rows) && !g_str_equal(rows[i].id, id))
                        i++;
                g_assert_cmpuint(i, <, G_N_ELEMENTS(rows));
                g_assert_cmpuint(any, ==, rows[i].any);
                g_assert_cmpuint(inactive, ==, rows[i].inactive);
                g_assert_cmpuint(active, ==, rows[i].active);
                g_assert_nonnull(strstr(message, "$(container)"));
                g_assert_true(*description && *vendor && *icon);
                n++;
        }
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(rows));
}

#define WITH_RULES(test_name, test_function)                                                                \
        {                                                                                                   \
                .name = test_name, .function = test_function, .flags = ON_BUS | WITH_POLKIT, .rules = rules \
        }
static const Test tests[] = {
        WITH_RULES("/authority/root-is-not-asked", test_root),
        WITH_RULES("/authority/a-stranger-is-refused-everything-but-looking", test_stranger),
        WITH_RULES("/authority/a-rule-lets-one-into-one-container", test_let_in),
        WITH_RULES("/authority/looking-and-waiting-are-open-to-all", test_open_to_all),
        WITH_RULES("/authority/a-privileged-container-is-asked-about", test_privileged_is_asked),
        WITH_RULES("/authority/a-rule-knows-the-program", test_program_decides),
        WITH_RULES("/authority/the-owner-of-a-privileged-one-is-asked-each-time", test_owner_of_privileged),
        WITH_RULES("/authority/the-owner-of-a-confined-one-is-not-asked", test_owner_of_confined),
        WITH_RULES("/authority/who-ends-what-ends-already-is-not-asked", test_owner_of_ending),
        WITH_RULES("/authority/a-denied-name-is-free-again", test_name_after_denial),
        WITH_RULES("/authority/a-slow-answer-delays-nobody-else", test_slow_answer),
        WITH_RULES("/authority/a-caller-who-leaves-has-not-asked", test_caller_leaves),
        WITH_RULES("/authority/an-answer-is-about-the-container-asked-about", test_replaced_meanwhile),
        WITH_RULES("/authority/a-denial-says-what-and-by-which-action", test_sentences),
        WITH_RULES("/authority/the-policy-is-that-of-the-contract", test_policy),
        WITH_RULES("/authority/polkit-asks-in-german", test_language),
        WITH_RULES("/authority/A23-odd-uids-are-strangers", test_odd_uids),
        TEST("/authority/the-bus-lets-everybody-call", test_bus_lets_everybody_call, ON_BUS),
        TEST("/authority/the-name-is-roots", test_name_is_roots, ON_BUS),
        TEST("/authority/without-polkit-there-is-only-root", test_no_polkit, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
