/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Detach keys
 *
 * The keys that detach are looked for in what a person types, before it goes on. Keys that could be the start of them
 * are held back, and go on the moment they turn out not to be; every other key passes undelayed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

enum { KEYS_MAX = 16 };

typedef struct Keys {
        unsigned char sequence[KEYS_MAX];
        size_t length; /* 0: nothing detaches */
        size_t n_held; /* so many of the sequence have been typed */
} Keys;

/**
 * keys_parse() - "ctrl-@", "^]", "q", several with commas between them; "none" or nothing: no keys
 *
 * Return: 0; -EINVAL.
 */
int keys_parse(const char *text, Keys *ret);

/**
 * keys_pass() - what of @n typed bytes goes on
 * @to:    room for @n + KEYS_MAX
 * @ret_n: how many bytes were written there
 *
 * Return: true when the keys were typed; what followed them is dropped, and nothing is held any more.
 */
bool keys_pass(Keys *keys, const char *from, size_t n, char *to, size_t *ret_n);

/** keys_release() - give up what is held, for nothing more was typed. Return: how many bytes were written to @to. */
size_t keys_release(Keys *keys, char *to);
