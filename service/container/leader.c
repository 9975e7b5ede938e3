/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/leader.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/fd.h"
#include "common/process.h"
#include "container/command.h"
#include "container/devices.h"
#include "container/environment.h"
#include "container/root.h"
#include "container/stub-init.h"
#include "container/tree-lock.h"

/* ---- the socket ---- */

static int leader_say_ready(const Leader *leader, const RootKept *kept, Failure *failure)
{
        Report report = {.kind = REPORT_READY};
        int fds[2];
        unsigned n = 0;

        int r = user_pack(leader->user, report.user);
        if (r < 0)
                return failure_step(failure, r, "tell of", "user", leader->user->name);

        if (kept->devpts >= 0) {
                report.kept |= REPORT_DEVPTS;
                fds[n++] = kept->devpts;
        }
        if (kept->layers >= 0) {
                report.kept |= REPORT_LAYERS;
                fds[n++] = kept->layers;
        }
        r = fd_send(leader->report, &report, sizeof(report), fds, n);
        return r < 0 ? failure_step(failure, r, "speak to", "the supervisor", NULL) : 0;
}

/* If nobody listens any more, the supervisor is dead, and we are about to be. */
_noreturn_ static void leader_fail(const Leader *leader, const Failure *failure)
{
        const Report report = {.kind = REPORT_FAILURE, .failure = *failure};

        fd_send(leader->report, &report, sizeof(report), NULL, 0);
        _exit(EXIT_FAILURE);
}

/* Waits until the supervisor opens a barrier. Its death is the end here too. */
static void leader_wait(const Leader *leader, char barrier)
{
        char byte;

        if (fd_receive(leader->report, &byte, 1, NULL, 0, 0) != 1 || byte != barrier)
                _exit(EXIT_FAILURE);
}

/* A change of ids forgets this: prctl(2). So it is said again after each. */
static void leader_die_with_supervisor(void)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* ---- steps ---- */

static int leader_set_hostname(const Leader *leader, Failure *failure)
{
        const char *hostname = leader->input->spec->hostname;

        if (hostname && sethostname(hostname, strlen(hostname)) < 0)
                return failure_step(failure, -errno, "set hostname", hostname, NULL);
        return 0;
}

/*
 * The host's user database is asked before the first mount: what a confined caller mounts over /etc must not decide
 * which library is loaded into this process.
 */
static int leader_find_user_on_host(Leader *leader, Failure *failure)
{
        const Spec *spec = leader->input->spec;

        if (leader->user || spec_has_root(spec) || !spec->user)
                return 0;
        return user_lookup_host(spec->user, &leader->user, failure);
}

/* Without a User the command runs as root of the container; where root isn't mapped, as who the set-up runs as. */
static int leader_find_user(Leader *leader, Failure *failure)
{
        const Spec *spec = leader->input->spec;
        char number[16];

        if (leader->user)
                return 0;
        snprintf(number, sizeof(number), "%u", (unsigned)geteuid());
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return failure_step(failure, -errno, "open", "/", NULL);
        return user_lookup_beneath(root, spec->user ?: number, &leader->user, failure);
}

static int leader_lock_some(const Leader *leader, int **trees, size_t n, Failure *failure)
{
        const Report report = {.kind = REPORT_LOCK, .n_trees = (unsigned)n};
        int given[LOCK_TREES_MAX], locked[LOCK_TREES_MAX];
        char byte;

        for (size_t i = 0; i < n; i++)
                given[i] = *trees[i];
        int r = fd_send(leader->report, &report, sizeof(report), given, n);
        if (r < 0)
                return failure_step(failure, r, "lock", "mounts", NULL);
        if (fd_receive(leader->report, &byte, 1, locked, n, 0) != 1 || byte != BARRIER_LOCKED)
                _exit(EXIT_FAILURE); /* the supervisor is dead, or knows why */
        for (size_t i = 0; i < n; i++) {
                fd_close(*trees[i]);
                *trees[i] = locked[i];
        }
        return 0;
}

