/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Authority
 *
 * Who may do what. Root needs no question and the owner of a confined container none about it; everybody else is
 * polkit's to decide, asked about the caller's unique name and never waited for. An answer is kept with the call that
 * it was asked for, together with what it was asked about: if that is no longer the same, the answer is worth nothing.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

typedef struct Call Call;

typedef enum {
        ACTION_NONE, /* open to all */
        ACTION_RUN,  /* run-own or run-privileged, by what the spec asks for */
        ACTION_MANAGE,
        ACTION_ATTACH,
        ACTION_EXEC,
        ACTION_TRANSFER,
        ACTION_INSPECT,
} Action;

typedef enum {
        OWNER_IRRELEVANT,
        OWNER_PASSES_IF_CONFINED,
        OWNER_OR_STARTER_PASSES, /* the same, and whoever started the process that the call is about */
} OwnerRule;

/* The state of one question; a part of its call. */
typedef struct Authority {
        sd_bus_slot *query;
        bool is_answered;
        bool is_granted;
        bool is_owner;           /* passed unasked about an own confined container: with no authority but that */
        sd_id128_t container_id; /* what it was asked about; zero without a container */
        sd_bus_error denial;     /* when it isn't granted */
        char *what;              /* is not allowed, for the denial */
        char *cancellation_id;
} Authority;

/**
 * authority_check() - may the caller of @call do what its method does
 * @call:  container and spec as they are now
 *
 * Return: 1: yes; 0: polkit was asked, the call comes again; -errno with @error: no.
 */
int authority_check(Call *call, sd_bus_error *error);

/** authority_done() - take a question back that is still open, and let go of the answer */
void authority_done(Authority *authority, sd_bus *bus);
