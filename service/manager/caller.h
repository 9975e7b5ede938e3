/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caller
 *
 * Who is calling: a unique bus name, which is never given twice, and what the bus vouches for about it. Asked of the
 * bus once a connection, without waiting, and dropped with everything begun for it when the connection goes.
 */
#pragma once

#include <sys/queue.h>
#include <sys/types.h>

#include "manager/account.h"
#include "manager/manager.h"

typedef struct Call Call;

typedef struct Caller {
        TAILQ_ENTRY(Caller) others;
        Callers *callers;
        char *name;    /* "" for the one peer of a direct manager */
        bool is_known; /* uid and pid count */
        uid_t uid;
        pid_t pid; /* for people to read */
        sd_bus_slot *query;
        Account *account; /* what the user database says of the uid, asked when it is first needed */
        AccountQuery *account_query;
        TAILQ_HEAD(, Call) calls;
        unsigned n_calls;
} Caller;

/* How many calls of one connection may be open before the bus has told whose they are, and of one uid afterwards. */
enum { CALLS_PER_UNKNOWN = 1024, CALLS_PER_UID = 1024, CALLS_OF_ROOT = 65536 };

/** callers_new() - begin to watch who leaves the bus. Return: 0; -errno. */
int callers_new(Manager *manager, Callers **ret);
Callers *callers_free(Callers *callers);

/**
 * caller_of() - who sent @message
 * @ret:  borrowed, lives while it has calls
 *
 * Return: 1 when it is known; 0 when the bus was asked: its calls are dispatched again with the answer; -errno.
 */
int caller_of(Callers *callers, sd_bus_message *message, Caller **ret);

/**
 * caller_account() - the caller's entry in the user database
 *
 * Return: 1 when caller->account is there; 0 when it was asked for: the caller's calls are dispatched again; -errno.
 */
int caller_account(Caller *caller);

/** caller_may_call() - is there a place left in the quota of its uid, all its connections together */
bool caller_may_call(const Caller *caller);

/** caller_n_creations() - how many containers its uid is making at the moment, all its connections together */
unsigned caller_n_creations(const Caller *caller);

/** caller_release() - forget a caller that has no calls left and isn't worth keeping */
void caller_release(Caller *caller);

/** callers_are_idle() - nothing that anyone began is open */
bool callers_are_idle(const Callers *callers);
