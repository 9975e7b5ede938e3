/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"

static const char *const result_names[] = {
        [RESULT_NONE] = "",         [RESULT_EXITED] = "exited", [RESULT_KILLED] = "killed",
        [RESULT_DUMPED] = "dumped", [RESULT_LOST] = "lost",
};

const char *result_name(Result result)
{
        return result_names[result];
}

Result result_from_name(const char *name)
{
        for (unsigned i = 0; i < ELEMENTS(result_names); i++)
                if (strcmp(result_names[i], name) == 0)
                        return (Result)i;
        return RESULT_NONE;
}

void process_reset_signals(void)
{
        struct sigaction by_default = {.sa_handler = SIG_DFL};
        sigset_t none;

        for (int signal = 1; signal < _NSIG; signal++)
                if (signal != SIGKILL && signal != SIGSTOP)
                        sigaction(signal, &by_default, NULL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

enum { SPAWN_FDS_MAX = 8, SPAWN_STACK_BYTES = 32 * 1024 };

typedef struct SpawnChild {
        const Spawn *spawn;
        int error; /* written by the child, in the memory that it shares until execve() */
} SpawnChild;

/* The child's frames are left by execve(), not by returning: AddressSanitizer would mark the caller's memory for ever. */
#define _unmarked_ __attribute__((no_sanitize("address")))

/* Puts the descriptors where the program looks for them. Two rounds, for a source may stand where a target will. */
_unmarked_ static int spawn_arrange_fds(const Spawn *spawn)
{
        int moved[SPAWN_FDS_MAX];
        int base = 3 + (int)spawn->n_fds;

        int executable = fcntl(spawn->executable, F_DUPFD_CLOEXEC, base);
        if (executable < 0)
                return -errno;
        for (unsigned i = 0; i < spawn->n_fds; i++) {
                moved[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, base);
                if (moved[i] < 0)
                        return -errno;
        }
        if (spawn->stderr_fd >= 0 && dup2(spawn->stderr_fd, STDERR_FILENO) < 0)
                return -errno;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return -errno;
        for (unsigned i = 0; i < spawn->n_fds; i++)
                if (dup2(moved[i], 3 + (int)i) < 0)
                        return -errno;
        if (close_range((unsigned)base, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return -errno;
        return executable;
}

/* In the child, in the caller's memory and namespaces, with the caller's authority: nothing may be allocated. */
_unmarked_ static int spawn_child(void *data)
{
        SpawnChild *child = data;

        process_reset_signals();
        if (child->spawn->death_signal)
                prctl(PR_SET_PDEATHSIG, child->spawn->death_signal);
        int executable = spawn_arrange_fds(child->spawn);
        if (executable >= 0) {
                execveat(executable, "", child->spawn->argv, child->spawn->envp, AT_EMPTY_PATH);
                executable = -errno;
        }
        child->error = executable;
        _exit(127);
}

int process_spawn(const Spawn *spawn, pid_t *ret_pid)
{
        SpawnChild child = {.spawn = spawn};
        sigset_t all, before;
        int pidfd = -EBADF;

        if (spawn->n_fds > SPAWN_FDS_MAX)
                return -EINVAL;
        char *stack = mmap(NULL, SPAWN_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1,
                           0);
        if (stack == MAP_FAILED)
                return -errno;
        /* A handler of ours must not run in the child while the memory is shared. */
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, &before);
        pid_t pid = clone(spawn_child, stack + SPAWN_STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                          &child, &pidfd);
        int error = pid < 0 ? -errno : child.error;
        sigprocmask(SIG_SETMASK, &before, NULL);
        munmap(stack, SPAWN_STACK_BYTES);
        if (pid > 0 && error < 0) {
                waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){}, WEXITED);
                pidfd = fd_close(pidfd);
        }
        if (error < 0)
                return error;
        if (ret_pid)
                *ret_pid = pid;
        return pidfd;
}

pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd)
{
        int pidfd = -EBADF;
        struct clone_args arguments = {
                .flags = flags | CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
                .pidfd = (uintptr_t)&pidfd,
                .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD, /* there the parent has its own: clone(2) */
                .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
        };

        pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid < 0)
                return -errno;
        if (pid > 0)
                *ret_pidfd = pidfd;
        return pid;
}

pid_t process_fork(int *ret_pidfd)
{
        int pidfd = -EBADF;
        const struct clone_args arguments = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd};

        pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid < 0)
                return -errno;
        if (pid > 0)
                *ret_pidfd = pidfd;
        return pid;
}

int process_wait(int pidfd, Result *ret_result, int *ret_status)
{
        siginfo_t info = {};

        if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
                return -errno;
        if (info.si_pid == 0)
                return 0;
        *ret_result = info.si_code == CLD_EXITED   ? RESULT_EXITED
                      : info.si_code == CLD_DUMPED ? RESULT_DUMPED
                                                   : RESULT_KILLED;
        *ret_status = info.si_status;
        return 1;
}

bool process_is_alive(int pidfd)
{
        struct pollfd ended = {.fd = pidfd, .events = POLLIN};

        return poll(&ended, 1, 0) == 0;
}

int process_signal(int pidfd, int signal)
{
        return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

/* Behind the name, which may be anything: state, parent, group, session, terminal and its group, flags. */
static bool read_stat(pid_t pid, pid_t *ret_parent, unsigned *ret_flags)
{
        _cleanup_(freep) char *stat = NULL;
        char path[32];

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        if (fd_read_file(AT_FDCWD, path, 4096, &stat, NULL) < 0)
                return false;
        const char *name_end = strrchr(stat, ')');
        return name_end && sscanf(name_end + 1, " %*c %d %*d %*d %*d %*d %u", ret_parent, ret_flags) == 2;
}

bool process_has_executed(pid_t pid)
{
        enum { FORKED_WITHOUT_EXEC = 0x40 };
        unsigned flags;
        pid_t parent;

        return !read_stat(pid, &parent, &flags) || !(flags & FORKED_WITHOUT_EXEC);
}

bool process_is_ending(pid_t pid)
{
        enum { EXITING = 0x4 };
        unsigned flags;
        pid_t parent;

        return read_stat(pid, &parent, &flags) && flags & EXITING;
}

pid_t process_parent(pid_t pid)
{
        unsigned flags;
        pid_t parent;

        return read_stat(pid, &parent, &flags) ? parent : 0;
}

pid_t process_pid(int pidfd)
{
        _cleanup_(freep) char *info = NULL;
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
        int r = fd_read_file(AT_FDCWD, path, 4096, &info, NULL);
        if (r < 0)
                return r;
        const char *line = strstr(info, "\nPid:");
        if (!line)
                return -EBADF;
        pid_t pid = (pid_t)atoi(line + strlen("\nPid:"));
        return pid > 0 ? pid : -ESRCH;
}
