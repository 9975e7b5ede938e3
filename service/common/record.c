/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/name.h"

/* A name, a unit and a cgroup of the greatest length, with every byte escaped, are less. */
enum { RECORD_BYTES_MAX = 2048 + 4 * RECORD_CGROUP_MAX };

/* The text of a record while it is written; what doesn't fit any more shows in its length. */
typedef struct Text {
        char bytes[RECORD_BYTES_MAX];
        size_t length;
} Text;

static void text_append(Text *text, const char *format, ...) _printf_(2, 3);

static void text_append(Text *text, const char *format, ...)
{
        size_t room = text->length < sizeof(text->bytes) ? sizeof(text->bytes) - text->length : 0;
        va_list arguments;

        va_start(arguments, format);
        int n = vsnprintf(room ? text->bytes + text->length : NULL, room, format, arguments);
        va_end(arguments);
        text->length += n < 0 ? sizeof(text->bytes) : (size_t)n;
}

/* ---- the types of fields: how each is written and read ---- */

static void string_write(Text *text, const void *field)
{
        for (const char *c = *(char *const *)field; c && *c; c++)
                text_append(text, *c <= ' ' || *c > '~' || *c == '\\' ? "\\x%02x" : "%c", (unsigned char)*c);
}

static int string_read(const char *text, void *field)
{
        char *copy = malloc(strlen(text) + 1), *to = copy;
        unsigned byte;

        if (!copy)
                return -ENOMEM;
        *(char **)field = copy;
        while (*text) {
                if (*text != '\\') {
                        *to++ = *text++;
                        continue;
                }
                if (strspn(text + 1, "x") != 1 || strspn(text + 2, "0123456789abcdef") < 2 ||
                    sscanf(text + 2, "%2x", &byte) != 1 || byte == 0)
                        return -EBADMSG;
                *to++ = (char)byte;
                text += 4;
        }
        *to = '\0';
        return 0;
}

static int number_read(const char *text, uint64_t max, uint64_t *ret)
{
        uint64_t number = 0;

        if (!*text)
                return -EBADMSG;
        for (; *text; text++) {
                if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, (unsigned)(*text - '0'), &number) || number > max)
                        return -EBADMSG;
        }
        *ret = number;
        return 0;
}

static void u64_write(Text *text, const void *field)
{
        text_append(text, "%" PRIu64, *(const uint64_t *)field);
}

static int u64_read(const char *text, void *field)
{
        return number_read(text, UINT64_MAX, field);
}

static void u32_write(Text *text, const void *field)
{
        text_append(text, "%" PRIu32, *(const uint32_t *)field);
}

static int u32_read(const char *text, void *field)
{
        uint64_t number;
        int r = number_read(text, UINT32_MAX, &number);

        if (r >= 0)
                *(uint32_t *)field = (uint32_t)number;
        return r;
}

/* Pids, exit codes and signals: never negative. */
static int i32_read(const char *text, void *field)
{
        uint64_t number;
        int r = number_read(text, INT32_MAX, &number);

        if (r >= 0)
                *(int32_t *)field = (int32_t)number;
        return r;
}

static void bool_write(Text *text, const void *field)
{
        text_append(text, "%d", *(const bool *)field);
}

static int bool_read(const char *text, void *field)
{
        uint64_t number;
        int r = number_read(text, 1, &number);

        if (r >= 0)
                *(bool *)field = number != 0;
        return r;
}

static void id_write(Text *text, const void *field)
{
        const sd_id128_t *id = field;

        text_append(text, SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(*id));
}

static int id_read(const char *text, void *field)
{
        return sd_id128_from_string(text, field) < 0 ? -EBADMSG : 0;
}

static void state_write(Text *text, const void *field)
{
        text_append(text, "%s", state_name(*(const State *)field));
}

static int state_read(const char *text, void *field)
{
        return state_from_name(text, field) < 0 ? -EBADMSG : 0;
}

static void result_write(Text *text, const void *field)
{
        text_append(text, "%s", result_name(*(const Result *)field));
}

static int result_read(const char *text, void *field)
{
        Result result = result_from_name(text);

        *(Result *)field = result;
        return result == RESULT_NONE && *text ? -EBADMSG : 0;
}

