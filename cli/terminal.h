/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal
 *
 * The caller's own terminal, while the container's console stands in for it: raw, so that every key is the container's,
 * and as it was before on every way out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "common/macros.h"

typedef struct Terminal {
        int fd; /* borrowed; -EBADF: there is none, and everything below does nothing */
        struct termios saved;
        bool is_raw;
} Terminal;

/** terminal_make_raw() - cfmakeraw(3), keeping what was typed already. Return: 0; -errno. */
int terminal_make_raw(Terminal *terminal);

/** terminal_restore() - as it was before; errno is kept */
void terminal_restore(Terminal *terminal);

/** terminal_size() - of whichever standard stream is a terminal. Return: true; false when none is, or it has no size. */
bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns);

/** terminal_copy_size() - give @console the size of our terminal, where it has another. Return: 0; -errno. */
int terminal_copy_size(int console);
