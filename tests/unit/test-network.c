/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each test has a host of its own: a child with a new network namespace, and in it the namespace of a container. So no
 * interface of the machine is touched, and all that is made is gone with the child.
 */
#include "container/network.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "child.h"
#include "common/fd.h"
#include "common/macros.h"

typedef struct Host {
        int netns;
        int container;
        Failure failure;
} Host;

typedef void (*HostFunction)(Host *host);

static void enter(int netns)
{
        g_assert_no_errno(setns(netns, CLONE_NEWNET));
}

static int make_namespace(void)
{
        g_assert_no_errno(unshare(CLONE_NEWNET));
        int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(netns, >=, 0);
        return netns;
}

static void run_on_host(void *function)
{
        Host host = {.container = make_namespace()};

        host.netns = make_namespace();
        (*(HostFunction *)function)(&host);
        /* The test is still where it began, and has no descriptor more than it made. */
        g_assert_cmpint(fd_is_same_file(host.netns, open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)), ==, 1);
}

static void on_host(gconstpointer function)
{
        HostFunction copy = (HostFunction)(uintptr_t)function;

        run_in_child(run_on_host, &copy);
}

/* ---- what is there ---- */

static int index_in(const Host *host, int netns, const char *name)
{
        enter(netns);
        int index = (int)if_nametoindex(name);
        enter(host->netns);
        return index;
}

/* "lo" and the others, in the order of their indexes. */
static char *names_in(const Host *host, int netns)
{
        g_autoptr(GString) text = g_string_new(NULL);

        enter(netns);
        struct if_nameindex *list = if_nameindex();
        g_assert_nonnull(list);
        for (struct if_nameindex *one = list; one->if_index; one++)
                g_string_append_printf(text, "%s%s", text->len ? " " : "", one->if_name);
        if_freenameindex(list);
        enter(host->netns);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void assert_names(const Host *host, const char *on_the_host, const char *in_the_container)
{
        g_autofree char *outside = names_in(host, host->netns), *inside = names_in(host, host->container);

        g_assert_cmpstr(outside, ==, on_the_host);
        g_assert_cmpstr(inside, ==, in_the_container);
}

static void control(unsigned long request, void *argument)
{
        _cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        g_assert_no_errno(ioctl(fd, request, argument));
}

static short flags_in(const Host *host, int netns, const char *name)
{
        struct ifreq request = {};

        g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
        enter(netns);
        control(SIOCGIFFLAGS, &request);
        enter(host->netns);
        return request.ifr_flags;
}

static void assert_up(const Host *host, int netns, const char *name)
{
        g_assert_cmpint(flags_in(host, netns, name) & IFF_UP, !=, 0);
}

/* ---- what is done ---- */

static char *word(const char *text)
{
        return (char *)(uintptr_t)text;
}

#define INTERFACE(kind, outside, inside) ((Interface){INTERFACE_##kind, word(outside), word(inside)})

static InterfaceIndexes *give(Host *host, const Interface *interfaces, size_t n)
{
        InterfaceIndexes *indexes = NULL;
        int r = network_give(host->container, interfaces, n, &indexes, &host->failure);

        if (r < 0)
                g_test_message("%s", host->failure.sentence);
        g_assert_cmpint(r, ==, 0);
        return indexes;
}

static void assert_not_given(Host *host, const Interface *interfaces, size_t n, FailureKind kind, const char *named)
{
        InterfaceIndexes *indexes = NULL;
        g_autofree char *outside = names_in(host, host->netns), *inside = names_in(host, host->container);

        host->failure = (Failure){};
        g_assert_cmpint(network_give(host->container, interfaces, n, &indexes, &host->failure), <, 0);
        g_assert_null(indexes);
        g_assert_cmpint(host->failure.code, <, 0);
        g_assert_cmpint(host->failure.kind, ==, kind);
        if (!strstr(host->failure.sentence, named))
                g_error("'%s' isn't named in: %s", named, host->failure.sentence);
        assert_names(host, outside, inside);
}

/* A device on the host that can be moved; its other end "peer" waits in a third namespace. */
static void make_device(const Host *host, const char *name)
{
        const Interface veth = INTERFACE(VETH, name, "peer");
        _cleanup_(freep) InterfaceIndexes *indexes = NULL;
        Failure failure = {};
        int other = make_namespace();

        enter(host->netns);
        g_assert_cmpint(network_give(other, &veth, 1, &indexes, &failure), ==, 0);
        /* The namespace is kept for as long as the child lives. */
}

static void make_bridge(const char *name)
{
        control(SIOCBRADDBR, word(name));
}

static void loopback_is_up(Host *host)
{
        g_assert_cmpint(flags_in(host, host->netns, "lo") & IFF_UP, ==, 0);
        g_assert_cmpint(network_bring_up_loopback(&host->failure), ==, 0);
        g_assert_cmpint(network_bring_up_loopback(&host->failure), ==, 0);
        assert_up(host, host->netns, "lo");
}

static void nothing_needs_nothing(Host *host)
{
        InterfaceIndexes *indexes = (InterfaceIndexes *)host;

        g_assert_cmpint(network_give(-EBADF, NULL, 0, &indexes, &host->failure), ==, 0);
        g_assert_null(indexes);
        g_assert_cmpint(network_take_back(-EBADF, NULL, NULL, 0, &host->failure), ==, 0);
}

static void veth_has_both_ends_up(Host *host)
{
        const Interface veth = INTERFACE(VETH, "ve-box", "host0");
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, &veth, 1);

        assert_names(host, "lo ve-box", "lo host0");
        g_assert_cmpint(indexes[0].outside, ==, index_in(host, host->netns, "ve-box"));
        g_assert_cmpint(indexes[0].inside, ==, index_in(host, host->container, "host0"));
        assert_up(host, host->netns, "ve-box");
        assert_up(host, host->container, "host0");
}

