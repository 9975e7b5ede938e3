/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Visit
 *
 * What somebody outside wants of a running container is fetched, or brought, by a process that lives for that alone. It
 * enters the container's user, mount or network namespace, can do there what the container's root can do and no more,
 * executes and loads nothing it finds, and tells the supervisor how it went. It never enters the pid namespace, so
 * nobody inside can see it; it is undumpable, so nobody at all can look into it or take its descriptors: ptrace(2).
 *
 * Where host and container both take part, it is two processes, each with the authority of its own side only.
 */
#pragma once

#include <stdint.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/identity.h"
#include "container/idmap.h"
#include "container/namespaces.h"
#include "container/spec.h"

/* Where a visit goes. Everything is borrowed. */
typedef struct VisitPlace {
        const Spec *spec;
        const Identity *identity; /* whose authority the container's set-up had */
        const IdMaps *maps;       /* NULL: no user namespace */
        const Namespaces *namespaces;
} VisitPlace;

/* What a process of a visit has done; anything else is -errno with a failure, which the supervisor is told. */
enum {
        VISIT_OVER = 0,   /* all of it: the supervisor is told so */
        VISIT_SILENT = 1, /* its part: the other process has the last word */
};

/**
 * visit_run_t - what one process of a visit does, in a process of its own, from where it ends with the return
 * @input:       as given to visit_begin()
 * @report:      the socket it will speak over, to be spared by fd_close_others()
 * @ret_answer:  a descriptor for the supervisor; -EBADF: none
 *
 * Signals are at their defaults. It begins with the supervisor's authority, descriptors and working directory, dies
 * with the supervisor, and its umask is 0.
 */
typedef int (*visit_run_t)(const void *input, int report, int *ret_answer, Failure *failure);

enum { VISIT_PROCESSES_MAX = 2, VISIT_KEPT_MAX = 2 };

/* How much there is to do, or has been done. */
typedef struct VisitWork {
        uint64_t bytes, files;
} VisitWork;

typedef struct Visit {
        int processes[VISIT_PROCESSES_MAX]; /* pidfds; -EBADF */
        int report;                         /* socket, readable when visit_read() has something to say */
        int answer;                         /* of the visit; -EBADF until it is there. TAKE_FD() it */
        VisitWork done, total;              /* as told by visit_tell() */
        bool is_over;
        bool has_ended;  /* its processes are leaving, or have been killed */
        Failure failure; /* the first that was told */
} Visit;

typedef enum {
        VISIT_UNDER_WAY, /* ask again when report is readable */
        VISIT_ADVANCED,  /* the same, and done or total has changed */
        VISIT_ENDED,     /* its processes are leaving, and have left nothing undone */
} VisitProgress;

/**
 * visit_begin() - send one process, or two, each with what it does
 * @runs:   the first is stopped by visit_cancel(); the second notices by itself that the first is gone
 * @input:  borrowed; the processes have it as it is now
 *
 * Return: 0; -errno with @failure, and nothing is left.
 */
int visit_begin(const visit_run_t *runs, unsigned n_runs, const void *input, Visit **ret, Failure *failure);

/** visit_read() - how it goes; never blocks. Return: a VisitProgress; -errno with @failure when it has ended badly. */
int visit_read(Visit *visit, Failure *failure);

/** visit_cancel() - have it end, and undo what is half done; visit_read() will say when it has */
void visit_cancel(Visit *visit);

/** visit_kill() - have it end at once, with everything half done */
void visit_kill(Visit *visit);

/**
 * visit_free() - takes NULL
 *
 * One that has not ended is cancelled. What its second process has to undo, it then undoes while nobody waits.
 *
 * Return: NULL.
 */
Visit *visit_free(Visit *visit);
DEFINE_CLEANUP(Visit, visit_free)

/* ---- in a process of the visit ---- */

/**
 * visit_enter() - be root of the container, in some of its namespaces
 * @namespaces:  CLONE_NEW...; those that the container shares with the host are left out. Its user namespace is entered
 *               always, with the capabilities in it
 *
 * With the mount namespace the root directory is the container's, whatever the leader has made its own since: setns(2).
 *
 * Afterwards they are closed in this process. Return: 0; -errno.
 */
int visit_enter(const VisitPlace *place, uint64_t namespaces, Failure *failure);

/** visit_let_go() - close all descriptors but those of @place and at most VISIT_KEPT_MAX others. Return: 0; -errno. */
int visit_let_go(const VisitPlace *place, const int *kept, size_t n_kept, Failure *failure);

/** visit_go() - let go of everything but @report, and enter. Return: 0; -errno. */
int visit_go(const VisitPlace *place, int report, uint64_t namespaces, Failure *failure);

/** visit_tell() - say how much has been @done, or how much there is to do in @total; the other one is NULL */
void visit_tell(int report, const VisitWork *done, const VisitWork *total);

/**
 * visit_root() - fetch the container's root directory: a visit_run_t
 * @place:  const VisitPlace *
 *
 * The answer is a descriptor to read it and what is beneath it, not O_PATH. Through it a set-user-ID program of the
 * container is one without that bit, and to leave the tree is as easy as with any directory.
 */
int visit_root(const void *place, int report, int *ret_answer, Failure *failure);

/**
 * visit_open_regular() - open a regular file for reading
 * @directory:  where @path starts, and beyond which it doesn't lead: path_open()
 *
 * Devices, fifos and sockets aren't even opened: to open some of them is to do something.
 *
 * Return: the descriptor, the caller's; -EISDIR; -EINVAL when it is no regular file; -errno.
 */
int visit_open_regular(int directory, const char *path);
