/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports
 *
 * What the supervisor reads from the half of a set-up, and of a joining process, that has the caller's uid. If somebody
 * of that uid had taken over that half, this is all that they could ask the supervisor for. So nothing is believed that
 * could be otherwise: no number without a range, no descriptor that is not what it is said to be.
 */
#include "container/leader.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gio/gio.h>

#include "common/fd.h"
#include "common/process.h"
#include "container/join.h"
#include "container/tree-lock.h"
#include "container/tree.h"

static const Spec spec = {};
static const Identity identity = {};

/* The supervisor's side, and the hand of whoever writes on the other. */
typedef struct Reader {
        Setup setup;
        Join join;
        int hand;
        guint descriptors_before;
} Reader;

static guint count_descriptors(void)
{
        g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
        guint n = 0;

        while (g_dir_read_name(directory))
                n++;
        return n;
}

static void reader_begin(Reader *reader, gconstpointer data _unused_)
{
        int ends[2];

        reader->descriptors_before = count_descriptors();
        g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
        reader->hand = ends[1];
        reader->setup = (Setup){
                .spec = &spec, .pidfd = -EBADF, .report = ends[0], .kept = {.devpts = -EBADF, .layers = -EBADF}};
        reader->join = (Join){.pidfd = -EBADF,
                              .helper = -EBADF,
                              .leader = -EBADF,
                              .report = ends[0],
                              .spec = &spec,
                              .identity = &identity,
                              .console = -EBADF};
}

/* Nothing that was sent is held. */
static void reader_end(Reader *reader, gconstpointer data _unused_)
{
        user_free(reader->setup.user);
        fd_close(reader->setup.report);
        fd_close(reader->hand);
        g_assert_cmpuint(count_descriptors(), ==, reader->descriptors_before);
}

static int setup_told(Reader *reader, const void *data, size_t bytes, const int *fds, size_t n_fds, Failure *failure)
{
        g_assert_cmpint(fd_send(reader->hand, data, bytes, fds, n_fds), ==, 0);
        return setup_read(&reader->setup, failure);
}

static int join_told(Reader *reader, const void *data, size_t bytes, const int *fds, size_t n_fds, Failure *failure)
{
        g_assert_cmpint(fd_send(reader->hand, data, bytes, fds, n_fds), ==, 0);
        return join_read(&reader->join, failure);
}

/* It is an error that can be told on a bus. */
static void assert_failure(int r, const Failure *failure)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        g_assert_cmpint(r, <, 0);
        g_assert_cmpint(r, ==, failure->code);
        failure_to_bus_error(failure, &error);
        g_assert_true(g_dbus_is_name(error.name));
        g_assert_true(g_utf8_validate(error.message, -1, NULL));
}

/* Had it worked, a number would have been read as the place of a name: anything that is in the supervisor's memory. */
static void test_failure(Reader *reader, gconstpointer data _unused_)
{
        static const unsigned kinds[] = {FAILURE_SETUP, FAILURE_NO_PRIVATE_NETWORK + 1, 1000, INT_MAX, UINT_MAX};
        static const int codes[] = {0, 1, INT_MAX, INT_MIN, -4096, -EPERM};
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        for (guint i = 0; i < G_N_ELEMENTS(kinds) * G_N_ELEMENTS(codes); i++) {
                Report report = {.kind = REPORT_FAILURE};
                Failure failure = {};
                report.failure.kind = (FailureKind)kinds[i % G_N_ELEMENTS(kinds)];
                report.failure.code = codes[i / G_N_ELEMENTS(kinds)];
                memset(report.failure.sentence, 0xff, sizeof(report.failure.sentence));
                assert_failure(setup_told(reader, &report, sizeof(report), &null, 1, &failure), &failure);
                assert_failure(join_told(reader, &report, sizeof(report), &null, 1, &failure), &failure);
                g_assert_cmpint(failure.code, >=, -4095);
        }
        fd_close(null);
}

