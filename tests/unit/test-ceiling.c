/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ceiling is met for real, by a child, in a user namespace or a cgroup of its own, and has then to be named.
 */
#include "container/ceiling.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "common/fd.h"
#include "common/process.h"

static void write_text(const char *path, const char *text)
{
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

/* What clone3(2) says, and what is found then. */
static void assert_met(uint64_t flags, int code, const char *text)
{
        char found[CEILING_LENGTH];
        int pidfd;

        pid_t pid = process_clone(flags, -EBADF, &pidfd);
        if (pid == 0)
                _exit(EXIT_SUCCESS);
        g_assert_cmpint(pid, ==, code);
        g_assert_cmpint(ceiling_find(code, flags, -EBADF, found), ==, 1);
        g_assert_cmpstr(found, ==, text);
}

/* Whose root we are. Return: FALSE, with errno, when there is none for us. */
static gboolean enter_user_namespace(void)
{
        if (unshare(CLONE_NEWUSER) < 0)
                return FALSE;
        write_text("/proc/self/uid_map", "0 0 1");
        write_text("/proc/self/setgroups", "deny");
        write_text("/proc/self/gid_map", "0 0 1");
        return TRUE;
}

static void meet_namespaces(void *data _unused_)
{
        g_assert_true(enter_user_namespace());
        write_text("/proc/sys/user/max_uts_namespaces", "0");
        assert_met(CLONE_NEWIPC | CLONE_NEWUTS, -ENOSPC, "user.max_uts_namespaces=0");
        assert_met(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC, -ENOSPC, "user.max_uts_namespaces=0");
        write_text("/proc/sys/user/max_user_namespaces", "0");
        assert_met(CLONE_NEWUSER | CLONE_NEWIPC, -ENOSPC, "user.max_user_namespaces=0");
}

static void test_namespaces(void)
{
        run_in_child(meet_namespaces, NULL);
}

/* As deep as user namespaces go, wherever we begin. */
static void meet_depth(void *data _unused_)
{
        static const char *const start = "user.max_user_namespaces=", *const end = ", or the depth of 32,";
        char found[CEILING_LENGTH];
        guint n = 0;

        while (enter_user_namespace())
                n++;
        g_assert_cmpint(errno, ==, ENOSPC);
        g_assert_cmpuint(n, <=, 33);
        g_assert_cmpint(ceiling_find(-ENOSPC, CLONE_NEWUSER, -EBADF, found), ==, 1);
        g_assert_true(g_str_has_prefix(found, start));
        g_assert_true(g_str_has_suffix(found, end));
}

static void test_depth(void)
{
        run_in_child(meet_depth, NULL);
}

/* A user of nobody's, who has one process. */
static void meet_user(void *data _unused_)
{
        enum { NOBODYS_UID = 61999 };
        static const struct rlimit one = {1, 1};

        g_assert_no_errno(setrlimit(RLIMIT_NPROC, &one));
        g_assert_no_errno(setresuid(NOBODYS_UID, NOBODYS_UID, NOBODYS_UID));
        g_assert_no_errno(prctl(PR_SET_DUMPABLE, 1));
        assert_met(0, -EAGAIN, "RLIMIT_NPROC=1 of user 61999");
}

static void test_user(void)
{
        run_in_child(meet_user, NULL);
}

static void meet_processes(void *cgroup)
{
        g_autofree char *above = g_path_get_dirname(cgroup), *members = g_build_filename(cgroup, "cgroup.procs", NULL);
        g_autofree char *limit = g_build_filename(above, "pids.max", NULL);
        g_autofree char *text = g_strdup_printf("pids.max=1 of %s", above);

        write_text(members, "0");
        write_text(limit, "1");
        assert_met(0, -EAGAIN, text);
}

/* Here or above: it is the one above that is full. */
static void test_processes(void)
{
        g_autofree char *above = g_strdup_printf("/sys/fs/cgroup/pids/pflask-ceiling-%d", (int)getpid());
        g_autofree char *cgroup = g_build_filename(above, "inner", NULL);

        if (mkdir(above, 0755) < 0) {
                g_test_skip("no hierarchy of the pids controller of version 1 is mounted here");
                return;
        }
        g_assert_no_errno(mkdir(cgroup, 0755));
        run_in_child(meet_processes, cgroup);
        while (rmdir(cgroup) < 0) /* until the kernel has forgotten who was in it */
                g_assert_cmpint(errno, ==, EBUSY);
        g_assert_no_errno(rmdir(above));
}

/* Nothing that can be seen is full: those that it may have been. */
static void test_unknown(void)
{
        char found[CEILING_LENGTH];
        Failure failure;

        g_assert_cmpint(ceiling_find(-EAGAIN, 0, -EBADF, found), ==, 1);
        g_assert_nonnull(strstr(found, "kernel.pid_max"));
        g_assert_cmpint(ceiling_find(-ENOSPC, CLONE_NEWUTS, -EBADF, found), ==, 1);
        g_assert_cmpstr(found, ==, "user.max_*_namespaces");
        g_assert_cmpint(ceiling_find(-EPERM, CLONE_NEWUTS, -EBADF, found), ==, 0);
        g_assert_cmpint(ceiling_failure(&failure, -EPERM, "it", 0, -EBADF), ==, -EPERM);
        g_assert_cmpint(failure.kind, ==, FAILURE_SETUP);
        g_assert_cmpstr(failure.sentence, ==, "cannot clone it: Operation not permitted");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ceiling/of-namespaces-is-named", test_namespaces);
        g_test_add_func("/ceiling/of-processes-is-named", test_processes);
        g_test_add_func("/ceiling/of-depth-is-named", test_depth);
        g_test_add_func("/ceiling/of-a-user-is-named", test_user);
        g_test_add_func("/ceiling/that-is-not-found-is-one-of-those", test_unknown);
        return g_test_run();
}
