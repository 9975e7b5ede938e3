/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Confinement
 *
 * Whether a container that somebody asks for stays within what the caller could do anyway. It does when it runs in a
 * user namespace that maps nothing but the caller's ids and the ranges granted to the caller, and touches nothing of
 * the host but by the caller's own authority. Anything else is a privileged container, and the reason is kept, since
 * whoever is refused wants to know which option it was.
 */
#pragma once

#include "common/error.h"
#include "container/identity.h"
#include "container/spec.h"
#include "manager/account.h"

typedef struct Confinement {
        bool is_confined;
        const char *reason; /* why it isn't: static, a sentence about an option; NULL for root's own */
        Identity identity;  /* the caller's uid, gid and groups when it is; else zero */
} Confinement;

/**
 * confinement_decide() - is what @spec asks for within the authority of whose @account is
 * @spec:     completed with what a confined caller gets where no option says otherwise
 * @account:  NULL for root, who is not confined
 * @ret:      filled; to be done with
 *
 * Return: 0; -errno.
 */
int confinement_decide(Spec *spec, const Account *account, Confinement *ret);

/**
 * confinement_holds() - is a running process confined to the authority of whose @account is
 * @pidfd:    of the process
 * @account:  borrowed
 *
 * The kernel's own word, read each time: its user namespace isn't ours, and the maps of that lead to nothing but the
 * account's ids (user_namespaces(7)). What is read counts, since the process is found alive afterwards.
 */
bool confinement_holds(int pidfd, const Account *account);

/** confinement_done() - free what it holds */
void confinement_done(Confinement *confinement);
