/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/join.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "container/capabilities.h"
#include "container/ceiling.h"
#include "container/command.h"
#include "container/devices.h"
#include "container/environment.h"
#include "container/leader.h"
#include "container/limits.h"
#include "container/users.h"

/* ---- in the process that joins ---- */

/* The process that is to be the command, as far as it has come. */
typedef struct Joiner {
        const JoinInput *input;
        const Capabilities *capabilities;
        User *user;
        int report;
        int streams[3];
        int terminal; /* the pty's other side */
} Joiner;

_noreturn_ static void joiner_fail(const Joiner *joiner, const Failure *failure)
{
        const Report report = {.kind = REPORT_FAILURE, .failure = *failure};

        fd_send(joiner->report, &report, sizeof(report), NULL, 0);
        _exit(EXIT_FAILURE);
}

static int joiner_say(const Joiner *joiner, int fd)
{
        const Report report = {.kind = REPORT_READY};

        return (int)fd_send(joiner->report, &report, sizeof(report), &fd, 1);
}

static bool is_on_devpts(int fd)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

/* The device that hands out ptys, wherever its node is: a container's /dev may have one beside its devpts. */
static bool is_ptmx(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(TTYAUX_MAJOR, 2);
}

/*
 * The container's own devpts hands out the pty, so that its name is right inside. What lies at that path is the
 * container's to say; that it is a pty's master, and of a devpts, is ours to find out before anybody is given it.
 */
