/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option
 *
 * One option of the command line is one row: how it is spelled, what it sets, what the help says of it. What reads
 * options and what prints them are made from the same rows, so neither can forget one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef struct Option Option;
struct Option {
        const char *name;     /* without its dashes; NULL: there is only the letter */
        char letter;          /* '\0': there is only the name */
        const char *argument; /* how the help calls what it takes; NULL: nothing; "[...]": it can be left out */
        /* @value is borrowed for as long as the program runs; NULL without an argument. Return: 0; -errno, with @error. */
        int (*read)(const Option *option, const char *value, void *target, sd_bus_error *error);
        size_t offset;    /* of the field in the target, for the readers below */
        unsigned number;  /* what option_number() writes */
        const char *help; /* NULL: the help is silent about it */
        bool takes_word;  /* the letter alone takes the next word as its argument, unless that begins with a dash */
};

/* The common rows. A field is named by the struct it is in. */
#define OPTION_FLAG(option_name, option_letter, type, field, option_help)                                           \
        {                                                                                                           \
                .name = option_name, .letter = option_letter, .read = option_flag, .offset = offsetof(type, field), \
                .help = option_help                                                                                 \
        }
#define OPTION_TEXT(option_name, option_letter, option_argument, type, field, option_help)                      \
        {                                                                                                       \
                .name = option_name, .letter = option_letter, .argument = option_argument, .read = option_text, \
                .offset = offsetof(type, field), .help = option_help                                            \
        }
#define OPTION_NUMBER(option_name, option_letter, type, field, value, option_help)                                    \
        {                                                                                                             \
                .name = option_name, .letter = option_letter, .read = option_number, .offset = offsetof(type, field), \
                .number = value, .help = option_help                                                                  \
        }
#define OPTION_OWN(option_name, option_letter, option_argument, reader, type, field, option_help)          \
        {                                                                                                  \
                .name = option_name, .letter = option_letter, .argument = option_argument, .read = reader, \
                .offset = offsetof(type, field), .help = option_help                                       \
        }

/* How the operands of a command line stand. */
typedef enum {
        OPERANDS_ANYWHERE, /* between the options too */
        OPERANDS_LAST,     /* the first begins what isn't ours to read: a command with options of its own */
} OperandOrder;

#define OPTION_FIELD(type, target, option) ((type *)(void *)((char *)(target) + (option)->offset))

/* Readers: a bool becomes true, text is kept, @number is stored as an unsigned. */
int option_flag(const Option *option, const char *value, void *target, sd_bus_error *error);
int option_text(const Option *option, const char *value, void *target, sd_bus_error *error);
int option_number(const Option *option, const char *value, void *target, sd_bus_error *error);
/* For what other tools have and we never do, such as paging. */
int option_nothing(const Option *option, const char *value, void *target, sd_bus_error *error);

/** option_invalid() - "option '--NAME': WHY". Return: -EINVAL. */
int option_invalid(const Option *option, sd_bus_error *error, const char *why, const char *what);

/**
 * options_read() - read a command line into @target
 * @options:  rows
 * @argv:     may be reordered: getopt(3)
 * @error:    filled on failure
 *
 * Return: the index of the first operand in @argv; -errno.
 */
int options_read(const Option *options, size_t n_options, OperandOrder order, int argc, char **argv, void *target,
                 sd_bus_error *error);

/** options_print() - the rows, as the help shows them */
void options_print(const Option *options, size_t n_options, FILE *file);
