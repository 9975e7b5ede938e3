/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on identity
 *
 * Who is calling, whose container it is, what polkit has answered about which: each can be forged, spelled otherwise, or
 * become another between question and answer.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "common/fd.h"
#include "common/process.h"

/* ---- A14 ---- */

/*
 * Had it worked, anybody could have ended what root and others wait for, by saying that they had left: sd-bus takes a
 * signal of a stranger for one of the bus when it is sent to us alone.
 */
static void test_leaving_forged(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autofree char *manager = manager_unique_name(carol);
        const char *victim = g_dbus_connection_get_unique_name(alice->connection);
        g_auto(Pending) pending = {};

        create(fixture->client, "box", idle, NULL);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "WaitContainer", g_variant_new("(s)", "box"),
                          &pending);
        n_containers(alice);
        g_autoptr(GDBusMessage)
                signal = g_dbus_message_new_signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged");
        g_dbus_message_set_destination(signal, manager);
        g_dbus_message_set_body(signal, g_variant_new("(sss)", victim, victim, ""));
        send_forged(carol, signal);
        n_containers(carol);
        terminate(fixture->client, "box");
        await_within(5, pending.is_done);
        g_assert_no_error(pending.error);
}

/* Had it worked, a caller of whom the bus knows nothing any more would have been taken for root (CVE-2021-3560). */
static void test_callers_who_are_gone(Fixture *fixture)
{
        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < rounds(500); i++) {
                g_autoptr(Client) carol = client_new(fixture, CAROL);
                g_autoptr(GDBusMessage) call = g_dbus_message_new_method_call(MANAGER_BUS_NAME, MANAGER_PATH,
                                                                              MANAGER_INTERFACE, "KillContainer");
                g_dbus_message_set_body(call, g_variant_new("(ssi)", "box", "leader", SIGKILL));
                send_forged(carol, call);
        }
        await_polkit(fixture->client);
        g_autoptr(GVariant) state = property(fixture->client, "box", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "box");
}

/* Had it worked, a question that nobody is there to answer would have been a yes, or have kept everybody waiting. */
static void test_polkit_killed(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_auto(Pending) pending = {};
        Result result;
        int status;

        create(fixture->client, "box", idle, NULL);
        g_assert_cmpint(process_signal(fixture->polkit, SIGSTOP), ==, 0);
        client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", "box", "leader", SIGKILL), &pending);
        n_containers(carol);
        g_assert_false(pending.is_done);
        g_assert_cmpint(process_signal(fixture->polkit, SIGKILL), ==, 0);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, DENIED);
        await_process(fixture->polkit);
        g_assert_cmpint(process_wait(fixture->polkit, &result, &status), ==, 1);
        fixture->polkit = fd_close(fixture->polkit);
        g_autoptr(GVariant) state = property(fixture->client, "box", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "box");
}

/* Had it worked, carol would have answered for polkit, and killed root's container. */
static void test_answer_forged(Fixture *fixture)
{
        g_autoptr(Client) carol = client_new(fixture, CAROL);
        g_autofree char *manager = manager_unique_name(carol);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        client_call_later(carol, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", "slow", "leader", SIGKILL), &pending);
        n_containers(carol);
        for (guint32 serial = 1; serial < 200; serial++) {
                g_autoptr(GDBusMessage) answer = g_dbus_message_new();
                g_dbus_message_set_message_type(answer, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
                g_dbus_message_set_reply_serial(answer, serial);
                g_dbus_message_set_destination(answer, manager);
                g_dbus_message_set_body(answer,
                                        g_variant_new("((bb@a{ss}))", TRUE, FALSE, g_variant_new_parsed("@a{ss} {}")));
                send_forged(carol, answer);
        }
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, DENIED);
        g_autoptr(GVariant) state = property(fixture->client, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "slow");
}

/* ---- A5 ---- */

/*
 * Had it worked, an owner who was allowed once to run one program of no privilege without a user namespace would have
 * become root of the host: the leader makes a namespace of its own later, looks confined, and the owner sends in root.
 */
static void test_namespace_made_later(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        create(alice, "granted", "exec unshare -r sleep 100", "{'SharedNamespaces': <['user']>, 'User': <'alice'>}");
        g_autoptr(GVariant) leader = property(alice, "granted", "Leader");
        g_autofree char *map = g_strdup_printf("/proc/%u/uid_map", g_variant_get_uint32(leader));
        gboolean is_apart = FALSE;
        for (guint i = 0; i < 500 && !is_apart; i++) {
                g_autofree char *content = NULL;
                g_file_get_contents(map, &content, NULL, NULL);
                is_apart = content && strstr(content, "61001");
                n_containers(alice);
        }
        g_assert_true(is_apart);
        g_assert_cmpstr(exec_outcome(alice, "granted", "root", "id -u"), ==, INTERACTIVE);
        g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                                g_variant_new("(ssi)", "granted", "leader", SIGKILL)),
                        ==, INTERACTIVE);
        g_variant_unref(manager_call(fixture->client, "TerminateContainer", "(s)", "granted"));
        wait_for(alice, "granted", "killed", SIGKILL);
}

