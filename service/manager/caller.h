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
#include "manager/delivery.h"
#include "manager/manager.h"
#include "manager/quota.h"

struct Caller {
        Callers *callers;
        char *name;    /* on the bus; of a peer, what its connection is called here */
        sd_bus *peer;  /* borrowed: its connection, if that isn't the bus; else NULL */
        bool is_known; /* uid and pid count */
        uid_t uid;
        pid_t pid; /* for people to read */
        sd_bus_slot *query;
        Account *account; /* what the user database says of the uid, asked when it is first needed */
        AccountQuery *account_query;
        TAILQ_HEAD(CallList, Call) calls;
        Quota *quota; /* that of its uid; until that is known, its own */
        Quota own;
        Delivery delivery;
};

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

/** callers_leave() - the connection @peer has ended: what was begun for whoever called there ends, too */
void callers_leave(Callers *callers, sd_bus *peer);

/** caller_is_there() - can this peer, so far as is known, still hear an answer */
bool caller_is_there(const Caller *caller);

/** caller_name() - the user's name; "" where it isn't known, or hasn't been asked for */
const char *caller_name(const Caller *caller);

/** caller_add() - a call of the caller's is open: it takes a place, and its bytes */
void caller_add(Caller *caller, Call *call);

/** caller_remove() - it is over: it gives back what it has taken, with the name that it may have claimed */
void caller_remove(Caller *caller, Call *call);

/** callers_find_claim() - a call of somebody else than root that has claimed @name, and has not begun with it; or NULL */
Call *callers_find_claim(const Callers *callers, const char *name);

/** caller_release() - forget a caller that has no calls left and isn't worth keeping */
void caller_release(Caller *caller);

/** callers_manager() - whose they are */
Manager *callers_manager(const Callers *callers);

/** callers_are_idle() - nothing that anyone began is open */
bool callers_are_idle(const Callers *callers);
