/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may call what
 *
 * Every method of both interfaces, called by everybody whom its authority tells apart: a row each. By name and on the
 * object it must come to the same. A real polkitd decides, by rules in which alice may run what is her own, bob may make
 * the privileged container "his" and do anything to those called "open", and nothing else.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

/* What a call would leave behind that is done though nobody may have it. */
#define DONE TEST_DIRECTORY "/done"

static const char rules[] = "polkit.addRule(function(action, subject) {\n"
                            "  var container = action.lookup('container');\n"
                            "  if (action.id == 'org.pflask.manager1.run-own' && subject.user == 'alice')\n"
                            "    return polkit.Result.YES;\n"
                            "  if (subject.user != 'bob')\n"
                            "    return polkit.Result.NOT_HANDLED;\n"
                            "  if (action.id == 'org.pflask.manager1.run-privileged' && container == 'his')\n"
                            "    return polkit.Result.YES;\n"
                            "  if (container && container.indexOf('open') == 0)\n"
                            "    return polkit.Result.YES;\n"
                            "});\n";

typedef enum {
        ROOT,
        OWNER_OF_CONFINED,
        OWNER_OF_PRIVILEGED,
        STRANGER,
        LET_IN, /* by a rule */
        LEAVER, /* the same, who is gone before polkit answers */
        N_CALLERS,
} Who;

/* One caller, and the container that the call is about. */
static const struct {
        const char *description;
        uid_t uid;
        const char *container;
        uid_t owner;
        const char *options; /* of the container */
} callers[N_CALLERS] = {
        [ROOT] = {"root", 0, "box", 0, NULL},
        [OWNER_OF_CONFINED] = {"the owner of a confined one", ALICE, "hers", ALICE, NULL},
        [OWNER_OF_PRIVILEGED] = {"the owner of a privileged one", BOB, "his", BOB, "{'SharedNamespaces': <['user']>}"},
        [STRANGER] = {"a stranger", CAROL, "box", 0, NULL},
        [LET_IN] = {"a stranger whom a rule lets in", BOB, "open", 0, NULL},
        [LEAVER] = {"a caller who leaves", BOB, "open", 0, NULL},
};

typedef enum { BY_NAME, BY_NEW_NAME, ALONE } First; /* what the arguments of the manager's method begin with */

typedef struct Verb {
        const char *member, *on_object; /* NULL: there is none */
        First first;
        const char *arguments; /* GVariant text of a tuple's inside, behind the first */
        /*
         * For each caller in order: 'y' is served, 'a' polkit would have to ask somebody, '-' has no effect. A call that
         * is open to all is answered to who stays.
         */
        const char *outcomes;
        const char *error;              /* that root gets, whose authority is not in question; NULL: none */
        const char *confined_arguments; /* for the owner of a confined one; NULL: the same */
        gboolean waits;                 /* is answered when the container has ended */
} Verb;

#define OPEN_TO_ALL "yyyyyy"
#define ASKED_ABOUT "yyaay-"
#define NO_PROCESS  ERROR_PREFIX "NoSuchProcess"
#define NO_NETWORK  ERROR_PREFIX "NoPrivateNetwork"
#define TOUCH       "['touch', '" DONE "'], @as []"
#define PRIVILEGED  "['touch', '" DONE "'], {'SharedNamespaces': <['user']>}"
#define CONFINED    "['touch', '" DONE "'], @a{sv} {}"

