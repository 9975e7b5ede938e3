/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool colour_is_wanted(void)
{
        const char *term = getenv("TERM");

        return !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

const char *colour(const char *sequence)
{
        return colour_is_wanted() ? sequence : "";
}
