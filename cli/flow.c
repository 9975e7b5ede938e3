/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/flow.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

enum {
        BUFFER_BYTES = 128 * 1024,
        READ_BYTES = 64 * 1024,
        ROUNDS = 32, /* before the others on the loop have their turn */
        /* No pty and no pipe of ours holds more; what comes beyond it comes from somebody who goes on writing. */
        FINISH_BYTES = 2 * 1024 * 1024,
};

typedef struct End {
        int fd;
        FlowKind kind;
        int saved_flags; /* what to put back on an open file that is not ours alone; -1: nothing */
        sd_event_source *source;
        bool is_ready; /* the last attempt did not say EAGAIN */
} End;

struct Flow {
        FlowInput input;
        End from, to;
        sd_event_source *again;
        size_t begin, end; /* of what is in the buffer */
        size_t finish_bytes;
        bool is_finishing;
        bool is_over; /* nothing more is read */
        bool has_ended;
        char buffer[BUFFER_BYTES];
};

/*
 * Terminals and pipes of the caller are opened anew: O_NONBLOCK is a property of the open file, and the shell that
 * shares it with us must not find it set.
 */
static int end_open(End *end, int fd, FlowKind kind, int access)
{
        struct stat status;
        char path[32];

        end->kind = kind;
        end->is_ready = true;
        if (fstat(fd, &status) < 0)
                return -errno;
        if (kind == FLOW_CALLERS && (isatty(fd) || S_ISFIFO(status.st_mode))) {
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                end->fd = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (end->fd >= 0)
                        return 0;
        }
        end->fd = fd_keep(fd);
        if (end->fd < 0)
                return end->fd;
        int flags = fcntl(end->fd, F_GETFL);
        if (flags < 0 || flags & O_NONBLOCK || S_ISREG(status.st_mode))
                return 0;
        if (kind == FLOW_CALLERS)
                end->saved_flags = flags;
        return fd_set_nonblocking(end->fd);
}

static void end_close(End *end)
{
        end->source = sd_event_source_disable_unref(end->source);
        if (end->saved_flags >= 0)
                fcntl(end->fd, F_SETFL, end->saved_flags);
        end->saved_flags = -1;
        end->fd = fd_close(end->fd);
}

static void flow_end(Flow *flow, int result)
{
        if (flow->has_ended)
                return;
        flow->has_ended = true;
        flow->again = sd_event_source_disable_unref(flow->again);
        end_close(&flow->from);
        end_close(&flow->to);
        flow->input.ended(flow, result, flow->input.ended_userdata);
}

static bool end_is_hung_up(const End *end)
{
        return errno == EIO && end->kind == FLOW_CONSOLE;
}

/* A background job that may not read from its terminal: SIGTTIN is ignored, so read(2) fails. */
static bool is_in_background(int fd)
{
        int saved = errno;
        pid_t foreground = tcgetpgrp(fd);

        errno = saved;
        return errno == EIO && foreground >= 0 && foreground != getpgrp();
}

static void flow_over(Flow *flow)
{
        flow->is_over = true;
        if (flow->input.filter)
                flow->end += flow->input.filter(flow->input.filter_userdata, NULL, 0, flow->buffer + flow->end);
}

/* Return: true when something was read. */
static bool flow_read(Flow *flow)
{
        size_t room = BUFFER_BYTES - FLOW_FILTER_ROOM - flow->end;
        char typed[4096], *into = flow->input.filter ? typed : flow->buffer + flow->end;
        size_t max = flow->input.filter && room > sizeof(typed) ? sizeof(typed) : room;

        ssize_t n = read(flow->from.fd, into, max > READ_BYTES ? READ_BYTES : max);
        if (n > 0) {
                flow->end += flow->input.filter ? flow->input.filter(flow->input.filter_userdata, typed, (size_t)n,
                                                                     flow->buffer + flow->end)
                                                : (size_t)n;
                flow->finish_bytes += flow->is_finishing ? (size_t)n : 0;
                if (flow->finish_bytes > FINISH_BYTES)
                        flow_over(flow);
                return true;
        }
        if (n < 0 && errno == EINTR)
                return true;
        bool is_pause = n < 0 && (errno == EAGAIN || end_is_hung_up(&flow->from) || is_in_background(flow->from.fd));
        flow->from.is_ready = false;
        if (!is_pause || flow->is_finishing)
                flow_over(flow);
        return false;
}

