/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/fd.h"
#include "container/idmap.h"
#include "container/tree.h"

enum {
        DEFAULT_ROWS = 24,
        DEFAULT_COLUMNS = 80,
        TERMINAL_GROUP = 5, /* wherever there is one */
        TERMINAL_MODE = 0620,
        READ_TIMEOUT_USEC = 50000 /* what a thief of our bytes can cost us at a time */
};

/* ---- making ---- */

/* In the ids of the host, since it is the host that mounts it; not where the container doesn't have the group. */
static bool console_find_group(const Spec *spec, uint32_t *ret)
{
        *ret = TERMINAL_GROUP;
        return !spec_has_user_namespace(spec) || idmap_to_host(spec->user_maps, spec->n_user_maps, TERMINAL_GROUP, ret);
}

static int console_make_devpts(const Spec *spec, Failure *failure)
{
        char group[16];
        uint32_t gid;

        const TreeOption options[] = {
                {"ptmxmode", "0666"}, {"mode", "0620"}, {console_find_group(spec, &gid) ? "gid" : NULL, group}, {}};
        snprintf(group, sizeof(group), "%u", gid);
        int tree = tree_make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, options);
        return tree < 0 ? failure_step(failure, tree, "make", "devpts", NULL) : tree;
}

static int console_open_failed(int code, Failure *failure)
{
        if (code == -ENOSPC || code == -EIO)
                return failure_set(failure, code, FAILURE_LIMIT_REACHED,
                                   "cannot open a pseudo-terminal: all of kernel.pty.max are in use");
        return failure_step(failure, code, "open", "a pseudo-terminal", NULL);
}

static int console_open_pty(Console *console, Failure *failure)
{
        const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
        int locked = 0;

        console->master = console->devpts >= 0 ? openat(console->devpts, "ptmx", flags | O_NONBLOCK)
                                               : open("/dev/ptmx", flags | O_NONBLOCK);
        if (console->master < 0)
                return console_open_failed(-errno, failure);
        if (ioctl(console->master, TIOCSPTLCK, &locked) < 0)
                return failure_step(failure, -errno, "unlock", "a pseudo-terminal", NULL);
        console->terminal = ioctl(console->master, TIOCGPTPEER, flags);
        if (console->terminal < 0 || tcgetattr(console->terminal, &console->settings) < 0)
                return failure_step(failure, -errno, "open", "the other side of a pseudo-terminal", NULL);
        return 0;
}

static int console_set_size(const Console *console, const Spec *spec, Failure *failure)
{
        const struct winsize size = {
                .ws_row = spec->rows ?: DEFAULT_ROWS,
                .ws_col = spec->columns ?: DEFAULT_COLUMNS,
        };

        if (ioctl(console->master, TIOCSWINSZ, &size) < 0)
                return failure_step(failure, -errno, "set the size of", "a pseudo-terminal", NULL);
        return 0;
}

int console_open(const Spec *spec, Console **ret, Failure *failure)
{
        _cleanup_(console_freep) Console *console = calloc(1, sizeof(*console));

        if (!console)
                return failure_step(failure, -ENOMEM, "make", "console", NULL);
        *console = (Console){.master = -EBADF, .terminal = -EBADF, .devpts = -EBADF};
        followers_init(&console->followers);
        int r = ring_new(&console->ring);
        if (r < 0)
                return failure_step(failure, r, "make", "console", NULL);
        if (spec_has_root(spec) && spec->private_devices)
                r = console->devpts = console_make_devpts(spec, failure);
        if (r >= 0)
                r = console_open_pty(console, failure);
        if (r >= 0)
                r = console_set_size(console, spec, failure);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(console);
        return 0;
}

void console_leave_devpts(Console *console)
{
        console->devpts = fd_close(console->devpts);
}

void console_leave_terminal(Console *console)
{
        console->terminal = fd_close(console->terminal);
}

/* By the number that it has in that mount; what lies there is the kernel's alone to say, and it is compared. */
static int console_open_terminal(const Console *console)
{
        const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
        char name[16];
        unsigned number;

        _cleanup_(fd_closep) int peer = ioctl(console->master, TIOCGPTPEER, flags);
        if (peer < 0)
                return -errno;
        if (console->devpts < 0)
                return TAKE_FD(peer);
        if (ioctl(console->master, TIOCGPTN, &number) < 0)
                return -errno;
        snprintf(name, sizeof(name), "%u", number);
        _cleanup_(fd_closep) int terminal = openat(console->devpts, name, flags | O_NOFOLLOW);
        if (terminal < 0)
                return -errno;
        int r = fd_is_same_file(peer, terminal);
        if (r <= 0)
                return r < 0 ? r : -ENXIO;
        return TAKE_FD(terminal);
}

