/* SPDX-License-Identifier: BSD-2-Clause */
/* A tree's os-release: every field lies in the text, with a key that is one, and each key comes once. */
#include <stdbool.h>
#include <string.h>

#include "common/macros.h"
#include "container/os-release.h"
#include "fuzz.h"

static bool is_key(const char *key)
{
        return *key && key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static OsReleaseField fields[OS_RELEASE_MAX_FIELDS];
        Input input = input_of(data, size);
        size_t length;
        _cleanup_(freep) char *text = input_take(&input, '\0', &length);

        if (!text)
                return 0;
        int n = os_release_parse(text, fields);
        fuzz_check(n <= OS_RELEASE_MAX_FIELDS && (n >= 0 || n == -E2BIG));
        for (int i = 0; i < n; i++) {
                fuzz_check(fields[i].key >= text && fields[i].value + strlen(fields[i].value) <= text + length);
                fuzz_check(is_key(fields[i].key));
                fuzz_check(!strchr(fields[i].value, '\n'));
                for (int j = 0; j < i; j++)
                        fuzz_check(strcmp(fields[i].key, fields[j].key) != 0);
        }
        return 0;
}