/* The kernel destroys a namespace when it finds time for it; a new container wants the name at once. */
static void name_is_free_when_it_is_taken_back(Host *host)
{
        const Interface veth = INTERFACE(VETH, "ve-box", "host0");

        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(freep) InterfaceIndexes *indexes = give(host, &veth, 1);
                g_assert_cmpint(network_take_back(host->container, &veth, indexes, 1, &host->failure), ==, 0);
                assert_names(host, "lo", "lo");
                g_assert_cmpint(network_take_back(host->container, &veth, indexes, 1, &host->failure), ==, 0);
        }
        /* What has the index now, and isn't what was made, is left alone. */
        make_bridge("br0");
        const InterfaceIndexes other = {.outside = index_in(host, host->netns, "br0")};
        g_assert_cmpint(network_take_back(host->container, &veth, &other, 1, &host->failure), ==, 0);
        assert_names(host, "lo br0", "lo");
}

static void macvlan_stands_on_its_master(Host *host)
{
        make_device(host, "eth0");
        const Interface two[] = {INTERFACE(MACVLAN, "eth0", "eth0"), INTERFACE(MACVLAN, "eth0", "a-15-char-name-")};
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, two, ELEMENTS(two));

        assert_names(host, "lo eth0", "lo eth0 a-15-char-name-");
        g_assert_cmpint(indexes[0].outside, ==, 0);
        g_assert_cmpint(indexes[1].inside, ==, index_in(host, host->container, "a-15-char-name-"));
        assert_up(host, host->container, "eth0");
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, 0);
        assert_names(host, "lo eth0", "lo");
}

static void ipvlan_works_or_says_that_it_cannot(Host *host)
{
        make_device(host, "eth0");
        const Interface ipvlan = INTERFACE(IPVLAN, "eth0", "ipv0");
        InterfaceIndexes *indexes = NULL;
        int r = network_give(host->container, &ipvlan, 1, &indexes, &host->failure);

        if (r >= 0) {
                free(indexes);
                return assert_names(host, "lo eth0", "lo ipv0");
        }
        g_assert_cmpint(r, ==, -EOPNOTSUPP);
        g_assert_cmpint(host->failure.kind, ==, FAILURE_NOT_SUPPORTED);
        g_assert_cmpstr(host->failure.sentence, ==, "cannot make ipvlan ipv0 on eth0: this kernel has no ipvlan");
        assert_names(host, "lo eth0", "lo");
}

static void moved_one_comes_back_under_its_old_name(Host *host)
{
        struct ifreq rename = {.ifr_name = "eth0", .ifr_newname = "mine"};

        make_device(host, "dev0");
        make_device(host, "dev1");
        const Interface two[] = {INTERFACE(MOVE, "dev0", "eth0"), INTERFACE(MOVE, "dev1", "dev1")};
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, two, ELEMENTS(two));
        assert_names(host, "lo", "lo eth0 dev1");
        assert_up(host, host->container, "eth0");
        /* The container renames what it was given, and has a device of its own under the old name. */
        enter(host->container);
        struct ifreq down = {.ifr_name = "eth0"};
        control(SIOCSIFFLAGS, &down);
        control(SIOCSIFNAME, &rename);
        make_bridge("dev0");
        enter(host->netns);
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, 0);
        g_autofree char *outside = names_in(host, host->netns);
        g_assert_nonnull(strstr(outside, "dev0"));
        g_assert_nonnull(strstr(outside, "dev1"));
        g_autofree char *inside = names_in(host, host->container);
        g_assert_cmpstr(inside, ==, "lo dev0");
        /* What is no longer there needs nothing. */
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, 0);
}

