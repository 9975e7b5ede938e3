/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typing
 *
 * What is typed, on its way to a console: the detach keys are taken out of it, and where standard input ends without
 * having been a terminal, the end becomes the key for that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "cli/flow.h"
#include "cli/keys.h"

typedef enum {
        TYPING_DETACHED, /* the keys were typed */
        TYPING_HUNG_UP,  /* a terminal ends only so */
} TypingEnd;

typedef struct Typing {
        sd_event *event; /* borrowed, as are the next two */
        int console;
        Flow *flow;       /* to the console */
        bool is_terminal; /* what is read; else it is data, in which no keys are looked for */
        Keys keys;
        void (*ended)(TypingEnd end, void *userdata);
        void *userdata;

        sd_event_source *hold;      /* of keys held back */
        sd_event_source *after_end; /* of standard input */
        bool is_line_mode;          /* of the console when that end was told */
        bool has_typed_something;   /* and it did not end a line */
} Typing;

/** typing_begin() - when the fields above the line are filled. Return: 0; -errno. */
int typing_begin(Typing *typing);

/** typing_filter() - as of FlowInput, with a Typing */
size_t typing_filter(void *userdata, const char *from, size_t n, char *to);

/** typing_done() - for a Typing that may not have begun */
void typing_done(Typing *typing);
