/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Colour
 *
 * Only for a person: on a terminal that knows colours, and never where NO_COLOR is set, whatever it says.
 */
#pragma once

#include <stdbool.h>

#define COLOUR_BOLD  "\033[1m"
#define COLOUR_FAINT "\033[90m"
#define COLOUR_WARN  "\033[33m"
#define COLOUR_PLAIN "\033[0m"

/** colour_is_wanted() - on standard output */
bool colour_is_wanted(void);

/** colour() - @sequence where colours are wanted, "" elsewhere */
const char *colour(const char *sequence);
