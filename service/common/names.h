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

/* In a container's directory: where its supervisor listens. */
#define CONTROL_SOCKET "control"
