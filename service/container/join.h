/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Join
 *
 * A further process of a running container: it goes where the leader began, with no more and no less than the leader
 * was given. What it is given comes from the supervisor's own memory of the spec; nothing of the container is asked but
 * its user database. Whoever enters holds nothing of the host but three streams and a socket to the supervisor, is
 * undumpable, and runs from a read-only mount until execve(2): CVE-2016-8649, CVE-2019-5736.
 */
#pragma once

#include "common/macros.h"
#include "container/cgroup.h"
#include "container/failure.h"
#include "container/identity.h"
#include "container/idmap.h"
#include "container/namespaces.h"
#include "container/spec.h"

/* What is to run. Everything is borrowed. */
typedef struct JoinInput {
        const Spec *spec; /* of the container */
        const Identity *identity;
        const IdMaps *maps;   /* NULL: no user namespace */
        const Cgroup *cgroup; /* of version 1, if there are some; in the unified hierarchy it is the leader's own */
        const Namespaces *namespaces;
        int leader;           /* pidfd */
        const char *user;     /* "": root of the container */
        char *const *command; /* empty: the user's shell, as a login shell */
        char *const *environment;
        const char *working_directory; /* NULL: the container's, or for a shell the user's home */
        bool has_terminal;             /* a pty of the container's own devpts */
        int streams[3];                /* without a terminal; -EBADF: /dev/null */
        uint16_t rows, columns;
} JoinInput;

typedef struct Join {
        int pidfd;        /* of the process, a child of ours; -EBADF until it is there. TAKE_FD() it once it runs */
        int helper;       /* pidfd of the process that made it */
        int leader;       /* pidfd */
        int report;       /* socket; readable when join_read() has something to say */
        const Spec *spec; /* of the container, borrowed */
        const Identity *identity;
        int console; /* the pty's master; -EBADF without one */
} Join;

typedef enum {
        JOIN_WAITING,  /* ask again when report is readable */
        JOIN_EXECUTED, /* execve(2) has succeeded */
} JoinProgress;

/**
 * join_begin() - send a process into the container
 *
 * Spec and identity of @input have to last as long as the join.
 *
 * Return: 0; -errno with @failure, and nothing is left.
 */
int join_begin(const JoinInput *input, Join **ret, Failure *failure);

/** join_read() - how far it has come; never blocks. Return: a JoinProgress; -errno with @failure, in its own words. */
int join_read(Join *join, Failure *failure);

/** join_free() - takes NULL; kills and reaps what is still the join's. Return: NULL. */
Join *join_free(Join *join);
DEFINE_CLEANUP(Join, join_free)
