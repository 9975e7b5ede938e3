/* SPDX-License-Identifier: BSD-2-Clause */
/* Detach keys in what is typed, and bytes that arrive whole, through pipes and through a pty. */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <glib.h>
#include <systemd/sd-event.h>

#include "cli/flow.h"
#include "cli/json.h"
#include "cli/keys.h"
#include "common/fd.h"
#include "common/macros.h"

/* ---- keys ---- */

static void keys_are_spelled_in_several_ways(void)
{
        static const struct {
                const char *text;
                int r;
                const char *sequence;
                size_t length;
        } rows[] = {
                {"ctrl-@", 0, "\0", 1},
                {"^@", 0, "\0", 1},
                {"ctrl-],ctrl-],ctrl-]", 0, "\x1d\x1d\x1d", 3},
                {"CTRL-p,ctrl-Q", 0, "\x10\x11", 2},
                {"ctrl-\\,^", 0, "\x1c^", 2},
                {"~,.", 0, "~.", 2},
                {"none", 0, "", 0},
                {"", 0, "", 0},
                {"ctrl-", -EINVAL, "", 0},
                {"ctrl-1", -EINVAL, "", 0},
                {"ab", -EINVAL, "", 0},
                {"a,,b", -EINVAL, "", 0},
                {"a,", -EINVAL, "", 0},
                {"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", -EINVAL, "", 0},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                Keys keys = {};
                g_assert_cmpint(keys_parse(rows[i].text, &keys), ==, rows[i].r);
                g_assert_cmpmem(keys.sequence, keys.length, rows[i].sequence, rows[i].length);
        }
}

/* Types @text byte by byte, and all at once: what passes must be the same. */
static bool type(const char *sequence, const char *text, char *passed, size_t *ret_n)
{
        Keys slowly = {}, at_once;
        char other[128];
        size_t n = 0, n_at_once;
        bool is_detached = false;

        g_assert_cmpint(keys_parse(sequence, &slowly), ==, 0);
        at_once = slowly;
        for (const char *c = text; *c && !is_detached; c++) {
                size_t n_now;
                is_detached = keys_pass(&slowly, c, 1, passed + n, &n_now);
                n += n_now;
        }
        bool is_same = keys_pass(&at_once, text, strlen(text), other, &n_at_once) == is_detached;
        n += keys_release(&slowly, passed + n);
        n_at_once += keys_release(&at_once, other + n_at_once);
        g_assert_true(is_same);
        g_assert_cmpmem(passed, n, other, n_at_once);
        *ret_n = n;
        return is_detached;
}

static void a_broken_sequence_is_passed_on(void)
{
        static const struct {
                const char *sequence, *text, *passed;
                bool is_detached;
        } rows[] = {
                {"a,a,b", "xaay", "xaay", false},  {"a,a,b", "aaab", "a", true},     {"a,a,b", "aabx", "", true},
                {"a,b,a,c", "ababac", "ab", true}, {"a,b,a,c", "aba", "aba", false}, {"a", "xyaz", "xy", true},
                {"none", "abc", "abc", false},     {"a,b", "ba", "ba", false},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                char passed[128];
                size_t n;
                g_assert_true(type(rows[i].sequence, rows[i].text, passed, &n) == rows[i].is_detached);
                g_assert_cmpmem(passed, n, rows[i].passed, strlen(rows[i].passed));
        }
}

/* ---- flows ---- */

typedef struct Run {
        sd_event *event;
        int result;
        int n_ends;
} Run;

static void on_end(Flow *flow _unused_, int result, void *userdata)
{
        Run *run = userdata;

        run->result = result;
        run->n_ends++;
        sd_event_exit(run->event, 0);
}

/* A process that writes, or reads and sums up, @bytes. Return: its pid, in the parent. */
static pid_t spawn(void (*function)(int fd, size_t bytes), int fd, int other, size_t bytes)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid > 0)
                return pid;
        close(other);
        function(fd, bytes);
        _exit(0);
}

