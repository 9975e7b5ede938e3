/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/keys.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The key that @length bytes at @text name. Return: its byte; -EINVAL. */
static int key_parse(const char *text, size_t length)
{
        size_t prefix = length > 5 && strncasecmp(text, "ctrl-", 5) == 0 ? 5 : length > 1 && *text == '^' ? 1 : 0;
        int key = (unsigned char)text[prefix];

        if (length != prefix + 1)
                return -EINVAL;
        if (prefix == 0)
                return key;
        key = toupper(key);
        return key >= '@' && key <= '_' ? key - '@' : -EINVAL;
}

int keys_parse(const char *text, Keys *ret)
{
        Keys keys = {};

        if (!*text || strcmp(text, "none") == 0) {
                *ret = keys;
                return 0;
        }
        for (;; text++) {
                size_t length = strcspn(text, ",");
                int key = key_parse(text, length);
                if (key < 0 || keys.length == KEYS_MAX)
                        return -EINVAL;
                keys.sequence[keys.length++] = (unsigned char)key;
                text += length;
                if (!*text)
                        break;
        }
        *ret = keys;
        return 0;
}

/* @key doesn't continue what is held: lets go of as much of its start as no longer can be the start of the sequence. */
static size_t keys_break(Keys *keys, unsigned char key, char *to)
{
        unsigned char typed[KEYS_MAX + 1];
        size_t n_typed = keys->n_held + 1;

        memcpy(typed, keys->sequence, keys->n_held);
        typed[keys->n_held] = key;
        for (size_t n_gone = 1;; n_gone++) {
                size_t n_left = n_typed - n_gone;
                if (n_left > 0 && memcmp(typed + n_gone, keys->sequence, n_left) != 0)
                        continue;
                memcpy(to, typed, n_gone);
                keys->n_held = n_left;
                return n_gone;
        }
}

bool keys_pass(Keys *keys, const char *from, size_t n, char *to, size_t *ret_n)
{
        size_t n_passed = 0;

        for (size_t i = 0; i < n; i++) {
                if (keys->length == 0 || keys->sequence[keys->n_held] != (unsigned char)from[i]) {
                        n_passed += keys_break(keys, (unsigned char)from[i], to + n_passed);
                        continue;
                }
                if (++keys->n_held < keys->length)
                        continue;
                keys->n_held = 0;
                *ret_n = n_passed;
                return true;
        }
        *ret_n = n_passed;
        return false;
}

size_t keys_release(Keys *keys, char *to)
{
        size_t n = keys->n_held;

        memcpy(to, keys->sequence, n);
        keys->n_held = 0;
        return n;
}