/* What is mounted here with attributes shall have them for good. Without a user namespace its root may do all. */
static int leader_lock_sources(const Leader *leader, Failure *failure)
{
        int r = 0;

        if (!(leader->namespaces & CLONE_NEWUSER))
                return 0;
        _cleanup_(freep) int **trees = calloc(2 + leader->sources->n_mounts, sizeof(int *));
        if (!trees)
                return failure_step(failure, -ENOMEM, "lock", "mounts", NULL);
        size_t n = sources_unlocked(leader->sources, trees);
        for (size_t i = 0; r >= 0 && i < n; i += LOCK_TREES_MAX)
                r = leader_lock_some(leader, trees + i, n - i < LOCK_TREES_MAX ? n - i : LOCK_TREES_MAX, failure);
        return r;
}

static int leader_build(Leader *leader, RootKept *kept, Failure *failure)
{
        const SetupInput *input = leader->input;
        _cleanup_(fd_closep) int root = -EBADF;

        if (!leader->sources) {
                int r = sources_open(input->spec, input->identity, &leader->sources, failure);
                if (r < 0)
                        return r;
        }
        int r = leader_lock_sources(leader, failure);
        if (r < 0)
                return r;
        const RootInput build = {
                .spec = input->spec,
                .sources = leader->sources,
                .namespaces = leader->namespaces,
                .devpts = input->devpts,
                .terminal = input->terminal,
                .kept = kept,
        };
        r = root_build(&build, &root, failure);
        if (r >= 0)
                r = root_enter(root, failure);
        return r;
}

/* The pty belongs to who runs the command, or the command could not open it again by its name. */
static int leader_take_terminal(const Leader *leader, Failure *failure)
{
        int terminal = leader->input->terminal;

        if (terminal < 0)
                return 0;
        if (fchown(terminal, leader->user->uid, (gid_t)-1) < 0)
                return failure_step(failure, -errno, "give", "the terminal", leader->user->name ?: "its user");
        return 0;
}

static int leader_open_stream(int stream, int given, Failure *failure)
{
        _cleanup_(fd_closep) int null = -EBADF;

        if (given < 0) {
                null = given = devices_open_null();
                if (null < 0)
                        return failure_step(failure, null, "open", "/dev/null", NULL);
        }
        int r = fd_place(given, stream);
        return r < 0 ? failure_step(failure, r, "duplicate", "a standard stream", NULL) : 0;
}

