/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on the set-up
 *
 * The half of a set-up that has the caller's uid is the caller's by all that the kernel asks about but one: it is not
 * dumpable. Alice has hers stand still, with a file system that does not answer, and has all the time of the world to
 * get at it, at the supervisor that waits for it, and at what the two could be asked through. What a record of hers
 * would have been believed to say, if she had got a hand on that, is in the unit test of reports.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"

#define CONTROL CONTAINERS_DIRECTORY "/box/control"

enum { DESCRIPTORS = 64 }; /* more than any of them has */

/* What worked, a bit each, in the exit status of who has tried. */
enum {
        REACH_TRACE = 1 << 0,
        REACH_TAKE = 1 << 1,   /* pidfd_getfd(2) */
        REACH_REOPEN = 1 << 2, /* /proc/PID/fd/N */
        REACH_MEMORY = 1 << 3,
        REACH_PLACES = 1 << 4, /* its files and directories, its namespaces */
        REACH_LIMITS = 1 << 5,
        REACH_ALL = (1 << 6) - 1,
};

static gboolean can_open(pid_t pid, const char *name, int flags)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        fd_close(fd);
        return fd >= 0;
}

static int reach_descriptors(pid_t pid)
{
        int pidfd = pidfd_open(pid, 0), reached = can_open(pid, "fd", O_RDONLY | O_DIRECTORY) ? REACH_REOPEN : 0;

        for (int i = 0; i < DESCRIPTORS; i++) {
                char name[16];
                snprintf(name, sizeof(name), "fd/%d", i);
                if (can_open(pid, name, O_WRONLY) || can_open(pid, name, O_RDONLY) || can_open(pid, name, O_PATH))
                        reached |= REACH_REOPEN;
                int taken = (int)syscall(SYS_pidfd_getfd, pidfd, i, 0);
                if (taken >= 0)
                        reached |= REACH_TAKE;
                fd_close(taken);
        }
        fd_close(pidfd);
        return reached;
}

/* An address of ours that a child of ours has too, and so has whoever was cloned from the same program. */
static int reach_memory(pid_t pid, const void *address)
{
        char byte;
        const struct iovec here = {&byte, 1}, there = {(void *)(uintptr_t)address, 1};

        return can_open(pid, "mem", O_RDWR) || can_open(pid, "maps", O_RDONLY) || can_open(pid, "environ", O_RDONLY) ||
                               process_vm_readv(pid, &here, 1, &there, 1, 0) > 0
                       ? REACH_MEMORY
                       : 0;
}

/* All that a process of the same uid could do to another. */
static int reach(pid_t pid)
{
        struct rlimit limit = {64, 64};
        int reached = reach_descriptors(pid) | reach_memory(pid, &limit);

        if (can_open(pid, "root", O_PATH) || can_open(pid, "cwd", O_PATH) || can_open(pid, "exe", O_RDONLY) ||
            can_open(pid, "ns/mnt", O_RDONLY) || can_open(pid, "ns/user", O_RDONLY))
                reached |= REACH_PLACES;
        if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == 0)
                reached |= REACH_LIMITS;
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
                reached |= REACH_TRACE;
        return reached;
}

/* What reach() says to alice of @pid; 0: of a child of hers, with the descriptors that there are. */
static int alice_reaches(pid_t pid)
{
        int status;

        pid_t trier = fork();
        g_assert_cmpint(trier, >=, 0);
        if (trier == 0) {
                if (setgroups(0, NULL) < 0 || setresgid(ALICE, ALICE, ALICE) < 0 ||
                    setresuid(ALICE, ALICE, ALICE) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
                        _exit(0xff);
                pid_t child = pid > 0 ? 0 : fork();
                if (pid == 0 && child == 0)
                        for (;;)
                                pause();
                int reached = reach(pid > 0 ? pid : child);
                if (child > 0)
                        kill(child, SIGKILL); /* it holds what keeps the set-up waiting */
                _exit(reached);
        }
        g_assert_cmpint(waitpid(trier, &status, 0), ==, trier);
        g_assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static char *status_of(pid_t pid, const char *key)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid), *content = NULL;

        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        const char *line = strstr(content, key);
        g_assert_nonnull(line);
        line += strlen(key);
        return g_strndup(line, strcspn(line, "\n"));
}

/* Had it worked, alice would have told the supervisor, as her set-up, what to do with root's authority. */
static void test_set_up_stands_still(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_auto(Pending) pending = {};

        make_directory(TEST_DIRECTORY "/hanging", 0755, ALICE);
        _cleanup_(fd_closep) int server = mount_hanging(TEST_DIRECTORY "/hanging");
        if (server < 0) {
                g_test_skip("there is no FUSE");
                return;
        }
        client_call_later(alice, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                          create_parameters("box", idle, "{'Root': <'" TEST_DIRECTORY "/hanging/tree'>}"), &pending);
        n_containers(alice);
        pid_t leader = await_hanging(server);
        g_autofree char *uids = status_of(leader, "Uid:\t"), *parent = status_of(leader, "PPid:\t");
        g_assert_true(g_str_has_prefix(uids, "61001\t61001\t61001\t"));
        pid_t supervisor = atoi(parent);
        g_autofree char *name = status_of(supervisor, "Name:\t");
        g_assert_true(g_str_has_prefix(name, "pflask-"));
        g_assert_cmpint(alice_reaches(0), ==, REACH_ALL);         /* so nothing but what it is protects the others */
        g_assert_cmpint(alice_reaches(leader), ==, REACH_LIMITS); /* uid against uid; she only has less of it */
        g_assert_cmpint(alice_reaches(supervisor), ==, 0);
        server = fd_close(server);
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "SetupFailed");
        g_assert_cmpint(umount2(TEST_DIRECTORY "/hanging", MNT_DETACH), ==, 0);
}

/* ---- the control socket ---- */

/* Connects as alice, and says what a client says. Return: errno of connect(2); else how many bytes were answered. */
static int alice_speaks(void)
{
        static const char hello[] = "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
        const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONTROL};
        struct timeval patience = {.tv_sec = 30};
        char answer[512];

        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        g_assert_cmpint(seteuid(ALICE), ==, 0);
        int r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        g_assert_cmpint(seteuid(0), ==, 0);
        if (r < 0)
                return r;
        send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        return n < 0 && errno != ECONNRESET ? -errno : n > 0 ? (int)n : 0;
}

/*
 * Had it worked, alice would have asked the supervisor of her container, or of root's, for what only a manager may ask.
 * It has two locks, each of which is enough: the modes, and that the supervisor listens to nobody but root.
 */
static void test_control_socket(Fixture *fixture)
{
        for (guint i = 0; i < 2; i++) {
                g_autoptr(Client) owner = client_new(fixture, i == 0 ? ALICE : 0);
                create(owner, "box", idle, NULL);
                g_assert_cmpint(alice_speaks(), ==, -EACCES);
                g_assert_cmpint(chmod(CONTAINERS_DIRECTORY, 0755), ==, 0);
                g_assert_cmpint(chmod(CONTAINERS_DIRECTORY "/box", 0755), ==, 0);
                g_assert_cmpint(alice_speaks(), ==, -EACCES);
                g_assert_cmpint(chmod(CONTROL, 0666), ==, 0);
                g_assert_cmpint(alice_speaks(), ==, 0);
                terminate(owner, "box");
        }
}

static const Test tests[] = {
        ATTACK("/attack/A4-a-set-up-that-stands-still", test_set_up_stands_still),
        ATTACK("/attack/A4-the-control-socket-has-two-locks", test_control_socket),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
