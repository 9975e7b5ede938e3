/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/macros.h"
#include "common/process.h"

/* ---- a pid namespace ---- */

/* In a process of its own: with all of root's authority, in the host's namespaces but for where its child will be. */
_noreturn_ static void helper_run(int member, int signal)
{
        int child_fd, status;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setns(member, CLONE_NEWPID) < 0)
                _exit(errno);
        close_range(0, ~0U, 0); /* what goes inside takes nothing along */
        pid_t child = process_fork(&child_fd);
        if (child == -ENOMEM) /* that is what a namespace says whose first process has ended: pid_namespaces(7) */
                _exit(ECHILD);
        if (child < 0)
                _exit(-child);
        if (child == 0)
                _exit(kill(-1, signal) < 0 && errno != ESRCH ? errno : 0);
        if (waitpid(child, &status, __WALL) < 0)
                _exit(errno);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD);
}

int processes_signal_namespace(int member, int signal, int *ret_helper)
{
        pid_t pid = process_fork(ret_helper);

        if (pid == 0)
                helper_run(member, signal);
        return pid < 0 ? pid : 0;
}

int processes_helper_ended(int helper)
{
        siginfo_t info = {};

        if (waitid(P_PIDFD, (id_t)helper, &info, WEXITED | __WALL) < 0)
                return -errno;
        return info.si_code == CLD_EXITED ? -info.si_status : -ECHILD;
}

/* ---- descendants ---- */

/* Deeper than any tree of processes that isn't made to be deep: each level holds three descriptors. */
enum { DEPTH_MAX = 128 };

static int signal_children(pid_t parent, int signal, unsigned depth);

/* What was read of @pid counts only because the pidfd is alive afterwards; a parent's number is safe by its own pidfd. */
static int signal_child(pid_t parent, pid_t pid, int signal, unsigned depth)
{
        _cleanup_(fd_closep) int pidfd = pidfd_open(pid, 0);

        if (pidfd < 0 || process_parent(pid) != parent || !process_is_alive(pidfd))
                return 0;
        int n = depth < DEPTH_MAX ? signal_children(pid, signal, depth + 1) : 0;
        process_signal(pidfd, signal);
        return n < 0 ? 1 : n + 1;
}

/* The children of one thread: proc(5), /proc/PID/task/TID/children. */
static int signal_children_of_thread(int tasks, const char *thread, pid_t parent, int signal, unsigned depth)
{
        _cleanup_(freep) char *children = NULL;
        char path[300];
        int n = 0;

        snprintf(path, sizeof(path), "%s/children", thread);
        int r = fd_read_file(tasks, path, 1024 * 1024, &children, NULL);
        if (r < 0)
                return r;
        for (char *rest = children, *end; *rest; rest = end) {
                pid_t pid = (pid_t)strtol(rest, &end, 10);
                if (end == rest)
                        break;
                if (pid > 0)
                        n += signal_child(parent, pid, signal, depth);
        }
        return n;
}

static int signal_children(pid_t parent, int signal, unsigned depth)
{
        char path[32];
        int n = 0;

        snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
        DIR *tasks = opendir(path);
        if (!tasks)
                return -errno;
        for (struct dirent *entry; (entry = readdir(tasks));) {
                if (entry->d_name[0] == '.')
                        continue;
                int r = signal_children_of_thread(dirfd(tasks), entry->d_name, parent, signal, depth);
                if (r > 0)
                        n += r;
        }
        closedir(tasks);
        return n;
}

int processes_signal_descendants(int signal)
{
        return signal_children(getpid(), signal, 0);
}

/* ---- sessions ---- */

/* The session as /proc has it: the fourth number behind the command's name. */
static pid_t session_of(int proc, const char *pid)
{
        _cleanup_(freep) char *stat = NULL;
        char path[300];
        int session;

        snprintf(path, sizeof(path), "%s/stat", pid);
        if (fd_read_file(proc, path, 4096, &stat, NULL) < 0)
                return -1;
        const char *behind = strrchr(stat, ')');
        return behind && sscanf(behind, ") %*c %*d %*d %d", &session) == 1 ? session : -1;
}

/* A process's session cannot become another's but by its own setsid(2); that it is the same is asked again by pidfd. */
static bool signal_member(int proc, const char *name, pid_t session, int signal)
{
        if (name[0] < '1' || name[0] > '9' || session_of(proc, name) != session)
                return false;
        _cleanup_(fd_closep) int pidfd = pidfd_open((pid_t)atoi(name), 0);
        if (pidfd < 0 || session_of(proc, name) != session)
                return false;
        return process_signal(pidfd, signal) >= 0;
}

int processes_signal_session(int leader, int signal)
{
        int n = 0;

        pid_t session = process_pid(leader);
        if (session < 0)
                return session;
        DIR *proc = opendir("/proc");
        if (!proc)
                return -errno;
        for (struct dirent *entry; (entry = readdir(proc));)
                n += signal_member(dirfd(proc), entry->d_name, session, signal);
        closedir(proc);
        return n;
}

void processes_reap(bool (*is_kept)(const void *userdata, pid_t pid), const void *userdata)
{
        siginfo_t info = {};

        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
                if (is_kept(userdata, info.si_pid))
                        return;
                waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
                info.si_pid = 0;
        }
}
