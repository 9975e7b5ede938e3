/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console, ring and lease
 *
 * Whoever holds the lease has the console; while nobody does, the ring has it. No byte is lost between the two, and
 * the container never waits for a reader.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

enum { FOLLOWERS_MAX = 8, RING_BYTES = 64 * 1024 };

static const char *const idle = "exec sleep 100";

static gboolean property_boolean(Client *client, const char *name, const char *which)
{
        g_autoptr(GVariant) value = property(client, name, which);

        return g_variant_get_boolean(value);
}

static char *attach_is_busy(Client *client, const char *name, gboolean take)
{
        return manager_refuses(client, "ConsoleBusy", "AttachContainer", "(s@a{sv})", name,
                               options(take ? "{'Take': <true>}" : NULL));
}

static GBytes *read_log(Client *client, const char *name, guint64 *dropped)
{
        g_autoptr(GVariant) backlog = NULL;
        g_autoptr(GVariant) reply = manager_call(client, "ReadContainerLog", "(s)", name);

        g_variant_get(reply, "(@ayt)", &backlog, dropped);
        return g_variant_get_data_as_bytes(backlog);
}

/* ---- lease ---- */

static void test_run_attaches(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "echo hello; exec sleep 100", NULL, &attachment);
        g_assert_true(property_boolean(fixture->client, "box", "ConsoleAttached"));
        g_autoptr(GByteArray) text = read_until(attachment.console, "\n");
        g_assert_cmpmem(text->data, text->len, "hello\r\n", 7);
        terminate(fixture->client, "box");
}

static void test_what_is_typed_arrives(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "stty -echo; echo ready; read line; echo \"got $line\"", NULL, &attachment);
        g_byte_array_unref(read_until(attachment.console, "ready"));
        g_assert_cmpint(fd_write_all(attachment.console, "typed\n", 6), ==, 0);
        g_byte_array_unref(read_until(attachment.console, "got typed"));
        wait_for(fixture->client, "box", "exited", 0);
}

static void test_second_is_busy(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *pid = g_strdup_printf("%d", getpid());

        run(fixture->client, "box", idle, NULL, &attachment);
        g_autofree char *sentence = attach_is_busy(fixture->client, "box", FALSE);
        g_assert_nonnull(strstr(sentence, pid));
        g_assert_nonnull(strstr(sentence, "user 0 (root)"));
        terminate(fixture->client, "box");
}

static void test_second_is_told_the_name(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        for (guint is_later = 0; is_later < 2; is_later++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                if (is_later) {
                        create(alice, "box", idle, NULL);
                        attach(alice, "box", FALSE, &attachment);
                } else {
                        run(alice, "box", idle, NULL, &attachment);
                }
                g_autofree char *sentence = attach_is_busy(fixture->client, "box", FALSE);
                g_assert_nonnull(strstr(sentence, "user 61001 (alice)"));
                terminate(alice, "box");
        }
}

static void test_last_copy(Fixture *fixture)
{
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL};
        g_auto(Attachment) second = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", idle, NULL);
        attach(fixture->client, "box", FALSE, &first);
        int copy = fd_keep(first.lease);
        fd_closep(&first.lease);
        g_free(attach_is_busy(fixture->client, "box", FALSE));
        fd_close(copy);
        attach(fixture->client, "box", FALSE, &second);
        terminate(fixture->client, "box");
}

static void test_killed_holder(Fixture *fixture)
{
        for (guint i = 0; i < rounds(20); i++) {
                g_auto(Attachment) first = {-EBADF, -EBADF, NULL};
                g_auto(Attachment) second = {-EBADF, -EBADF, NULL};
                create(fixture->client, "box", idle, NULL);
                attach(fixture->client, "box", FALSE, &first);
                pid_t holder = fork();
                if (holder == 0)
                        for (;;)
                                pause();
                g_assert_cmpint(holder, >, 0);
                attachment_close(&first);
                g_free(attach_is_busy(fixture->client, "box", FALSE));
                kill(holder, SIGKILL);
                g_assert_cmpint(waitpid(holder, NULL, 0), ==, holder);
                attach(fixture->client, "box", FALSE, &second);
                terminate(fixture->client, "box");
        }
}

