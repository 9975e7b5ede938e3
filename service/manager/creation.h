/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Creation
 *
 * The making of one container, from the claim of its name to the leader's execve(). It owns everything that is half
 * made and belongs to the call that asked for it: freed early, it closes the link to the supervisor, which takes that
 * for the end and removes all it has made.
 */
#pragma once

#include "manager/call.h"

typedef enum {
        CREATION_DETACHED, /* CreateContainer */
        CREATION_ATTACHED, /* RunContainer: the answer has console and lease */
} CreationKind;

/**
 * creation_claim() - take the name of @call's spec, before anybody is asked about authority
 *
 * A name whose container has exited is free as soon as somebody may have it: then nothing is claimed yet.
 *
 * Return: 0; -errno with @error: ContainerExists.
 */
int creation_claim(Call *call, sd_bus_error *error);

/** creation_start() - make the container that @call asks for; answers the call. Return: CALL_LATER; -errno with @error. */
int creation_start(Call *call, CreationKind kind, sd_bus_error *error);

/** creation_name_is_free() - the exited container that had the name has gone */
void creation_name_is_free(Creation *creation);

/** creation_supervisor_lost() - the supervisor closed the link before it was done */
void creation_supervisor_lost(Creation *creation);

/** creation_free() - takes NULL; undoes what isn't done. Return: NULL. */
Creation *creation_free(Creation *creation);
