/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 as the bus carries it
 *
 * sd-bus is stricter than RFC 3629 and than the D-Bus Specification: it refuses Unicode's noncharacters too. A message
 * with one of them is never sent, so what is said about a stranger's path must be told apart here first.
 */
#pragma once

#include <stddef.h>

/** utf8_length() - bytes of the character at @text, which ends with a NUL. Return: 1 to 4; 0 when sd-bus refuses it. */
size_t utf8_length(const char *text);