/* A well-behaved holder: gives the lease up when it is asked to. */
static void *holder_obeys(void *data)
{
        Attachment *attachment = data;
        char asked = 0;

        g_assert_cmpint(poll(&(struct pollfd){attachment->lease, POLLIN, 0}, 1, 10000), ==, 1);
        g_assert_cmpint(read(attachment->lease, &asked, 1), ==, 1);
        g_assert_cmpint(asked, ==, 'r');
        attachment_close(attachment);
        return NULL;
}

static void test_take(Fixture *fixture)
{
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL};
        g_auto(Attachment) second = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", idle, NULL);
        attach(fixture->client, "box", FALSE, &first);
        GThread *holder = g_thread_new("holder", holder_obeys, &first);
        gint64 begin = g_get_monotonic_time();
        attach(fixture->client, "box", TRUE, &second);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, 1 * G_TIME_SPAN_SECOND);
        g_thread_join(holder);
        terminate(fixture->client, "box");
}

static void test_take_from_stubborn(Fixture *fixture)
{
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", idle, NULL);
        attach(fixture->client, "box", FALSE, &first);
        gint64 begin = g_get_monotonic_time();
        g_free(attach_is_busy(fixture->client, "box", TRUE));
        gint64 took = g_get_monotonic_time() - begin;
        g_assert_cmpint(took, >, 1900 * G_TIME_SPAN_MILLISECOND);
        g_assert_cmpint(took, <, 5 * G_TIME_SPAN_SECOND);
        g_assert_true(property_boolean(fixture->client, "box", "ConsoleAttached"));
        terminate(fixture->client, "box");
}

static void test_take_of_free(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        create(fixture->client, "box", idle, NULL);
        attach(fixture->client, "box", TRUE, &attachment);
        terminate(fixture->client, "box");
}

static void test_kill_on_release(Fixture *fixture)
{
        static const char *const with[] = {"{'KillOnRelease': <true>}",
                                           "{'KillOnRelease': <true>, 'Terminal': <false>}"};

        for (guint i = 0; i < G_N_ELEMENTS(with); i++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                run(fixture->client, "box", idle, with[i], &attachment);
                attachment_close(&attachment);
                wait_for(fixture->client, "box", "killed", SIGKILL);
        }
}

static void test_detach(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_auto(Attachment) again = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", idle, "{'KillOnRelease': <true>}", &attachment);
        g_assert_cmpint(fd_write_all(attachment.lease, "d", 1), ==, 0);
        attachment_close(&attachment);
        attach(fixture->client, "box", FALSE, &again);
        g_autoptr(GVariant) state = property(fixture->client, "box", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        terminate(fixture->client, "box");
}

static void test_without_terminal(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        run(fixture->client, "box", idle, "{'Terminal': <false>}", &attachment);
        g_assert_cmpint(fd_is_same_file(attachment.console, null), ==, 1);
        g_free(manager_refuses(fixture->client, "NoConsole", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        g_free(manager_refuses(fixture->client, "NoConsole", "ReadContainerLog", "(s)", "box"));
        g_free(manager_refuses(fixture->client, "NoConsole", "FollowContainerLog", "(s)", "box"));
        terminate(fixture->client, "box");
}

static void test_attach_after_the_end(Fixture *fixture)
{
        g_auto(Signals) signals = {};

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "exit 0", NULL);
        await(signals.n_exited == 1);
        g_free(manager_refuses(fixture->client, "NotRunning", "AttachContainer", "(s@a{sv})", "box", options(NULL)));
        wait_for(fixture->client, "box", "exited", 0);
}

/* ---- ring ---- */

static void test_ring_keeps(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autoptr(GBytes) log = NULL;
        guint64 dropped = 1;

        create(fixture->client, "box", "echo early; exec sleep 100", NULL);
        do {
                g_clear_pointer(&log, g_bytes_unref);
                log = read_log(fixture->client, "box", &dropped);
        } while (g_bytes_get_size(log) < 7);
        g_assert_cmpuint(dropped, ==, 0);
        attach(fixture->client, "box", FALSE, &attachment);
        g_assert_cmpmem(g_bytes_get_data(attachment.backlog, NULL), g_bytes_get_size(attachment.backlog), "early\r\n",
                        7);
        terminate(fixture->client, "box");
}

static void test_ring_drops(Fixture *fixture)
{
        const guint64 total = 10 * 1000 * 1000;
        g_auto(Signals) signals = {};
        guint64 dropped = 0, again = 0;

        signals_watch(fixture->client, "box", &signals);
        create(fixture->client, "box", "head -c 9999997 /dev/zero | tr '\\0' x; printf end; exit 3", NULL);
        await(signals.n_exited == 1);
        g_autoptr(GBytes) log = read_log(fixture->client, "box", &dropped);
        g_autoptr(GBytes) twice = read_log(fixture->client, "box", &again);
        g_assert_true(g_bytes_equal(log, twice));
        g_assert_cmpuint(g_bytes_get_size(log), ==, RING_BYTES);
        g_assert_cmpuint(dropped, ==, total - RING_BYTES);
        g_assert_cmpuint(again, ==, dropped);
        const char *text = g_bytes_get_data(log, NULL);
        g_assert_cmpmem(text + RING_BYTES - 4, 4, "xend", 4);
        wait_for(fixture->client, "box", "exited", 3);
}

/* A pipe with the log in it, which goes on with what is written, and ends with the container. */
static int follow(Client *client, const char *name, guint64 *begin, guint64 *end)
{
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GError) error = NULL;
        gint32 handle;

        g_autoptr(GVariant) reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "FollowContainerLog",
                                                g_variant_new("(s)", name), NULL, &fds, &error);
        g_assert_no_error(error);
        g_variant_get(reply, "(htt)", &handle, begin, end);
        int fd = g_unix_fd_list_get(fds, handle, &error);
        g_assert_no_error(error);
        return fd;
}

