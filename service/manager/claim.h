/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claim
 *
 * The name of a container that is to be: one mkdir(2) in the register, which only one can win. The directory is
 * locked, flock(2), from its first moment to the end of its container: the lock belongs to the open file, so the
 * supervisor inherits it with the descriptor, and a directory that can be locked has no owner left.
 */
#pragma once

#include <stdbool.h>

#include "common/macros.h"

typedef struct Claim {
        int parent;    /* borrowed: the directory of all containers */
        int directory; /* locked */
        char *name;
} Claim;

/**
 * claim_make() - take @name
 * @parent:  borrowed, must outlive the claim
 * @name:    "" takes a name that no container can have, to be renamed after the leader is known
 *
 * Return: 0; -EEXIST, also when whoever had it is dead; -errno.
 */
int claim_make(int parent, const char *name, Claim **ret);

/** claim_take_over() - the directory @name if it has no owner any more. Return: 0; -EBUSY while it has; -errno. */
int claim_take_over(int parent, const char *name, Claim **ret);

/** claim_is_held() - has the directory @name an owner? */
bool claim_is_held(int parent, const char *name);

/** claim_hand_over() - it is the supervisor's from here: the claim only closes. */
void claim_hand_over(Claim *claim);

/** claim_free() - give the name up: remove the directory, and what is in it, unless it was handed over. Return: NULL. */
Claim *claim_free(Claim *claim);
DEFINE_CLEANUP(Claim, claim_free)
