/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

static const sd_bus_error_map error_map[] = {
        SD_BUS_ERROR_MAP(ERROR_NO_SUCH_CONTAINER, ENXIO),  SD_BUS_ERROR_MAP(ERROR_NO_SUCH_PROCESS, ESRCH),
        SD_BUS_ERROR_MAP(ERROR_CONTAINER_EXISTS, EEXIST),  SD_BUS_ERROR_MAP(ERROR_INVALID_NAME, EINVAL),
        SD_BUS_ERROR_MAP(ERROR_INVALID_OPTION, EINVAL),    SD_BUS_ERROR_MAP(ERROR_SETUP_FAILED, EPROTO),
        SD_BUS_ERROR_MAP(ERROR_COMMAND_NOT_FOUND, ENOENT), SD_BUS_ERROR_MAP(ERROR_COMMAND_NOT_EXECUTABLE, ENOEXEC),
        SD_BUS_ERROR_MAP(ERROR_NOT_RUNNING, EHOSTDOWN),    SD_BUS_ERROR_MAP(ERROR_CONSOLE_BUSY, EBUSY),
        SD_BUS_ERROR_MAP(ERROR_NO_CONSOLE, ENOTTY),        SD_BUS_ERROR_MAP(ERROR_NO_PRIVATE_NETWORK, ENETUNREACH),
        SD_BUS_ERROR_MAP(ERROR_NO_SUCH_USER, ENOKEY),      SD_BUS_ERROR_MAP(ERROR_LIMIT_REACHED, EDQUOT),
        SD_BUS_ERROR_MAP(ERROR_NOT_SUPPORTED, EOPNOTSUPP), SD_BUS_ERROR_MAP_END,
};

void errors_register(void)
{
        sd_bus_error_add_map(error_map);
}

/* The bytes of the character at @text, or 0 where it is to be escaped: the C1 controls too, which some terminals obey. */
static size_t shown_length(const char *text)
{
        unsigned char first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;

        if (first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0))
                return 0;
        return utf8_length(text);
}

char *error_escape(const char *text)
{
        char *escaped = malloc(strlen(text) * 4 + 1);
        char *to = escaped;

        if (!escaped)
                return NULL;
        while (*text) {
                size_t n = shown_length(text);
                if (n == 0) {
                        to += sprintf(to, "\\x%02x", (unsigned char)*text++);
                        continue;
                }
                memcpy(to, text, n);
                to += n;
                text += n;
        }
        *to = '\0';
        return escaped;
}

int error_set(sd_bus_error *error, const char *name, const char *format, ...)
{
        _cleanup_(freep) char *sentence = NULL, *escaped = NULL;
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(&sentence, format, arguments);
        va_end(arguments);
        if (r < 0) {
                sentence = NULL;
                return sd_bus_error_set_const(error, name, "out of memory");
        }
        escaped = error_escape(sentence);
        return sd_bus_error_set(error, name, escaped ?: "out of memory");
}

const char *error_limit(int code)
{
        static const struct {
                int code;
                const char *name;
        } limits[] = {{-EMFILE, "RLIMIT_NOFILE"}, {-ENFILE, "fs.file-max"}};

        for (unsigned i = 0; i < ELEMENTS(limits); i++)
                if (limits[i].code == code)
                        return limits[i].name;
        return NULL;
}

int error_step(sd_bus_error *error, int code, const char *step, const char *object, const char *target)
{
        const char *limit = error_limit(code);

        error_set(error, limit ? ERROR_LIMIT_REACHED : ERROR_SETUP_FAILED, "cannot %s%s%s%s%s: %s%s%s%s", step,
                  object ? " " : "", object ?: "", target ? " on " : "", target ?: "", strerror(-code),
                  limit ? " (" : "", limit ?: "", limit ? ")" : "");
        return code;
}
