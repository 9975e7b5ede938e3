/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "supervisor/ring.h"

static Ring *ring_of_test(void)
{
        Ring *ring;

        g_assert_cmpint(ring_new(&ring), ==, 0);
        return ring;
}

static void ring_write(Ring *ring, const char *data, size_t bytes)
{
        while (bytes > 0) {
                struct iovec space = ring_space(ring);
                size_t n = MIN(bytes, space.iov_len);
                g_assert_cmpuint(n, >, 0);
                memcpy(space.iov_base, data, n);
                ring_wrote(ring, n);
                data += n;
                bytes -= n;
        }
}

static GByteArray *joined(unsigned n, const struct iovec *parts)
{
        GByteArray *all = g_byte_array_new();

        for (unsigned i = 0; i < n; i++)
                g_byte_array_append(all, parts[i].iov_base, (guint)parts[i].iov_len);
        return all;
}

static void assert_content(const Ring *ring, const char *data, size_t bytes)
{
        struct iovec parts[2];
        g_autoptr(GByteArray) all = joined(ring_content(ring, parts), parts);

        g_assert_cmpmem(all->data, all->len, data, bytes);
}

static void assert_untold(const Ring *ring, const char *data, size_t bytes)
{
        struct iovec parts[2];
        g_autoptr(GByteArray) all = joined(ring_untold(ring, parts), parts);

        g_assert_cmpmem(all->data, all->len, data, bytes);
}

static void test_empty(void)
{
        _cleanup_(ring_freep) Ring *ring = ring_of_test();
        struct iovec parts[2];

        g_assert_cmpuint(ring_content(ring, parts), ==, 0);
        g_assert_cmpuint(ring_untold(ring, parts), ==, 0);
        g_assert_cmpuint(ring_dropped(ring), ==, 0);
}

static void test_kept(void)
{
        _cleanup_(ring_freep) Ring *ring = ring_of_test();

        ring_write(ring, "hello ", 6);
        ring_write(ring, "world", 5);
        assert_content(ring, "hello world", 11);
        assert_content(ring, "hello world", 11);
        g_assert_cmpuint(ring_dropped(ring), ==, 0);
}

/* Every length around the ring's own, and every place where it may wrap. */
static void test_newest_is_kept(void)
{
        g_autofree char *data = g_malloc(3 * RING_BYTES);

        for (size_t i = 0; i < 3 * RING_BYTES; i++)
                data[i] = (char)(i * 7 + i / 251);
        for (size_t bytes = RING_BYTES - 2; bytes < 3 * RING_BYTES; bytes += 4093) {
                _cleanup_(ring_freep) Ring *ring = ring_of_test();
                for (size_t done = 0; done < bytes; done += 1000)
                        ring_write(ring, data + done, MIN(1000, bytes - done));
                size_t kept = MIN(bytes, RING_BYTES);
                assert_content(ring, data + bytes - kept, kept);
                assert_untold(ring, data + bytes - kept, kept);
                g_assert_cmpuint(ring_dropped(ring), ==, bytes - kept);
        }
}

/* What somebody got isn't handed out again, stays in the log, and is no loss when it is overwritten. */
static void test_told(void)
{
        _cleanup_(ring_freep) Ring *ring = ring_of_test();
        g_autofree char *more = g_strnfill(RING_BYTES, 'x');

        ring_write(ring, "told", 4);
        ring_tell(ring);
        assert_untold(ring, "", 0);
        ring_write(ring, "new", 3);
        assert_untold(ring, "new", 3);
        assert_content(ring, "toldnew", 7);
        ring_write(ring, more, RING_BYTES - 3);
        g_assert_cmpuint(ring_dropped(ring), ==, 0);
        ring_write(ring, "y", 1);
        g_assert_cmpuint(ring_dropped(ring), ==, 1);
}

/* If it got lost on the way, the next one gets it, with what has come since. */
static void test_untold(void)
{
        _cleanup_(ring_freep) Ring *ring = ring_of_test();

        ring_write(ring, "told", 4);
        ring_tell(ring);
        ring_write(ring, "lost", 4);
        ring_tell(ring);
        assert_untold(ring, "", 0);
        ring_untell(ring);
        assert_untold(ring, "lost", 4);
        ring_write(ring, "new", 3);
        assert_untold(ring, "lostnew", 7);
        g_assert_cmpuint(ring_dropped(ring), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ring/is-empty-at-first", test_empty);
        g_test_add_func("/ring/keeps-what-was-written", test_kept);
        g_test_add_func("/ring/keeps-the-newest-and-counts-the-rest", test_newest_is_kept);
        g_test_add_func("/ring/tells-each-byte-once", test_told);
        g_test_add_func("/ring/tells-again-what-was-lost-on-the-way", test_untold);
        return g_test_run();
}