static int leader_arrange_streams(const Leader *leader, Failure *failure)
{
        const SetupInput *input = leader->input;

        for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
                int given = input->spec->terminal ? input->terminal : input->spec->streams[stream];
                int r = leader_open_stream(stream, given, failure);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A session of its own, and with a terminal the one that the terminal belongs to: tty_ioctl(4). */
static int leader_begin_session(const Leader *leader, Failure *failure)
{
        if (setsid() < 0 && errno != EPERM)
                return failure_step(failure, -errno, "begin", "a session", NULL);
        if (leader->input->spec->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                return failure_step(failure, -errno, "take", "the controlling terminal", NULL);
        return 0;
}

/*
 * The directory is looked up in the container's own tree, and must be in it: a descriptor of the host's, reached by
 * way of /proc, would otherwise become the working directory (CVE-2024-21626). getcwd(2) says "(unreachable)" of it.
 */
static int leader_change_directory(const Leader *leader, Failure *failure)
{
        const char *directory = leader->input->spec->working_directory;
        char where[PATH_MAX];

        if (!directory && !spec_has_root(leader->input->spec))
                directory = "/";
        if (directory && chdir(directory) < 0)
                return failure_step(failure, -errno, "enter", directory, NULL);
        if (syscall(SYS_getcwd, where, sizeof(where)) < 0)
                return failure_step(failure, -errno, "find", "the working directory", directory);
        if (where[0] != '/')
                return failure_step(failure, -EXDEV, "enter", directory, NULL);
        return 0;
}

static int leader_enter_cgroup(const Leader *leader, Failure *failure)
{
        if (leader->namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0) {
                int r = -errno;
                if (r != -ENOSPC)
                        return failure_step(failure, r, "make", "cgroup namespace", NULL);
                return failure_set(
                        failure, r, FAILURE_LIMIT_REACHED,
                        "cannot make cgroup namespace: the limit is reached (user.max_cgroup_namespaces): %s",
                        strerror(-r));
        }
        return root_mount_cgroup(leader->input->spec, leader->namespaces, failure);
}

/* Up to the barrier: everything that doesn't depend on the scope. */
static int leader_prepare(Leader *leader, RootKept *kept, Failure *failure)
{
        int r = 0;

        umask(022); /* the supervisor's shuts out the users that the tree is made for */
        if (leader->maps)
                r = identity_assume(leader->input->identity, leader->maps, failure);
        leader_die_with_supervisor();
        if (r >= 0)
                r = leader_set_hostname(leader, failure);
        if (r >= 0 && leader->namespaces & CLONE_NEWNET)
                r = network_bring_up_loopback(failure);
        if (r >= 0)
                r = leader_find_user_on_host(leader, failure);
        if (r >= 0)
                r = leader_build(leader, kept, failure);
        if (r >= 0)
                r = leader_find_user(leader, failure);
        if (r >= 0)
                r = leader_take_terminal(leader, failure);
        return r;
}

/* Behind the barrier: the last steps, after which nothing of the host is left but three streams. */
static int leader_finish(const Leader *leader, char ***ret_environment, Failure *failure)
{
        const Spec *spec = leader->input->spec;
        int r = leader_enter_cgroup(leader, failure);

        if (r >= 0)
                r = environment_build(spec->environment, leader->user, spec->terminal, ret_environment, failure);
        if (r >= 0)
                r = leader_arrange_streams(leader, failure);
        if (r >= 0 && !spec->stub_init)
                r = leader_begin_session(leader, failure);
        if (r >= 0)
                r = leader_change_directory(leader, failure);
        if (r >= 0)
                r = identity_become(leader->user, leader->input->identity, leader->maps, leader->capabilities, failure);
        leader_die_with_supervisor();
        if (r >= 0 && spec->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = failure_step(failure, -errno, "set", "no-new-privileges", NULL);
        if (r >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                r = failure_step(failure, -errno, "close", "descriptors", NULL);
        return r;
}

/* Becomes the command, or the init whose child becomes it. The first socket's end that is left is closed by execve(). */
static int leader_execute(const Leader *leader, char **environment, Failure *failure)
{
        const Spec *spec = leader->input->spec;

        if (spec->stub_init) {
                int r = stub_init_begin(leader->report, failure);
                if (r < 0)
                        return r;
                r = leader_begin_session(leader, failure);
                if (r < 0)
                        return r;
        }
        FAULT_POINT(LEADER_LEAVES);
        return command_execute(spec->command, environment, failure);
}

/*
 * In the leader from here on: alone in its new namespaces, in the supervisor's memory as it was, undumpable. It has
 * all capabilities in its user namespace, or root's own without one, until identity_become().
 */
void leader_run(Leader *leader)
{
        RootKept kept = {.devpts = -EBADF, .layers = leader->input->layers};
        char **environment = NULL;
        Failure failure = {};

        leader_die_with_supervisor();
        process_reset_signals();
        FAULT_POINT(LEADER_CLONED);
        leader_wait(leader, BARRIER_ADMITTED);
        int r = leader_prepare(leader, &kept, &failure);
        FAULT_POINT(LEADER_PREPARED);
        if (r >= 0)
                r = leader_say_ready(leader, &kept, &failure);
        if (r < 0)
                leader_fail(leader, &failure);
        leader_wait(leader, BARRIER_GO);
        r = leader_finish(leader, &environment, &failure);
        if (r >= 0)
                leader_execute(leader, environment, &failure);
        leader_fail(leader, &failure);
}