static void every_one_is_tried(Host *host)
{
        make_device(host, "dev0");
        make_device(host, "dev1");
        const Interface two[] = {INTERFACE(MOVE, "dev0", "eth0"), INTERFACE(MOVE, "dev1", "eth1")};
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, two, ELEMENTS(two));
        make_bridge("dev0");
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, -EEXIST);
        g_assert_nonnull(strstr(host->failure.sentence, "dev0"));
        g_assert_cmpint(index_in(host, host->netns, "dev1"), >, 0);
}

static void names_swap(Host *host)
{
        make_device(host, "a");
        make_device(host, "b");
        const Interface two[] = {INTERFACE(MOVE, "a", "b"), INTERFACE(MOVE, "b", "a")};
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, two, ELEMENTS(two));
        g_assert_cmpint(index_in(host, host->container, "b"), ==, indexes[0].inside);
        g_assert_cmpint(index_in(host, host->container, "a"), ==, indexes[1].inside);
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, 0);
        g_autofree char *inside = names_in(host, host->container);
        g_assert_cmpstr(inside, ==, "lo");
        g_assert_cmpint(index_in(host, host->netns, "a"), >, 0);
        g_assert_cmpint(index_in(host, host->netns, "b"), >, 0);
}

static void missing_device_is_named(Host *host)
{
        assert_not_given(host, &INTERFACE(MOVE, "nodev", "eth0"), 1, FAILURE_SETUP, "no interface nodev");
        assert_not_given(host, &INTERFACE(MACVLAN, "nodev", "eth0"), 1, FAILURE_SETUP, "no interface nodev");
        assert_not_given(host, &INTERFACE(IPVLAN, "nodev", "eth0"), 1, FAILURE_SETUP, "no interface nodev");
}

static void taken_name_is_named(Host *host)
{
        make_device(host, "eth0");
        assert_not_given(host, &INTERFACE(VETH, "eth0", "in0"), 1, FAILURE_SETUP, "the host has an interface eth0");
        assert_not_given(host, &INTERFACE(VETH, "out0", "lo"), 1, FAILURE_SETUP, "the container has an interface lo");
        assert_not_given(host, &INTERFACE(MACVLAN, "eth0", "lo"), 1, FAILURE_SETUP,
                         "the container has an interface lo");
        assert_not_given(host, &INTERFACE(MOVE, "eth0", "lo"), 1, FAILURE_SETUP, "the container has an interface lo");
}

static void invalid_name_is_named(Host *host)
{
        static const struct {
                const char *name;
                FailureKind kind;
        } invalid[] = {
                {"a-16-char-name--", FAILURE_INVALID_OPTION},
                {"", FAILURE_INVALID_OPTION},
                {"a/b", FAILURE_SETUP},
                {"a b", FAILURE_SETUP},
                {".", FAILURE_SETUP},
        };

        make_device(host, "eth0");
        for (unsigned i = 0; i < ELEMENTS(invalid); i++) {
                const char *name = invalid[i].name;
                FailureKind kind = invalid[i].kind;
                assert_not_given(host, &INTERFACE(MACVLAN, "eth0", name), 1, kind, name);
                assert_not_given(host, &INTERFACE(MOVE, "eth0", name), 1, kind, name);
                assert_not_given(host, &INTERFACE(MOVE, name, "in0"), 1, kind, name);
                assert_not_given(host, &INTERFACE(VETH, "out0", name), 1, kind, name);
                assert_not_given(host, &INTERFACE(VETH, name, "in0"), 1, kind, name);
        }
}

static void device_that_cannot_move_stays(Host *host)
{
        make_bridge("br0");
        assert_not_given(host, &INTERFACE(MOVE, "br0", "eth0"), 1, FAILURE_SETUP, "br0");
        assert_not_given(host, &INTERFACE(MOVE, "lo", "eth0"), 1, FAILURE_SETUP, "lo");
}

/* Three are made and the fourth can't be: the host is as it was, and so is the container. */
static void nothing_half_made_stays(Host *host)
{
        make_device(host, "dev0");
        make_device(host, "eth0");
        const Interface four[] = {
                INTERFACE(MOVE, "dev0", "eth0"),
                INTERFACE(MACVLAN, "eth0", "mac0"),
                INTERFACE(VETH, "out0", "in0"),
                INTERFACE(MACVLAN, "eth0", "in0"),
        };
        int index = index_in(host, host->netns, "dev0");

        assert_not_given(host, four, ELEMENTS(four), FAILURE_SETUP, "in0");
        g_assert_cmpint(index_in(host, host->netns, "dev0"), ==, index);
}

