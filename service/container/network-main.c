/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-interfaces
 *
 * Gives interfaces to a container's network namespace, and takes them back: network-program.h says how it is asked.
 * It runs in the host's network namespace with root's authority, does one thing, and ends.
 *
 * All of a call is done or none of it. Devices are made where they belong and under their final name, so a failure
 * leaves whole devices only, and those are undone in reverse.
 */
#include "container/network-program.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/ipvlan.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>

#include "common/fd.h"
#include "common/macros.h"
#include "container/failure.h"
#include "container/network.h"

/* One side, host or container: a socket belongs for ever to the network namespace that it was made in. */
typedef struct Side {
        struct nl_sock *socket;
        int netns;
        int code; /* the kernel's last refusal, -errno: libnl's own codes tell less */
} Side;

typedef struct Network {
        Side host;
        Side inside;
} Network;

static void link_putp(struct rtnl_link **link)
{
        if (*link)
                rtnl_link_put(*link);
}

/* ---- netlink ---- */

static int side_refused(struct sockaddr_nl *from _unused_, struct nlmsgerr *refusal, void *data)
{
        Side *side = data;

        side->code = refusal->error;
        return NL_STOP;
}

/* What a libnl function answered, as -errno. A look-up doesn't ask side_refused(), and has few answers. */
static int side_result(const Side *side, int r)
{
        static const struct {
                int libnl, code;
        } codes[] = {
                {NLE_NODEV, ENODEV}, {NLE_OBJ_NOTFOUND, ENODEV}, {NLE_NOMEM, ENOMEM},
                {NLE_INVAL, EINVAL}, {NLE_RANGE, ERANGE},        {NLE_PERM, EPERM},
        };

        if (r >= 0)
                return 0;
        if (side->code < 0)
                return side->code;
        for (unsigned i = 0; i < ELEMENTS(codes); i++)
                if (r == -codes[i].libnl)
                        return -codes[i].code;
        return -EIO;
}

/* Connects in the present network namespace. */
static int side_connect(Side *side)
{
        side->socket = nl_socket_alloc();
        if (!side->socket)
                return -ENOMEM;
        int r = nl_connect(side->socket, NETLINK_ROUTE);
        if (r >= 0)
                r = nl_socket_modify_err_cb(side->socket, NL_CB_CUSTOM, side_refused, side);
        return side_result(side, r);
}

static int network_connect(Network *network)
{
        int r;

        network->inside.netns = NETWORK_NAMESPACE_FD;
        network->host.netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (network->host.netns < 0)
                return -errno;
        r = side_connect(&network->host);
        if (r < 0)
                return r;
        if (setns(network->inside.netns, CLONE_NEWNET) < 0)
                return -errno;
        r = side_connect(&network->inside);
        if (setns(network->host.netns, CLONE_NEWNET) < 0)
                return -errno;
        return r;
}

static void network_done(Network *network)
{
        nl_socket_free(network->host.socket);
        nl_socket_free(network->inside.socket);
        fd_close(network->host.netns);
}

/* Sends @message, which is consumed, and waits for the kernel's answer. */
static int side_request(Side *side, struct nl_msg *message)
{
        side->code = 0;
        int r = nl_send_auto(side->socket, message);
        nlmsg_free(message);
        if (r >= 0)
                r = nl_wait_for_ack(side->socket);
        return side_result(side, r);
}

/* The link with that index, or, when it is 0, that name. */
static int side_get(Side *side, int index, const char *name, struct rtnl_link **ret)
{
        side->code = 0;
        return side_result(side, rtnl_link_get_kernel(side->socket, index, name, ret));
}

static bool side_has(Side *side, const char *name)
{
        _cleanup_(link_putp) struct rtnl_link *link = NULL;

        return side_get(side, 0, name, &link) >= 0;
}

static int side_add(Side *side, struct rtnl_link *link)
{
        struct nl_msg *message;

        side->code = 0;
        int r = rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &message);
        return r < 0 ? side_result(side, r) : side_request(side, message);
}