/* Had it worked, the supervisor would have opened with root's authority what lies in a directory of the caller's. */
static void test_kept(Reader *reader, gconstpointer data _unused_)
{
        const int fds[] = {open("/etc", O_PATH | O_CLOEXEC), open("/etc/passwd", O_RDONLY | O_CLOEXEC)};

        for (unsigned kept = REPORT_DEVPTS; kept <= (REPORT_DEVPTS | REPORT_LAYERS); kept++) {
                for (size_t n_fds = 0; n_fds <= 2; n_fds++) {
                        const Report report = {.kind = REPORT_READY, .kept = kept};
                        Failure failure = {};
                        assert_failure(setup_told(reader, &report, sizeof(report), fds, n_fds, &failure), &failure);
                        g_assert_false(reader->setup.is_ready);
                }
        }
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_not_understood(Reader *reader, gconstpointer data _unused_)
{
        const Report ready = {.kind = REPORT_READY};
        Report odd = {.kind = REPORT_READY};
        Failure failure = {};
        char larger[sizeof(Report) + 1] = {};

        memset(odd.user, 'x', sizeof(odd.user));
        assert_failure(setup_told(reader, &odd, sizeof(odd), NULL, 0, &failure), &failure);
        assert_failure(setup_told(reader, &odd, 1, NULL, 0, &failure), &failure);
        assert_failure(setup_told(reader, larger, sizeof(larger), NULL, 0, &failure), &failure);
        assert_failure(setup_told(reader, "", 0, NULL, 0, &failure), &failure);
        for (unsigned kind = 0; kind < 6; kind++) {
                odd = (Report){.kind = (ReportKind)kind, .n_trees = UINT_MAX};
                if (kind != REPORT_READY)
                        assert_failure(setup_told(reader, &odd, sizeof(odd), NULL, 0, &failure), &failure);
        }
        g_assert_cmpint(setup_told(reader, &ready, sizeof(ready), NULL, 0, &failure), ==, SETUP_READY);
        assert_failure(setup_told(reader, &ready, sizeof(ready), NULL, 0, &failure), &failure);
        odd = (Report){.kind = REPORT_LOCK};
        assert_failure(setup_told(reader, &odd, sizeof(odd), NULL, 0, &failure), &failure);
}

/* ---- requests ---- */

/* A process in a user namespace of its own, as the leader of a confined container is. */
static int leader_begin(void)
{
        int ready[2], pidfd;
        char byte;

        g_assert_no_errno(pipe2(ready, O_CLOEXEC));
        pid_t pid = process_fork(&pidfd);
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1)
                        _exit(EXIT_FAILURE);
                pause();
                _exit(EXIT_SUCCESS);
        }
        fd_close(ready[1]);
        g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
        fd_close(ready[0]);
        return pidfd;
}

static int leader_end(int pidfd)
{
        g_assert_cmpint(process_signal(pidfd, SIGKILL), ==, 0);
        g_assert_no_errno(waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){}, WEXITED | __WALL));
        return fd_close(pidfd);
}

static char *mounts(void)
{
        char *content;

        g_assert_true(g_file_get_contents("/proc/self/mountinfo", &content, NULL, NULL));
        return content;
}

/*
 * The one thing that can be asked for: a copy of a tree, with locks. Had it worked for anything but a detached tree,
 * which whoever sends it could attach without us, the supervisor would have handed out mounts of the host.
 */
