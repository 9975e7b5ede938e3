/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the measuring programs have in common: a clock, and a cat(1) on two pipes as what runs in the container
 */
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_usec(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

typedef struct Cat {
        int input[2], output[2]; /* read and write end of its standard input, and of its output */
} Cat;

/* Return: 0; -1, with errno. */
static inline int cat_open(Cat *cat)
{
        return pipe2(cat->input, O_CLOEXEC) < 0 || pipe2(cat->output, O_CLOEXEC) < 0 ? -1 : 0;
}

/* Closes what is the command's, waits until it runs and has nothing to do: a byte has gone through it. */
static inline int cat_await(const Cat *cat)
{
        char byte = '\n';

        close(cat->input[0]);
        close(cat->output[1]);
        if (write(cat->input[1], &byte, 1) != 1 || read(cat->output[0], &byte, 1) != 1)
                return -1;
        return 0;
}

/* Lets the command end. */
static inline void cat_end(const Cat *cat)
{
        close(cat->input[1]);
}
