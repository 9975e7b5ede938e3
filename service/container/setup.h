/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Set-up
 *
 * How a spec becomes a running leader, told from both sides of clone3(2). The host side opens what only the host can
 * give and clones the leader; the leader builds its world and waits at a barrier; then it is told to go, and becomes
 * the command by execve(2). Between the two runs one socket: the leader says what is to be locked, ready, then reason,
 * then nothing.
 */
#pragma once

#include "common/macros.h"
#include "container/cgroup.h"
#include "container/failure.h"
#include "container/identity.h"
#include "container/idmap.h"
#include "container/namespaces.h"
#include "container/network.h"
#include "container/root.h"
#include "container/spec.h"

/* What the supervisor lends for one start. Everything is borrowed. */
typedef struct SetupInput {
        const Spec *spec;
        const Identity *identity;
        int terminal; /* the pty's other side, that becomes the leader's controlling terminal; -EBADF without Terminal */
        int devpts; /* detached mount of the container's own devpts, for /dev/pts; -EBADF: the root's own tree is used */
        int lock; /* of the container's directory, that must not be the leader's, who may outlive the supervisor's end */
        int layers; /* what an earlier leader of the container has written to its ephemeral root; -EBADF: nothing yet */
} SetupInput;

/*
 * What a start has made outside of the leader. It is kept as long as the leader lives, for its end has to be cleaned up
 * after: interfaces go back, cgroups are removed.
 */
typedef struct Setup {
        const Spec *spec;
        int pidfd; /* of the leader; TAKE_FD() it once the leader runs */
        pid_t pid;
        Namespaces namespaces;        /* of the leader, as they were made */
        int report;                   /* socket; readable when setup_read() has something to say */
        InterfaceIndexes *interfaces; /* one for each of spec->interfaces */
        Cgroup *cgroup;               /* NULL where a scope serves, or none is needed */
        Identity identity;
        IdMaps *maps;  /* NULL: no user namespace */
        User *user;    /* who runs the command, without ids; from when the leader is ready */
        RootKept kept; /* for the next leader, from when this one is ready */
        bool is_ready;
        bool may_go;
        bool has_gone;
} Setup;

typedef enum {
        SETUP_WAITING,  /* nothing new; ask again when report is readable */
        SETUP_READY,    /* the leader stands at the barrier */
        SETUP_EXECUTED, /* execve(2) has succeeded: the leader is the command */
} SetupProgress;

/**
 * setup_begin() - open what the host gives, clone the leader, give it its ids and interfaces
 * @ret:      the caller's
 * @failure:  filled on failure, when nothing has been made
 *
 * The leader runs from here on, up to its barrier, while the caller does other things. It dies with the calling
 * thread: prctl(2), PR_SET_PDEATHSIG.
 *
 * Return: 0; -errno.
 */
int setup_begin(const SetupInput *input, Setup **ret, Failure *failure);

/** setup_go() - open the barrier; where limits were asked for, as soon as the leader stands there. Return: 0; -errno with @failure. */
int setup_go(Setup *setup, Failure *failure);

/**
 * setup_read() - what the leader has to say; never blocks
 * @failure:  filled on failure: the leader's own words, or that it died during the set-up
 *
 * Return: a SetupProgress; -errno.
 */
int setup_read(Setup *setup, Failure *failure);

/**
 * setup_free() - takes NULL; kills and reaps a leader that is still the set-up's, gives interfaces back, removes cgroups
 *
 * To be called once the leader has ended, or to end it.
 *
 * Return: NULL.
 */
Setup *setup_free(Setup *setup);
DEFINE_CLEANUP(Setup, setup_free)