/* Options by which a container would reach beyond its caller: each makes it one that polkit is asked about. */
static void test_reaching_options(Fixture *fixture)
{
        static const char *const reaching[] = {
                "{'SharedNamespaces': <['user']>}",
                "{'SharedNamespaces': <['user', 'mount', 'pid']>}",
                "{'UserMaps': <[(uint32 0, uint32 0, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 1), (uint32 1, uint32 0, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 2)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61002, uint32 1)]>}",
                "{'UserMaps': <[(uint32 0, uint32 61001, uint32 1), (uint32 1, uint32 700000000, uint32 65537)]>}",
                "{'UserMaps': <[(uint32 0, uint32 699999999, uint32 2)]>}",
                "{'UserMaps': <[(uint32 0, uint32 700000000, uint32 4294967295)]>}",
                "{'Interfaces': <[('veth', ['pf0', 'eth0'])]>}",
                "{'Interfaces': <[('move', ['lo', 'lo1'])]>}",
                "{'Interfaces': <[('macvlan', ['eth0', 'mv0'])]>}",
                "{'Cgroups': <['memory']>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint i = 0; i < G_N_ELEMENTS(reaching); i++) {
                const char *error = creation_outcome(alice, "box", idle, reaching[i]);
                g_assert_true(g_str_equal(error, INTERACTIVE) || g_str_equal(error, ERROR_PREFIX "InvalidOption"));
        }
}

/* Had it worked, the file on disk would have decided whose container it is, and the manager after a crash believed it. */
static void test_altered_record(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        const char *file = CONTAINERS_DIRECTORY "/box/state";
        g_autofree char *before = NULL;

        create(fixture->client, "box", idle, NULL);
        g_assert_true(g_file_get_contents(file, &before, NULL, NULL));
        fixture_stop_manager(fixture, SIGKILL);
        g_autoptr(GString) altered = g_string_new(before);
        g_string_replace(altered, "OWNER=0", "OWNER=61001", 0);
        g_assert_cmpstr(altered->str, !=, before);
        write_file(file, altered->str, 0600, 0);
        fixture_start_manager(fixture);
        g_assert_cmpstr(exec_outcome(alice, "box", "root", "id"), ==, INTERACTIVE);
        g_autoptr(GVariant) owner = property(alice, "box", "Owner");
        g_assert_cmpuint(g_variant_get_uint32(owner), ==, 0);
        terminate(fixture->client, "box");
}

/*
 * Has alice own each cgroup that the test is in, in every hierarchy, as a systemd would that delegates it to her.
 *
 * Return: whether this machine has let the test have some.
 */
static gboolean delegate_cgroups(void)
{
        static const char script[] =
                "cut -d: -f3 /proc/self/cgroup | grep /pflask-test- | while read path; do"
                " for m in $(awk '/ - cgroup2? / && $4 == \"/\" {print $5}' /proc/self/mountinfo); do"
                " ! [ -d $m$path ] || chown -R 61001 $m$path; done; echo $path; done";
        const char *const argv[] = {"sh", "-c", script, NULL};
        g_autofree char *out = NULL;

        g_assert_true(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL,
                                   NULL, NULL));
        return *out != '\0';
}

/*
 * Had it worked, a container that was to see the host's cgroups would have changed them (CVE-2023-25809): in those that
 * are delegated to alice, nothing else than the mounts' being read-only for good keeps its root from that.
 */