static int side_change(Side *side, struct rtnl_link *link, struct rtnl_link *changes)
{
        struct nl_msg *message;

        side->code = 0;
        int r = rtnl_link_build_change_request(link, changes, 0, &message);
        return r < 0 ? side_result(side, r) : side_request(side, message);
}

/* Deletes the link with that index, if it is of the type that it was made with. */
static int side_delete(Side *side, int index, const char *type)
{
        _cleanup_(link_putp) struct rtnl_link *link = NULL;
        struct nl_msg *message;
        int r = side_get(side, index, NULL, &link);

        if (r < 0)
                return r;
        const char *actual = rtnl_link_get_type(link);
        if (!actual || strcmp(actual, type) != 0)
                return -ENODEV;
        side->code = 0;
        r = rtnl_link_build_delete_request(link, &message);
        return r < 0 ? side_result(side, r) : side_request(side, message);
}

/* Sets a link up. Return: its index; -errno. */
static int side_set_up(Side *side, const char *name)
{
        _cleanup_(link_putp) struct rtnl_link *link = NULL, *changes = rtnl_link_alloc();

        if (!changes)
                return -ENOMEM;
        int r = side_get(side, 0, name, &link);
        if (r < 0)
                return r;
        rtnl_link_set_flags(changes, IFF_UP);
        r = side_change(side, link, changes);
        return r < 0 ? r : rtnl_link_get_ifindex(link);
}

/* Moves a link of @from to @to, where it gets @name. */
static int link_move(Side *from, const Side *to, struct rtnl_link *link, const char *name)
{
        _cleanup_(link_putp) struct rtnl_link *changes = rtnl_link_alloc();

        if (!changes)
                return -ENOMEM;
        rtnl_link_set_name(changes, name);
        rtnl_link_set_ns_fd(changes, to->netns);
        return side_change(from, link, changes);
}

/* ---- one interface ---- */

/* The kernel moves first and renames then; what it has moved and can't rename comes back. */
static int give_move(Network *network, const Interface *interface)
{
        Side *host = &network->host, *inside = &network->inside;
        _cleanup_(link_putp) struct rtnl_link *link = NULL, *stray = NULL;
        int r = side_get(host, 0, interface->outside, &link);

        if (r >= 0)
                r = link_move(host, inside, link, interface->inside);
        if (r < 0 && !side_has(host, interface->outside) && side_get(inside, 0, interface->outside, &stray) >= 0)
                link_move(inside, host, stray, interface->outside);
        return r;
}

/* macvlan and ipvlan: a device of the container's upon a device of the host. */
static int give_upon(Network *network, const Interface *interface)
{
        bool is_macvlan = interface->kind == INTERFACE_MACVLAN;
        _cleanup_(link_putp) struct rtnl_link *master = NULL, *link = NULL;
        int r = side_get(&network->host, 0, interface->outside, &master);

        if (r < 0)
                return r;
        link = is_macvlan ? rtnl_link_macvlan_alloc() : rtnl_link_ipvlan_alloc();
        if (!link)
                return -ENOMEM;
        /* As the original: containers on one device reach each other. */
        if (is_macvlan)
                rtnl_link_macvlan_set_mode(link, (uint32_t)rtnl_link_macvlan_str2mode("bridge"));
        else
                rtnl_link_ipvlan_set_mode(link, (uint16_t)rtnl_link_ipvlan_str2mode("l2"));
        rtnl_link_set_link(link, rtnl_link_get_ifindex(master));
        rtnl_link_set_name(link, interface->inside);
        rtnl_link_set_ns_fd(link, network->inside.netns);
        return side_add(&network->host, link);
}

static int give_veth(Network *network, const Interface *interface)
{
        _cleanup_(link_putp) struct rtnl_link *link = rtnl_link_veth_alloc(), *peer = NULL;

        if (!link)
                return -ENOMEM;
        peer = rtnl_link_veth_get_peer(link);
        rtnl_link_set_name(link, interface->outside);
        rtnl_link_set_name(peer, interface->inside);
        rtnl_link_set_ns_fd(peer, network->inside.netns);
        return side_add(&network->host, link);
}

