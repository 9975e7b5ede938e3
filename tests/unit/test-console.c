/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <glib.h>

#include "common/fd.h"
#include "supervisor/console.h"

typedef struct Fixture {
        sd_event *event;
        Spec *spec;
        Console *console;
        int terminal; /* the test's own copy of the other side; raw */
        unsigned n_reads;
} Fixture;

static void console_was_read(Console *console _unused_, void *userdata)
{
        Fixture *fixture = userdata;

        fixture->n_reads++;
}

static void open_console(Fixture *fixture)
{
        Failure failure = {};
        struct termios settings;

        g_assert_cmpint(console_open(fixture->spec, &fixture->console, &failure), ==, 0);
        fixture->terminal = fd_keep(fixture->console->terminal);
        g_assert_cmpint(tcgetattr(fixture->terminal, &settings), ==, 0);
        cfmakeraw(&settings);
        g_assert_cmpint(tcsetattr(fixture->terminal, TCSANOW, &settings), ==, 0);
        g_assert_cmpint(console_attach_event(fixture->console, fixture->event, console_was_read, fixture), >=, 0);
}

static void setup(Fixture *fixture, const void *data _unused_)
{
        *fixture = (Fixture){.terminal = -1, .spec = spec_new()};
        g_assert_cmpint(sd_event_new(&fixture->event), >=, 0);
        open_console(fixture);
        console_leave_terminal(fixture->console);
}

static void teardown(Fixture *fixture, const void *data _unused_)
{
        console_free(fixture->console);
        fd_close(fixture->terminal);
        spec_free(fixture->spec);
        sd_event_unref(fixture->event);
}

static void dispatch(Fixture *fixture)
{
        while (sd_event_run(fixture->event, 20000) > 0)
                ;
}

static void say(Fixture *fixture, const char *text)
{
        g_assert_cmpint(fd_write_all(fixture->terminal, text, strlen(text)), ==, 0);
}

/* The kernel brings what is written to the other side when it gets to it, so it is waited for; what is more, is not. */
static void assert_kept(Fixture *fixture, const char *text)
{
        struct iovec parts[2];
        unsigned n;

        while ((n = ring_content(fixture->console->ring, parts)) < 2 && (n ? parts[0].iov_len : 0) < strlen(text))
                g_assert_cmpint(sd_event_run(fixture->event, 5000000), >, 0);
        g_assert_cmpuint(n, ==, *text ? 1 : 0);
        if (n > 0)
                g_assert_cmpmem(parts[0].iov_base, parts[0].iov_len, text, strlen(text));
}

static void test_size(Fixture *fixture, const void *data _unused_)
{
        struct winsize size;

        g_assert_cmpint(ioctl(fixture->terminal, TIOCGWINSZ, &size), ==, 0);
        g_assert_cmpuint(size.ws_row, ==, 24);
        g_assert_cmpuint(size.ws_col, ==, 80);
        console_free(fixture->console);
        fd_close(fixture->terminal);
        fixture->spec->rows = 3;
        fixture->spec->columns = 1000;
        open_console(fixture);
        g_assert_cmpint(ioctl(fixture->terminal, TIOCGWINSZ, &size), ==, 0);
        g_assert_cmpuint(size.ws_row, ==, 3);
        g_assert_cmpuint(size.ws_col, ==, 1000);
}

/* With a root of its own the pty is the first of a devpts that isn't the host's. */
static void test_own_devpts(Fixture *fixture, const void *data _unused_)
{
        struct stat host, own;

        console_free(fixture->console);
        fd_close(fixture->terminal);
        fixture->spec->root_path = strdup("/");
        open_console(fixture);
        g_assert_cmpint(fixture->console->devpts, >=, 0);
        g_assert_no_errno(stat("/dev/pts", &host));
        g_assert_no_errno(fstat(fixture->terminal, &own));
        g_assert_cmpuint(host.st_dev, !=, own.st_dev);
        g_assert_cmpuint(own.st_mode & 07777, ==, 0620);
        g_assert_cmpuint(own.st_gid, ==, 5);
}

