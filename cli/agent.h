/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Agent
 *
 * Who puts polkit's questions to a person at a text terminal, where no desktop does it: pkttyagent(1), for as long as
 * we live. It is started when a first answer was "this would need a question", so that a call that needs none costs
 * nothing.
 */
#pragma once

#include <stdbool.h>

#include "common/macros.h"

/** agent_is_useful() - are we someone whom polkit asks, with a terminal to answer at */
bool agent_is_useful(void);

/**
 * agent_start() - start one, and return when polkit knows it
 *
 * Where a desktop's own agent is there, polkit goes on asking that one.
 *
 * Return: its pidfd, the caller's; -errno.
 */
int agent_start(void);

/** agent_stop() - end and reap the agent; takes -EBADF. Return: -EBADF. */
int agent_stop(int agent);
