/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names on the bus, and the places on disk that other programs know
 */
#pragma once

#define MANAGER_BUS_NAME      "org.pflask.Manager1"
#define MANAGER_PATH          "/org/pflask/Manager1"
#define CONTAINER_PATH_PREFIX "/org/pflask/Manager1/container"
#define MANAGER_INTERFACE     "org.pflask.Manager1"
#define CONTAINER_INTERFACE   "org.pflask.Container1"

#define SUPERVISOR_PATH      "/org/pflask/Supervisor1"
#define SUPERVISOR_INTERFACE "org.pflask.Supervisor1"

#define ERROR_PREFIX  "org.pflask.Manager1.Error."
#define ACTION_PREFIX "org.pflask.manager1."

#define RUNTIME_DIRECTORY    "/run/pflask"
#define CONTAINERS_DIRECTORY "/run/pflask/containers"

/* In the first of them, and only root's: where the manager of the system bus listens for who needs no bus. */
#define PRIVATE_SOCKET  "private"
#define PRIVATE_ADDRESS "unix:path=" RUNTIME_DIRECTORY "/" PRIVATE_SOCKET

/* What DBUS_SYSTEM_BUS_ADDRESS begins with if it says what is true without it. */
#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

/* What all of a scope get that systemd stops. Only supervisors make something of it; by default it is ignored: signal(7). */
#define SCOPE_STOP_SIGNAL SIGURG

/* In a container's directory: where its supervisor listens. */
#define CONTROL_SOCKET "control"