static void test_follow(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        guint64 begin, end;

        create(fixture->client, "box", "stty -echo -opost; echo ready; read a; echo first; read b; echo last; exit 3",
               NULL);
        _cleanup_(fd_closep) int one = follow(fixture->client, "box", &begin, &end);
        g_byte_array_unref(read_until(one, "ready\n"));
        _cleanup_(fd_closep) int other = follow(fixture->client, "box", &begin, &end);
        g_assert_cmpuint(begin, ==, 0);
        g_assert_cmpuint(end, ==, 6);
        /* What a holder reads is not the log's; what comes after that is. */
        attach(fixture->client, "box", FALSE, &attachment);
        g_assert_cmpint(fd_write_all(attachment.console, "\n", 1), ==, 0);
        g_byte_array_unref(read_until(attachment.console, "first\n"));
        g_assert_cmpint(fd_write_all(attachment.console, "\n", 1), ==, 0);
        attachment_close(&attachment);
        g_autoptr(GByteArray) rest = read_until_end(one), all = read_until_end(other);
        g_assert_cmpmem(rest->data, rest->len, "last\n", 5);
        g_assert_cmpmem(all->data, all->len, "ready\nlast\n", 11);
        /* Who comes after the end finds it all, and no more. */
        _cleanup_(fd_closep) int late = follow(fixture->client, "box", &begin, &end);
        g_autoptr(GByteArray) again = read_until_end(late);
        g_assert_cmpmem(again->data, again->len, "ready\nlast\n", 11);
        g_assert_cmpuint(begin, ==, 0);
        g_assert_cmpuint(end, ==, 11);
        wait_for(fixture->client, "box", "exited", 3);
}

/* Nobody is waited for: who doesn't read has an end, and the place of what it missed when it comes again. */
static void test_slow_follower(Fixture *fixture)
{
        guint64 begin, end;

        create(fixture->client, "box", "read x; head -c 9999997 /dev/zero | tr '\\0' x; printf end; exec sleep 100",
               NULL);
        _cleanup_(fd_closep) int slow = follow(fixture->client, "box", &begin, &end);
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        attach(fixture->client, "box", FALSE, &attachment);
        g_assert_cmpint(fd_write_all(attachment.console, "\r", 1), ==, 0);
        attachment_close(&attachment);
        do
                fd_close(follow(fixture->client, "box", &begin, &end));
        while (end < 9999997);
        g_autoptr(GByteArray) early = read_until_end(slow);
        g_assert_cmpuint(early->len, >=, RING_BYTES);
        g_assert_cmpuint(early->len, <, begin);
        g_assert_cmpuint(end - begin, ==, RING_BYTES);
        terminate(fixture->client, "box");
}

static void test_followers_are_counted(Fixture *fixture)
{
        int fds[FOLLOWERS_MAX];
        guint64 begin, end;

        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
                fds[i] = follow(fixture->client, "box", &begin, &end);
        g_free(manager_refuses(fixture->client, "LimitReached", "FollowContainerLog", "(s)", "box"));
        fd_close(fds[0]);
        /* Its supervisor hears of that in its own time. */
        while (strcmp(outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "FollowContainerLog",
                              g_variant_new("(s)", "box")),
                      "") != 0)
                ;
        for (guint i = 1; i < G_N_ELEMENTS(fds); i++)
                fd_close(fds[i]);
        terminate(fixture->client, "box");
}