static int joiner_open_terminal(Joiner *joiner, Failure *failure)
{
        const struct winsize size = {.ws_row = joiner->input->rows ?: 24, .ws_col = joiner->input->columns ?: 80};
        const int unlock = 0;

        if (!joiner->input->has_terminal)
                return 0;
        _cleanup_(fd_closep) int master = open("/dev/pts/ptmx",
                                               O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (master < 0 && (errno == EACCES || errno == ENOENT))
                master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
        if (master < 0 && (errno == ENOSPC || errno == EIO))
                return failure_set(failure, -errno, FAILURE_LIMIT_REACHED,
                                   "cannot open a pseudo-terminal: all of kernel.pty.max are in use");
        if (master < 0)
                return failure_step(failure, -errno, "open", "/dev/pts/ptmx", NULL);
        if (!is_ptmx(master))
                return failure_step(failure, -ENODEV, "use", "/dev/pts/ptmx", NULL);
        if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
                return failure_step(failure, -errno, "unlock", "the terminal", NULL);
        _cleanup_(fd_closep) int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        joiner->terminal = peer < 0 ? -errno : fd_keep(peer);
        if (joiner->terminal < 0)
                return failure_step(failure, joiner->terminal, "open", "the terminal", NULL);
        if (!is_on_devpts(joiner->terminal))
                return failure_step(failure, -ENODEV, "use", "/dev/pts/ptmx", NULL);
        if (ioctl(master, TIOCSWINSZ, &size) < 0)
                return failure_step(failure, -errno, "size", "the terminal", NULL);
        if (fchown(joiner->terminal, joiner->user->uid, (gid_t)-1) < 0 || fchmod(joiner->terminal, 0620) < 0)
                return failure_step(failure, -errno, "give", "the terminal", joiner->user->name ?: "its user");
        int r = joiner_say(joiner, master);
        return r < 0 ? failure_step(failure, r, "hand over", "the terminal", NULL) : 0;
}

static int joiner_open_streams(const Joiner *joiner, Failure *failure)
{
        for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
                _cleanup_(fd_closep) int null = -EBADF;
                int given = joiner->input->has_terminal ? joiner->terminal : joiner->streams[stream];
                if (given < 0)
                        given = null = devices_open_null();
                if (given < 0)
                        return failure_step(failure, given, "open", "/dev/null", NULL);
                int r = fd_place(given, stream);
                if (r < 0)
                        return failure_step(failure, r, "duplicate", "a standard stream", NULL);
                if (null == stream)
                        null = -EBADF; /* it is the stream now */
        }
        if (setsid() < 0)
                return failure_step(failure, -errno, "begin", "a session", NULL);
        if (joiner->input->has_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                return failure_step(failure, -errno, "take", "the controlling terminal", NULL);
        return 0;
}

static bool joiner_is_shell(const Joiner *joiner)
{
        return strings_count(joiner->input->command) == 0;
}

static int joiner_find_user(Joiner *joiner, Failure *failure)
{
        const char *name = joiner->input->user;
        char number[16];

        if (joiner->user)
                return 0;
        snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return failure_step(failure, -errno, "open", "/", NULL);
        return user_lookup_beneath(root, name && *name ? name : number, &joiner->user, failure);
}

/* As the leader's: looked up inside, and proven to be inside. A home that is missing is no reason to refuse a shell. */
static int joiner_change_directory(const Joiner *joiner, Failure *failure)
{
        const JoinInput *input = joiner->input;
        const char *directory = input->working_directory;
        char where[PATH_MAX];

        if (!directory && !joiner_is_shell(joiner))
                directory = input->spec->working_directory ?: "/";
        if (!directory && chdir(joiner->user->home) < 0)
                directory = "/";
        if (directory && chdir(directory) < 0)
                return failure_step(failure, -errno, "enter", directory, NULL);
        int r = syscall(SYS_getcwd, where, sizeof(where)) < 0 ? -errno : where[0] != '/' ? -EXDEV : 0;
        return r < 0 ? failure_step(failure, r, "enter", directory ?: joiner->user->home, NULL) : 0;
}

/* Variables that say who somebody is; those of the container's own command don't fit another user. */
static bool is_personal(const char *assignment)
{
        static const char *const names[] = {"HOME=", "USER=", "LOGNAME=", "SHELL=", "MAIL="};

        for (unsigned i = 0; i < ELEMENTS(names); i++)
                if (strncmp(assignment, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

/* The container's environment goes first, then what the caller gave; a login shell begins with a new one. */
static int joiner_build_environment(const Joiner *joiner, char ***ret, Failure *failure)
{
        const JoinInput *input = joiner->input;
        char **own = joiner_is_shell(joiner) ? NULL : input->spec->environment;
        const char **all = calloc(strings_count(own) + strings_count(input->environment) + 1, sizeof(char *));
        size_t n = 0;

        if (!all)
                return failure_step(failure, -ENOMEM, "make", "the environment", NULL);
        for (size_t i = 0; own && own[i]; i++)
                if (!is_personal(own[i]))
                        all[n++] = own[i];
        for (size_t i = 0; input->environment && input->environment[i]; i++)
                all[n++] = input->environment[i];
        int r = environment_build((char *const *)(uintptr_t)all, joiner->user, input->has_terminal, ret, failure);
        free(all);
        return r;
}

/* A shell learns by a dash before its name that it is a login shell: bash(1), INVOCATION. */
static int joiner_execute_shell(const Joiner *joiner, char **environment, Failure *failure)
{
        const char *shell = joiner->user->shell;
        const char *name = strrchr(shell, '/');
        char login[NAME_MAX + 2];

        snprintf(login, sizeof(login), "-%s", name ? name + 1 : shell);
        char *const argv[] = {login, NULL};
        return command_execute_as(shell, argv, environment, failure);
}

static int joiner_become(const Joiner *joiner, Failure *failure)
{
        const JoinInput *input = joiner->input;
        int r = identity_become(joiner->user, input->identity, input->maps, joiner->capabilities, failure);

        if (r >= 0 && input->spec->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = failure_step(failure, -errno, "set", "no-new-privileges", NULL);
        if (r >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                r = failure_step(failure, -errno, "close", "descriptors", NULL);
        return r;
}

/*
 * Limits are given when what could feel them is done, but while we have the ids that the supervisor may give any to
 * without CAP_SYS_RESOURCE: prlimit(2). Its death is the end here.
 */
static void joiner_wait_for_limits(const Joiner *joiner)
{
        char byte;

        if (fd_receive(joiner->report, &byte, 1, NULL, 0, 0) != 1 || byte != BARRIER_GO)
                _exit(EXIT_FAILURE);
}

/* In the container's namespaces and cgroup, with all capabilities in its user namespace until joiner_become(). */
_noreturn_ static void joiner_run(Joiner *joiner)
{
        char **environment = NULL;
        Failure failure = {};
        int r = 0;

        if (joiner->input->maps)
                r = identity_assume(joiner->input->identity, joiner->input->maps, &failure);
        if (r >= 0)
                r = joiner_find_user(joiner, &failure);
        if (r >= 0)
                r = joiner_open_terminal(joiner, &failure);
        if (r >= 0)
                r = joiner_open_streams(joiner, &failure);
        if (r >= 0)
                r = joiner_change_directory(joiner, &failure);
        if (r >= 0)
                r = joiner_build_environment(joiner, &environment, &failure);
        if (r >= 0)
                joiner_wait_for_limits(joiner);
        if (r >= 0)
                r = joiner_become(joiner, &failure);
        umask(022);
        if (r >= 0)
                r = joiner_is_shell(joiner) ? joiner_execute_shell(joiner, environment, &failure)
                                            : command_execute(joiner->input->command, environment, &failure);
        joiner_fail(joiner, &failure);
}

/* ---- in the process that enters first ---- */

/* Closes everything of the host but what the command shall have, and the way to speak. */
static int helper_let_go(Joiner *joiner)
{
        int kept[4] = {joiner->report, -EBADF, -EBADF, -EBADF};

        for (unsigned i = 0; i < 3; i++)
                kept[i + 1] = joiner->streams[i];
        for (unsigned i = 0; i < ELEMENTS(kept); i++) {
                if (kept[i] < 0)
                        continue;
                kept[i] = fd_keep(kept[i]);
                if (kept[i] < 0)
                        return kept[i];
        }
        joiner->report = kept[0]; /* to say it if the others cannot be closed */
        int r = fd_close_others(kept, ELEMENTS(kept));
        if (r < 0)
                return r;
        for (unsigned i = 0; i < 3; i++)
                joiner->streams[i] = kept[i + 1];
        return 0;
}

/* The cgroup namespace is the leader's, the others are those that it began with. */
static int helper_enter(const JoinInput *input, Failure *failure)
{
        int r = 0;

        if (spec_clone_flags(input->spec) & CLONE_NEWCGROUP && setns(input->leader, CLONE_NEWCGROUP) < 0)
                r = -errno;
        if (r >= 0)
                r = namespaces_enter(input->namespaces, ~UINT64_C(0));
        if (r == -ESRCH)
                return failure_set(failure, r, FAILURE_NOT_RUNNING, "the container has ended");
        return r < 0 ? failure_step(failure, r, "enter", "the namespaces", NULL) : 0;
}

/*
 * A process that has entered a pid namespace is not in it, its children are: setns(2). So this one makes the one that
 * counts, as a child of its own parent (CLONE_PARENT), tells the parent its pidfd, and ends.
 */
_noreturn_ static void helper_run(Joiner *joiner)
{
        const JoinInput *input = joiner->input;
        Failure failure = {};
        char byte;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_reset_signals();
        if (fd_receive(joiner->report, &byte, 1, NULL, 0, 0) != 1 || byte != BARRIER_ADMITTED)
                _exit(EXIT_FAILURE);
        if (!spec_has_root(input->spec) && input->user && *input->user &&
            user_lookup_host(input->user, &joiner->user, &failure) < 0)
                joiner_fail(joiner, &failure);
        int r = helper_enter(input, &failure);
        if (r < 0)
                joiner_fail(joiner, &failure);
        r = helper_let_go(joiner);
        if (r < 0) {
                failure_step(&failure, r, "close", "descriptors", NULL);
                joiner_fail(joiner, &failure);
        }
        int pidfd;
        pid_t pid = process_clone(CLONE_PARENT, -EBADF, &pidfd);
        if (pid == 0)
                joiner_run(joiner);
        if (pid < 0) {
                if (pid == -ENOMEM) /* what a namespace says whose first process has ended: pid_namespaces(7) */
                        failure_set(&failure, -ESRCH, FAILURE_NOT_RUNNING, "the container has ended");
                else
                        failure_step(&failure, pid, "clone", "a process", NULL);
                joiner_fail(joiner, &failure);
        }
        if (joiner_say(joiner, pidfd) < 0)
                process_signal(pidfd, SIGKILL); /* nobody would ever let it go on */
        _exit(EXIT_SUCCESS);
}

/* ---- in the supervisor ---- */

Join *join_free(Join *join)
{
        if (!join)
                return NULL;
        int *const processes[] = {&join->helper, &join->pidfd};
        for (unsigned i = 0; i < ELEMENTS(processes); i++) {
                if (*processes[i] < 0)
                        continue;
                process_signal(*processes[i], SIGKILL);
                waitid(P_PIDFD, (id_t)*processes[i], &(siginfo_t){}, WEXITED);
                fd_close(*processes[i]);
        }
        fd_close(join->leader);
        fd_close(join->report);
        fd_close(join->console);
        free(join);
        return NULL;
}

/* Who joins is counted where the leader is: with the leader's cgroup, which from inside nobody can look up. */
static int join_clone_failed(const Join *join, int code, Failure *failure)
{
        pid_t pid = process_pid(join->leader);
        _cleanup_(fd_closep) int cgroup = pid < 0 ? pid : cgroup_open_counting(pid);

        return ceiling_failure(failure, code, "a process", 0, cgroup);
}

/* The directory of the leader's own cgroup: where clone3(2) shall put the process. Return: it; -EBADF: nowhere. */
static int open_leader_cgroup(int leader)
{
        pid_t pid = process_pid(leader);
        _cleanup_(fd_closep) int cgroup = pid < 0 ? pid : cgroup_open_of(pid);

        return cgroup >= 0 && process_is_alive(leader) ? TAKE_FD(cgroup) : -EBADF;
}

static int join_clone(Join *join, Joiner *joiner, Failure *failure)
{
        const JoinInput *input = joiner->input;
        Groups groups = {};
        int sockets[2];

        _cleanup_(fd_closep) int cgroup = open_leader_cgroup(input->leader);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return failure_step(failure, -errno, "make", "socket", "a process");
        join->report = sockets[0];
        joiner->report = sockets[1];
        int r = identity_lend_groups(input->identity, &groups, failure);
        if (r < 0) {
                fd_close(sockets[1]);
                return r;
        }
        pid_t pid = process_clone(0, cgroup, &join->helper);
        if (pid == 0)
                helper_run(joiner);
        fd_close(sockets[1]);
        if (identity_return_groups(&groups) < 0)
                abort(); /* with a stranger's groups nothing more may be done here */
        if (pid < 0)
                return join_clone_failed(join, pid, failure);
        return input->cgroup ? cgroup_add_joining(input->cgroup, pid, failure) : 0;
}

int join_begin(const JoinInput *input, Join **ret, Failure *failure)
{
        _cleanup_(join_freep) Join *join = calloc(1, sizeof(*join));
        Capabilities capabilities;

        if (!join)
                return failure_step(failure, -ENOMEM, "begin", "a process", NULL);
        *join = (Join){
                .pidfd = -EBADF,
                .helper = -EBADF,
                .leader = fd_keep(input->leader),
                .report = -EBADF,
                .console = -EBADF,
                .spec = input->spec,
                .identity = input->identity,
        };
        int r = capabilities_read(input->spec->capabilities, &capabilities, failure);
        if (r < 0)
                return r;
        Joiner joiner = {
                .input = input,
                .capabilities = &capabilities,
                .streams = {input->streams[0], input->streams[1], input->streams[2]},
                .terminal = -EBADF,
        };
        r = join_clone(join, &joiner, failure);
        if (r < 0)
                return r;
        r = fd_send(join->report, &(char){BARRIER_ADMITTED}, 1, NULL, 0);
        if (r < 0)
                return failure_step(failure, r, "speak to", "a process", NULL);
        *ret = TAKE_PTR(join);
        return 0;
}

/* The process is a child that hasn't been reaped. It may have failed meanwhile, and then says why. */
static int join_limit(const Join *join, Failure *failure)
{
        pid_t pid = process_pid(join->pidfd);
        int r = pid < 0 ? failure_step(failure, pid, "find", "a process", NULL)
                        : limits_apply(pid, join->spec->limits, join->spec->n_limits, join->identity, failure);

        if (r < 0)
                return r;
        r = fd_send(join->report, &(char){BARRIER_GO}, 1, NULL, 0);
        return r < 0 && r != -EPIPE ? failure_step(failure, r, "speak to", "a process", NULL) : 0;
}

/* What is limited, signalled and reaped as a child of ours has to be one, whoever says so. */
static bool is_child(int pidfd)
{
        return waitid(P_PIDFD, (id_t)pidfd, &(siginfo_t){}, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* One of two descriptors has arrived, in either order: the pidfd from the helper, the console from the process. */
static int join_take(Join *join, int fd, Failure *failure)
{
        if (join->pidfd < 0 && is_child(fd)) {
                join->pidfd = fd;
                return join_limit(join, failure);
        }
        if (join->console < 0 && is_ptmx(fd)) {
                join->console = fd;
                return 0;
        }
        fd_close(fd);
        return failure_set(failure, -EPROTO, FAILURE_SETUP, "the process was not understood");
}

int join_read(Join *join, Failure *failure)
{
        Report report;
        ssize_t n;
        int fd;

        /* One that failed before it was told to go on hasn't read that, which is an error once; its reason is behind it. */
        do
                n = fd_receive(join->report, &report, sizeof(report), &fd, 1, MSG_DONTWAIT);
        while (n == -ECONNRESET);
        if (n == -EAGAIN)
                return JOIN_WAITING;
        if (n == 0 && join->pidfd >= 0 && process_has_executed(process_pid(join->pidfd)))
                return JOIN_EXECUTED;
        if (n != sizeof(report)) {
                fd_close(fd);
                return failure_set(failure, -EPROTO, FAILURE_SETUP, "the process was killed before it could run");
        }
        if (report.kind == REPORT_FAILURE) {
                fd_close(fd);
                int r = failure_take(&report.failure, failure);
                return r == -EAGAIN && join->pidfd < 0 ? join_clone_failed(join, r, failure) : r;
        }
        int r = fd >= 0 ? join_take(join, fd, failure) : 0;
        return r < 0 ? r : JOIN_WAITING;
}
