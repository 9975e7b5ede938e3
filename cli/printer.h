/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printer
 *
 * What a container has written, on its way to standard output. A terminal would obey it: there only text and ends of
 * lines come through, and everything else is shown as \xNN, unless it is wanted raw. Anything but a terminal gets every
 * byte as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Printer {
        bool is_raw;
        int held; /* a byte whose meaning depends on the next one; 0: none */
} Printer;

/** printer_for() - for standard output. @is_raw: as it is, also on a terminal */
Printer printer_for(bool is_raw);

/** printer_print() - the next @n bytes, which may begin and end anywhere */
void printer_print(Printer *printer, const char *bytes, size_t n);

/** printer_end() - there are no more */
void printer_end(Printer *printer);

/** last_lines() - where the last @n_lines of @bytes begin, of which the last may be without an end */
size_t last_lines(const char *bytes, size_t n, size_t n_lines);
