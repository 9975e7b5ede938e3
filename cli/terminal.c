/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_make_raw(Terminal *terminal)
{
        struct termios raw;

        if (terminal->fd < 0)
                return 0;
        if (!terminal->is_raw && tcgetattr(terminal->fd, &terminal->saved) < 0)
                return -errno;
        raw = terminal->saved;
        cfmakeraw(&raw);
        terminal->is_raw = true;
        if (tcsetattr(terminal->fd, TCSANOW, &raw) < 0)
                return -errno;
        return 0;
}

void terminal_restore(Terminal *terminal)
{
        int saved = errno;
        pid_t foreground = terminal->is_raw ? tcgetpgrp(terminal->fd) : 0;

        /* In the background it is another job's terminal by now. */
        if (terminal->is_raw && (foreground < 0 || foreground == getpgrp()))
                tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
        terminal->is_raw = false;
        errno = saved;
}

bool terminal_size(uint16_t *ret_rows, uint16_t *ret_columns)
{
        struct winsize size;

        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
                        *ret_rows = size.ws_row;
                        *ret_columns = size.ws_col;
                        return true;
                }
        return false;
}

int terminal_copy_size(int console)
{
        struct winsize present, wanted = {};

        if (!terminal_size(&wanted.ws_row, &wanted.ws_col))
                return 0;
        if (ioctl(console, TIOCGWINSZ, &present) < 0)
                return -errno;
        if (present.ws_row == wanted.ws_row && present.ws_col == wanted.ws_col)
                return 0;
        return ioctl(console, TIOCSWINSZ, &wanted) < 0 ? -errno : 0;
}
