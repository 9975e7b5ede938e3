/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals
 *
 * What is sent into a container: to its leader, by pidfd, or to all. Who all are nobody can count, since they come and
 * go: in a pid namespace a helper has the kernel send it, and in a shared one it is the cgroup, or who descends from us.
 */
#pragma once

#include <systemd/sd-bus.h>

typedef struct Supervisor Supervisor;

/** signals_send_to_leader() - Return: 0; -errno with @error. */
int signals_send_to_leader(Supervisor *supervisor, int signal, sd_bus_error *error);

/**
 * signals_send_to_all() - send a signal to every process in the container, and answer @call when it is done
 *
 * Return: 1; -errno with @error.
 */
int signals_send_to_all(Supervisor *supervisor, sd_bus_message *call, int signal, sd_bus_error *error);
