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
        Connection *connection; /* everything here is borrowed */
        const char *name;
        uint32_t process; /* that was sent into the container; 0: the container itself */
        int lease;
        bool ends_with_us; /* when the lease does: KillOnRelease */
        int console;       /* -EBADF: the command has streams */
        Streams *streams; /* of a command without a console: those that we keep are relayed, and closed here; or NULL */
        const void *backlog; /* what the console said before we came */
        size_t backlog_bytes;
        Keys detach_keys;
} SessionInput;

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
