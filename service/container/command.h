/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command
 *
 * Finding and executing a program as a shell would, and telling apart why it could not be: not there, or there and not
 * executable. Whoever asked gets 127 or 126 for it, as from a shell.
 */
#pragma once

#include "container/failure.h"

/**
 * command_execute() - become @argv[0]
 * @argv:         without a slash in its first word, it is searched for in the PATH of @environment
 * @environment:  NAME=VALUE
 * @failure:      CommandNotFound or CommandNotExecutable, naming the command
 *
 * Return: -errno; never on success.
 */
int command_execute(char *const *argv, char *const *environment, Failure *failure);

/** command_execute_as() - become @path, with another first word. Return: as command_execute(). */
int command_execute_as(const char *path, char *const *argv, char *const *environment, Failure *failure);