static const struct {
        const char *key;
        void (*write)(Text *text, const void *field);
        int (*read)(const char *text, void *field);
        size_t offset;
        bool is_optional;
} fields[] = {
        {"NAME", string_write, string_read, offsetof(Record, name), false},
        {"ID", id_write, id_read, offsetof(Record, id), false},
        {"OWNER", u32_write, u32_read, offsetof(Record, owner), false},
        {"SUPERVISOR", u32_write, i32_read, offsetof(Record, supervisor), false},
        {"LEADER", u32_write, i32_read, offsetof(Record, leader), false},
        {"STATE", state_write, state_read, offsetof(Record, state), false},
        {"TIMESTAMP", u64_write, u64_read, offsetof(Record, timestamp), false},
        {"TIMESTAMP_MONOTONIC", u64_write, u64_read, offsetof(Record, timestamp_monotonic), false},
        {"UNIT", string_write, string_read, offsetof(Record, unit), false},
        {"CGROUP", string_write, string_read, offsetof(Record, cgroup), true},
        {"REGISTERED", bool_write, bool_read, offsetof(Record, is_registered), false},
        {"TERMINAL", bool_write, bool_read, offsetof(Record, has_terminal), false},
        {"RESULT", result_write, result_read, offsetof(Record, result), false},
        {"STATUS", u32_write, i32_read, offsetof(Record, status), false},
};

#define RECORD_VERSION_LINE "VERSION=1\n"

void record_done(Record *record)
{
        free(record->name);
        free(record->unit);
        free(record->cgroup);
        *record = (Record){};
}

Record *record_free(Record *record)
{
        int saved = errno;

        if (!record)
                return NULL;
        record_done(record);
        free(record);
        errno = saved;
        return NULL;
}

/* ---- writing ---- */

static int record_write_new(int directory, const Text *text)
{
        _cleanup_(fd_closep) int fd = openat(directory, RECORD_FILE_NEW,
                                             O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd_write_all(fd, text->bytes, text->length);
}

int record_write(int directory, const Record *record)
{
        Text text = {};

        text_append(&text, RECORD_VERSION_LINE);
        for (unsigned i = 0; i < ELEMENTS(fields); i++) {
                text_append(&text, "%s=", fields[i].key);
                fields[i].write(&text, (const char *)record + fields[i].offset);
                text_append(&text, "\n");
        }
        if (text.length >= sizeof(text.bytes))
                return -EFBIG;
        int r = record_write_new(directory, &text);
        if (r >= 0 && renameat(directory, RECORD_FILE_NEW, directory, RECORD_FILE) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(directory, RECORD_FILE_NEW, 0);
        return r;
}

/* ---- reading ---- */

static int record_read_text(int directory, Text *ret)
{
        _cleanup_(fd_closep) int fd = openat(directory, RECORD_FILE,
                                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022) != 0)
                return -EPERM;
        ssize_t n = read(fd, ret->bytes, sizeof(ret->bytes));
        if (n < 0)
                return -errno;
        /* As long as the buffer: longer than any record. Without its last newline: cut off. */
        if (n == 0 || n == sizeof(ret->bytes) || ret->bytes[n - 1] != '\n' || memchr(ret->bytes, '\0', (size_t)n))
                return -EBADMSG;
        ret->length = (size_t)n;
        return 0;
}

/* Reads "KEY=VALUE"; a bit in @seen for each field that has been there. */
static int record_read_line(Record *record, char *line, uint32_t *seen)
{
        char *value = strchr(line, '=');

        if (!value)
                return -EBADMSG;
        *value++ = '\0';
        for (unsigned i = 0; i < ELEMENTS(fields); i++) {
                if (strcmp(line, fields[i].key) != 0)
                        continue;
                if (*seen & 1U << i)
                        return -EBADMSG;
                *seen |= 1U << i;
                return fields[i].read(value, (char *)record + fields[i].offset);
        }
        return 0;
}

static int record_parse(Record *record, Text *text)
{
        const size_t version = strlen(RECORD_VERSION_LINE);
        uint32_t seen = 0;

        if (text->length < version || memcmp(text->bytes, RECORD_VERSION_LINE, version) != 0)
                return -EBADMSG;
        for (char *line = text->bytes + version, *end = text->bytes + text->length; line < end;) {
                char *next = memchr(line, '\n', (size_t)(end - line));
                *next++ = '\0'; /* the last byte is a newline */
                int r = record_read_line(record, line, &seen);
                if (r < 0)
                        return r;
                line = next;
        }
        for (unsigned i = 0; i < ELEMENTS(fields); i++)
                if (!fields[i].is_optional && !(seen & 1U << i))
                        return -EBADMSG;
        return name_is_valid(record->name) ? 0 : -EBADMSG;
}

int record_read(int directory, Record **ret)
{
        _cleanup_(record_freep) Record *record = calloc(1, sizeof(*record));
        Text text;

        if (!record)
                return -ENOMEM;
        int r = record_read_text(directory, &text);
        if (r >= 0)
                r = record_parse(record, &text);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(record);
        return 0;
}
