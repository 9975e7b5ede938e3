/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/typing.h"

#include <termios.h>
#include <unistd.h>

#include "common/macros.h"

enum { HOLD_USEC = 1000 * 1000 }; /* for so long a key may turn out to be the first of the detach keys */

/* A program that wants every byte as it is gets none from us. Return: does the console know a key for the end. */
static bool console_has_end_key(int console, struct termios *ret)
{
        return tcgetattr(console, ret) == 0 && ret->c_lflag & (ICANON | ISIG);
}

/* As a person would end it: by the key for that, twice where a line was begun. */
static size_t typing_end_of_input(Typing *typing, char *to)
{
        struct termios termios;

        if (!console_has_end_key(typing->console, &termios))
                return 0;
        typing->is_line_mode = termios.c_lflag & ICANON;
        sd_event_source_set_enabled(typing->after_end, SD_EVENT_ON);
        to[0] = to[1] = (char)termios.c_cc[VEOF];
        return typing->has_typed_something ? 2 : 1;
}

/* A shell that begins to edit lines itself, or a command that it starts, has not seen what was meant for the other. */
static int typing_on_after_end(sd_event_source *source _unused_, void *userdata)
{
        Typing *typing = userdata;
        struct termios termios;

        if (!console_has_end_key(typing->console, &termios) || typing->is_line_mode == (bool)(termios.c_lflag & ICANON))
                return 0;
        typing->is_line_mode = termios.c_lflag & ICANON;
        if (write(typing->console, &termios.c_cc[VEOF], 1) < 0)
                sd_event_source_set_enabled(typing->after_end, SD_EVENT_OFF);
        return 0;
}

static int typing_on_hold(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Typing *typing = userdata;
        char held[KEYS_MAX];
        size_t n = keys_release(&typing->keys, held);

        flow_push(typing->flow, held, n);
        flow_kick(typing->flow);
        return 0;
}

static void typing_hold_keys(Typing *typing)
{
        typing->hold = sd_event_source_disable_unref(typing->hold);
        if (typing->keys.n_held > 0)
                sd_event_add_time_relative(typing->event, &typing->hold, CLOCK_MONOTONIC, HOLD_USEC, 0, typing_on_hold,
                                           typing);
}

size_t typing_filter(void *userdata, const char *from, size_t n, char *to)
{
        Typing *typing = userdata;
        size_t n_passed;

        if (!from && typing->is_terminal) {
                typing->ended(TYPING_HUNG_UP, typing->userdata);
                return 0;
        }
        if (!from)
                return typing_end_of_input(typing, to);
        if (keys_pass(&typing->keys, from, n, to, &n_passed))
                typing->ended(TYPING_DETACHED, typing->userdata);
        typing_hold_keys(typing);
        if (n_passed > 0)
                typing->has_typed_something = to[n_passed - 1] != '\n';
        return n_passed;
}

int typing_begin(Typing *typing)
{
        int r = sd_event_add_post(typing->event, &typing->after_end, typing_on_after_end, typing);

        return r < 0 ? r : sd_event_source_set_enabled(typing->after_end, SD_EVENT_OFF);
}

void typing_done(Typing *typing)
{
        typing->hold = sd_event_source_disable_unref(typing->hold);
        typing->after_end = sd_event_source_disable_unref(typing->after_end);
}