static unsigned char byte_at(size_t i)
{
        return (unsigned char)(i * 2654435761U >> 13); /* with every value, NUL among them */
}

static void write_bytes(int fd, size_t bytes)
{
        for (size_t i = 0; i < bytes;) {
                unsigned char chunk[5000];
                size_t n = 0;
                for (; n < sizeof(chunk) && i + n < bytes; n++)
                        chunk[n] = byte_at(i + n);
                if (fd_write_all(fd, chunk, n) < 0)
                        _exit(1);
                i += n;
        }
}

static void read_bytes(int fd, size_t bytes)
{
        unsigned char chunk[3000];
        size_t i = 0;
        ssize_t n;

        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
                for (ssize_t k = 0; k < n; k++, i++)
                        if (chunk[k] != byte_at(i))
                                _exit(2);
        _exit(i == bytes ? 0 : 3);
}

static void expect_success(pid_t pid)
{
        int status;

        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
}

static void flow_turn(Run *run, FlowInput *input)
{
        _cleanup_(flow_freep) Flow *flow = NULL;

        input->ended = on_end;
        input->ended_userdata = run;
        g_assert_cmpint(sd_event_new(&run->event), >=, 0);
        g_assert_cmpint(flow_new(run->event, input, &flow), >=, 0);
        fd_close(input->from);
        fd_close(input->to);
        g_assert_cmpint(sd_event_loop(run->event), >=, 0);
        g_assert_cmpint(run->n_ends, ==, 1);
        flow = flow_free(flow);
        run->event = sd_event_unref(run->event);
}

static void every_byte_arrives_through_pipes(void)
{
        enum { BYTES = 20 * 1000 * 1000 };
        int in[2], out[2];
        Run run = {};

        g_assert_cmpint(pipe2(in, O_CLOEXEC), ==, 0);
        pid_t writer = spawn(write_bytes, in[1], in[0], BYTES);
        close(in[1]);
        g_assert_cmpint(pipe2(out, O_CLOEXEC), ==, 0);
        pid_t reader = spawn(read_bytes, out[0], out[1], BYTES);
        close(out[0]);
        flow_turn(&run, &(FlowInput){.from = in[0], .from_kind = FLOW_CALLERS, .to = out[1], .to_kind = FLOW_CALLERS});
        g_assert_cmpint(run.result, ==, 0);
        expect_success(writer);
        expect_success(reader);
}

static void a_reader_that_left_is_told(void)
{
        int in[2], out[2];
        Run run = {};

        g_assert_cmpint(pipe2(in, O_CLOEXEC), ==, 0);
        g_assert_cmpint(pipe2(out, O_CLOEXEC), ==, 0);
        close(out[0]);
        g_assert_cmpint(write(in[1], "x", 1), ==, 1);
        close(in[1]);
        flow_turn(&run, &(FlowInput){.from = in[0], .to = out[1]});
        g_assert_cmpint(run.result, ==, -EPIPE);
}

static void our_flags_are_put_back(void)
{
        int in[2], sockets[2];
        Run run = {};

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
        g_assert_cmpint(pipe2(in, O_CLOEXEC), ==, 0);
        int flags = fcntl(sockets[0], F_GETFL);
        int kept = fcntl(sockets[0], F_DUPFD_CLOEXEC, 3);
        close(in[1]);
        flow_turn(&run, &(FlowInput){.from = in[0], .to = sockets[0], .to_kind = FLOW_CALLERS});
        g_assert_cmpint(fcntl(kept, F_GETFL), ==, flags);
        close(kept);
        close(sockets[1]);
}

/* The other side of a pty is closed and opened again, as an init does it; then what wrote to it has ended. */
static int on_reopen(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        int *master = userdata;
        char name[64];

        g_assert_cmpint(ptsname_r(*master, name, sizeof(name)), ==, 0);
        int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        g_assert_cmpint(slave, >=, 0);
        g_assert_cmpint(write(slave, "second", 6), ==, 6);
        close(slave);
        return 0;
}

