/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bare-pty COMMAND...: runs a command on a terminal and copies what it writes to standard output
 *
 * The same work as an attached client does for a container's console, with nothing in between: what a pty costs.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        static char bytes[64 * 1024];
        int terminal, status;
        ssize_t n;

        if (argc < 2)
                return EXIT_FAILURE;
        pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
        if (pid < 0)
                return EXIT_FAILURE;
        if (pid == 0) {
                execvp(argv[1], argv + 1);
                _exit(127);
        }
        while ((n = read(terminal, bytes, sizeof(bytes))) > 0) /* EIO: the command has ended, and all is read */
                if (write(STDOUT_FILENO, bytes, (size_t)n) != n)
                        return EXIT_FAILURE;
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
