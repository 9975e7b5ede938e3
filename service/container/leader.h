/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leader
 *
 * The life of PID 1 of a container between clone3(2) and execve(2): it takes on its ids, builds the tree, enters it,
 * waits at the barrier, and becomes the command. It runs in all namespaces of the container but the cgroup namespace,
 * which it makes when it has been put where it belongs. It speaks to nobody but the supervisor, over one socket.
 */
#pragma once

#include "common/macros.h"
#include "container/capabilities.h"
#include "container/failure.h"
#include "container/idmap.h"
#include "container/setup.h"
#include "container/sources.h"
#include "container/users.h"

/* From the supervisor, a byte each. */
enum {
        BARRIER_ADMITTED = 'a', /* ids and interfaces have been given */
        BARRIER_LOCKED = 'l',   /* with the trees that were to be locked */
        BARRIER_GO = 'g',       /* scope and registration are done: become the command */
};

/*
 * From the leader: what is to be locked, ready, then reason. Then nothing: the socket is closed by execve(2), or by the
 * leader's death.
 */
typedef enum { REPORT_READY = 1, REPORT_FAILURE, REPORT_LOCK } ReportKind;

enum { REPORT_DEVPTS = 1 << 0, REPORT_LAYERS = 1 << 1 };

/* Whoever reads one takes nothing for granted: the process that has sent it is the container's own in all but name. */
typedef struct Report {
        ReportKind kind;
        unsigned kept;    /* with ready: which of RootKept come along, REPORT_DEVPTS before REPORT_LAYERS */
        unsigned n_trees; /* with lock: they come along, LOCK_TREES_MAX at most */
        union {
                Failure failure;
                char user[USER_PACKED_SIZE]; /* with ready: who runs the command, by user_pack() */
        };
} Report;

/* What the leader needs; it has it by having been cloned. */
typedef struct Leader {
        const SetupInput *input;
        uint64_t namespaces; /* CLONE_NEW... of those it has of its own */
        const IdMaps *maps;  /* NULL: no user namespace */
        Sources *sources;    /* NULL: the leader opens them itself, with the authority of a confined caller */
        User *user;          /* NULL: to be looked up inside */
        const Capabilities *capabilities;
        int report; /* its end of the socket */
} Leader;

/** leader_run() - be the leader */
_noreturn_ void leader_run(Leader *leader);
