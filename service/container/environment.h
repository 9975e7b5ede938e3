/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Environment
 *
 * What the command finds in its environment: what was asked for, then what it can expect where nothing was said, and
 * always who contains it.
 */
#pragma once

#include <stdbool.h>

#include "container/failure.h"
#include "container/users.h"

/**
 * environment_build() - the environment of the command
 * @given:        NAME=VALUE or NULL; of several with one name the last counts
 * @user:         for HOME, SHELL, and for USER and LOGNAME when it has a name
 * @has_terminal: TERM is set only then
 * @ret:          NULL-terminated, the caller's; container=pflask is its last, whatever was given
 * @failure:      InvalidOption, naming the variable and never its value
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int environment_build(char *const *given, const User *user, bool has_terminal, char ***ret, Failure *failure);
