/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixture
 *
 * What one test runs in: a dbus-daemon of its own with the project's bus policy, a real polkitd on it where the test
 * asks for one, and the real manager; the same with root at the manager's own socket; or, on the direct transport, a
 * manager of its own and no bus. A test program is
 * a table of tests, and each runs on each transport that its row names. At the end of each, what is left is counted:
 * processes, mounts, directories of the register, descriptors of the manager must be as they were before.
 */
#pragma once

#include "client.h"
#include "isolate.h"

/* Where the test's bus looks for activation files. */
#define BUS_SERVICES_DIRECTORY TEST_DIRECTORY "/services"

typedef enum {
        ON_BUS = 1 << 0,
        ON_DIRECT = 1 << 1,
        ON_SOCKET = 1 << 3, /* there is a bus, too */
        ON_BOTH = ON_BUS | ON_DIRECT,
        ON_ALL = ON_BOTH | ON_SOCKET, /* what hears no signals */
        WITH_POLKIT = 1 << 2,         /* on the bus */
} TestFlags;

typedef struct Test Test;

typedef struct Fixture {
        const Test *test;
        TestFlags transport; /* ON_BUS, ON_SOCKET or ON_DIRECT */
        int bus;             /* pidfds, or -EBADF */
        int polkit;
        int manager;
        Client *client;       /* root's; NULL while the manager is down */
        GHashTable *expected; /* pids of what the fixture itself has started */
        char *mounts_before;
        guint descriptors_before;
} Fixture;

struct Test {
        const char *name; /* the promise: "/lease/ends-when-the-last-copy-closes" */
        void (*function)(Fixture *fixture);
        TestFlags flags;
        const char *rules; /* WITH_POLKIT: JavaScript, polkit(8) */
        const void *row;   /* of the table that @function reads */
};

/* A row of a table of tests that has neither rules nor a row of its own. */
#define TEST(test_name, test_function, test_flags)                                \
        {                                                                         \
                .name = test_name, .function = test_function, .flags = test_flags \
        }

/** test_program() - the main() of each test program. Return: its exit status. */
int test_program(int argc, char **argv, const Test *tests, size_t n_tests);

/** client_new() - another client; under a uid of its own on the bus, root at the socket and on the direct transport */
Client *client_new(Fixture *fixture, uid_t uid);

/** client_new_with_groups() - the same with a gid and supplementary groups */
Client *client_new_with_groups(Fixture *fixture, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);

/** client_new_beside() - root, with a direct manager of its own, also where there is a bus */
Client *client_new_beside(Fixture *fixture);

/** direct_manager() - a manager for one peer, who has *@ret_socket. Return: its pidfd, the caller's. */
int direct_manager(Fixture *fixture, int *ret_socket);

/** fixture_stop_manager() - @signal to the manager, and until it has ended; its clients' connections stay */
void fixture_stop_manager(Fixture *fixture, int signal);

/** fixture_start_manager() - another one; but on the bus @fixture->client is a new one too */
void fixture_start_manager(Fixture *fixture);

/** fixture_configure() - another one, with @line in its configuration, which is as before when the test has ended */
void fixture_configure(Fixture *fixture, const char *line);

/** fixture_await_failure() - until the manager has left the bus and ended, as it does when it cannot go on */
void fixture_await_failure(Fixture *fixture);

/** fixture_fail_manager() - start one, and until it has been killed before it was ready */
void fixture_fail_manager(Fixture *fixture);

/** count_interfaces() - of the test's network namespace */
guint count_interfaces(void);

/** fixture_check() - that nothing is left of any container: as at the end of each test */
void fixture_check(Fixture *fixture);

/** rounds() - how often to repeat what must never fail: @n, or PFLASK_TEST_ROUNDS if that is less */
guint rounds(guint n);

/**
 * shell() - run sh -c @script, in which $pflask is the client on this transport, and standard input is empty
 * @ret_out:  what it wrote to stdout, the caller's
 * @ret_err:  to stderr
 *
 * Return: its exit status.
 */
int shell(Fixture *fixture, const char *script, char **ret_out, char **ret_err);

/** shell_on_terminal() - begin the same on a pty of @rows and @columns. Return: its master; *@ret_pid to be reaped. */
int shell_on_terminal(Fixture *fixture, const char *script, guint16 rows, guint16 columns, pid_t *ret_pid);

/** build_path() - a file of the build tree. Return: the caller's. */
char *build_path(const char *name);

/** await() - turn the main loop until @condition holds; fails after 30 s, or the given time */
#define await(condition) await_within(30, condition)
#define await_within(seconds, condition)                            \
        do {                                                        \
                guint _deadline = await_start(seconds, #condition); \
                while (!(condition))                                \
                        g_main_context_iteration(NULL, TRUE);       \
                g_source_remove(_deadline);                         \
        } while (0)
guint await_start(guint seconds, const char *condition);

/**
 * await_n_containers() - until ListContainers has @n; fails after 5 s
 *
 * A record goes a moment after its wait was answered, and what another manager has made is heard of a moment later.
 */
void await_n_containers(Client *client, gsize n);

/** await_process() - until the process behind @pidfd has ended; fails after 30 s */
void await_process(int pidfd);