static void test_cgroups_of_the_host(Fixture *fixture)
{
        static const char script[] =
                "exec 2>/dev/null; b=/bin/busybox; own=$($b cut -d: -f3 /proc/self/cgroup | $b grep /pflask-test- |"
                " $b sort -u); $b awk '/ - cgroup2? / {print $5}' /proc/self/mountinfo | (n=0; k=0; while read m; do"
                " n=$((n + 1)); for c in '' $own; do [ -d $m$c ] || continue; [ -z \"$c\" ] || k=$((k + 1));"
                " $b mount -o remount,bind,rw $m && echo remounted $m; $b umount $m && echo uncovered $m;"
                " $b mkdir $m$c/pflask-attack && echo made $m$c; (echo 0 >$m$c/cgroup.procs) && echo wrote $m$c;"
                " done; done; echo $n mounts, $k own)";
        static const char *const rows[] = {
                "{'Root': <'" TEST_DIRECTORY "/tree'>, 'SharedNamespaces': <['cgroup']>}",
                "{'Root': <'" TEST_DIRECTORY "/tree'>, 'SharedNamespaces': <['cgroup']>, 'PrivateNetwork': <true>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        if (!make_tree(TEST_DIRECTORY "/tree", ALICE))
                return;
        gboolean has_own = delegate_cgroups();
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                guint n_mounts, n_own;
                g_autofree char *said = leader_says(alice, "box", script, rows[i]);
                wait_for(alice, "box", "exited", 0);
                g_test_message("%s", said);
                g_assert_cmpint(sscanf(said, "%u mounts, %u own", &n_mounts, &n_own), ==, 2);
                g_assert_true(!has_own || (n_mounts > 0 && n_own > 0));
        }
}

/* ---- A10 ---- */

/* Had it worked, a rule that refuses root would have let in who spells it as a number. */
static void test_root_as_a_number(Fixture *fixture)
{
        static const char *const spellings[] = {"root", "0", "00", "0000000000"};
        static const char *const nobody[] = {"4294967296", "4294967295", "-1", "+0", "0x0", " 0", "0 "};
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
                g_autofree char *text = g_strdup_printf("{'SharedNamespaces': <['user']>, 'User': <'%s'>}",
                                                        spellings[i]);
                g_assert_cmpstr(creation_outcome(alice, "granted", "id", text), ==, DENIED);
        }
        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(nobody); i++)
                g_assert_cmpstr(exec_outcome(fixture->client, "box", nobody[i], "id"), ==, ERROR_PREFIX "NoSuchUser");
        terminate(fixture->client, "box");
}

/* ---- A13 ---- */

/* Had it worked, polkit's yes to the end of root's container would have ended alice's, who took the name meanwhile. */
static void test_replaced_by_another_user(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        client_call_later(bob, MANAGER_PATH, MANAGER_INTERFACE, "KillContainer",
                          g_variant_new("(ssi)", "slow", "leader", SIGKILL), &pending);
        n_containers(bob);
        terminate(fixture->client, "slow");
        create(alice, "slow", idle, NULL);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "NoSuchContainer");
        g_autoptr(GVariant) state = property(alice, "slow", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(alice, "slow");
}

/* ---- A23 ---- */

/* Had it worked, a uid above INT_MAX would have been -1 or 0 somewhere on its way (systemd#11026). */
static void test_uid_above_int_max(Fixture *fixture)
{
        g_autoptr(Client) odd = client_new_with_groups(fixture, ODD, CAROL, NULL, 0);
        g_autoptr(GError) error = NULL;

        create(odd, "box", idle, NULL);
        g_autoptr(GVariant) owner = property(odd, "box", "Owner");
        g_assert_cmpuint(g_variant_get_uint32(owner), ==, ODD);
        g_autofree char *map = exec_says(odd, "box", "", "tr -s ' ' < /proc/self/uid_map", NULL, &error);
        g_assert_cmpstr(map, ==, " 0 4000000000 1\n");
        create(fixture->client, "other", idle, NULL);
        g_assert_cmpstr(exec_outcome(odd, "other", "", "true"), ==, INTERACTIVE);
        terminate(odd, "box");
        terminate(fixture->client, "other");
}