static int (*const givers[])(Network *network, const Interface *interface) = {
        [INTERFACE_MOVE] = give_move,
        [INTERFACE_MACVLAN] = give_upon,
        [INTERFACE_IPVLAN] = give_upon,
        [INTERFACE_VETH] = give_veth,
};

static int take_back_moved(Network *network, const char *outside, int index)
{
        _cleanup_(link_putp) struct rtnl_link *link = NULL;
        int r = side_get(&network->inside, index, NULL, &link);

        return r < 0 ? r : link_move(&network->inside, &network->host, link, outside);
}

/*
 * The other way. @index is the one in the container, where a device keeps it, but of a veth pair the host's: that end
 * is out of the container's reach. A device that isn't there any more needs nothing.
 */
static int take_back(Network *network, InterfaceKind kind, const char *outside, int index)
{
        int r = kind == INTERFACE_MOVE ? take_back_moved(network, outside, index)
                                       : side_delete(kind == INTERFACE_VETH ? &network->host : &network->inside, index,
                                                     network_kinds[kind]);

        return r == -ENODEV ? 0 : r;
}

/* Why it failed, for people: which of the two names it was. */
static int give_failed(Network *network, const Interface *interface, int code, Failure *failure)
{
        const char *kind = network_kinds[interface->kind], *outside = interface->outside, *inside = interface->inside;
        bool makes_outside = interface->kind == INTERFACE_VETH;

        if (code == -EOPNOTSUPP && interface->kind != INTERFACE_MOVE)
                return failure_set(failure, code, FAILURE_NOT_SUPPORTED,
                                   "cannot make %s %s on %s: this kernel has no %s", kind, inside, outside, kind);
        if (code == -EEXIST && makes_outside && side_has(&network->host, outside))
                return failure_set(failure, code, FAILURE_SETUP, "cannot make veth %s: the host has an interface %s",
                                   outside, outside);
        if (code == -EEXIST)
                return failure_set(failure, code, FAILURE_SETUP,
                                   "cannot give %s as %s: the container has an interface %s", outside, inside, inside);
        if (!makes_outside && !side_has(&network->host, outside))
                return failure_set(failure, code, FAILURE_SETUP, "cannot give %s as %s: the host has no interface %s",
                                   outside, inside, outside);
        return failure_step(failure, code, makes_outside ? "make veth" : "give", inside, outside);
}

/* libnl cuts a name that is too long; the kernel makes one up for a name that is empty. */
static bool is_name(const char *name)
{
        size_t length = strlen(name);

        return length > 0 && length < IFNAMSIZ;
}

/* Undoes what has just been given, before anything in the container could have renamed it. */
static void give_undo(Network *network, const Interface *interface)
{
        bool is_veth = interface->kind == INTERFACE_VETH;
        _cleanup_(link_putp) struct rtnl_link *made = NULL;

        if (side_get(is_veth ? &network->host : &network->inside, 0, is_veth ? interface->outside : interface->inside,
                     &made) >= 0)
                take_back(network, interface->kind, interface->outside, rtnl_link_get_ifindex(made));
}

static int give_one(Network *network, const Interface *interface, InterfaceIndexes *ret, Failure *failure)
{
        Side *host = &network->host, *inside = &network->inside;
        InterfaceIndexes indexes = {};

        if (!is_name(interface->outside) || !is_name(interface->inside))
                return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                                   "cannot give '%s' as '%s': an interface name has 1 to %d characters",
                                   interface->outside, interface->inside, IFNAMSIZ - 1);
        /* A device moves before it is renamed, so a name that is taken would be noticed too late. */
        int r = side_has(inside, interface->inside) ? -EEXIST : givers[interface->kind](network, interface);
        if (r < 0)
                return give_failed(network, interface, r, failure);
        indexes.inside = side_set_up(inside, interface->inside);
        if (indexes.inside >= 0 && interface->kind == INTERFACE_VETH)
                indexes.outside = side_set_up(host, interface->outside);
        if (indexes.inside < 0 || indexes.outside < 0) {
                r = indexes.inside < 0 ? indexes.inside : indexes.outside;
                give_undo(network, interface);
                return failure_step(failure, r, "set up", interface->inside, NULL);
        }
        *ret = indexes;
        return 0;
}

