/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call
 *
 * One method call, from its arrival to its answer. It owns the message, a place in its caller's quota, and whatever
 * was begun to answer it: freeing it cancels all of that. A call that waits for an authority's answer is taken through
 * its steps again from the top, so that every look-up is made anew on things as they then are; what must outlast that
 * (the answer, the claim of a name) hangs here.
 */
#pragma once

#include "container/spec.h"
#include "manager/authority.h"
#include "manager/caller.h"
#include "manager/claim.h"
#include "manager/confinement.h"
#include "manager/execution.h"

typedef struct Method Method;

struct Call {
        TAILQ_ENTRY(Call) others;  /* of the same caller */
        TAILQ_ENTRY(Call) waiting; /* for its turn, then on the same container, or for descriptors to be read */
        Caller *caller;
        sd_bus_message *message;
        const Method *method;
        Manager *manager;

        size_t bytes;           /* in its caller's quota */
        bool is_paced;          /* waits for its turn: see pace_admit() */
        bool is_admitted;       /* has waited, or need not */
        bool is_parked;         /* waits for its caller's identity or account, and comes again with it */
        sd_event_source *again; /* it comes again */
        Container *container;   /* borrowed, found anew each time; NULL where there is none */
        Spec *spec;             /* read anew at each dispatch */
        Execution *execution;   /* read anew at each dispatch */
        union {
                struct {
                        const char *who;
                        int signal;
                } kill;
                bool take;
                struct {
                        const char *source, *destination;
                        bool flags[3]; /* of BindMount: read-only, mkdir; of a copy: replace, follow, progress */
                } transfer;
                uint32_t pid;
                struct {
                        uint32_t number;
                        int32_t signal;
                } process;
        } arguments; /* read anew at each dispatch; strings borrowed from the message */

        Confinement confinement;         /* of a container to be made, decided anew at each dispatch */
        Authority authority;             /* outlasts a dispatch */
        Claim *claim;                    /* outlasts a dispatch */
        sd_bus_slot *slot;               /* of a question to somebody else */
        Creation *creation;              /* that this call waits for */
        Container *waits_for;            /* whose end this call waits for */
        unsigned n_promised;             /* descriptors of its answer: see delivery_promise() */
        uint64_t delivery_deadline_usec; /* while it waits for others to be read; else 0 */
        Container *asks;                 /* whose supervisor has been asked for the answer */
        uint64_t cookie;                 /* of that question */
};

/* What an act() has done with the call. */
enum {
        CALL_ANSWERED = 1, /* replied: the call is over */
        CALL_LATER = 2,    /* something hangs on the call that will answer it */
};

/* One row of the tables in methods.h: the steps of a method. */
struct Method {
        const char *member;
        const char *out;                              /* types of the answer */
        bool is_by_name;                              /* the first argument is the name of a container */
        bool has_container;                           /* container, found before read() */
        int (*read)(Call *call, sd_bus_error *error); /* arguments, each checked with a sentence of its own */
        Action action;
        OwnerRule owner;
        int (*act)(Call *call, sd_bus_error *error); /* CALL_ANSWERED, CALL_LATER, -errno */
};

/**
 * call_dispatch() - take @message through the steps of @method
 * @container:  of a method on a container's own object, else NULL
 *
 * Return: for sd-bus: 1, or -errno with @error.
 */
int call_dispatch(Manager *manager, sd_bus_message *message, const Method *method, Container *container,
                  sd_bus_error *error);

/** call_resume() - take it through its steps, which it has not begun yet, or which it is to begin anew */
void call_resume(Call *call);

/** call_again() - take it through its steps once more, soon, from the loop; the call stays */
void call_again(Call *call);

/** call_reply() - send @reply, which is consumed, or why it could not be sent, and free the call. Return: CALL_ANSWERED. */
int call_reply(Call *call, sd_bus_message *reply);

/**
 * call_try_reply() - send @reply, which is consumed, and free the call if it could be sent
 * @lease:  in @reply, borrowed; or -EBADF
 *
 * Return: CALL_ANSWERED; -errno, and then the call is still there.
 */
int call_try_reply(Call *call, sd_bus_message *reply, int lease);

/** call_reply_with_lease() - the same with a reply that contains @lease, which is borrowed. Return: CALL_ANSWERED. */
int call_reply_with_lease(Call *call, sd_bus_message *reply, int lease);

/** call_reply_error() - send the error, or -errno @r where @error isn't set, and free the call */
void call_reply_error(Call *call, int r, const sd_bus_error *error);

Call *call_free(Call *call);
