/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Injector
 *
 * Traces every supervisor that the manager's nursery bears, and whom that one clones, or the manager itself, and makes
 * one system call fail without its being made: the nth of a role. It counts from the moment at which the supervisor, or
 * the manager, is next told something, up to the execve(2) of whoever makes it; so the dynamic loader is not counted.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef enum {
        INJECT_KEEPER, /* the supervisor */
        INJECT_LEADER, /* its first child: the set-up */
        INJECT_OTHER,  /* whoever else either of them clones */
        N_INJECT_ROLES,
        INJECT_MANAGER = N_INJECT_ROLES,
} InjectRole;

typedef struct Injector Injector;

/** injector_new() - trace what @nursery bears from now on. Return: NULL where this machine cannot. */
Injector *injector_new(pid_t nursery);

/** injector_new_of_manager() - trace the manager, a child of ours, alone; the same otherwise */
Injector *injector_new_of_manager(pid_t manager);

/** injector_free() - when the nursery, or the manager, has ended */
void injector_free(Injector *injector);

/**
 * injector_arm() - let the @n-th call of @role, from 1, fail with @error
 * @supervisor:  when that one is next told something; 0: whichever is
 */
void injector_arm(Injector *injector, pid_t supervisor, InjectRole role, guint n, int error);

/** injector_await_end() - until nobody is left of that supervisor. Return: FALSE after 10 s. */
gboolean injector_await_end(Injector *injector);

/** injector_disarm() - Return: the number of the system call that has failed; -1 when there were not so many */
long injector_disarm(Injector *injector);