/* Had it worked, polkit would have been asked about a container without an id, and its answer have fitted any other. */
static void test_asked_while_being_made(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_auto(Pending) pending = {};
        pid_t supervisor = await_spare(alice);

        g_assert_cmpint(supervisor, >, 0);
        g_assert_cmpint(kill(supervisor, SIGSTOP), ==, 0);
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, NULL), &pending);
        n_containers(alice);
        await_polkit(alice);
        g_assert_cmpstr(
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "GetContainer", g_variant_new("(s)", "box")),
                ==, ERROR_PREFIX "NoSuchContainer");
        g_assert_cmpint(kill(supervisor, SIGCONT), ==, 0);
        await(pending.is_done);
        g_assert_no_error(pending.error);
        terminate(alice, "box");
}

/*
 * Had it worked, root of a container would have been root for the service, whose bus can be reached from inside. It is
 * judged by what the bus says of it: the owner, and for another id one of the owner's ranges, which is nobody's.
 */
static void test_root_of_a_container(Fixture *fixture)
{
        static const char *const script =
                "call='busctl call " MANAGER_BUS_NAME " " MANAGER_PATH " " MANAGER_INTERFACE "';"
                "id -u; $call GetContainerByPID u 0; $call KillContainer ssi roots leader 9 2>&1;"
                "$call DescribeContainer s box >/dev/null 2>&1 && echo described";
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;

        create(fixture->client, "roots", idle, NULL);
        create(alice, "box", idle, NULL);
        g_autofree char *as_root = exec_says(alice, "box", "", script, NULL, &error);
        g_assert_no_error(error);
        g_test_message("%s", as_root);
        g_assert_true(g_str_has_prefix(as_root, "0\no \"/org/pflask/Manager1/container/box\"\n"));
        g_assert_nonnull(strstr(as_root, "org.pflask.manager1.manage"));
        g_assert_true(g_str_has_suffix(as_root, "\ndescribed\n"));
        g_autofree char *as_another = exec_says(alice, "box", "5", script, NULL, &error);
        g_assert_no_error(error);
        g_test_message("%s", as_another);
        g_assert_true(g_str_has_prefix(as_another, "5\n")); /* whom the bus may not even let in */
        g_assert_null(strstr(as_another, "described"));
        g_autoptr(GVariant) state = property(fixture->client, "roots", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(alice, "box");
        terminate(fixture->client, "roots");
}

/*
 * Had it worked, bob's question about root's container would have become one about nothing: never answered in our words,
 * and a place in his quota that is taken for good.
 */
static void test_object_gone_meanwhile(Fixture *fixture)
{
        g_autoptr(Client) bob = client_new(fixture, BOB);
        g_autofree char *path = container_path("slow");
        g_auto(Pending) pending = {};

        create(fixture->client, "slow", idle, NULL);
        client_call_later(bob, path, CONTAINER_INTERFACE, "Kill", g_variant_new("(si)", "leader", SIGKILL), &pending);
        n_containers(bob);
        terminate(fixture->client, "slow");
        await_n_containers(fixture->client, 0);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "NoSuchContainer");
}

static const Test tests[] = {
        ATTACK("/attack/A5-a-namespace-that-is-made-later", test_namespace_made_later),
        ATTACK("/attack/A5-options-that-reach-further", test_reaching_options),
        ATTACK("/attack/A5-a-record-that-was-altered", test_altered_record),
        ATTACK("/attack/A5-the-cgroups-of-the-host", test_cgroups_of_the_host),
        ATTACK("/attack/A10-root-as-a-number-is-root", test_root_as_a_number),
        ATTACK("/attack/A14-a-leaving-that-is-forged", test_leaving_forged),
        ATTACK("/attack/A14-callers-who-are-gone", test_callers_who_are_gone),
        ATTACK("/attack/A14-a-polkit-that-is-killed", test_polkit_killed),
        ATTACK("/attack/A14-an-answer-that-is-forged", test_answer_forged),
        ATTACK("/attack/A13-a-name-taken-by-another-user", test_replaced_by_another_user),
        ATTACK("/attack/A23-a-uid-above-int-max", test_uid_above_int_max),
        ATTACK("/attack/A23-root-of-a-container-is-its-owner", test_root_of_a_container),
        ATTACK("/attack/A13-an-object-that-has-gone", test_object_gone_meanwhile),
        ATTACK("/attack/A13-asked-while-it-is-being-made", test_asked_while_being_made),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
