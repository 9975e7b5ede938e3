/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session
 *
 * The foreground: a container, or a process in one, whose lease we hold, from the moment we got it until it ends or we
 * let go. The console is read by ourselves, so it goes on while the manager is away; how it ended is the manager's to
 * tell.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/connection.h"
#include "cli/keys.h"
#include "cli/streams.h"

typedef struct SessionInput {
        Connection *connection; /* borrowed, as is everything but the lease and the console */
        const char *name;
        uint32_t process;   /* that was sent into the container; 0: the container itself */
        bool ends_with_us;  /* when the lease does: KillOnRelease */
        int lease, console; /* the console -EBADF: the command has streams */
        Streams *streams; /* of a command without a console: those that we keep are relayed, and closed here; or NULL */
        const void *backlog; /* what the console said before we came */
        size_t backlog_bytes;
        Keys detach_keys;
} SessionInput;

/* The lease and the console are still to be read. */
#define SESSION_INPUT(...)                                      \
        {                                                       \
                .lease = -EBADF, .console = -EBADF, __VA_ARGS__ \
        }

/**
 * session_input_read() - the lease, which stands next in an answer, and before it the console
 * @has_console:  does it have one
 *
 * Return: 0; -errno.
 */
int session_input_read(SessionInput *input, sd_bus_message *reply, bool has_console);

/** session_input_close() - for _cleanup_(): lets the lease and the console go */
void session_input_close(SessionInput *input);

/**
 * session_run() - stay until the end
 * @error:  filled on failure
 *
 * A terminal on standard input is raw meanwhile. Signals that would end us go to the command when it has no console;
 * with one, or when they come twice, they end us, and the lease ends the container.
 *
 * Return: the exit status: that of the command, or 0 after detaching; -errno.
 */
int session_run(const SessionInput *input, sd_bus_error *error);
