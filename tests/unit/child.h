/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Child
 *
 * A test that changes what can't be changed back (ids, namespaces, limits) does it in a child. An assertion that fails
 * there fails the test.
 */
#pragma once

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

/** run_in_child() - call @function in a child, and wait for its end */
static inline void run_in_child(void (*function)(void *data), void *data)
{
        int status;

        fflush(stdout);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                function(data);
                fflush(stdout);
                _exit(EXIT_SUCCESS);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
}
