/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams
 *
 * What a command without a pty gets as its standard streams: our own, as they are. Only a terminal is never handed
 * over, for whoever has a terminal open can push keys into it (TIOCSTI, TIOCLINUX); in its place stands a pipe, whose
 * other end we keep.
 */
#pragma once

#include "common/macros.h"

typedef struct Streams {
        int kept[3]; /* our end of the pipe; -EBADF where the stream itself is passed */
} Streams;

#define STREAMS_NONE                           \
        {                                      \
                {                              \
                        -EBADF, -EBADF, -EBADF \
                }                              \
        }

/** streams_open() - what to pass as standard stream @fd. Return: the descriptor, the caller's; -errno. */
int streams_open(Streams *streams, int fd);

/**
 * streams_let_go() - the command has its streams: drop our standard input and output, unless we relay them
 *
 * A reader of our output would otherwise wait for us after the command has closed it. Standard error stays.
 */
void streams_let_go(const Streams *streams);

/** streams_close() - for _cleanup_() */
void streams_close(Streams *streams);
