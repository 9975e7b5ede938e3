/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verb
 *
 * What pflask can be told to do. A verb is a row: its words, its options, how many operands it takes, and the function
 * that does it. The rows are the help, and what completions and manual are compared with; the function finds its
 * options read and its operands counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "cli/option.h"
#include "common/macros.h"

typedef enum { JSON_OFF, JSON_SHORT, JSON_PRETTY } JsonMode;

/* What every verb can be told; the first member of every verb's options. */
typedef struct Common {
        bool is_direct;
        const char *host;    /* whose manager is spoken to, by ssh; NULL: this one's */
        const char *machine; /* the same, with a container of this host; NULL: none */
        bool no_ask_password;
        bool help;
        bool version;
        JsonMode json;
        bool no_legend;
} Common;

#define OPTION_HOST(option_letter) \
        OPTION_TEXT("host", option_letter, "HOST", Common, host, "on another host, by ssh; also USER@HOST")
#define OPTION_MACHINE(option_letter) \
        OPTION_TEXT("machine", option_letter, "NAME", Common, machine, "in a container of this host; also USER@NAME")

/* Those whose letters the form without a verb has for something else, and those of everybody. */
#define COMMON_OPTIONS OPTION_HOST('H'), OPTION_MACHINE('M'), EVERYBODYS_OPTIONS
#define EVERYBODYS_OPTIONS                                                                                         \
        OPTION_FLAG("direct", '\0', Common, is_direct, "without a bus: start a manager of one's own (root only)"), \
                OPTION_FLAG("no-ask-password", '\0', Common, no_ask_password, "never ask for authentication"),     \
                OPTION_FLAG("help", 'h', Common, help, "show this help"),                                          \
                OPTION_FLAG("version", '\0', Common, version, "show the version")

/* For those that print something that a program may want to read, and for those of them that print a table. */
#define JSON_OPTION \
        OPTION_OWN("json", '\0', "short|pretty", option_json, Common, json, "print JSON, on one line or on many")
#define OUTPUT_OPTIONS                                                                     \
        JSON_OPTION, OPTION_FLAG("no-legend", '\0', Common, no_legend, "print no header"), \
                OPTION_OWN("no-pager", '\0', NULL, option_nothing, Common, json,           \
                           "for scripts: there never is a pager")

int option_json(const Option *option, const char *value, void *target, sd_bus_error *error);

/* One call of a verb. */
typedef struct Invocation {
        const struct Verb *verb;
        void *options; /* the struct that the verb's rows fill; it begins with Common */
        char **operands;
        int n_operands;
        const char *subject; /* what an error is about: a container, or the command of one without a name; borrowed */
} Invocation;

enum { OPERANDS_MANY = -1 };

/* What else than the status of a command we end with; every number below is the command's. */
enum { STATUS_FAILED = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

typedef struct Verb {
        const char *name;     /* NULL: the bare form, without a verb */
        const char *operands; /* as the help calls them */
        const char *summary;
        int min_operands, max_operands;
        OperandOrder order;
        const Option *options;
        size_t n_options;
        size_t options_size;
        void (*clear)(void *options); /* frees what the readers made; NULL: they made nothing */
        /* Return: the exit status; -errno, with @error filled. */
        int (*run)(Invocation *invocation, sd_bus_error *error);
} Verb;

/** verb_at() - the rows in the order of the help; the first is the bare form. Return: NULL behind the last. */
const Verb *verb_at(size_t i);

/** verb_find() - Return: the row; NULL when no verb has that name. */
const Verb *verb_find(const char *name);

/** verb_find_near() - Return: the row whose name was meant, if it is one with a slip or two; NULL: there is none. */
const Verb *verb_find_near(const char *word);

/** verb_usage() - "pflask list [OPTIONS]". Return: the caller's; NULL without memory. */
char *verb_usage(const Verb *verb);

/** verb_print_help() - usage, options, and for the bare form the verbs */
void verb_print_help(const Verb *verb);

/* The rows, each in the file that does it. */
const Verb *bare_verb(void);
const Verb *run_verb(void);
const Verb *attach_verb(void);
const Verb *exec_verb(void);
const Verb *shell_verb(void);
const Verb *list_verb(void);
const Verb *status_verb(void);
const Verb *show_verb(void);
const Verb *describe_verb(void);
const Verb *logs_verb(void);
const Verb *wait_verb(void);
const Verb *kill_verb(void);
const Verb *terminate_verb(void);
const Verb *poweroff_verb(void);
const Verb *reboot_verb(void);
const Verb *copy_to_verb(void);
const Verb *copy_from_verb(void);
const Verb *bind_verb(void);
const Verb *monitor_verb(void);
