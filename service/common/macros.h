/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of our C
 *
 * Ownership is written in the declaration: what a variable owns is released where its scope ends, unless a TAKE
 * line hands it over. Nothing here has a type of its own.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>

#define _cleanup_(function)       __attribute__((cleanup(function)))
#define _unused_                  __attribute__((unused))
#define _printf_(sentence, first) __attribute__((format(printf, sentence, first)))
#define _noreturn_                __attribute__((noreturn))

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* The value moves to the caller; the variable no longer owns anything. */
#define TAKE_PTR(pointer)                       \
        ({                                      \
                __auto_type _taken = (pointer); \
                (pointer) = NULL;               \
                _taken;                         \
        })
#define TAKE_FD(fd)                \
        ({                         \
                int _taken = (fd); \
                (fd) = -EBADF;     \
                _taken;            \
        })

/* Makes noun_freep() from noun_free(), for _cleanup_(). */
#define DEFINE_CLEANUP(type, function)                 \
        static inline void function##p(type **pointer) \
        {                                              \
                if (*pointer)                          \
                        *pointer = function(*pointer); \
        }

static inline void freep(void *pointer)
{
        int saved = errno;

        free(*(void **)pointer);
        errno = saved;
}

/* A NULL-terminated array of strings, as sd_bus_message_read_strv(3) makes it. */
static inline char **strings_free(char **strings)
{
        if (!strings)
                return NULL;
        for (char **string = strings; *string; string++)
                free(*string);
        free(strings);
        return NULL;
}
DEFINE_CLEANUP(char *, strings_free)

static inline size_t strings_count(char *const *strings)
{
        size_t n = 0;

        while (strings && strings[n])
                n++;
        return n;
}
