/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

/* The bytes of a well-formed UTF-8 sequence at @text (RFC 3629), or 0. Control characters count as malformed. */
static size_t utf8_length(const unsigned char *text)
{
        if (text[0] < 0x20 || text[0] == 0x7f)
                return 0;
        if (text[0] < 0x80)
                return 1;
        size_t n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
        if (text[0] < 0xc2 || text[0] > 0xf4)
                return 0;
        uint32_t point = text[0] & (0xffU >> (n + 1));
        for (size_t i = 1; i < n; i++) {
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
                point = point << 6 | (text[i] & 0x3f);
        }
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
                return 0;
        if (point >= 0x80 && point < 0xa0) /* the C1 controls, which some terminals obey */
                return 0;
        return n;
}

char *error_escape(const char *text)
{
        const unsigned char *from = (const unsigned char *)text;
        char *escaped = malloc(strlen(text) * 4 + 1);
        char *to = escaped;

        if (!escaped)
                return NULL;
        while (*from) {
                size_t n = utf8_length(from);
                if (n == 0) {
                        to += sprintf(to, "\\x%02x", *from++);
                        continue;
                }
                memcpy(to, from, n);
                to += n;
                from += n;
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

int error_step(sd_bus_error *error, int code, const char *step, const char *object, const char *target)
{
        error_set(error, ERROR_SETUP_FAILED, "cannot %s%s%s%s%s: %s", step, object ? " " : "", object ?: "",
                  target ? " on " : "", target ?: "", strerror(-code));
        return code;
}
