/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities
 *
 * What root of a container may do at most, and what another user of it may do at all: capabilities(7). Names are
 * libcap-ng's. The sets are changed by system calls of our own, since libcap-ng keeps the pid of the process that it
 * was first used in and a leader, which comes from clone3(2), would change its supervisor; nor is there always a
 * /proc to read where a leader does this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "container/failure.h"

/* Bit n is capability n. */
typedef struct Capabilities {
        bool is_given;
        bool is_all;    /* "all" was the first word */
        uint64_t limit; /* what no process of the container can have more of */
        uint64_t named; /* asked for one by one; one that isn't to be had is an error */
} Capabilities;

/**
 * capabilities_read() - what the words of the option mean
 * @words:    NULL or empty: not given
 * @ret:      filled
 * @failure:  InvalidOption, naming the word
 *
 * The words change a limit that begins as everything: "all" (or "+all") and "-all", only as the first; "name" and
 * "+name" add, "-name" takes away; with or without "cap_", in any case.
 *
 * Return: 0; -EINVAL.
 */
int capabilities_read(char *const *words, Capabilities *ret, Failure *failure);

/* What a process will have: the same in its effective and permitted set. */
typedef struct CapabilitySets {
        uint64_t permitted;
        uint64_t inheritable; /* and ambient, which brings them through execve(2) for a user who isn't root */
} CapabilitySets;

/**
 * capabilities_begin() - before the ids change: decide, and take from the bounding set what is beyond the limit
 * @is_root:  the process will be uid 0 of its user namespace
 * @ret:      for capabilities_finish()
 *
 * Root has what the limit leaves. Anybody else has what was named (or left of "all"), and nothing when the option was
 * not given. Inheritable and ambient sets are empty but for the latter: what is inheritable outlives the fall from
 * root to a user (CVE-2022-27649).
 *
 * Until capabilities_finish() the permitted set survives a change of uid.
 *
 * Return: 0; -EPERM, naming a capability that was named and can't be had; -errno.
 */
int capabilities_begin(const Capabilities *capabilities, bool is_root, CapabilitySets *ret, Failure *failure);

/** capabilities_finish() - after the ids have changed: set the sets, and read them back. Return: 0; -errno. */
int capabilities_finish(const CapabilitySets *sets, Failure *failure);

/**
 * capabilities_keep() - whether the permitted set survives a change of uid: prctl(2), PR_SET_KEEPCAPS
 *
 * Return: 0; -errno.
 */
int capabilities_keep(bool keep);

/** capabilities_raise() - make everything that is permitted effective. Return: 0; -errno. */
int capabilities_raise(void);
