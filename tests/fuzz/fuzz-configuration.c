/* SPDX-License-Identifier: BSD-2-Clause */
/* manager.conf: whatever stands there, what is not understood changes nothing, and each value is one that can be kept. */
#include <stdbool.h>
#include <string.h>

#include "common/macros.h"
#include "fuzz.h"
#include "manager/configuration.h"

static void check_warning(const char *path, unsigned line _unused_, const char *reason)
{
        fuzz_check(*path && *reason);
}

static void check_span(const char *text)
{
        uint64_t usec = 1;
        int r = config_parse_span(text, &usec);

        fuzz_check(r == 0 || r == -EINVAL || r == -ERANGE);
        fuzz_check(r == 0 ? usec <= INT64_MAX / 2 || usec == CONFIG_INFINITY : usec == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static char directory[32];
        const char *const directories[] = {directory, NULL};
        Input input = input_of(data, size);
        Config config;

        snprintf(directory, sizeof(directory), "/proc/self/fd/%d", fuzz_directory());
        fuzz_put("manager.conf", (const char *)data, size);
        config_init(&config);
        config_load(&config, directories, check_warning);
        fuzz_check(config.max_containers_per_user <= INT32_MAX);
        fuzz_check(config.stop_usec <= INT64_MAX / 2);
        fuzz_check(config.idle_usec <= INT64_MAX / 2 || config.idle_usec == CONFIG_INFINITY);
        for (char *line; (line = input_line(&input));) {
                check_span(line);
                free(line);
        }
        return 0;
}
