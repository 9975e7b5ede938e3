/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of containers, beside the same grammar as a regular expression. */
#include <regex.h>
#include <stdbool.h>
#include <string.h>

#include "common/macros.h"
#include "common/name.h"
#include "fuzz.h"

static bool is_expected(const char *name)
{
        static regex_t grammar;
        static bool is_compiled;

        if (!is_compiled) {
                fuzz_check(regcomp(&grammar, "^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$",
                                   REG_EXTENDED | REG_NOSUB) == 0);
                is_compiled = true;
        }
        return regexec(&grammar, name, 0, NULL, 0) == 0 && !strstr(name, "..");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Input input = input_of(data, size);
        _cleanup_(freep) char *name = input_line(&input);

        if (name)
                fuzz_check(name_is_valid(name) == is_expected(name));
        return 0;
}
