/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of a new container, a word a line: what the client takes, it can say on the bus; and what the
 * service then takes survives the way to the supervisor.
 */
#include <string.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/run-options.h"
#include "cli/text.h"
#include "fuzz.h"
#include "spec-compare.h"

static void check_refused(int r, const sd_bus_error *error)
{
        fuzz_check(r == -EINVAL && error->message && text_is_utf8(error->message));
}

/* The service may still refuse it, with a sentence. */
static void check_sendable(const Spec *spec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = fuzz_call();
        _cleanup_(spec_freep) Spec *received = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        fuzz_check(spec_append(spec, message) == 0);
        fuzz_check(sd_bus_message_seal(message, 1, 0) == 0 && sd_bus_message_rewind(message, 1) >= 0);
        int r = spec_read(message, &received, &error);
        fuzz_check(r >= 0 || error.message);
        if (r >= 0)
                spec_check_same(spec, received);
        sd_bus_error_free(&error);
}

static void read_line(const Option *rows, size_t n_rows, char **words)
{
        _cleanup_(run_options_clear) RunOptions options = {};
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int n = (int)strings_count(words);
        Keys keys;

        int r = options_read(rows, n_rows, OPERANDS_LAST, n, words, &options, &error);
        fuzz_check(r <= n);
        if (r >= 0)
                r = run_options_complete(&options, words + r, &error);
        if (r >= 0)
                r = detach_keys_read(options.detach_keys, &keys, &error);
        if (r >= 0)
                check_sendable(options.spec);
        else
                check_refused(r, &error);
        sd_bus_error_free(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static char *environment[] = {NULL};
        _cleanup_(strings_freep) char **words = NULL;
        Input input = input_of(data, size);
        const Option *rows;

        environ = environment; /* the same on each machine */
        fuzz_check(strings_append_copy(&words, "pflask") == 0);
        for (char *word; (word = input_line(&input));)
                fuzz_check(strings_append(&words, word) == 0);
        size_t n_rows = run_options_bare(&rows);
        read_line(rows, n_rows, words);
        n_rows = run_options_verb(&rows);
        read_line(rows, n_rows, words);
        return 0;
}