static const Verb verbs[] = {
        {"CreateContainer", NULL, BY_NEW_NAME, PRIVILEGED, ASKED_ABOUT, NULL, CONFINED, FALSE},
        {"RunContainer", NULL, BY_NEW_NAME, PRIVILEGED, ASKED_ABOUT, NULL, CONFINED, FALSE},
        {"GetContainer", NULL, BY_NAME, NULL, OPEN_TO_ALL, NULL, NULL, FALSE},
        {"GetContainerByPID", NULL, ALONE, "uint32 1", OPEN_TO_ALL, ERROR_PREFIX "NoSuchContainer", NULL, FALSE},
        {"ListContainers", NULL, ALONE, NULL, OPEN_TO_ALL, NULL, NULL, FALSE},
        {"AttachContainer", "Attach", BY_NAME, "@a{sv} {}", ASKED_ABOUT, NULL, NULL, FALSE},
        {"ReadContainerLog", "ReadLog", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"FollowContainerLog", "FollowLog", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"OpenContainerShell", "OpenShell", BY_NAME, "'', " TOUCH ", @a{sv} {}", ASKED_ABOUT, NULL, NULL, FALSE},
        {"ExecContainer", "Exec", BY_NAME, "'', " TOUCH ", handle 0, handle 0, handle 0, @a{sv} {}", ASKED_ABOUT, NULL,
         NULL, FALSE},
        {"WaitContainer", "Wait", BY_NAME, NULL, OPEN_TO_ALL, NULL, NULL, TRUE},
        {"WaitProcess", "WaitProcess", BY_NAME, "uint32 7", OPEN_TO_ALL, NO_PROCESS, NULL, FALSE},
        {"KillProcess", "KillProcess", BY_NAME, "uint32 7, 9", ASKED_ABOUT, NO_PROCESS, NULL, FALSE},
        {"KillContainer", "Kill", BY_NAME, "'all', 9", ASKED_ABOUT, NULL, NULL, FALSE},
        {"TerminateContainer", "Terminate", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"PowerOffContainer", "PowerOff", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"RebootContainer", "Reboot", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"BindMountContainer", "BindMount", BY_NAME, "'/etc', '" DONE "', true, true", ASKED_ABOUT, NULL, NULL, FALSE},
        {"CopyToContainer", "CopyTo", BY_NAME, "'/etc/passwd', '" DONE "', @a{sv} {}", ASKED_ABOUT, NULL, NULL, FALSE},
        {"CopyFromContainer", "CopyFrom", BY_NAME, "'/etc/passwd', '" DONE "', @a{sv} {}", ASKED_ABOUT, NULL, NULL,
         FALSE},
        {"OpenContainerRootDirectory", "OpenRootDirectory", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"GetContainerAddresses", "GetAddresses", BY_NAME, NULL, ASKED_ABOUT, NO_NETWORK, NULL, FALSE},
        {"GetContainerOSRelease", "GetOSRelease", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
        {"DescribeContainer", "Describe", BY_NAME, NULL, ASKED_ABOUT, NULL, NULL, FALSE},
};

/* ---- one call ---- */

typedef struct Case {
        const Verb *verb;
        gboolean is_on_object;
        Who who;
        Client *client; /* that calls */
        Client *owner;  /* of the container */
        Pending pending;
} Case;

static GVariant *case_parameters(const Case *one)
{
        const Verb *verb = one->verb;
        const char *text = one->who == OWNER_OF_CONFINED && verb->confined_arguments ? verb->confined_arguments
                                                                                     : verb->arguments;
        const char *suffix = verb->first == BY_NEW_NAME ? "2" : "";
        g_autoptr(GString) tuple = g_string_new("(");
        g_autoptr(GError) error = NULL;

        if (!one->is_on_object && verb->first != ALONE)
                g_string_append_printf(tuple, "'%s%s',", callers[one->who].container, suffix);
        if (text)
                g_string_append(tuple, text);
        if (text && !strchr(text, ',') && tuple->str[1] != '\'')
                g_string_append_c(tuple, ',');
        g_string_append_c(tuple, ')');
        GVariant *parameters = g_variant_parse(NULL, tuple->str, NULL, NULL, &error);
        g_assert_no_error(error);
        return parameters;
}

static void case_answered(GObject *connection, GAsyncResult *result, void *data)
{
        Pending *pending = data;

        pending->reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(connection), NULL, result,
                                                                         &pending->error);
        pending->is_done = TRUE;
}

static void case_begin(Case *one)
{
        const Verb *verb = one->verb;
        g_autofree char *path = container_path(callers[one->who].container);
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        g_unix_fd_list_append(fds, null, NULL);
        one->pending = (Pending){};
        g_dbus_connection_call_with_unix_fd_list(
                one->client->connection, one->client->destination, one->is_on_object ? path : MANAGER_PATH,
                one->is_on_object ? CONTAINER_INTERFACE : MANAGER_INTERFACE,
                one->is_on_object ? verb->on_object : verb->member, case_parameters(one), NULL, G_DBUS_CALL_FLAGS_NONE,
                G_MAXINT, fds, NULL, case_answered, &one->pending);
}

/* Ends it, where it is there and hasn't ended, and waits for it as who it belongs to, so that it is forgotten. */
static void end_container(Fixture *fixture, Client *owner, const char *name)
{
        outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "TerminateContainer", g_variant_new("(s)", name));
        outcome(owner, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", name));
}

/* Everything is as it was: the container that was there, and no other, has the leader that it had. */
static void assert_nothing_done(Fixture *fixture, const Case *one, guint32 leader)
{
        const char *name = callers[one->who].container;

        await_polkit(fixture->client);
        g_assert_cmpuint(n_containers(fixture->client), ==, 1);
        g_autoptr(GVariant) now = property(fixture->client, name, "Leader");
        g_autoptr(GVariant) is_attached = property(fixture->client, name, "ConsoleAttached");
        g_assert_cmpuint(g_variant_get_uint32(now), ==, leader);
        g_assert_false(g_variant_get_boolean(is_attached));
        g_assert_false(g_file_test(DONE, G_FILE_TEST_EXISTS));
}

