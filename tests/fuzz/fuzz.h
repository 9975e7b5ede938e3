/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing
 *
 * A target is one parser that reads what strangers wrote. With -Dfuzzing=true libFuzzer invents inputs for it; else
 * each input that was worth keeping (corpus/TARGET/) is a test of the normal suite. It isn't enough that a parser
 * survives: each target states what holds for whatever the parser accepts.
 *
 * Inputs are lines of text wherever that is possible, so that a person can read a finding and write a seed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** LLVMFuzzerTestOneInput() - the target: libFuzzer's name for it. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the parser. It ends the program, for that is how libFuzzer learns of a finding. */
#define fuzz_check(condition)                                                                             \
        do {                                                                                              \
                if (!(condition)) {                                                                       \
                        fprintf(stderr, "%s:%d: it does not hold: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                          \
                }                                                                                         \
        } while (0)

/* What of an input has not been taken yet. */
typedef struct Input {
        const char *next;
        const char *end;
} Input;

static inline Input input_of(const uint8_t *data, size_t size)
{
        return (Input){.next = (const char *)data, .end = (const char *)data + size};
}

/** input_take() - what is left up to @separator, which is passed over. Return: the caller's, with a NUL; NULL: no more. */
char *input_take(Input *input, char separator, size_t *ret_length);

/** input_line() - the same with a line. Return: the caller's, up to its first NUL; NULL: no more. */
char *input_line(Input *input);

/** fuzz_directory() - an empty directory to put files in; it goes when the program ends. Return: a descriptor, borrowed. */
int fuzz_directory(void);

/** fuzz_put() - a file of that directory, or of one beneath it, which is made */
void fuzz_put(const char *path, const char *bytes, size_t n);
