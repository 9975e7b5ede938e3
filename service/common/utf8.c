/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* As unichar_is_valid() of systemd's src/basic/utf8.c. */
static bool is_character(uint32_t point)
{
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        bool is_noncharacter = (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;

        return point <= 0x10ffff && !is_surrogate && !is_noncharacter;
}

size_t utf8_length(const char *text)
{
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        const unsigned char *bytes = (const unsigned char *)text;

        if (bytes[0] < 0x80)
                return 1;
        if (bytes[0] < 0xc0 || bytes[0] > 0xf7)
                return 0;
        size_t n = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
        uint32_t point = bytes[0] & (0xffU >> (n + 1));
        for (size_t i = 1; i < n; i++) {
                if ((bytes[i] & 0xc0) != 0x80)
                        return 0;
                point = point << 6 | (bytes[i] & 0x3f);
        }
        return point >= smallest[n] && is_character(point) ? n : 0;
}
