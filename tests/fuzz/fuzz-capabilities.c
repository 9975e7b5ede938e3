/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of capabilities, a line each: what is named is within the limit. */
#include "cli/text.h"
#include "container/capabilities.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(strings_freep) char **words = NULL;
        Input input = input_of(data, size);
        Capabilities capabilities = {};
        Failure failure = {};

        for (char *word; (word = input_line(&input));)
                fuzz_check(strings_append(&words, word) == 0);
        int r = capabilities_read(words, &capabilities, &failure);
        if (r < 0) {
                fuzz_check(failure.code == r && failure.kind == FAILURE_INVALID_OPTION && *failure.sentence);
                return 0;
        }
        fuzz_check(capabilities.is_given == (words != NULL));
        fuzz_check((capabilities.named & ~capabilities.limit) == 0);
        return 0;
}