/* Return: 1 when something was written, 0; -errno. */
static int flow_write(Flow *flow)
{
        ssize_t n = write(flow->to.fd, flow->buffer + flow->begin, flow->end - flow->begin);

        if (n < 0 && errno == EINTR)
                return 1;
        if (n < 0 && (errno == EAGAIN || end_is_hung_up(&flow->to))) {
                flow->to.is_ready = false;
                return 0;
        }
        if (n < 0)
                return -errno;
        flow->begin += (size_t)n;
        if (flow->begin == flow->end)
                flow->begin = flow->end = 0;
        return 1;
}

static bool flow_has_room(const Flow *flow)
{
        return flow->end < BUFFER_BYTES - FLOW_FILTER_ROOM;
}

/* What is left moves to the front where the end is near, so that reading can go on beside a slow writer. */
static void flow_compact(Flow *flow)
{
        if (flow->begin == 0 || flow->end < BUFFER_BYTES / 2)
                return;
        memmove(flow->buffer, flow->buffer + flow->begin, flow->end - flow->begin);
        flow->end -= flow->begin;
        flow->begin = 0;
}

static void flow_pump(Flow *flow)
{
        for (unsigned round = 0; round < ROUNDS && !flow->has_ended; round++) {
                bool has_moved = false;

                if (!flow->is_over && flow->from.is_ready && flow_has_room(flow))
                        has_moved = flow_read(flow);
                if (flow->end > flow->begin && flow->to.is_ready) {
                        int r = flow_write(flow);
                        if (r < 0)
                                return flow_end(flow, r);
                        has_moved = has_moved || r > 0;
                        flow_compact(flow);
                }
                if (flow->is_over && flow->begin == flow->end)
                        return flow_end(flow, 0);
                if (!has_moved)
                        return;
        }
        if (!flow->has_ended)
                sd_event_source_set_enabled(flow->again, SD_EVENT_ONESHOT);
}

static int flow_on_event(sd_event_source *source, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Flow *flow = userdata;

        if (source == flow->from.source)
                flow->from.is_ready = true;
        else
                flow->to.is_ready = true;
        flow_pump(flow);
        return 0;
}

static int flow_on_again(sd_event_source *source _unused_, void *userdata)
{
        flow_pump(userdata);
        return 0;
}

/* A regular file has no events: it is always ready, and epoll_ctl(2) refuses it. */
static int end_watch(End *end, sd_event *event, uint32_t events, Flow *flow)
{
        int r = sd_event_add_io(event, &end->source, end->fd, events | EPOLLET, flow_on_event, flow);

        return r == -EPERM ? 0 : r;
}

int flow_new(sd_event *event, const FlowInput *input, Flow **ret)
{
        _cleanup_(flow_freep) Flow *flow = malloc(sizeof(*flow));

        if (!flow)
                return -ENOMEM;
        /* Not calloc(3): the buffer is touched only as far as it is used. */
        memset(flow, 0, offsetof(Flow, buffer));
        flow->input = *input;
        flow->from.fd = flow->to.fd = -EBADF;
        flow->from.saved_flags = flow->to.saved_flags = -1;
        int r = end_open(&flow->from, input->from, input->from_kind, O_RDONLY);
        if (r >= 0)
                r = end_open(&flow->to, input->to, input->to_kind, O_WRONLY);
        if (r >= 0)
                r = end_watch(&flow->from, event, EPOLLIN, flow);
        if (r >= 0)
                r = end_watch(&flow->to, event, EPOLLOUT, flow);
        if (r >= 0)
                r = sd_event_add_defer(event, &flow->again, flow_on_again, flow);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(flow);
        return 0;
}

Flow *flow_free(Flow *flow)
{
        if (!flow)
                return NULL;
        sd_event_source_disable_unref(flow->again);
        end_close(&flow->from);
        end_close(&flow->to);
        free(flow);
        return NULL;
}

int flow_push(Flow *flow, const void *data, size_t n)
{
        if (n > BUFFER_BYTES - FLOW_FILTER_ROOM - flow->end)
                return -ENOBUFS;
        memcpy(flow->buffer + flow->end, data, n);
        flow->end += n;
        return 0;
}

void flow_finish(Flow *flow)
{
        flow->is_finishing = true;
        flow->from.is_ready = true;
        flow_pump(flow);
}

void flow_kick(Flow *flow)
{
        flow->from.is_ready = true;
        flow_pump(flow);
}
