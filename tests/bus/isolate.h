/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation
 *
 * A test program has the machine to itself: its own mounts, with an empty /run, and its own processes. Whatever it
 * leaves behind ends with it, and whatever it finds there is its own. So are its cgroups, where it can have any.
 */
#pragma once

/* A directory in the test's own /run, for its files; every user can read it. */
#define TEST_DIRECTORY "/run/test"

/* Who uses the machine besides root. Only alice has further ids, 64 Ki from ALICE_IDS on. */
enum { ALICE = 61001, BOB = 61002, CAROL = 61003, ALICE_IDS = 700000000 };
#define ODD 4000000000u

/**
 * isolate() - go on in namespaces of one's own; the first thing in main(), before there are threads
 *
 * Returns in a child. The process that called it waits, and ends as the child does; or in failure, when cgroups are
 * left. Where namespaces cannot be made, all tests of the program are skipped: TAP, "1..0 # SKIP".
 */
void isolate(void);