/* What the reader left in the pty when it went is the ring's next content. */
static void test_between_lease_and_ring(Fixture *fixture)
{
        g_auto(Attachment) first = {-EBADF, -EBADF, NULL};
        g_auto(Attachment) second = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "stty -echo -onlcr; echo one; read x; echo two; echo three; exec sleep 100", NULL,
            &first);
        g_byte_array_unref(read_until(first.console, "one\n"));
        g_assert_cmpint(fd_write_all(first.lease, "d", 1), ==, 0);
        g_assert_cmpint(fd_write_all(first.console, "\n", 1), ==, 0);
        attachment_close(&first);
        attach(fixture->client, "box", FALSE, &second);
        gsize n = g_bytes_get_size(second.backlog);
        g_autoptr(GByteArray) text = g_byte_array_new();
        g_byte_array_append(text, g_bytes_get_data(second.backlog, NULL), (guint)n);
        if (text->len < strlen("two\nthree\n")) {
                g_autoptr(GByteArray) rest = read_until(second.console, "three\n");
                g_byte_array_append(text, rest->data, rest->len);
        }
        g_assert_cmpmem(text->data, text->len, "two\nthree\n", 10);
        terminate(fixture->client, "box");
}

/* ---- console ---- */

static void test_last_words(Fixture *fixture)
{
        for (guint i = 0; i < rounds(50); i++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                run(fixture->client, "box", "stty -opost; exec seq 1 20000", NULL, &attachment);
                g_autoptr(GByteArray) text = read_until_end(attachment.console);
                g_assert_cmpuint(text->len, ==, 108894);
                g_assert_cmpmem(text->data + text->len - 6, 6, "20000\n", 6);
                wait_for(fixture->client, "box", "exited", 0);
        }
}

static void test_last_words_in_the_ring(Fixture *fixture)
{
        for (guint i = 0; i < rounds(50); i++) {
                g_auto(Signals) signals = {};
                guint64 dropped = 0;
                signals_watch(fixture->client, "box", &signals);
                create(fixture->client, "box", "stty -opost; exec seq 1 20000", NULL);
                await(signals.n_exited == 1);
                g_autoptr(GBytes) log = read_log(fixture->client, "box", &dropped);
                g_assert_cmpuint(g_bytes_get_size(log) + dropped, ==, 108894);
                wait_for(fixture->client, "box", "exited", 0);
        }
}

static void test_background_process(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        run(fixture->client, "box", "sleep 60 & echo hi", NULL, &attachment);
        gint64 begin = g_get_monotonic_time();
        wait_for(fixture->client, "box", "exited", 0);
        g_assert_cmpint(g_get_monotonic_time() - begin, <, 1 * G_TIME_SPAN_SECOND);
        g_byte_array_unref(read_until(attachment.console, "hi"));
}

static void test_size(Fixture *fixture)
{
        for (guint i = 0; i < rounds(50); i++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                run(fixture->client, "box", "exec stty size", "{'Size': <(uint16 33, uint16 101)>}", &attachment);
                g_autoptr(GByteArray) text = read_until_end(attachment.console);
                g_assert_cmpmem(text->data, text->len, "33 101\r\n", 8);
                wait_for(fixture->client, "box", "exited", 0);
        }
}

/* ---- streams ---- */

static guint count_fds_once(guint pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%u/fd", pid);
        g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
        guint n = 0;

        g_assert_nonnull(directory);
        while (g_dir_read_name(directory))
                n++;
        return n;
}

/* The dynamic linker has libraries open for a moment after execve(2); what has leaked stays. */
static guint count_fds(guint pid)
{
        gint64 deadline = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;

        while (count_fds_once(pid) > 3 && g_get_monotonic_time() < deadline)
                g_thread_yield();
        return count_fds_once(pid);
}

static void test_only_three_descriptors(Fixture *fixture)
{
        static const char *const with[] = {NULL, "{'Terminal': <false>}", "{'StubInit': <true>}"};

        for (guint i = 0; i < G_N_ELEMENTS(with); i++) {
                create(fixture->client, "box", idle, with[i]);
                g_autoptr(GVariant) leader = property(fixture->client, "box", "Leader");
                g_assert_cmpuint(count_fds(g_variant_get_uint32(leader)), <=, 3);
                terminate(fixture->client, "box");
        }
}