static void test_resume_and_pause(Fixture *fixture, const void *data _unused_)
{
        char bytes[16];

        say(fixture, "one");
        dispatch(fixture);
        assert_kept(fixture, "");
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        dispatch(fixture);
        assert_kept(fixture, "one");
        g_assert_cmpint(console_pause(fixture->console), >=, 0);
        say(fixture, "two");
        dispatch(fixture);
        assert_kept(fixture, "one");
        g_assert_cmpint(read(fixture->console->master, bytes, sizeof(bytes)), ==, 3);
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        say(fixture, "three");
        dispatch(fixture);
        assert_kept(fixture, "onethree");
}

/* Nobody has the terminal open: no event is seen until somebody has. */
static void test_hung_up(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *name = g_strdup(ptsname(fixture->console->master));

        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        say(fixture, "last words");
        fixture->terminal = fd_close(fixture->terminal);
        dispatch(fixture);
        assert_kept(fixture, "last words");
        g_assert_true(fixture->console->is_hung_up);
        fixture->n_reads = 0;
        g_assert_cmpint(sd_event_run(fixture->event, 300000), ==, 0);
        g_assert_cmpuint(fixture->n_reads, ==, 0);
        fixture->terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        g_assert_cmpint(fixture->terminal, >=, 0);
        say(fixture, "!");
        dispatch(fixture);
        assert_kept(fixture, "last words!");
        g_assert_false(fixture->console->is_hung_up);
}

static void test_look(Fixture *fixture, const void *data _unused_)
{
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        fixture->terminal = fd_close(fixture->terminal);
        dispatch(fixture);
        fixture->n_reads = 0;
        fixture->console->is_hung_up = false;
        g_assert_cmpint(console_look(fixture->console), >=, 0);
        dispatch(fixture);
        g_assert_cmpuint(fixture->n_reads, ==, 1);
        g_assert_true(fixture->console->is_hung_up);
}

/* A holder left packet mode on, and the open file blocking: neither shows here. */
static void test_changed_by_holder(Fixture *fixture, const void *data _unused_)
{
        int packet = 1;

        g_assert_cmpint(ioctl(fixture->console->master, TIOCPKT, &packet), ==, 0);
        g_assert_cmpint(fcntl(fixture->console->master, F_SETFL, 0), ==, 0);
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        say(fixture, "plain");
        dispatch(fixture);
        assert_kept(fixture, "plain");
}

/*
 * A former holder who kept a duplicate makes it blocking and reads too, faster than we do: what we wait for may be gone
 * between poll(2) and read(2). It costs time, but never the loop.
 */
static void test_thief(Fixture *fixture, const void *data _unused_)
{
        pid_t thief = fork();

        if (thief == 0) {
                char byte;
                fcntl(fixture->console->master, F_SETFL, 0);
                while (read(fixture->console->master, &byte, 1) > 0)
                        ;
                _exit(0);
        }
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC;
        while (g_get_monotonic_time() < until) {
                say(fixture, "x");
                gint64 before = g_get_monotonic_time();
                sd_event_run(fixture->event, 1000);
                g_assert_cmpint(g_get_monotonic_time() - before, <, G_USEC_PER_SEC / 2);
        }
        kill(thief, SIGKILL);
        waitpid(thief, NULL, 0);
}

static void test_endless(Fixture *fixture, const void *data _unused_)
{
        pid_t writer = fork();

        if (writer == 0) {
                g_autofree char *noise = g_strnfill(4096, 'x');
                for (;;)
                        if (write(fixture->terminal, noise, 4096) < 0)
                                _exit(1);
        }
        g_assert_cmpint(console_resume(fixture->console), >=, 0);
        /* It drops what it must, and lets others have their turn after 64 KiB. */
        while (ring_dropped(fixture->console->ring) < 10 * 1024 * 1024)
                g_assert_cmpint(sd_event_run(fixture->event, 1000000), >, 0);
        g_assert_cmpuint(fixture->n_reads, >=, 10 * 1024 * 1024 / (2 * RING_BYTES));
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*test)(Fixture *fixture, const void *data);
        } tests[] = {
                {"/console/has-its-size-from-the-start", test_size},
                {"/console/is-in-a-devpts-of-its-own", test_own_devpts},
                {"/console/is-read-only-while-nobody-else-does", test_resume_and_pause},
                {"/console/does-not-spin-when-hung-up", test_hung_up},
                {"/console/looks-again-when-asked", test_look},
                {"/console/undoes-what-a-holder-changed", test_changed_by_holder},
                {"/console/is-not-stopped-by-a-thief", test_thief},
                {"/console/keeps-up-with-an-endless-writer", test_endless},
        };

        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