static void program_that_is_missing_is_an_error(Host *host)
{
        InterfaceIndexes *indexes = NULL;
        const Interface veth = INTERFACE(VETH, "out0", "in0");

        g_setenv("PFLASK_LIBEXEC_DIRECTORY", "/nonexistent", TRUE);
        g_assert_cmpint(network_give(host->container, &veth, 1, &indexes, &host->failure), ==, -ENOENT);
        g_assert_nonnull(strstr(host->failure.sentence, "pflask-interfaces"));
        /* A program that isn't ours doesn't tell what ours would. */
        g_autofree char *directory = g_dir_make_tmp("pflask-network-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(directory, "pflask-interfaces", NULL);
        g_assert_true(g_file_set_contents(path, "#!/bin/true\n", -1, NULL));
        g_setenv("PFLASK_LIBEXEC_DIRECTORY", directory, TRUE);
        g_assert_cmpint(network_give(host->container, &veth, 1, &indexes, &host->failure), <, 0);
        g_assert_null(indexes);
        g_assert_no_errno(unlink(path));
        g_assert_no_errno(rmdir(directory));
}

static void user_namespace_s_network_is_reached(Host *host)
{
        int ready[2], status;
        char path[32];

        g_assert_no_errno(pipe2(ready, O_CLOEXEC));
        pid_t pid = fork();
        if (pid == 0) {
                g_assert_no_errno(unshare(CLONE_NEWUSER | CLONE_NEWNET));
                fd_close(ready[1]);
                _exit(read(ready[0], path, 1) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
        for (;;) { /* until it has left our namespace */
                host->container = open(path, O_RDONLY | O_CLOEXEC);
                g_assert_cmpint(host->container, >=, 0);
                if (fd_is_same_file(host->container, host->netns) == 0)
                        break;
                fd_close(host->container);
                g_usleep(1000);
        }
        make_device(host, "dev0");
        const Interface two[] = {INTERFACE(MOVE, "dev0", "eth0"), INTERFACE(VETH, "out0", "in0")};
        _cleanup_(freep) InterfaceIndexes *indexes = give(host, two, ELEMENTS(two));
        g_assert_cmpint(index_in(host, host->container, "eth0"), ==, indexes[0].inside);
        fd_close(ready[0]);
        fd_close(ready[1]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(network_take_back(host->container, two, indexes, ELEMENTS(two), &host->failure), ==, 0);
        g_assert_cmpint(index_in(host, host->netns, "dev0"), >, 0);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                HostFunction function;
        } tests[] = {
                {"/network/loopback-is-up", loopback_is_up},
                {"/network/nothing-needs-nothing", nothing_needs_nothing},
                {"/network/veth-has-both-ends-up", veth_has_both_ends_up},
                {"/network/a-name-is-free-when-it-is-taken-back", name_is_free_when_it_is_taken_back},
                {"/network/macvlan-stands-on-its-master", macvlan_stands_on_its_master},
                {"/network/ipvlan-works-or-says-that-it-cannot", ipvlan_works_or_says_that_it_cannot},
                {"/network/a-moved-one-comes-back-under-its-old-name", moved_one_comes_back_under_its_old_name},
                {"/network/every-one-is-tried", every_one_is_tried},
                {"/network/names-swap", names_swap},
                {"/network/a-missing-device-is-named", missing_device_is_named},
                {"/network/a-taken-name-is-named", taken_name_is_named},
                {"/network/an-invalid-name-is-named", invalid_name_is_named},
                {"/network/a-device-that-cannot-move-stays", device_that_cannot_move_stays},
                {"/network/nothing-half-made-stays", nothing_half_made_stays},
                {"/network/a-program-that-is-missing-is-an-error", program_that_is_missing_is_an_error},
                {"/network/a-user-namespace's-network-is-reached", user_namespace_s_network_is_reached},
        };
        char self[PATH_MAX] = "";

        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0) {
                printf("1..0 # SKIP needs root\n");
                return 0;
        }
        /* The program lies beside this one in the build directory. */
        g_assert_cmpint(readlink("/proc/self/exe", self, sizeof(self) - 1), >, 0);
        g_autofree char *programs = g_build_filename(dirname(self), "../../service/container", NULL);
        g_setenv("PFLASK_LIBEXEC_DIRECTORY", programs, FALSE);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add_data_func(tests[i].path, (gconstpointer)(uintptr_t)tests[i].function, on_host);
        return g_test_run();
}
