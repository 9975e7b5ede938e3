/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console
 *
 * The master side of a container's pty. While nobody else reads it, it is read into a ring here, so that a container
 * never blocks on a reader that isn't there. Who holds the lease has a duplicate, and then this side keeps its hands off.
 *
 * A duplicate is the same open file, and a ptmx can't be opened a second time: whether a read(2) blocks, packet mode
 * (TIOCPKT) and what is still to be read are the holder's to change, and may be changed after the lease has ended by a
 * holder who kept a duplicate. So nothing is read here that poll(2) hasn't promised, and a timer ends a read(2) that
 * somebody else has been faster in.
 */
#pragma once

#include <stdbool.h>
#include <termios.h>

#include <systemd/sd-event.h>

#include "common/macros.h"
#include "container/failure.h"
#include "container/spec.h"
#include "supervisor/followers.h"
#include "supervisor/ring.h"

typedef struct Console Console;

/** console_handler_t - the loop has read what there was */
typedef void (*console_handler_t)(Console *console, void *userdata);

struct Console {
        int master;   /* -EBADF: given back */
        int terminal; /* the leader's side; open here until the leader's end, so that a holder sees no other end */
        int devpts;   /* detached mount of the container's own devpts; -EBADF: the pty is one of the host's */
        struct termios settings; /* that a leader begins with */
        Ring *ring;
        Followers followers;     /* of what is read here */
        bool is_hung_up;         /* at the last look nobody had the terminal open, and nothing was left to be read */
        sd_event_source *source; /* enabled while it is read here */
        console_handler_t handler;
        void *userdata;
};

/**
 * console_open() - make the pty of a container
 * @spec:     with a root and private devices, the pty is in a devpts of the container's own
 * @ret:      the caller's
 * @failure:  LimitReached when there are no more ptys
 *
 * Its size is that of the spec, or 24 rows of 80.
 *
 * Return: 0; -errno.
 */
int console_open(const Spec *spec, Console **ret, Failure *failure);

/** console_free() - takes NULL. Return: NULL. */
Console *console_free(Console *console);
DEFINE_CLEANUP(Console, console_free)

/** console_leave_devpts() - close the mount that the leader has got */
void console_leave_devpts(Console *console);

/** console_leave_terminal() - close the leader's side, so that its end can show */
void console_leave_terminal(Console *console);

/**
 * console_renew() - open the leader's side again, for another leader, with everything set as for the first
 * @devpts:   consumed in any case: another detached mount of the container's own devpts, or -EBADF
 *
 * The leader's side is of that mount, since a leader can have in its tree only what is of its own mount namespace.
 * What it had of the side before is closed only now: whoever reads the console sees no end of it.
 *
 * Return: 0; -errno.
 */
int console_renew(Console *console, int devpts, Failure *failure);

/** console_attach_event() - be ready to be read by the loop, and don't read yet. Return: 0; -errno. */
int console_attach_event(Console *console, sd_event *event, console_handler_t handler, void *userdata);

/** console_resume() - read it here from now on, for nobody else does. Return: 0; -errno. */
int console_resume(Console *console);

/** console_look() - have the loop read it now, also when nothing has changed. Return: 0; -errno. */
int console_look(Console *console);

/** console_pause() - somebody else reads it from now on; not a byte is taken after this. Return: 0; -errno. */
int console_pause(Console *console);

/**
 * console_read() - take what is there into the ring, but not more than that holds
 *
 * Return: true when there may be more.
 */
bool console_read(Console *console);

/** console_close() - give the pty back, and let followers go; the ring stays */
void console_close(Console *console);
