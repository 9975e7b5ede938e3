/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cgroups of a test program
 *
 * One of its own beneath the present one in each hierarchy, so that two programs may each have a container of the same
 * name, and so that it shows what containers have left behind.
 */
#pragma once

#include <glib.h>

typedef struct TestCgroups TestCgroups;

/** test_cgroups_make() - where this machine doesn't let us have one, there is none */
TestCgroups *test_cgroups_make(void);

/** test_cgroups_enter() - the calling process, and all that it starts from then on; consumes @cgroups */
void test_cgroups_enter(TestCgroups *cgroups);

/** test_cgroups_remove() - when everybody in it has ended; consumes @cgroups. Return: FALSE, and said so, when something was left */
gboolean test_cgroups_remove(TestCgroups *cgroups);
