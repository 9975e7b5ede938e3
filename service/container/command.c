/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *command_path(char *const *environment)
{
        for (; *environment; environment++)
                if (strncmp(*environment, "PATH=", 5) == 0)
                        return *environment + 5;
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* execve(2) says ENOENT of a script whose interpreter is missing, too: then the command is there all the same. */
static int command_fail(const char *command, const char *path, int code, Failure *failure)
{
        struct stat st;
        bool is_there = path && stat(path, &st) == 0;

        if (code == -ENOENT && is_there)
                return failure_set(failure, code, FAILURE_COMMAND_NOT_EXECUTABLE,
                                   "cannot execute %s: its interpreter is missing", command);
        if (code == -ENOENT || code == -ENOTDIR)
                return failure_set(failure, code, FAILURE_COMMAND_NOT_FOUND, "cannot find command %s: %s", command,
                                   strerror(-code));
        if (is_there && S_ISDIR(st.st_mode))
                code = -EISDIR;
        return failure_set(failure, code, FAILURE_COMMAND_NOT_EXECUTABLE, "cannot execute %s: %s", command,
                           strerror(-code));
}

/* As a shell does it: what cannot be executed is remembered, while the search goes on. */
static int command_search(char *const *argv, char *const *environment, Failure *failure)
{
        char candidate[PATH_MAX], refused[PATH_MAX] = "";
        int code = -ENOENT;

        for (const char *directory = command_path(environment); directory;) {
                const char *end = strchrnul(directory, ':');
                int length = (int)(end - directory);
                int n = snprintf(candidate, sizeof(candidate), "%.*s%s%s", length, directory, length ? "/" : "./",
                                 argv[0]);
                directory = *end ? end + 1 : NULL;
                if (n >= (int)sizeof(candidate))
                        continue;
                execve(candidate, argv, environment);
                if (errno != ENOENT && errno != ENOTDIR && !*refused) {
                        code = -errno;
                        strcpy(refused, candidate);
                } else if (errno == ENOENT && access(candidate, F_OK) == 0 && !*refused) {
                        strcpy(refused, candidate);
                }
        }
        return command_fail(argv[0], *refused ? refused : NULL, code, failure);
}

int command_execute(char *const *argv, char *const *environment, Failure *failure)
{
        if (!strchr(argv[0], '/'))
                return command_search(argv, environment, failure);
        return command_execute_as(argv[0], argv, environment, failure);
}

int command_execute_as(const char *path, char *const *argv, char *const *environment, Failure *failure)
{
        execve(path, argv, environment);
        return command_fail(path, path, -errno, failure);
}