/* polkit would say yes, had it been asked by somebody who is there to hear it. */
static void case_leave(Fixture *fixture, Case *one)
{
        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        case_begin(one);
        n_containers(one->client);
        g_dbus_connection_close_sync(one->client->connection, NULL, NULL);
        await(one->pending.is_done);
        g_assert_cmpint(process_signal(fixture->polkit, SIGCONT), ==, 0);
}

static void case_stay(Fixture *fixture, Case *one)
{
        case_begin(one);
        if (one->verb->waits) {
                n_containers(one->client);
                g_variant_unref(
                        manager_call(fixture->client, "TerminateContainer", "(s)", callers[one->who].container));
        }
        await(one->pending.is_done);
}

static void case_check(Fixture *fixture, const Case *one, guint32 leader)
{
        const char *error = client_error_name(one->pending.error);

        g_test_message("%s %s: %s", callers[one->who].description,
                       one->is_on_object ? one->verb->on_object : one->verb->member,
                       one->pending.error ? one->pending.error->message : "served");
        switch (one->verb->outcomes[one->who]) {
        case 'y':
                g_assert_cmpstr(error, !=, DENIED);
                g_assert_cmpstr(error, !=, INTERACTIVE);
                if (one->who == ROOT)
                        g_assert_cmpstr(error, ==, one->verb->error ? one->verb->error : "");
                break;
        case 'a':
                g_assert_cmpstr(error, ==, INTERACTIVE);
                assert_nothing_done(fixture, one, leader);
                break;
        case '-':
                assert_nothing_done(fixture, one, leader);
                break;
        default:
                g_assert_not_reached();
        }
}

static void case_run(Fixture *fixture, Case *one)
{
        const char *name = callers[one->who].container;
        g_autofree char *other = g_strconcat(name, "2", NULL);

        create(one->owner, name, "trap exit TERM; sleep 100 & wait", callers[one->who].options);
        g_autoptr(GVariant) leader = property(fixture->client, name, "Leader");
        if (one->who == LEAVER)
                case_leave(fixture, one);
        else
                case_stay(fixture, one);
        case_check(fixture, one, g_variant_get_uint32(leader));
        pending_clear(&one->pending);
        end_container(fixture, one->owner, name);
        end_container(fixture, one->who == LEAVER ? fixture->client : one->client, other);
        await_n_containers(fixture->client, 0);
        g_assert_true(g_spawn_command_line_sync("rm -rf " DONE, NULL, NULL, NULL, NULL));
}

/* ---- the tests ---- */

static void test_verb(Fixture *fixture)
{
        const Verb *verb = fixture->test->row;

        for (int on_object = 0; on_object < (verb->on_object ? 2 : 1); on_object++)
                for (Who who = 0; who < N_CALLERS; who++) {
                        g_autoptr(Client) client = client_new(fixture, callers[who].uid);
                        g_autoptr(Client) owner = client_new(fixture, callers[who].owner);
                        Case one = {
                                .verb = verb, .is_on_object = on_object, .who = who, .client = client, .owner = owner};
                        case_run(fixture, &one);
                }
}

static const Verb *find_verb(const char *member, gboolean is_on_object)
{
        for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
                if (g_strcmp0(is_on_object ? verbs[i].on_object : verbs[i].member, member) == 0)
                        return &verbs[i];
        return NULL;
}

static void test_no_method_without_a_row(Fixture *fixture _unused_)
{
        static const char *const interfaces[] = {MANAGER_INTERFACE, CONTAINER_INTERFACE};

        for (guint i = 0; i < G_N_ELEMENTS(interfaces); i++) {
                g_autofree char *file = g_strconcat(g_getenv("PFLASK_INTERFACES_DIRECTORY"), "/", interfaces[i], ".xml",
                                                    NULL);
                g_autofree char *xml = NULL;
                g_assert_true(g_file_get_contents(file, &xml, NULL, NULL));
                g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, NULL);
                GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, interfaces[i]);
                for (GDBusMethodInfo **method = info->methods; *method; method++)
                        if (!find_verb((*method)->name, i == 1))
                                g_error("nobody has said who may call %s", (*method)->name);
        }
}

enum { N_TESTS = G_N_ELEMENTS(verbs) + 1 };

int main(int argc, char **argv)
{
        static Test tests[N_TESTS] = {TEST("/matrix/no-method-without-a-row", test_no_method_without_a_row, ON_BUS)};

        for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
                tests[i + 1] = (Test){
                        .name = g_strconcat("/matrix/", verbs[i].member, NULL),
                        .function = test_verb,
                        .flags = ON_BUS | WITH_POLKIT,
                        .rules = rules,
                        .row = &verbs[i],
                };
        return test_program(argc, argv, tests, N_TESTS);
}
