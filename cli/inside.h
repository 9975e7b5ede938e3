/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside
 *
 * What is to be learned of one container: the properties, which are for everybody, and what only those are told who may
 * look inside. The latter is left out for others: nobody is asked for a password just to be shown more.
 */
#pragma once

#include <arpa/inet.h>

#include "cli/connection.h"

/**
 * inside_properties() - the properties of a container
 * @ret_reply:  with an a{sv}, the caller's
 *
 * Return: 0; -errno with @error: NoSuchContainer.
 */
int inside_properties(Connection *connection, const char *name, sd_bus_message **ret_reply, sd_bus_error *error);

/** inside_ask() - call a method that takes nothing but the name. Return: the reply, the caller's; NULL. */
sd_bus_message *inside_ask(Connection *connection, const char *name, const char *member);

/** inside_read_address() - the next of the a(iay) that @reply is in. Return: 1; 0 behind the last; -errno. */
int inside_read_address(sd_bus_message *reply, char ret[static INET6_ADDRSTRLEN]);
