/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stub init
 *
 * A PID 1 for commands that don't know how to be one. It reaps whatever is orphaned in the container, hands signals on
 * to the command, and ends when the command does, with its status: 128 plus the signal where one ended it, as a shell
 * tells it. Which signal goes where: TERM, INT, HUP, QUIT, USR1, USR2, CONT, WINCH and ALRM as they are; SIGRTMIN+4
 * (power off) and SIGRTMIN+3 (halt) and SIGPWR, by which inits are asked to end, as TERM.
 */
#pragma once

#include "container/failure.h"

/**
 * stub_init_begin() - split into the init, which never returns from here, and the child that is to be the command
 * @report:  closed in the init: that it is closed means that the child has executed the command
 *
 * Return: 0 in the child; -errno.
 */
int stub_init_begin(int report, Failure *failure);