static void test_lock(Reader *reader, gconstpointer data _unused_)
{
        static const TreeOption none[] = {{}};
        int sockets[2], got[LOCK_TREES_MAX];
        g_autofree char *before = mounts();
        char byte;

        g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
        const int tree = tree_make("tmpfs", 0, none);
        g_assert_cmpint(tree, >=, 0);
        const int forged[] = {
                open("/", O_PATH | O_CLOEXEC),
                open("/proc", O_RDONLY | O_CLOEXEC),
                open("/etc", O_PATH | O_CLOEXEC),
                open("/etc/passwd", O_RDONLY | O_CLOEXEC),
                open("/dev/null", O_RDWR | O_CLOEXEC),
                sockets[0],
                pidfd_open(getpid(), 0),
        };
        reader->setup.pidfd = leader_begin();
        for (guint i = 0; i < G_N_ELEMENTS(forged); i++) {
                const Report report = {.kind = REPORT_LOCK, .n_trees = 1};
                Failure failure = {};
                g_assert_cmpint(forged[i], >=, 0);
                assert_failure(setup_told(reader, &report, sizeof(report), &forged[i], 1, &failure), &failure);
                assert_failure(setup_told(reader, &report, sizeof(report), NULL, 0, &failure), &failure);
        }
        g_assert_cmpint(fd_receive(reader->hand, &byte, 1, got, 1, MSG_DONTWAIT), ==, -EAGAIN);
        const Report report = {.kind = REPORT_LOCK, .n_trees = 1};
        Failure failure = {};
        g_assert_cmpint(setup_told(reader, &report, sizeof(report), &tree, 1, &failure), ==, SETUP_WAITING);
        g_assert_cmpint(fd_receive(reader->hand, &byte, 1, got, 1, MSG_DONTWAIT), ==, 1);
        g_assert_cmpint(got[0], >=, 0);
        fd_close(got[0]);
        reader->setup.pidfd = leader_end(reader->setup.pidfd);
        for (guint i = 0; i < G_N_ELEMENTS(forged); i++)
                fd_close(forged[i]);
        fd_close(sockets[1]);
        fd_close(tree);
        g_autofree char *after = mounts();
        g_assert_cmpstr(after, ==, before);
}

/* Had it worked, the supervisor would have limited, signalled and killed with root's authority whoever is pointed at. */
static void test_strange_process(Reader *reader, gconstpointer data _unused_)
{
        const Report report = {.kind = REPORT_READY};
        const int forged[] = {
                pidfd_open(getppid(), 0),
                pidfd_open(getpid(), 0),
                pidfd_open(1, 0),
                open("/dev/null", O_RDWR | O_CLOEXEC),
                open("/etc/passwd", O_RDONLY | O_CLOEXEC),
        };

        for (guint i = 0; i < G_N_ELEMENTS(forged); i++) {
                Failure failure = {};
                g_assert_cmpint(forged[i], >=, 0);
                assert_failure(join_told(reader, &report, sizeof(report), &forged[i], 1, &failure), &failure);
                g_assert_cmpint(reader->join.pidfd, ==, -EBADF);
                g_assert_cmpint(reader->join.console, ==, -EBADF);
                fd_close(forged[i]);
        }
}

/* ---- anything ---- */

static void fill(void *data, size_t bytes)
{
        for (size_t i = 0; i < bytes; i++)
                ((guint8 *)data)[i] = (guint8)g_test_rand_int();
}

static void test_anything(Reader *reader, gconstpointer data _unused_)
{
        const int fds[] = {open("/", O_PATH | O_CLOEXEC), open("/dev/null", O_RDWR | O_CLOEXEC)};

        for (guint i = 0; i < 5000; i++) {
                Report report;
                Failure failure = {};
                fill(&report, 64 + (i % 8 == 0 ? sizeof(report) - 64 : 0));
                if (i % 4 != 0)
                        report.kind = (ReportKind)g_test_rand_int_range(0, 4);
                size_t bytes = i % 16 == 0 ? (size_t)g_test_rand_int_range(0, sizeof(report)) : sizeof(report);
                size_t n_fds = (size_t)g_test_rand_int_range(0, 3);
                int r = (i % 2 ? setup_told : join_told)(reader, &report, bytes, fds, n_fds, &failure);
                if (r < 0)
                        assert_failure(r, &failure);
                reader->setup.is_ready = false;
                reader->setup.user = user_free(reader->setup.user);
        }
        fd_close(fds[0]);
        fd_close(fds[1]);
}

#define ADD(path, function) g_test_add(path, Reader, NULL, reader_begin, function, reader_end)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("/reports/A4-a-failure-is-believed-within-its-range", test_failure);
        ADD("/reports/A4-what-is-kept-is-what-was-to-be-kept", test_kept);
        ADD("/reports/A4-what-is-not-understood-is-an-error", test_not_understood);
        ADD("/reports/A4-only-a-tree-of-ones-own-is-locked", test_lock);
        ADD("/reports/A4-a-process-of-another-is-not-ours", test_strange_process);
        ADD("/reports/A4-anything-at-all", test_anything);
        return g_test_run();
}
