/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person will read: it crosses the bus, which carries UTF-8 only, and must do nothing to a terminal. */
#include <stdbool.h>
#include <string.h>

#include "cli/text.h"
#include "common/error.h"
#include "fuzz.h"

static bool has_controls(const char *text)
{
        for (const unsigned char *c = (const unsigned char *)text; *c; c++)
                if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
                        return true;
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Input input = input_of(data, size);
        _cleanup_(freep) char *text = input_take(&input, '\0', NULL);
        _cleanup_(freep) char *escaped = text ? error_escape(text) : NULL;

        if (!text)
                return 0;
        fuzz_check(escaped);
        fuzz_check(text_is_utf8(escaped) && !has_controls(escaped));
        fuzz_check((strcmp(text, escaped) == 0) == (text_is_utf8(text) && !has_controls(text)));
        fuzz_check(error_set(&error, ERROR_INVALID_NAME, "%s", text) < 0);
        fuzz_check(strcmp(error.message, escaped) == 0);
        sd_bus_error_free(&error);
        return 0;
}
