/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alternate ROUNDS <COMMANDS: runs commands in turn and says how long each of them took
 *
 * A line of standard input is a command, its words apart by tabs. A line of output is the number of a command and the
 * microseconds from its spawn to its end. They alternate, so that what the machine does meanwhile meets all alike; and
 * before each there is a rest, since some leave the kernel or systemd more to do after their end than they have taken
 * themselves, which is not the next one's. The first rounds warm up and are not told.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { WARM_UP_ROUNDS = 3, COMMANDS_MAX = 32, WORDS_MAX = 64, REST_USEC = 100000 };

typedef struct Command {
        char *line;
        char *argv[WORDS_MAX + 1];
} Command;

static unsigned read_commands(Command commands[static COMMANDS_MAX])
{
        unsigned n = 0;
        size_t size = 0;

        for (; n < COMMANDS_MAX; n++) {
                Command *command = &commands[n];
                ssize_t length = getline(&command->line, &size, stdin);
                if (length <= 0)
                        break;
                size = 0;
                command->line[strcspn(command->line, "\n")] = '\0';
                unsigned n_words = 0;
                for (char *word = strtok(command->line, "\t"); word && n_words < WORDS_MAX; word = strtok(NULL, "\t"))
                        command->argv[n_words++] = word;
        }
        return n;
}

/* Return: microseconds; 0 when it could not be run, or did not end well. */
static uint64_t measure(const Command *command, const posix_spawn_file_actions_t *streams)
{
        int status;
        pid_t pid;

        uint64_t begin = now_usec();
        int r = posix_spawnp(&pid, command->argv[0], streams, NULL, command->argv, environ);
        if (r != 0) {
                fprintf(stderr, "alternate: cannot run %s: %s\n", command->argv[0], strerror(r));
                return 0;
        }
        if (waitpid(pid, &status, 0) < 0)
                return 0;
        uint64_t took = now_usec() - begin;
        if (status == 0)
                return took;
        fprintf(stderr, "alternate: %s ended with %#x\n", command->argv[0], (unsigned)status);
        return 0;
}

int main(int argc, char **argv)
{
        posix_spawn_file_actions_t streams;
        Command commands[COMMANDS_MAX] = {};

        if (argc != 2) {
                fputs("alternate ROUNDS <COMMANDS\n", stderr);
                return EXIT_FAILURE;
        }
        long rounds = strtol(argv[1], NULL, 10);
        unsigned n = read_commands(commands);
        posix_spawn_file_actions_init(&streams);
        posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&streams, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        for (long round = -WARM_UP_ROUNDS; round < rounds; round++)
                for (unsigned i = 0; i < n; i++) {
                        usleep(REST_USEC);
                        uint64_t took = measure(&commands[i], &streams);
                        if (took == 0)
                                return EXIT_FAILURE;
                        if (round >= 0)
                                printf("%u %llu\n", i, (unsigned long long)took);
                }
        return EXIT_SUCCESS;
}
