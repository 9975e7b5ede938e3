/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * os-release
 *
 * What a container's tree says of itself: os-release(5). The file is the container's to write, so it is read by a visit
 * that may be killed at any time, of a bounded size, and from a regular file only; and nothing in it is believed to be
 * well-formed.
 */
#pragma once

#include <stddef.h>

#include "container/visit.h"

enum { OS_RELEASE_MAX_BYTES = 1024 * 1024, OS_RELEASE_MAX_FIELDS = 1024 };

/* A field; both strings lie in the text that was parsed. */
typedef struct OsReleaseField {
        const char *key;
        const char *value;
} OsReleaseField;

/**
 * os_release_parse() - find the fields
 * @text:  ends with a NUL, changed: quotes and escapes are taken away in place
 *
 * A key that comes twice has its last value. Lines that are no assignment are left out, as sh(1) would leave them.
 *
 * Return: the number of fields; -E2BIG when there are more than OS_RELEASE_MAX_FIELDS.
 */
int os_release_parse(char *text, OsReleaseField fields[static OS_RELEASE_MAX_FIELDS]);

/**
 * os_release_visit() - fetch the fields: a visit_run_t
 * @place:  const VisitPlace *
 *
 * The answer is a file of strings, each with its NUL: a key, its value, the next key. NotSupported when there is no
 * os-release.
 */
int os_release_visit(const void *place, int report, int *ret_answer, Failure *failure);
