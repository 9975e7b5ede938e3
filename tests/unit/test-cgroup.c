/* SPDX-License-Identifier: BSD-2-Clause */
/* On the hierarchies of the machine: each test removes what it made, which is part of what it proves. */
#include "common/record.h"
#include "container/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "common/fd.h"
#include "common/process.h"

enum { TIMEOUT_MSEC = 5000 };

static char name[32];

static pid_t start(void)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
        return pid;
}

/* Ends it if need be. Return: the signal that ended it. */
static int reap(pid_t pid)
{
        int status;

        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));
        return WTERMSIG(status);
}

static char *membership(pid_t pid)
{
        char path[32];
        char *text;

        snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

/* How many hierarchies @pid is in the container's cgroup of. */
static unsigned count(pid_t pid)
{
        g_autofree char *text = membership(pid), *wanted = g_strdup_printf("/pflask-%s\n", name);
        unsigned n = 0;

        for (const char *at = text; (at = strstr(at, wanted)); at++)
                n++;
        return n;
}

static Cgroup *tracking(void)
{
        Cgroup *cgroup;
        Failure failure = {};
        int r = cgroup_create_tracking(name, &cgroup, &failure);

        if (r < 0)
                g_test_skip(failure.sentence);
        return r < 0 ? NULL : cgroup;
}

static void tracks_and_kills(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        Failure failure = {};

        if (!cgroup)
                return;
        g_assert_cmpint(cgroup_signal(cgroup, SIGTERM), ==, -ESRCH);
        pid_t one = start(), other = start();
        g_assert_cmpuint(count(one), ==, 0);
        g_assert_cmpint(cgroup_add(cgroup, one, &failure), ==, 0);
        g_assert_cmpuint(count(one), ==, 1);
        g_assert_cmpint(cgroup_add(cgroup, other, &failure), ==, 0);
        g_assert_cmpint(cgroup_signal(cgroup, SIGTERM), ==, 0);
        g_assert_cmpint(reap(one), ==, SIGTERM);
        g_assert_cmpint(reap(other), ==, SIGTERM);
        one = start();
        g_assert_cmpint(cgroup_add(cgroup, one, &failure), ==, 0);
        g_assert_cmpint(cgroup_kill(cgroup), ==, 0);
        g_assert_cmpint(reap(one), ==, SIGKILL);
        g_assert_cmpint(cgroup_kill(cgroup), ==, 0);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(cgroup_kill(cgroup), ==, 0);
}

static void child_starts_in_it(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        _cleanup_(fd_closep) int pidfd = -EBADF;

        if (!cgroup)
                return;
        if (cgroup_unified(cgroup) < 0) {
                g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
                return g_test_skip("there is no unified hierarchy here");
        }
        pid_t pid = process_clone(0, cgroup_unified(cgroup), &pidfd);
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
        g_assert_cmpuint(count(pid), ==, 1);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
}

/* Processes that fork as fast as they are killed. */
static void fork_without_end(void *data _unused_)
{
        signal(SIGCHLD, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        for (int i = 0; i < 4; i++)
                if (fork() == 0)
                        for (int n = 0; n < 2000; n++) {
                                if (fork() > 0)
                                        _exit(0);
                                usleep(1000);
                        }
        pause();
}

static void no_fork_escapes(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        Failure failure = {};

        if (!cgroup)
                return;
        pid_t pid = fork();
        if (pid == 0) {
                g_assert_cmpint(cgroup_add(cgroup, getpid(), &failure), ==, 0);
                fork_without_end(NULL);
                _exit(EXIT_FAILURE);
        }
        while (cgroup_signal(cgroup, SIGCONT) == -ESRCH)
                g_usleep(1000);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
        g_assert_cmpint(cgroup_signal(cgroup, SIGKILL), ==, -ESRCH);
}

/* What a container made beneath its cgroup, deeper than descriptors or a stack would reach. */
static void nested_ones_are_removed(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        Failure failure = {};

        if (!cgroup)
                return;
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        if (cgroup_unified(cgroup) >= 0) {
                int here = fcntl(cgroup_unified(cgroup), F_DUPFD_CLOEXEC, 3);
                for (unsigned depth = 0; depth < 200; depth++) {
                        g_assert_no_errno(mkdirat(here, "a", 0755));
                        g_assert_no_errno(mkdirat(here, "b", 0755));
                        int next = openat(here, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        g_assert_cmpint(next, >=, 0);
                        fd_close(here);
                        here = next;
                }
                _cleanup_(fd_closep) int procs = openat(here, "cgroup.procs", O_WRONLY | O_CLOEXEC);
                g_assert_cmpint(dprintf(procs, "%d", pid), >, 0);
                fd_close(here);
                g_assert_cmpuint(count(pid), ==, 0);
        }
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
}

/* The supervisor that made it was killed: the name is free for another, but never while something lives there. */
static void left_one_is_made_anew(void)
{
        _cleanup_(cgroup_freep) Cgroup *left = tracking(), *cgroup = NULL;
        Failure failure = {};

        if (!left)
                return;
        cgroup = tracking();
        g_assert_nonnull(cgroup);
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        Cgroup *third;
        g_assert_cmpint(cgroup_create_tracking(name, &third, &failure), ==, -EBUSY);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
}

static void whoever_finds_it_can_remove_it(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        Failure failure = {};

        if (!cgroup)
                return;
        g_autofree char *line = cgroup_lines(cgroup, RECORD_CGROUP_MAX);
        g_autofree char *other = g_strconcat(name, "-other", NULL), *beneath = g_strconcat(line, "/x", NULL);
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        g_assert_cmpuint(count(pid), ==, 1);

        g_assert_cmpint(cgroup_remove_left(line, other, TIMEOUT_MSEC), ==, -EINVAL);
        g_assert_cmpint(cgroup_remove_left(beneath, name, TIMEOUT_MSEC), ==, -EINVAL);
        g_assert_cmpint(cgroup_remove_left("", name, TIMEOUT_MSEC), ==, -EINVAL);
        g_assert_cmpint(cgroup_remove_left("/", "", TIMEOUT_MSEC), ==, -EINVAL);
        g_assert_cmpuint(count(pid), ==, 1);
        g_assert_cmpint(cgroup_remove_left(line, name, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
        g_assert_cmpint(cgroup_remove_left(line, name, TIMEOUT_MSEC), ==, 0);
}

static int create(const char *controllers, Cgroup **ret, Failure *failure)
{
        g_auto(GStrv) words = g_strsplit(controllers, " ", -1);
        const Spec spec = {.cgroups = words};

        return cgroup_create(&spec, name, ret, failure);
}

static void one_for_each_hierarchy(void)
{
        g_autofree char *own = membership(getpid());
        _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
        Failure failure = {};

        g_assert_cmpint(create("", &cgroup, &failure), ==, 0);
        g_assert_null(cgroup);
        if (!strstr(own, ":pids:") || !strstr(own, ":cpuset:"))
                return g_test_skip("there are no hierarchies of version 1 here");
        g_assert_cmpint(create("pids cpuset pids", &cgroup, &failure), ==, 0);
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        g_assert_cmpuint(count(pid), ==, 2);
        g_assert_cmpint(cgroup_unified(cgroup), <, 0);
        g_assert_cmpint(cgroup_kill(cgroup), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
        pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
}

/* "9:pids:/some/where": in which of the version 1. */
static gboolean line_is_there(const char *line)
{
        g_auto(GStrv) fields = g_strsplit(line, ":", 3);
        g_autofree char *path = g_strconcat("/sys/fs/cgroup/", fields[1], fields[2], NULL);

        return g_file_test(path, G_FILE_TEST_IS_DIR);
}

static void whoever_finds_it_can_remove_all_of_it(void)
{
        g_autofree char *own = membership(getpid());
        _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
        Failure failure = {};

        if (!strstr(own, ":pids:") || !strstr(own, ":cpuset:"))
                return g_test_skip("there are no hierarchies of version 1 here");
        g_assert_cmpint(create("pids cpuset", &cgroup, &failure), ==, 0);
        g_autofree char *all = cgroup_lines(cgroup, RECORD_CGROUP_MAX);
        g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 2);
        for (guint i = 0; lines[i]; i++)
                g_assert_true(line_is_there(lines[i]));
        g_autofree char *first = cgroup_lines(cgroup, strlen(all) - 1);
        g_assert_cmpstr(first, ==, lines[0]);
        g_assert_null(cgroup_lines(cgroup, strlen(first) - 1));
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        g_assert_cmpint(cgroup_remove_left(all, name, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
        for (guint i = 0; lines[i]; i++)
                g_assert_false(line_is_there(lines[i]));
}

static void unified_hierarchy_has_a_name(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;
        Failure failure = {};
        int r = create("unified", &cgroup, &failure);

        if (r < 0 && failure.kind == FAILURE_INVALID_OPTION)
                return g_test_skip(failure.sentence);
        g_assert_cmpint(r, ==, 0);
        g_assert_cmpint(cgroup_unified(cgroup), >=, 0);
        pid_t pid = start();
        g_assert_cmpint(cgroup_add(cgroup, pid, &failure), ==, 0);
        g_assert_cmpuint(count(pid), ==, 1);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(pid), ==, SIGKILL);
}

/* As a systemd does it with itself, and then nobody can enter the one around it any more. */
static void who_joins_is_where_the_leader_is(void)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = tracking();
        Failure failure = {};
        int pidfd;

        if (!cgroup || cgroup_unified(cgroup) < 0)
                return g_test_skip("there is no unified hierarchy here");
        g_assert_cmpint(cgroup_open_of(getpid()), ==, -EALREADY);
        pid_t leader = start();
        g_assert_cmpint(cgroup_add(cgroup, leader, &failure), ==, 0);
        g_assert_cmpint(mkdirat(cgroup_unified(cgroup), "init.scope", 0755), ==, 0);
        _cleanup_(fd_closep) int processes = openat(cgroup_unified(cgroup), "init.scope/cgroup.procs", O_WRONLY);
        g_assert_cmpint(dprintf(processes, "%d", leader), >, 0);

        _cleanup_(fd_closep) int place = cgroup_open_of(leader);
        g_assert_cmpint(place, >=, 0);
        pid_t joined = process_clone(0, place, &pidfd);
        if (joined == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
        g_assert_cmpint(joined, >, 0);
        fd_close(pidfd);
        g_assert_cmpint(cgroup_add_joining(cgroup, joined, &failure), ==, 0);
        g_autofree char *its = membership(joined), *the_leaders = membership(leader);
        g_assert_cmpstr(its, ==, the_leaders);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        g_assert_cmpint(reap(joined), ==, SIGKILL);
        g_assert_cmpint(reap(leader), ==, SIGKILL);
}

static void unknown_controller_is_named(void)
{
        static const char *const unknown[] = {"nonsense", "pid", "pids,cpuset", "..", "rw", "/", "Pids"};

        for (unsigned i = 0; i < ELEMENTS(unknown); i++) {
                g_autofree char *words = g_strdup_printf("pids %s", unknown[i]);
                Cgroup *cgroup = NULL;
                Failure failure = {};
                int r = create(words, &cgroup, &failure);
                g_assert_cmpint(r, <, 0);
                g_assert_null(cgroup);
                if (failure.kind == FAILURE_SETUP) /* pids itself could not be had */
                        return g_test_skip(failure.sentence);
                g_assert_cmpint(failure.kind, ==, FAILURE_INVALID_OPTION);
                g_autofree char *quoted = g_strdup_printf("'%s'", unknown[i]);
                g_assert_nonnull(strstr(failure.sentence, quoted));
        }
        /* And the one that was made first is gone again. */
        Cgroup *cgroup = NULL;
        Failure failure = {};
        g_assert_cmpint(create("pids", &cgroup, &failure), ==, 0);
        g_assert_cmpint(cgroup_remove(cgroup, TIMEOUT_MSEC), ==, 0);
        cgroup_free(cgroup);
}

int main(int argc, char **argv)
{
        snprintf(name, sizeof(name), "test-%d", (int)getpid());
        g_test_init(&argc, &argv, NULL);
        if (geteuid() != 0) {
                printf("1..0 # SKIP needs root\n");
                return 0;
        }
        g_test_add_func("/cgroup/tracks-and-kills", tracks_and_kills);
        g_test_add_func("/cgroup/a-child-starts-in-it", child_starts_in_it);
        g_test_add_func("/cgroup/no-fork-escapes", no_fork_escapes);
        g_test_add_func("/cgroup/nested-ones-are-removed", nested_ones_are_removed);
        g_test_add_func("/cgroup/a-left-one-is-made-anew", left_one_is_made_anew);
        g_test_add_func("/cgroup/whoever-finds-it-can-remove-it", whoever_finds_it_can_remove_it);
        g_test_add_func("/cgroup/whoever-finds-it-can-remove-all-of-it", whoever_finds_it_can_remove_all_of_it);
        g_test_add_func("/cgroup/one-for-each-hierarchy", one_for_each_hierarchy);
        g_test_add_func("/cgroup/the-unified-hierarchy-has-a-name", unified_hierarchy_has_a_name);
        g_test_add_func("/cgroup/who-joins-is-where-the-leader-is", who_joins_is_where_the_leader_is);
        g_test_add_func("/cgroup/an-unknown-controller-is-named", unknown_controller_is_named);
        return g_test_run();
}
