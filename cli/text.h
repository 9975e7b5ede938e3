/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words and numbers as people type them
 *
 * The small grammars of the command line: lists whose separator can be escaped, numbers that are numbers to the last
 * character, sizes, names of signals. Nothing here is guessed: what isn't understood is -EINVAL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

/**
 * text_split() - the parts of @text between @separator
 * @separator:  taken as part of the text where a backslash precedes it; any other backslash stands for itself
 * @ret:        at least one part, which may be empty; the caller's
 *
 * Return: 0; -ENOMEM.
 */
int text_split(const char *text, char separator, char ***ret);

/** strings_append() - add @string, which belongs to the list from here, also on failure. Return: 0; -ENOMEM. */
int strings_append(char ***strings, char *string);

/** strings_append_copy() - the same with a string that stays the caller's */
int strings_append_copy(char ***strings, const char *string);

/** text_to_number() - decimal digits and nothing else. Return: 0; -EINVAL; -ERANGE above @max. */
int text_to_number(const char *text, uint64_t max, uint64_t *ret);

/** text_to_size() - a number with K, M, G, T, P or E (each 1024 times the one before). Return: as text_to_number(). */
int text_to_size(const char *text, uint64_t *ret);

/* A figure as a person reads it. */
typedef struct Figure {
        char text[32];
} Figure;

/** text_from_size() - "640B", "1.5K", "64M": as systemd's tools write it */
Figure text_from_size(uint64_t bytes);

/** text_from_duration() - "12ms", "1.25s", "2min 3s", "1h 5min", "3d 4h" */
Figure text_from_duration(uint64_t usec);

/** text_to_signal() - "TERM", "SIGTERM", "15", "RTMIN+4". Return: the signal; -EINVAL. */
int text_to_signal(const char *text);

/**
 * text_to_absolute_path() - @path, which may be relative to where we are
 *
 * Links are not resolved: that is for whoever opens it, with the caller's authority.
 *
 * Return: the path, the caller's; NULL without memory, or without a name for where we are.
 */
char *text_to_absolute_path(const char *path);

/** text_is_utf8() - can it cross the bus: common/utf8.h */
bool text_is_utf8(const char *text);
