/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of run
 *
 * What a new container is asked to be, as it is typed: most of it goes straight into a spec, which knows how it crosses
 * the bus. The same for the form without a verb, which is that of the pflask of old, and for 'pflask run'; they differ
 * in what -t, -H and -M mean.
 */
#pragma once

#include <stdbool.h>

#include "cli/keys.h"
#include "cli/verb.h"
#include "common/macros.h"
#include "container/spec.h"

typedef enum { PTY_AUTO, PTY_YES, PTY_NO } PtyMode;

/* By itself: where the container is a command in the host's tree. One with a root of its own may be a whole system. */
typedef enum { STUB_INIT_AUTO, STUB_INIT_YES, STUB_INIT_NO } StubInitMode;

typedef struct RunOptions {
        Common common;
        const char *attach; /* the container to attach to instead */
        bool is_detached;
        unsigned pty;       /* a PtyMode */
        unsigned stub_init; /* a StubInitMode */
        const char *detach_keys;
        bool keeps_environment;
        char **environment;        /* what --setenv adds */
        const char *relative_path; /* one that was given, if any was */
        Spec *spec;                /* made by the first reader that needs it; run_options_spec() */
} RunOptions;

/** run_options_spec() - Return: the spec, which stays the options'; NULL without memory. */
Spec *run_options_spec(RunOptions *options);

/** run_options_clear() - frees what the readers made */
void run_options_clear(void *options);

/* Rows for options_read(). Return: how many. */
size_t run_options_bare(const Option **ret);
size_t run_options_verb(const Option **ret);

/**
 * run_options_complete() - fill in what depends on where we are called
 * @command:  NULL-terminated; empty: a shell
 *
 * Without a root directory of its own a container gets our directory and our environment; with one, or on another
 * machine, only TERM.
 *
 * Return: 0; -errno, with @error filled where a person can do something about it.
 */
int run_options_complete(RunOptions *options, char *const *command, sd_bus_error *error);

/** detach_keys_read() - what --detach-keys says; Ctrl-@ for NULL. Return: 0; -EINVAL. */
int detach_keys_read(const char *text, Keys *ret, sd_bus_error *error);