static void test_streams(Fixture *fixture)
{
        static const char *const command[] = {"sh", "-c", "cat; echo e >&2; exit 4", NULL};
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;
        int in[2], out[2], err[2];

        g_assert_cmpint(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), ==, 0);
        g_unix_fd_list_append(fds, in[0], NULL);
        g_unix_fd_list_append(fds, out[1], NULL);
        g_unix_fd_list_append(fds, err[1], NULL);
        GVariant *reply = client_call(
                fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                g_variant_new("(s^as@a{sv})", "box", command,
                              options("{'Terminal': <false>, 'Stdin': <handle 0>, 'Stdout': <handle 1>, "
                                      "'Stderr': <handle 2>}")),
                fds, NULL, &error);
        g_assert_no_error(error);
        g_variant_unref(reply);
        g_clear_object(&fds);
        fd_close(in[0]);
        fd_close(out[1]);
        fd_close(err[1]);
        g_assert_cmpint(fd_write_all(in[1], "a\0b", 3), ==, 0);
        fd_close(in[1]);
        g_autoptr(GByteArray) output = read_until_end(out[0]);
        g_autoptr(GByteArray) errors = read_until_end(err[0]);
        g_assert_cmpmem(output->data, output->len, "a\0b", 3);
        g_assert_cmpmem(errors->data, errors->len, "e\n", 2);
        wait_for(fixture->client, "box", "exited", 4);
        fd_close(out[0]);
        fd_close(err[0]);
}

static const Test tests[] = {
        TEST("/lease/run-attaches-at-once", test_run_attaches, ON_ALL),
        TEST("/lease/what-the-holder-types-arrives", test_what_is_typed_arrives, ON_ALL),
        TEST("/lease/second-is-told-who-holds-it", test_second_is_busy, ON_ALL),
        {"/lease/second-is-told-the-name-of-who-holds-it", test_second_is_told_the_name, ON_BUS | WITH_POLKIT,
         "polkit.addRule(function(action, subject) {\n"
         "  if (action.id == 'org.pflask.manager1.run-own')\n"
         "    return polkit.Result.YES;\n"
         "});\n",
         NULL},
        TEST("/lease/ends-when-the-last-copy-closes", test_last_copy, ON_ALL),
        TEST("/lease/ends-at-once-when-its-holder-is-killed", test_killed_holder, ON_ALL),
        TEST("/lease/is-given-up-when-it-is-taken", test_take, ON_ALL),
        TEST("/lease/of-a-stubborn-holder-is-busy-after-2s", test_take_from_stubborn, ON_ALL),
        TEST("/lease/can-be-taken-when-it-is-free", test_take_of_free, ON_ALL),
        TEST("/lease/kills-on-release-if-so-asked", test_kill_on_release, ON_ALL),
        TEST("/lease/detaching-leaves-the-container-running", test_detach, ON_ALL),
        TEST("/lease/is-real-without-a-terminal", test_without_terminal, ON_ALL),
        TEST("/lease/of-an-ended-container-is-refused", test_attach_after_the_end, ON_BOTH),
        TEST("/ring/keeps-what-nobody-read", test_ring_keeps, ON_ALL),
        TEST("/ring/has-64-KiB-and-counts-the-rest", test_ring_drops, ON_BOTH),
        TEST("/ring/takes-over-where-the-holder-stopped", test_between_lease_and_ring, ON_ALL),
        TEST("/console/last-words-reach-the-holder", test_last_words, ON_ALL),
        TEST("/ring/can-be-followed-until-the-end", test_follow, ON_ALL),
        TEST("/ring/waits-for-no-follower", test_slow_follower, ON_ALL),
        TEST("/ring/has-so-many-followers-and-no-more", test_followers_are_counted, ON_ALL),
        TEST("/console/last-words-reach-the-ring", test_last_words_in_the_ring, ON_BOTH),
        TEST("/console/a-background-process-does-not-delay-the-end", test_background_process, ON_ALL),
        TEST("/console/has-its-size-from-the-first-byte", test_size, ON_ALL),
        TEST("/streams/only-0-to-2-are-open-in-the-leader", test_only_three_descriptors, ON_ALL),
        TEST("/streams/arrive-unmixed-and-unchanged", test_streams, ON_ALL),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
