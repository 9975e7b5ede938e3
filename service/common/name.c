/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/name.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *name)
{
        size_t length = strnlen(name, NAME_MAX_LENGTH + 1);

        if (length < 1 || length > NAME_MAX_LENGTH)
                return false;
        if (!is_alphanumeric(name[0]) || !is_alphanumeric(name[length - 1]))
                return false;
        for (size_t i = 0; i < length; i++)
                if (!is_alphanumeric(name[i]) && name[i] != '.' && name[i] != '_' && name[i] != '-')
                        return false;
        return !strstr(name, "..");
}