/* ---- the orders ---- */

static int give_all(Network *network, const Interface *interfaces, size_t n, InterfaceIndexes *ret, Failure *failure)
{
        for (size_t i = 0; i < n; i++) {
                int r = give_one(network, &interfaces[i], &ret[i], failure);
                if (r < 0) {
                        while (i-- > 0)
                                give_undo(network, &interfaces[i]);
                        return r;
                }
        }
        return 0;
}

static int kind_from_word(const char *word)
{
        for (unsigned i = 0; i < ELEMENTS(network_kinds); i++)
                if (strcmp(word, network_kinds[i]) == 0)
                        return (int)i;
        return -EINVAL;
}

/* Who hasn't learnt what there is can't give it back, or is no more. */
static bool is_taken(void)
{
        char byte;

        return read(NETWORK_REPORT_FD, &byte, 1) == 1;
}

static int order_give(Network *network, char **arguments, size_t n, Failure *failure)
{
        n /= 3;
        _cleanup_(freep) Interface *interfaces = calloc(n, sizeof(*interfaces));
        _cleanup_(freep) InterfaceIndexes *indexes = calloc(n, sizeof(*indexes));

        if (!interfaces || !indexes)
                return failure_step(failure, -ENOMEM, "give", "interfaces", NULL);
        for (size_t i = 0; i < n; i++, arguments += 3) {
                int kind = kind_from_word(arguments[0]);
                if (kind < 0)
                        return failure_step(failure, kind, "give", arguments[0], NULL);
                interfaces[i] = (Interface){(InterfaceKind)kind, arguments[1], arguments[2]};
        }
        int r = give_all(network, interfaces, n, indexes, failure);
        if (r < 0)
                return r;
        const Failure none = {};
        r = fd_write_all(NETWORK_REPORT_FD, &none, sizeof(none));
        if (r >= 0)
                r = fd_write_all(NETWORK_REPORT_FD, indexes, n * sizeof(*indexes));
        if (r < 0 || !is_taken())
                while (n-- > 0)
                        give_undo(network, &interfaces[n]);
        return r;
}

static int order_take_back(Network *network, char **arguments, size_t n, Failure *failure)
{
        int result = 0;

        for (; n >= 3; n -= 3, arguments += 3) {
                int kind = kind_from_word(arguments[0]);
                int r = kind < 0 ? kind : take_back(network, (InterfaceKind)kind, arguments[1], atoi(arguments[2]));
                if (r < 0 && result == 0)
                        result = failure_step(failure, r, "take back interface", arguments[1], NULL);
        }
        const Failure none = {};
        return result < 0 ? result : fd_write_all(NETWORK_REPORT_FD, &none, sizeof(none));
}

int main(int argc, char **argv)
{
        Network network = {.host.netns = -EBADF, .inside.netns = -EBADF};
        Failure failure = {};

        if (argc < 3 || fcntl(NETWORK_REPORT_FD, F_GETFD) < 0 || fcntl(NETWORK_NAMESPACE_FD, F_GETFD) < 0) {
                fprintf(stderr, "%s is run by pflask-supervisor, and by nobody else\n", NETWORK_PROGRAM);
                return EXIT_FAILURE;
        }
        signal(SIGPIPE, SIG_IGN);
        int r = network_connect(&network);
        if (r < 0)
                failure_step(&failure, r, "reach", "the container's network", NULL);
        else if (strcmp(argv[1], NETWORK_GIVE) == 0)
                r = order_give(&network, argv + 2, (size_t)argc - 2, &failure);
        else
                r = order_take_back(&network, argv + 2, (size_t)argc - 2, &failure);
        if (r < 0)
                fd_write_all(NETWORK_REPORT_FD, &failure, sizeof(failure));
        network_done(&network);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
