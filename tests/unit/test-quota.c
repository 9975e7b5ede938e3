/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/quota.h"

#include <glib.h>

/* How many calls may begin at once. */
static guint take_all(Quota *quota, guint64 now)
{
        guint n = 0;

        while (quota_take_call(quota, now))
                n++;
        return n;
}

static void test_burst(void)
{
        Quota quota = {};

        g_assert_cmpuint(take_all(&quota, 1000000), ==, CALLS_IN_A_BURST);
        g_assert_cmpuint(take_all(&quota, 1000000), ==, 0);
        g_assert_cmpuint(take_all(&quota, 1000000 + 100000), ==, CALLS_PER_SECOND / 10);
}

/* Looked at however often, it is no more and no less. */
static void test_pace(void)
{
        Quota quota = {};
        guint n = 0;

        take_all(&quota, 1000000);
        for (guint64 now = 1000000; now <= 2000000; now += 700)
                n += take_all(&quota, now);
        g_assert_cmpuint(n, ==, CALLS_PER_SECOND - 1); /* the last look is a little early */
}

/* Who has not called for long may call as many at once as anybody. */
static void test_rest(void)
{
        Quota quota = {};

        take_all(&quota, 1000000);
        g_assert_cmpuint(take_all(&quota, G_GUINT64_CONSTANT(3600000000)), ==, CALLS_IN_A_BURST);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/quota/lets-a-burst-through", test_burst);
        g_test_add_func("/quota/keeps-the-pace", test_pace);
        g_test_add_func("/quota/is-whole-after-a-rest", test_rest);
        return g_test_run();
}
