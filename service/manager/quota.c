/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/quota.h"

#include <string.h>

#include "common/error.h"
#include "common/macros.h"

/* A string is kept by a pointer in a list, and by malloc(3). */
enum { BYTES_PER_VALUE = 32 };

int quota_check(const Quota *quota, unsigned n_calls, size_t bytes, sd_bus_error *error)
{
        const char *whose = quota->is_known ? "user" : "connection that is not known yet";
        size_t max_bytes = BYTES_PER_CONNECTION;
        unsigned max_calls = CALLS_PER_CONNECTION;

        if (quota->is_known) {
                max_bytes = quota->uid == 0 ? BYTES_OF_ROOT : BYTES_PER_UID;
                max_calls = quota->uid == 0 ? CALLS_OF_ROOT : CALLS_PER_UID;
        }
        if (quota->n_calls + n_calls > max_calls)
                return error_set(error, ERROR_LIMIT_REACHED, "too many calls are open at once (at most %u of one %s)",
                                 max_calls, whose);
        if (quota->bytes + bytes > max_bytes)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "the arguments of open calls are too large (at most %zu bytes of one %s)", max_bytes,
                                 whose);
        return 0;
}

bool quota_take_call(Quota *quota, uint64_t now)
{
        const uint64_t second = 1000000;
        uint64_t spent = quota->calls_usec == 0 ? second : now - quota->calls_usec;
        uint64_t calls = spent >= second ? CALLS_IN_A_BURST : spent * CALLS_PER_SECOND / second;

        /* What isn't a whole call yet is not lost. */
        quota->calls_usec = spent >= second ? now : quota->calls_usec + calls * second / CALLS_PER_SECOND;
        quota->n_calls_left += (unsigned)calls;
        if (quota->n_calls_left > CALLS_IN_A_BURST)
                quota->n_calls_left = CALLS_IN_A_BURST;
        if (quota->n_calls_left == 0)
                return false;
        quota->n_calls_left--;
        return true;
}

void quota_move(Quota *to, Quota *from)
{
        to->n_connections += from->n_connections;
        to->n_calls += from->n_calls;
        to->n_names += from->n_names;
        to->n_creations += from->n_creations;
        to->n_fds += from->n_fds;
        to->bytes += from->bytes;
        *from = (Quota){};
}

/* ---- weight ---- */

static int weigh_values(sd_bus_message *message, size_t max_bytes, size_t *bytes);

static int weigh_container(sd_bus_message *message, char type, const char *contents, size_t max_bytes, size_t *bytes)
{
        /* Elements of a fixed size are read, and so kept, in one piece. */
        static const char fixed[] = "ybnqiuxtd";
        const void *array;
        size_t n;

        if (type == SD_BUS_TYPE_ARRAY && strlen(contents) == 1 && strchr(fixed, *contents)) {
                int r = sd_bus_message_read_array(message, *contents, &array, &n);
                *bytes += r < 0 ? 0 : n;
                return r < 0 ? r : *bytes > max_bytes ? -E2BIG : 0;
        }
        int r = sd_bus_message_enter_container(message, type, contents);
        if (r >= 0)
                r = weigh_values(message, max_bytes, bytes);
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int weigh_value(sd_bus_message *message, char type, size_t *bytes)
{
        uint64_t number;
        const char *text;

        if (!strchr("sog", type))
                return sd_bus_message_read_basic(message, type, &number);
        int r = sd_bus_message_read_basic(message, type, &text);
        if (r >= 0)
                *bytes += strlen(text);
        return r;
}

static int weigh_values(sd_bus_message *message, size_t max_bytes, size_t *bytes)
{
        const char *contents;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(message, &type, &contents)) > 0) {
                *bytes += BYTES_PER_VALUE;
                r = contents ? weigh_container(message, type, contents, max_bytes, bytes)
                             : weigh_value(message, type, bytes);
                if (r >= 0 && *bytes > max_bytes)
                        r = -E2BIG;
                if (r < 0)
                        return r;
        }
        return r;
}

int message_weigh(sd_bus_message *message, size_t max_bytes, size_t *ret)
{
        size_t bytes = 0;
        int r = weigh_values(message, max_bytes, &bytes);

        if (r >= 0)
                r = sd_bus_message_rewind(message, true);
        if (r < 0)
                return r;
        *ret = bytes;
        return 0;
}
