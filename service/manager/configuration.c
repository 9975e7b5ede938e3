/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/configuration.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/fd.h"
#include "config.h"

#define SECOND UINT64_C(1000000)

enum { FILE_BYTES = 64 * 1024, DROP_INS = 256 };

typedef struct DropIn {
        char *name;
        char *path;
} DropIn;

typedef struct Key {
        const char *name;
        size_t offset;
        int (*parse)(const char *text, void *field);
} Key;

const char *const config_directories[] = {CONFIG_DIRECTORY, "/run/pflask", "/usr/lib/pflask", NULL};

void config_init(Config *config)
{
        *config = (Config){
                .max_containers_per_user = 64,
                .start_usec = 90 * SECOND,
                .stop_usec = 90 * SECOND,
                .idle_usec = 30 * SECOND,
        };
}

static int unit_usec(const char *word, size_t length, uint64_t *ret)
{
        static const struct {
                const char *words;
                uint64_t usec;
        } units[] = {
                {" us usec ", 1},
                {" ms msec ", 1000},
                {" s sec second seconds ", SECOND},
                {" m min minute minutes ", 60 * SECOND},
                {" h hr hour hours ", 3600 * SECOND},
                {" d day days ", 86400 * SECOND},
                {" w week weeks ", 604800 * SECOND},
        };
        char spaced[16];

        if (length == 0) {
                *ret = SECOND;
                return 0;
        }
        if (length > sizeof(spaced) - 3)
                return -EINVAL;
        snprintf(spaced, sizeof(spaced), " %.*s ", (int)length, word);
        for (size_t i = 0; i < ELEMENTS(units); i++)
                if (strstr(units[i].words, spaced)) {
                        *ret = units[i].usec;
                        return 0;
                }
        return -EINVAL;
}

int config_parse_span(const char *text, uint64_t *ret_usec)
{
        uint64_t total = 0;

        if (strcmp(text, "infinity") == 0) {
                *ret_usec = CONFIG_INFINITY;
                return 0;
        }
        text += strspn(text, " \t");
        if (!*text)
                return -EINVAL;
        while (*text) {
                uint64_t usec, number;
                char *end;

                if (!isdigit((unsigned char)*text))
                        return -EINVAL;
                errno = 0;
                number = strtoull(text, &end, 10);
                if (errno)
                        return -ERANGE;
                text = end + strspn(end, " \t");
                size_t length = 0;
                while (isalpha((unsigned char)text[length]))
                        length++;
                int r = unit_usec(text, length, &usec);
                if (r < 0)
                        return r;
                if (__builtin_mul_overflow(number, usec, &number) || __builtin_add_overflow(total, number, &total))
                        return -ERANGE;
                text += length;
                text += strspn(text, " \t");
        }
        if (total > INT64_MAX / 2)
                return -ERANGE;
        *ret_usec = total;
        return 0;
}

static int parse_count(const char *text, void *field)
{
        char *end;

        if (!isdigit((unsigned char)*text))
                return -EINVAL;
        errno = 0;
        unsigned long number = strtoul(text, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno || number > INT32_MAX)
                return -ERANGE;
        *(unsigned *)field = (unsigned)number;
        return 0;
}

static int parse_finite_span(const char *text, void *field)
{
        uint64_t usec;
        int r = config_parse_span(text, &usec);

        if (r < 0)
                return r;
        if (usec == CONFIG_INFINITY)
                return -ERANGE;
        *(uint64_t *)field = usec;
        return 0;
}

static int parse_span(const char *text, void *field)
{
        return config_parse_span(text, field);
}

static const Key keys[] = {
        {"MaxContainersPerUser", offsetof(Config, max_containers_per_user), parse_count},
        {"StartTimeoutSec", offsetof(Config, start_usec), parse_span},
        {"StopTimeoutSec", offsetof(Config, stop_usec), parse_finite_span},
        {"ExitIdleSec", offsetof(Config, idle_usec), parse_span},
};

static char *trim(char *text)
{
        text += strspn(text, " \t\r");
        for (size_t n = strlen(text); n > 0 && strchr(" \t\r", text[n - 1]); n--)
                text[n - 1] = '\0';
        return text;
}

