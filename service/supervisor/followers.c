/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/followers.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/fd.h"

enum { PIPE_BYTES = 256 * 1024 };

typedef struct Follower Follower;
struct Follower {
        TAILQ_ENTRY(Follower) others;
        Followers *followers;
        int pipe; /* the writing end */
        sd_event_source *source;
};

void followers_init(Followers *followers)
{
        TAILQ_INIT(&followers->list);
        followers->n = 0;
}

static void follower_free(Follower *follower)
{
        TAILQ_REMOVE(&follower->followers->list, follower, others);
        follower->followers->n--;
        sd_event_source_disable_unref(follower->source);
        fd_close(follower->pipe);
        free(follower);
}

void followers_free_all(Followers *followers)
{
        Follower *follower;

        while ((follower = TAILQ_FIRST(&followers->list)))
                follower_free(follower);
}

/* Only that nobody reads any more is waited for, and of that poll(2) always tells. */
static int follower_has_gone(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
                             void *userdata)
{
        follower_free(userdata);
        return 0;
}

static int follower_new(Followers *followers, sd_event *event, int pipe)
{
        Follower *follower = calloc(1, sizeof(*follower));

        if (!follower)
                return -ENOMEM;
        int r = sd_event_add_io(event, &follower->source, pipe, 0, follower_has_gone, follower);
        if (r < 0) {
                free(follower);
                return r;
        }
        follower->followers = followers;
        follower->pipe = pipe;
        TAILQ_INSERT_TAIL(&followers->list, follower, others);
        followers->n++;
        return 0;
}

int followers_add(Followers *followers, sd_event *event, const Ring *ring)
{
        struct iovec parts[2];
        int ends[2];

        if (followers->n >= FOLLOWERS_MAX)
                return -EUSERS;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_(fd_closep) int reading = ends[0], writing = ends[1];
        /* The least that a pipe holds is what the ring does; more is for a reader that isn't always there at once. */
        fcntl(writing, F_SETPIPE_SZ, PIPE_BYTES);
        int r = fd_set_nonblocking(writing);
        if (r < 0)
                return r;
        unsigned n = ring_content(ring, parts);
        for (unsigned i = 0; i < n; i++)
                if (write(writing, parts[i].iov_base, parts[i].iov_len) != (ssize_t)parts[i].iov_len)
                        return -ENOBUFS;
        if (event) {
                r = follower_new(followers, event, writing);
                if (r < 0)
                        return r;
                TAKE_FD(writing);
        }
        return TAKE_FD(reading);
}

void followers_write(Followers *followers, const void *data, size_t bytes)
{
        Follower *follower, *next;

        for (follower = TAILQ_FIRST(&followers->list); follower; follower = next) {
                next = TAILQ_NEXT(follower, others);
                if (write(follower->pipe, data, bytes) != (ssize_t)bytes)
                        follower_free(follower);
        }
}
