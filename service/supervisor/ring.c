/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/ring.h"

#include <sys/mman.h>

struct Ring {
        uint8_t *memory;
        uint64_t written; /* the place behind the newest byte */
        uint64_t told;    /* the place behind the last byte that somebody got */
        uint64_t told_before;
        uint64_t dropped;
};

int ring_new(Ring **ret)
{
        Ring *ring = calloc(1, sizeof(*ring));

        if (!ring)
                return -ENOMEM;
        void *memory = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
                free(ring);
                return -ENOMEM;
        }
        ring->memory = memory;
        *ret = ring;
        return 0;
}

Ring *ring_free(Ring *ring)
{
        int saved = errno;

        if (!ring)
                return NULL;
        munmap(ring->memory, RING_BYTES);
        free(ring);
        errno = saved;
        return NULL;
}

uint64_t ring_oldest(const Ring *ring)
{
        return ring->written > RING_BYTES ? ring->written - RING_BYTES : 0;
}

uint64_t ring_newest(const Ring *ring)
{
        return ring->written;
}

struct iovec ring_space(const Ring *ring)
{
        size_t offset = ring->written % RING_BYTES;

        return (struct iovec){.iov_base = ring->memory + offset, .iov_len = RING_BYTES - offset};
}

void ring_wrote(Ring *ring, size_t bytes)
{
        ring->written += bytes;
        uint64_t oldest = ring_oldest(ring);
        if (oldest <= ring->told)
                return;
        ring->dropped += oldest - ring->told;
        ring->told = oldest;
}

static unsigned ring_from(const Ring *ring, uint64_t place, struct iovec ret[static 2])
{
        size_t offset = place % RING_BYTES;
        size_t bytes = (size_t)(ring->written - place);
        size_t first = bytes < RING_BYTES - offset ? bytes : RING_BYTES - offset;

        ret[0] = (struct iovec){.iov_base = ring->memory + offset, .iov_len = first};
        ret[1] = (struct iovec){.iov_base = ring->memory, .iov_len = bytes - first};
        return bytes == 0 ? 0 : bytes == first ? 1 : 2;
}

unsigned ring_content(const Ring *ring, struct iovec ret[static 2])
{
        return ring_from(ring, ring_oldest(ring), ret);
}

unsigned ring_untold(const Ring *ring, struct iovec ret[static 2])
{
        return ring_from(ring, ring->told, ret);
}

void ring_tell(Ring *ring)
{
        ring->told_before = ring->told;
        ring->told = ring->written;
}

void ring_untell(Ring *ring)
{
        ring->told = ring->told_before;
}

uint64_t ring_dropped(const Ring *ring)
{
        return ring->dropped;
}