/* Return: NULL, or why the line is ignored. */
static const char *config_assign(Config *config, char *line)
{
        char *value = strchr(line, '=');

        if (!value)
                return "neither a section nor an assignment";
        *value++ = '\0';
        line = trim(line);
        value = trim(value);
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                if (strcmp(keys[i].name, line) != 0)
                        continue;
                int r = keys[i].parse(value, (char *)config + keys[i].offset);
                return r == -ERANGE ? "value out of range" : r < 0 ? "malformed value" : NULL;
        }
        return "unknown key";
}

static void config_parse(Config *config, const char *path, char *text, ConfigWarn warn)
{
        bool is_ours = false, has_section = false;
        unsigned number = 0;
        char *line;

        while ((line = strsep(&text, "\n"))) {
                const char *reason = NULL;

                number++;
                line = trim(line);
                if (!*line || *line == '#' || *line == ';')
                        continue;
                if (*line == '[') {
                        has_section = true;
                        is_ours = strcmp(line, "[Manager]") == 0;
                        reason = is_ours ? NULL : "unknown section";
                } else if (is_ours) {
                        reason = config_assign(config, line);
                } else if (!has_section) {
                        reason = "assignment outside of a section";
                }
                if (reason)
                        warn(path, number, reason);
        }
}

/* Links are followed, as only root makes them; one to /dev/null is how a file is masked. */
static int config_read(Config *config, const char *path, ConfigWarn warn)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        size_t bytes;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return 0;
        if (!S_ISREG(st.st_mode))
                return -EBADFD;
        int r = fd_read_whole(fd, FILE_BYTES, &text, &bytes);
        if (r < 0)
                return r;
        if (memchr(text, '\0', bytes))
                return -EBADMSG;
        config_parse(config, path, text, warn);
        return 0;
}

static void config_read_warning(Config *config, const char *path, ConfigWarn warn)
{
        int r = config_read(config, path, warn);

        if (r < 0)
                warn(path, 0, strerror(-r));
}

static bool directory_is_roots(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 && (st.st_mode & 022) == 0;
}

static int is_drop_in(const struct dirent *entry)
{
        const char *end = strrchr(entry->d_name, '.');

        return entry->d_name[0] != '.' && end && strcmp(end, ".conf") == 0;
}

static int drop_in_compare(const void *one, const void *other)
{
        return strcmp(((const DropIn *)one)->name, ((const DropIn *)other)->name);
}

/* A name that an earlier directory has already is overridden by it. */
static size_t drop_ins_add(DropIn *found, size_t n, const char *path)
{
        struct dirent **entries;
        int n_entries = scandir(path, &entries, is_drop_in, NULL);

        for (int i = 0; i < n_entries; i++) {
                DropIn one = {.name = strdup(entries[i]->d_name)};
                bool is_known = false;

                for (size_t k = 0; one.name && k < n; k++)
                        is_known = is_known || strcmp(found[k].name, one.name) == 0;
                if (n < DROP_INS && one.name && !is_known && asprintf(&one.path, "%s/%s", path, one.name) > 0)
                        found[n++] = one;
                else
                        free(one.name);
                free(entries[i]);
        }
        if (n_entries >= 0)
                free(entries);
        return n;
}

static void config_load_drop_ins(Config *config, const char *const *directories, ConfigWarn warn)
{
        DropIn found[DROP_INS];
        size_t n = 0;
        char path[4096];

        for (; *directories; directories++) {
                snprintf(path, sizeof(path), "%s/manager.conf.d", *directories);
                if (directory_is_roots(*directories) && directory_is_roots(path))
                        n = drop_ins_add(found, n, path);
        }
        qsort(found, n, sizeof(*found), drop_in_compare);
        for (size_t i = 0; i < n; i++) {
                config_read_warning(config, found[i].path, warn);
                free(found[i].name);
                free(found[i].path);
        }
}

void config_load(Config *config, const char *const *directories, ConfigWarn warn)
{
        char path[4096];

        for (size_t i = 0; directories[i]; i++) {
                struct stat st;

                snprintf(path, sizeof(path), "%s/manager.conf", directories[i]);
                if (!directory_is_roots(directories[i]) || lstat(path, &st) < 0)
                        continue;
                config_read_warning(config, path, warn);
                break;
        }
        config_load_drop_ins(config, directories, warn);
}
