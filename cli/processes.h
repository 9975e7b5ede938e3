/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes of a container
 *
 * As /proc has them, which everybody may read: all that descend from the supervisor, whose children the leader and those
 * who joined are. Nothing is asked of the container. A container that has nested cgroups, as a whole system does, is
 * shown by them; any other by who is whose parent.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"

typedef struct Process {
        pid_t pid;
        pid_t parent;
        unsigned threads;
        char *cgroup;  /* beneath the container's own, without a slash in front; "": in it itself */
        char *command; /* its words, or its name in brackets; fit to be shown */
} Process;

typedef struct Processes {
        Process *list; /* by pid; without the supervisor */
        size_t n;
        unsigned threads; /* of all */
} Processes;

/**
 * processes_read() - find them
 * @name:        of the container
 * @supervisor:  a number from the bus
 * @leader:      another; unless it is a child of the first, nobody is found
 *
 * Return: 0; -errno.
 */
int processes_read(const char *name, pid_t supervisor, pid_t leader, Processes *ret);

/**
 * processes_print() - as a tree
 * @margin:   columns before each line but the first
 * @columns:  what a line may have; 0: as much as it takes
 */
void processes_print(const Processes *processes, unsigned margin, unsigned columns);

void processes_done(Processes *processes);
