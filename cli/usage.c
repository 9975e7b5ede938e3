/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/usage.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "common/fd.h"

enum { FILE_MAX_BYTES = 64 * 1024 };

/* Where a figure stands: in a file of the unified hierarchy, or in one of a controller's of version 1. */
static const struct {
        const char *controller; /* "": the unified hierarchy */
        const char *file;
        const char *key; /* of its line; NULL: the file is the number */
        unsigned divisor;
        size_t offset; /* in Usage */
} rows[] = {
        {"", "pids.current", NULL, 1, offsetof(Usage, tasks)},
        {"", "memory.current", NULL, 1, offsetof(Usage, memory_bytes)},
        {"", "cpu.stat", "usage_usec ", 1, offsetof(Usage, cpu_usec)},
        {"pids", "pids.current", NULL, 1, offsetof(Usage, tasks)},
        {"memory", "memory.usage_in_bytes", NULL, 1, offsetof(Usage, memory_bytes)},
        {"cpuacct", "cpuacct.usage", NULL, 1000, offsetof(Usage, cpu_usec)},
};

/* Return: what a line of /proc/PID/cgroup says after the controllers, if it is of @controller's hierarchy; or NULL. */
static const char *line_path(const char *line, size_t length, const char *controller)
{
        const char *list = memchr(line, ':', length);
        const char *end = list ? memchr(list + 1, ':', length - (size_t)(list + 1 - line)) : NULL;
        size_t n = strlen(controller);

        if (!end)
                return NULL;
        for (const char *word = list + 1;;) {
                size_t word_length = strcspn(word, ",:");
                if (word_length == n && strncmp(word, controller, n) == 0)
                        return end + 1;
                word += word_length;
                if (*word++ == ':')
                        return NULL;
        }
}

/*
 * The container's own cgroup: of its scope the part without the supervisor, the scope, or without systemd one of its
 * own. What is nested beneath is counted there as well.
 */
static const char *const endings[] = {".scope/payload", ".scope", ""};

/* The length of @path up to that. Return: 0 when it isn't on it: the leader is in somebody else's. */
static size_t own_length(const char *path, size_t length, const char *name, const char *ending)
{
        char own[NAME_MAX];
        size_t n = (size_t)snprintf(own, sizeof(own), "/pflask-%s%s", name, ending);

        for (size_t at = 0; at + n <= length; at++)
                if (strncmp(path + at, own, n) == 0 && (at + n == length || path[at + n] == '/'))
                        return at + n;
        return 0;
}

/* Where systemd has mounted the hierarchies, and everybody after it; on a hybrid host the unified one is beside. */
static int figure_open(const char *controller, const char *path, size_t length, const char *file, char **ret)
{
        static const char *const unified[] = {"", "/unified"};
        char name[PATH_MAX];
        int r = -ENOENT;

        for (unsigned i = 0; i < ELEMENTS(unified) && r < 0; i++) {
                int n = snprintf(name, sizeof(name), "/sys/fs/cgroup%s%s%.*s/%s", *controller ? "/" : unified[i],
                                 controller, (int)length, path, file);
                r = n < (int)sizeof(name) ? fd_read_file(AT_FDCWD, name, FILE_MAX_BYTES, ret, NULL) : -ENAMETOOLONG;
        }
        return r;
}

static uint64_t figure_parse(char *content, const char *key)
{
        char *line = content;
        uint64_t number;

        while (key && line && strncmp(line, key, strlen(key)) != 0) {
                line = strchr(line, '\n');
                line += line != NULL;
        }
        if (!line)
                return USAGE_UNKNOWN;
        line += key ? strlen(key) : 0;
        line[strcspn(line, "\n")] = '\0';
        return text_to_number(line, UINT64_MAX - 1, &number) < 0 ? USAGE_UNKNOWN : number;
}

/* One figure, if this line of /proc/PID/cgroup leads to it. */
static void row_read(unsigned row, const char *line, size_t length, const char *name, Usage *usage)
{
        uint64_t *field = (uint64_t *)(void *)((char *)usage + rows[row].offset);
        const char *path = line_path(line, length, rows[row].controller);

        for (unsigned i = 0; path && *field == USAGE_UNKNOWN && i < ELEMENTS(endings); i++) {
                _cleanup_(freep) char *content = NULL;
                size_t n = own_length(path, length - (size_t)(path - line), name, endings[i]);
                if (n == 0 || figure_open(rows[row].controller, path, n, rows[row].file, &content) < 0)
                        continue;
                uint64_t figure = figure_parse(content, rows[row].key);
                *field = figure == USAGE_UNKNOWN ? figure : figure / rows[row].divisor;
        }
}

void usage_read(const char *name, pid_t leader, Usage *ret)
{
        _cleanup_(freep) char *lines = NULL;
        char path[32];

        *ret = (Usage){USAGE_UNKNOWN, USAGE_UNKNOWN, USAGE_UNKNOWN};
        snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)leader);
        if (leader <= 0 || fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, &lines, NULL) < 0)
                return;
        for (const char *line = lines; *line;) {
                size_t length = strcspn(line, "\n");
                for (unsigned row = 0; row < ELEMENTS(rows); row++)
                        row_read(row, line, length, name, ret);
                line += length + (line[length] == '\n');
        }
}
