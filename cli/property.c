/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/property.h"

#include <string.h>

#include "cli/text.h"

enum { CPUS_MAX = 8192, WEIGHT_MAX = 10000 };

static int size_parse(const char *value, Property *property)
{
        return text_to_size(value, &property->number);
}

static int count_parse(const char *value, Property *property)
{
        return text_to_number(value, UINT64_MAX - 1, &property->number);
}

static int weight_parse(const char *value, Property *property)
{
        int r = text_to_number(value, WEIGHT_MAX, &property->number);

        return r < 0 ? r : property->number == 0 ? -ERANGE : 0;
}

/* A share of one CPU in percent, as microseconds in a second. */
static int quota_parse(const char *value, Property *property)
{
        size_t length = strlen(value);
        char number[16] = "";

        if (length < 2 || length > sizeof(number) || value[length - 1] != '%')
                return -EINVAL;
        memcpy(number, value, length - 1);
        int r = text_to_number(number, UINT64_MAX / 10000, &property->number);
        property->number *= 10000;
        return r < 0 ? r : property->number == 0 ? -ERANGE : 0;
}

/* "3" or "3-5". Sets the bits in @mask; @ret_bytes: how many bytes of it are in use. */
static int cpu_range_parse(const char *text, uint8_t *mask, size_t *bytes)
{
        _cleanup_(strings_freep) char **ends = NULL;
        uint64_t first, last;

        int r = text_split(text, '-', &ends);
        if (r < 0)
                return r;
        if (strings_count(ends) > 2)
                return -EINVAL;
        r = text_to_number(ends[0], CPUS_MAX - 1, &first);
        if (r >= 0)
                r = text_to_number(ends[1] ?: ends[0], CPUS_MAX - 1, &last);
        if (r < 0)
                return r;
        if (last < first)
                return -ERANGE;
        for (uint64_t cpu = first; cpu <= last; cpu++)
                mask[cpu / 8] |= (uint8_t)(1U << cpu % 8);
        if (last / 8 + 1 > *bytes)
                *bytes = last / 8 + 1;
        return 0;
}

static int cpus_parse(const char *value, Property *property)
{
        _cleanup_(strings_freep) char **ranges = NULL;
        _cleanup_(freep) uint8_t *mask = calloc(1, CPUS_MAX / 8);

        if (!mask)
                return -ENOMEM;
        int r = text_split(value, ',', &ranges);
        for (char **range = ranges; r >= 0 && *range; range++)
                r = cpu_range_parse(*range, mask, &property->n_bytes);
        if (r >= 0)
                property->bytes = TAKE_PTR(mask);
        return r;
}

static const struct {
        const char *typed, *name;
        int (*parse)(const char *value, Property *property);
        bool can_be_infinite;
} rows[] = {
        {"MemoryMax", "MemoryMax", size_parse, true},      {"MemoryHigh", "MemoryHigh", size_parse, true},
        {"TasksMax", "TasksMax", count_parse, true},       {"CPUWeight", "CPUWeight", weight_parse, false},
        {"IOWeight", "IOWeight", weight_parse, false},     {"CPUQuota", "CPUQuotaPerSecUSec", quota_parse, false},
        {"AllowedCPUs", "AllowedCPUs", cpus_parse, false},
};

int property_parse(const char *text, Property *ret)
{
        size_t length = strcspn(text, "=");

        if (text[length] != '=')
                return -EINVAL;
        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                const char *value = text + length + 1;
                Property property = {.name = rows[i].name, .number = UINT64_MAX};
                if (strlen(rows[i].typed) != length || strncmp(rows[i].typed, text, length) != 0)
                        continue;
                bool is_infinite = rows[i].can_be_infinite && strcmp(value, "infinity") == 0;
                int r = is_infinite ? 0 : rows[i].parse(value, &property);
                if (r >= 0)
                        *ret = property;
                return r;
        }
        return -ENOENT;
}
