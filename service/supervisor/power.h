/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power
 *
 * How a container is asked to end, and how it begins anew. Asking is a signal, the one that PID 1 understands. A PID 1
 * that would not even notice it is killed soon, and one that hasn't acted when its time is over is killed then.
 *
 * A reboot is decided when the leader has ended: because we asked for one, or because the container did, by reboot(2).
 * Then another leader takes its place, and everything else of the container stays as it is: name, directory, console,
 * lease, scope, and what was written to an ephemeral root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "container/failure.h"

typedef struct Supervisor Supervisor;

/**
 * power_off() - ask the container to end, and answer @call when it has
 * @timeout_usec:  after which it is killed
 *
 * Return: 1; -errno with @error.
 */
int power_off(Supervisor *supervisor, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error);

/** power_stop() - the same, and nobody waits for it; does nothing where there is nothing to be ended */
void power_stop(Supervisor *supervisor, uint64_t timeout_usec);

/** power_reboot() - have the container begin anew, and answer @call when it has; else as power_off() */
int power_reboot(Supervisor *supervisor, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error);

/**
 * power_reboots() - is the leader's end a reboot; to be asked once
 *
 * reboot(2) in a pid namespace shows as a signal that PID 1 can't have died of: pid_namespaces(7). What is no reboot is
 * an orderly end then, and the record says so.
 */
bool power_reboots(Supervisor *supervisor);

/** power_restart() - the former leader and everything with it is gone: make another one */
void power_restart(Supervisor *supervisor);

/**
 * power_resume() - the leader after a reboot has been registered with systemd-machined, or can't be
 *
 * It goes on, if it still waits for that. Return: 0; -errno with @error when there was nothing to be registered.
 */
int power_resume(Supervisor *supervisor, bool is_registered, sd_bus_error *error);

/** power_restarted() - the other leader is the command. Return: 0. */
int power_restarted(Supervisor *supervisor);

/** power_restart_failed() - there is no other leader, and so the container has ended */
void power_restart_failed(Supervisor *supervisor, const Failure *failure);

/** power_refuse() - whoever waits for a reboot is told that there is none, and why, if @failure isn't NULL */
void power_refuse(Supervisor *supervisor, const Failure *failure);
