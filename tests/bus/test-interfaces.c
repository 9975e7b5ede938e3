/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces
 *
 * What a container is given of the network is there under the caller's own names while it runs, and the host's network
 * is afterwards as it was; what cannot be given is named, and nothing half made is left. The host's network is one of
 * the test's own here.
 */
#include <sched.h>
#include <string.h>

#include "attack.h"

/* The names of all interfaces, each in a line. Return: the caller's. */
static char *links(Fixture *fixture)
{
        char *out;

        g_assert_cmpint(shell(fixture, "ip -o link | sed 's/^[0-9]*: //; s/[:@].*//' | sort", &out, NULL), ==, 0);
        return out;
}

static void host_link(Fixture *fixture, const char *arguments)
{
        g_autofree char *script = g_strconcat("ip link ", arguments, NULL);

        g_assert_cmpint(shell(fixture, script, NULL, NULL), ==, 0);
}

/* Is there an interface of that name inside. */
static gboolean has_link(Fixture *fixture, const char *container, const char *name)
{
        g_autofree char *script = g_strconcat("ip link show ", name, NULL);

        return exec_succeeds(fixture->client, container, script);
}

static void assert_links(Fixture *fixture, const char *expected)
{
        g_autofree char *now = links(fixture);

        g_assert_cmpstr(now, ==, expected);
}

/* Names that others cut to fifteen characters, and then had twice. */
static void test_common_prefix(Fixture *fixture)
{
        static const char *const names[] = {"twenty-characters-long-one", "twenty-characters-long-two"};
        g_autofree char *before = links(fixture);

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *text = g_strdup_printf("{'Interfaces': <[('veth', ['pf%u', 'eth0'])]>}", i);
                create(fixture->client, names[i], idle, text);
                g_autoptr(GVariant) indexes = property(fixture->client, names[i], "NetworkInterfaces");
                g_assert_cmpuint(g_variant_n_children(indexes), ==, 1);
                g_assert_true(has_link(fixture, names[i], "eth0"));
                g_assert_true(has_link(fixture, names[i], "lo"));
        }
        g_autofree char *during = links(fixture);
        g_assert_nonnull(strstr(during, "pf0\n"));
        g_assert_nonnull(strstr(during, "pf1\n"));
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                terminate(fixture->client, names[i]);
        assert_links(fixture, before);
}

static void test_moved_comes_back(Fixture *fixture)
{
        host_link(fixture, "add mine type veth peer name other");
        g_autofree char *before = links(fixture);
        create(fixture->client, "box", idle, "{'Interfaces': <[('move', ['mine', 'eth7'])]>}");
        g_assert_true(has_link(fixture, "box", "eth7"));
        g_autofree char *during = links(fixture);
        g_assert_null(strstr(during, "mine\n"));
        terminate(fixture->client, "box");
        assert_links(fixture, before);
        host_link(fixture, "del mine");
}

typedef struct RefusedRow {
        const char *interfaces, *error, *word;
} RefusedRow;

static void test_refused(Fixture *fixture)
{
        static const RefusedRow rows[] = {
                {"('veth', ['a-name-with-more', 'eth0'])", ERROR_PREFIX "InvalidOption", "a-name-with-more"},
                {"('veth', ['pf0', 'a-name-with-more'])", ERROR_PREFIX "InvalidOption", "a-name-with-more"},
                {"('veth', ['pf/0', 'eth0'])", ERROR_PREFIX "InvalidOption", "pf/0"},
                {"('veth', ['taken', 'eth0'])", ERROR_PREFIX "SetupFailed", "taken"},
                {"('veth', ['pf0', 'eth0']), ('veth', ['pf0', 'eth1'])", ERROR_PREFIX "SetupFailed", "pf0"},
                {"('veth', ['pf0', 'eth0']), ('veth', ['pf1', 'eth0'])", ERROR_PREFIX "SetupFailed", "eth0"},
                {"('veth', ['pf0', 'lo'])", ERROR_PREFIX "SetupFailed", "lo"},
                {"('veth', ['pf0', 'eth0']), ('move', ['nowhere', 'eth1'])", ERROR_PREFIX "SetupFailed", "nowhere"},
                {"('macvlan', ['nowhere', 'mv0'])", ERROR_PREFIX "SetupFailed", "nowhere"},
                {"('bridge', ['taken', 'eth0'])", ERROR_PREFIX "InvalidOption", "bridge"},
        };

        host_link(fixture, "add taken type veth peer name taken2");
        g_autofree char *before = links(fixture);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text = g_strdup_printf("{'Interfaces': <[%s]>}", rows[i].interfaces);
                g_autofree char *sentence = manager_refuses(fixture->client, rows[i].error, "CreateContainer",
                                                            "@(sasa{sv})", create_parameters("box", "true", text));
                if (!strstr(sentence, rows[i].word))
                        g_error("\"%s\" does not name %s", sentence, rows[i].word);
                assert_links(fixture, before);
        }
        host_link(fixture, "del taken");
}

/* Not every kernel has it; one that has not must say so, and not that something else went wrong. */
static void test_ipvlan(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;

        host_link(fixture, "add taken type veth peer name taken2");
        g_autofree char *before = links(fixture);
        g_autoptr(GVariant) reply = client_call(
                fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                create_parameters("box", idle, "{'Interfaces': <[('ipvlan', ['taken', 'iv0'])]>}"), NULL, NULL, &error);
        if (reply) {
                g_assert_true(has_link(fixture, "box", "iv0"));
                terminate(fixture->client, "box");
        } else {
                g_assert_nonnull(strstr(error->message, "this kernel has no ipvlan"));
                g_test_skip("this kernel has no ipvlan");
        }
        assert_links(fixture, before);
        host_link(fixture, "del taken");
}

static const Test tests[] = {
        TEST("/interfaces/of-names-with-a-common-prefix", test_common_prefix, ON_BUS),
        TEST("/interfaces/that-were-moved-come-back", test_moved_comes_back, ON_BOTH),
        TEST("/interfaces/that-cannot-be-are-named", test_refused, ON_BUS),
        TEST("/interfaces/ipvlan-works-or-says-that-it-cannot", test_ipvlan, ON_BUS),
};

int main(int argc, char **argv)
{
        if (unshare(CLONE_NEWNET) < 0) {
                g_print("1..0 # SKIP cannot make a network namespace\n");
                return 0;
        }
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