typedef struct Closing {
        Flow *flow;
        int master;
} Closing;

static int on_finish(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Closing *closing = userdata;

        flow_finish(closing->flow);
        return 0;
}

static void a_console_that_hangs_up_is_not_over(void)
{
        _cleanup_(flow_freep) Flow *flow = NULL;
        Run run = {};
        Closing closing;
        struct termios raw;
        char text[32] = "";
        int slave, out[2];

        g_assert_cmpint(openpty(&closing.master, &slave, NULL, NULL, NULL), ==, 0);
        g_assert_cmpint(tcgetattr(slave, &raw), ==, 0);
        cfmakeraw(&raw);
        g_assert_cmpint(tcsetattr(slave, TCSANOW, &raw), ==, 0);
        g_assert_cmpint(pipe2(out, O_CLOEXEC), ==, 0);
        g_assert_cmpint(write(slave, "first", 5), ==, 5);
        close(slave);
        g_assert_cmpint(sd_event_new(&run.event), >=, 0);
        FlowInput input = {.from = closing.master,
                           .from_kind = FLOW_CONSOLE,
                           .to = out[1],
                           .ended = on_end,
                           .ended_userdata = &run};
        g_assert_cmpint(flow_new(run.event, &input, &flow), >=, 0);
        closing.flow = flow;
        sd_event_add_time_relative(run.event, NULL, CLOCK_MONOTONIC, 30000, 0, on_reopen, &closing.master);
        sd_event_add_time_relative(run.event, NULL, CLOCK_MONOTONIC, 60000, 0, on_finish, &closing);
        g_assert_cmpint(sd_event_loop(run.event), >=, 0);
        g_assert_cmpint(run.result, ==, 0);
        g_assert_cmpint(read(out[0], text, sizeof(text) - 1), ==, 11);
        g_assert_cmpstr(text, ==, "firstsecond");
        flow = flow_free(flow);
        sd_event_unref(run.event);
        close(closing.master);
        close(out[0]);
        close(out[1]);
}

/* ---- JSON ---- */

static void json_escapes_what_a_terminal_would_obey(void)
{
        g_autofree char *text = NULL;
        size_t n;
        Json json = {.file = open_memstream(&text, &n)};

        json_begin(&json, '[');
        json_begin(&json, '{');
        json_key(&json, "a\"b");
        json_text(&json, "\033[2J\n\x7f\xc2\x9b\\\xc3\xa4");
        json_key(&json, "n");
        json_number(&json, UINT64_MAX);
        json_end(&json, '}');
        json_begin(&json, '{');
        json_end(&json, '}');
        json_end(&json, ']');
        fclose(json.file);
        g_assert_cmpstr(text, ==,
                        "[{\"a\\\"b\":\"\\u001b[2J\\n\\u007f\\u009b\\\\\xc3\xa4\",\"n\":18446744073709551615},{}]\n");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        signal(SIGPIPE, SIG_IGN);
        g_test_add_func("/keys/are-spelled-in-several-ways", keys_are_spelled_in_several_ways);
        g_test_add_func("/keys/a-broken-sequence-is-passed-on", a_broken_sequence_is_passed_on);
        g_test_add_func("/flow/every-byte-arrives-through-pipes", every_byte_arrives_through_pipes);
        g_test_add_func("/flow/a-reader-that-left-is-told", a_reader_that_left_is_told);
        g_test_add_func("/flow/our-flags-are-put-back", our_flags_are_put_back);
        g_test_add_func("/flow/a-console-that-hangs-up-is-not-over", a_console_that_hangs_up_is_not_over);
        g_test_add_func("/json/escapes-what-a-terminal-would-obey", json_escapes_what_a_terminal_would_obey);
        return g_test_run();
}
