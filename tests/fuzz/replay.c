/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay
 *
 * The main() of a target without libFuzzer: hands it each file of its corpus, in TAP. It ends at the first finding, as
 * the target then aborts.
 */
#include <dirent.h>
#include <fcntl.h>

#include "common/fd.h"
#include "fuzz.h"

enum { SEED_MAX_BYTES = 1024 * 1024 };

static int is_seed(const struct dirent *entry)
{
        return entry->d_name[0] != '.';
}

static void replay(int directory, const char *name)
{
        _cleanup_(freep) char *bytes = NULL;
        size_t n;

        fuzz_check(fd_read_file(directory, name, SEED_MAX_BYTES, &bytes, &n) == 0);
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, n);
}

int main(int argc, char **argv)
{
        struct dirent **seeds;

        fuzz_check(argc == 2);
        int n = scandir(argv[1], &seeds, is_seed, alphasort);
        fuzz_check(n > 0);
        _cleanup_(fd_closep) int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fuzz_check(directory >= 0);
        printf("1..%d\n", n);
        for (int i = 0; i < n; i++) {
                replay(directory, seeds[i]->d_name);
                printf("ok %d /%s\n", i + 1, seeds[i]->d_name);
                fflush(stdout);
                free(seeds[i]);
        }
        free(seeds);
        return 0;
}
