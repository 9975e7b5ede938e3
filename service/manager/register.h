/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register
 *
 * The directory of all containers, as a manager reads it: at its start, and whenever another manager's containers
 * appear. A directory that nobody has locked is what a dead supervisor left, and is cleaned away here.
 */
#pragma once

#include "manager/manager.h"

/** register_open() - make, open and watch the directory; only root's, and no link, is accepted. Return: 0; -errno, logged. */
int register_open(Manager *manager, Register **ret);
Register *register_close(Register *reg);

/** register_directory() - descriptor of the directory of all containers, borrowed */
int register_directory(const Register *reg);

/** register_connect() - a socket to the supervisor of @name, if it is root's. Return: the caller's; -errno. */
int register_connect(const Register *reg, const char *name);

/** register_look() - see the container @name, if there is one that isn't seen yet */
void register_look(Register *reg, const char *name);

/** register_has() - is there a directory of that name, whoever's */
bool register_has(const Register *reg, const char *name);

/** register_read() - find all containers; manager_ready() follows when each has answered. Return: 0; -errno, logged. */
int register_read(Register *reg);

/**
 * register_await() - while reading, wait for what becomes of who has the directory @name: a supervisor whose manager has
 * died removes it, another manager's is a container soon. A direct manager, whose client waits, doesn't.
 */
void register_await(Register *reg, const char *name);

/** register_loaded_one() - a supervisor that was asked while reading has answered, or never will */
void register_loaded_one(Register *reg);
