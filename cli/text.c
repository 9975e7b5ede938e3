/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/utf8.h"

int strings_append(char ***strings, char *string)
{
        size_t n = strings_count(*strings);
        char **larger = string ? reallocarray(*strings, n + 2, sizeof(char *)) : NULL;

        if (!larger) {
                free(string);
                return -ENOMEM;
        }
        larger[n] = string;
        larger[n + 1] = NULL;
        *strings = larger;
        return 0;
}

int strings_append_copy(char ***strings, const char *string)
{
        return strings_append(strings, strdup(string));
}

/* The part at *@cursor, which is moved behind its separator, or to NULL behind the last one. */
static char *split_next(const char **cursor, char separator)
{
        const char *from = *cursor;
        char *part = malloc(strlen(from) + 1), *to = part;

        if (!part)
                return NULL;
        while (*from && *from != separator) {
                if (from[0] == '\\' && from[1] == separator)
                        from++;
                *to++ = *from++;
        }
        *to = '\0';
        *cursor = *from ? from + 1 : NULL;
        return part;
}

int text_split(const char *text, char separator, char ***ret)
{
        _cleanup_(strings_freep) char **parts = NULL;

        while (text) {
                int r = strings_append(&parts, split_next(&text, separator));
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(parts);
        return 0;
}

/* Digits at the start of @text. Return: how many; -EINVAL when there are none; -ERANGE. */
static int digits_read(const char *text, uint64_t max, uint64_t *ret)
{
        uint64_t number = 0;
        int n = 0;

        for (; text[n] >= '0' && text[n] <= '9'; n++)
                if (__builtin_mul_overflow(number, 10U, &number) ||
                    __builtin_add_overflow(number, (uint64_t)(text[n] - '0'), &number) || number > max)
                        return -ERANGE;
        if (n == 0)
                return -EINVAL;
        *ret = number;
        return n;
}

int text_to_number(const char *text, uint64_t max, uint64_t *ret)
{
        uint64_t number;
        int n = digits_read(text, max, &number);

        if (n < 0)
                return n;
        if (text[n])
                return -EINVAL;
        *ret = number;
        return 0;
}

int text_to_size(const char *text, uint64_t *ret)
{
        static const char units[] = "KMGTPE";
        uint64_t number;
        int n = digits_read(text, UINT64_MAX, &number);

        if (n < 0)
                return n;
        if (text[n]) {
                const char *unit = strchr(units, text[n]);
                if (!unit || text[n + 1])
                        return -EINVAL;
                unsigned bits = 10 * (unsigned)(unit - units + 1);
                if (number > UINT64_MAX >> bits)
                        return -ERANGE;
                number <<= bits;
        }
        *ret = number;
        return 0;
}

Figure text_from_size(uint64_t bytes)
{
        static const char units[] = "BKMGTPE";
        unsigned unit = 0;
        Figure figure;

        while (unit < 6 && bytes >> 10 * (unit + 1) > 0)
                unit++;
        uint64_t whole = bytes >> 10 * unit;
        unsigned tenth = unit == 0 ? 0 : (unsigned)((bytes >> 10 * (unit - 1)) % 1024 * 10 / 1024);
        if (tenth > 0)
                snprintf(figure.text, sizeof(figure.text), "%u.%u%c", (unsigned)whole, tenth, units[unit]);
        else
                snprintf(figure.text, sizeof(figure.text), "%u%c", (unsigned)whole, units[unit]);
        return figure;
}

Figure text_from_duration(uint64_t usec)
{
        static const struct {
                const char *name, *smaller;
                unsigned sec, smaller_sec;
        } units[] = {{"d", "h", 86400, 3600}, {"h", "min", 3600, 60}, {"min", "s", 60, 1}};
        uint64_t sec = usec / 1000000;
        Figure figure;

        if (sec == 0)
                snprintf(figure.text, sizeof(figure.text), "%ums", (unsigned)(usec / 1000));
        else if (sec < 60)
                snprintf(figure.text, sizeof(figure.text), "%u.%02us", (unsigned)sec, (unsigned)(usec / 10000 % 100));
        for (unsigned i = 0; i < ELEMENTS(units); i++) {
                if (sec < units[i].sec)
                        continue;
                snprintf(figure.text, sizeof(figure.text), "%" PRIu64 "%s %u%s", sec / units[i].sec, units[i].name,
                         (unsigned)(sec % units[i].sec / units[i].smaller_sec), units[i].smaller);
                break;
        }
        return figure;
}

int text_to_signal(const char *text)
{
        const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
        uint64_t number;

        if (text_to_number(text, (uint64_t)SIGRTMAX, &number) == 0)
                return number > 0 ? (int)number : -EINVAL;
        for (int signal = 1; signal < SIGRTMIN; signal++) {
                const char *known = sigabbrev_np(signal);
                if (known && strcmp(known, name) == 0)
                        return signal;
        }
        if (strcmp(name, "RTMIN") == 0)
                return SIGRTMIN;
        if (strcmp(name, "RTMAX") == 0)
                return SIGRTMAX;
        if (strncmp(name, "RTMIN+", 6) == 0 && text_to_number(name + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number) == 0)
                return SIGRTMIN + (int)number;
        if (strncmp(name, "RTMAX-", 6) == 0 && text_to_number(name + 6, (uint64_t)(SIGRTMAX - SIGRTMIN), &number) == 0)
                return SIGRTMAX - (int)number;
        return -EINVAL;
}

char *text_to_absolute_path(const char *path)
{
        _cleanup_(freep) char *here = NULL;
        char *absolute;

        if (*path == '/')
                return strdup(path);
        here = get_current_dir_name();
        if (!here || asprintf(&absolute, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path) < 0)
                return NULL;
        return absolute;
}

bool text_is_utf8(const char *text)
{
        while (*text) {
                size_t n = utf8_length(text);
                if (n == 0)
                        return false;
                text += n;
        }
        return true;
}