int console_renew(Console *console, int devpts, Failure *failure)
{
        console_leave_devpts(console);
        console->devpts = devpts;
        _cleanup_(fd_closep) int terminal = console_open_terminal(console);
        if (terminal < 0)
                return failure_step(failure, terminal, "open", "the console", "another leader");
        if (fchmod(terminal, TERMINAL_MODE) < 0 || tcsetattr(terminal, TCSANOW, &console->settings) < 0)
                return failure_step(failure, -errno, "reset", "the console", NULL);
        console_leave_terminal(console);
        console->terminal = TAKE_FD(terminal);
        return 0;
}

void console_close(Console *console)
{
        console->source = sd_event_source_disable_unref(console->source);
        console->master = fd_close(console->master);
        followers_free_all(&console->followers);
}

Console *console_free(Console *console)
{
        if (!console)
                return NULL;
        console_close(console);
        console_leave_terminal(console);
        console_leave_devpts(console);
        ring_free(console->ring);
        free(console);
        return NULL;
}

/* ---- reading ---- */

static void console_interrupted(int signal _unused_)
{
}

/* While it is set, a read(2) that blocks ends with EINTR; it comes again, should it have come too early. */
static void console_set_alarm(int usec)
{
        const struct itimerval alarm = {.it_interval = {.tv_usec = usec}, .it_value = {.tv_usec = usec}};
        const struct sigaction action = {.sa_handler = console_interrupted};

        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &alarm, NULL);
}

/* Return: bytes; 0: nothing now. */
static size_t console_read_once(Console *console)
{
        struct pollfd promise = {.fd = console->master, .events = POLLIN};
        struct iovec space = ring_space(console->ring);

        console->is_hung_up = false;
        if (poll(&promise, 1, 0) <= 0)
                return 0;
        ssize_t n = promise.revents & POLLIN ? read(console->master, space.iov_base, space.iov_len) : 0;
        if (n > 0) {
                ring_wrote(console->ring, (size_t)n);
                followers_write(&console->followers, space.iov_base, (size_t)n);
                return (size_t)n;
        }
        console->is_hung_up = n == 0 || errno == EIO;
        return 0;
}

bool console_read(Console *console)
{
        size_t n = 1;

        if (console->master < 0)
                return false;
        console_set_alarm(READ_TIMEOUT_USEC);
        for (size_t taken = 0; n > 0 && taken < RING_BYTES; taken += n)
                n = console_read_once(console);
        console_set_alarm(0);
        return n > 0;
}

/* Edges only: while nobody has the other side open a level would be reported without end. */
enum { CONSOLE_EVENTS = EPOLLIN | EPOLLET };

static int console_readable(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Console *console = userdata;

        if (console_read(console))
                console_look(console); /* another turn, after everybody else's */
        console->handler(console, console->userdata);
        return 0;
}

int console_attach_event(Console *console, sd_event *event, console_handler_t handler, void *userdata)
{
        int r = sd_event_add_io(event, &console->source, console->master, CONSOLE_EVENTS, console_readable, console);

        console->handler = handler;
        console->userdata = userdata;
        if (r >= 0)
                r = sd_event_source_set_enabled(console->source, SD_EVENT_OFF);
        /* An endless writer has its turn when nobody else wants one. */
        if (r >= 0)
                r = sd_event_source_set_priority(console->source, SD_EVENT_PRIORITY_IDLE);
        return r;
}

int console_look(Console *console)
{
        return console->source ? sd_event_source_set_io_events(console->source, CONSOLE_EVENTS) : 0;
}

int console_resume(Console *console)
{
        int is_packet = 0;

        if (!console->source)
                return 0;
        ioctl(console->master, TIOCPKT, &is_packet);
        return sd_event_source_set_enabled(console->source, SD_EVENT_ON);
}

int console_pause(Console *console)
{
        return console->source ? sd_event_source_set_enabled(console->source, SD_EVENT_OFF) : 0;
}
