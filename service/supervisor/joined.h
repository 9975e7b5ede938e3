/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joined processes
 *
 * What was sent into the container after the leader. Each has a number of its own that is never given twice, a lease,
 * and an end that is kept until somebody has asked for it: a pid would do for none of that.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

typedef struct Supervisor Supervisor;
typedef struct Joined Joined;

/** joined_begin() - answer a call of Join, when the process has executed its command. Return: 1; -errno with @error. */
int joined_begin(Supervisor *supervisor, sd_bus_message *call, sd_bus_error *error);

/**
 * joined_wait() - answer a call of WaitProcess, when process @number has ended
 * @uid:  whose call it is; the end is remembered for who has started the process until one of theirs, or of root's
 *
 * Return: 1; -errno with @error.
 */
int joined_wait(Supervisor *supervisor, sd_bus_message *call, uint32_t number, uid_t uid, sd_bus_error *error);

/** joined_kill() - answer a call of KillProcess. Return: 1; -errno with @error. */
int joined_kill(Supervisor *supervisor, sd_bus_message *call, uint32_t number, int signal, sd_bus_error *error);

/** joined_has() - is @pid one of them, whose status must be left for its pidfd */
bool joined_has(const Supervisor *supervisor, pid_t pid);

/** joined_forget() - who has started it has been told how it ended. Return: 0; -errno with @error. */
int joined_forget(Supervisor *supervisor, uint32_t number, sd_bus_error *error);

/** joined_append_starters() - number and uid of each that runs and that others than root have sent in. Return: 0; -errno. */
int joined_append_starters(const Supervisor *supervisor, sd_bus_message *message);

/** joined_drop_manager() - a manager has gone, and what it asked with it; the processes go on */
void joined_drop_manager(Supervisor *supervisor, const sd_bus *bus);

/** joined_free_all() - forget all; those that run are killed */
void joined_free_all(Supervisor *supervisor);
