/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/fd.h"
#include "common/process.h"
#include "container/capabilities.h"
#include "container/ceiling.h"
#include "container/delegation.h"
#include "container/leader.h"
#include "container/limits.h"
#include "container/sources.h"
#include "container/tree-lock.h"
#include "container/users.h"

/* How long cgroups may take to become empty when everything in them has been killed. */
enum { CGROUP_TIMEOUT_MSEC = 5000 };

static Setup *setup_new(const SetupInput *input)
{
        Setup *setup = calloc(1, sizeof(*setup));

        if (!setup)
                return NULL;
        *setup = (Setup){
                .spec = input->spec,
                .pidfd = -EBADF,
                .report = -EBADF,
                .kept = {.devpts = -EBADF, .layers = -EBADF},
        };
        namespaces_init(&setup->namespaces);
        return setup;
}

Setup *setup_free(Setup *setup)
{
        Failure ignored;

        if (!setup)
                return NULL;
        if (setup->pidfd >= 0) {
                process_signal(setup->pidfd, SIGKILL);
                waitid(P_PIDFD, (id_t)setup->pidfd, &(siginfo_t){}, WEXITED);
                fd_close(setup->pidfd);
        }
        if (setup->interfaces)
                network_take_back(namespaces_get(&setup->namespaces, CLONE_NEWNET), setup->spec->interfaces,
                                  setup->interfaces, setup->spec->n_interfaces, &ignored);
        namespaces_close(&setup->namespaces);
        if (setup->cgroup)
                cgroup_remove(setup->cgroup, CGROUP_TIMEOUT_MSEC);
        cgroup_free(setup->cgroup);
        fd_close(setup->report);
        fd_close(setup->kept.devpts);
        fd_close(setup->kept.layers);
        free(setup->interfaces);
        idmaps_free(setup->maps);
        user_free(setup->user);
        identity_done(&setup->identity);
        free(setup);
        return NULL;
}

/* ---- before the leader ---- */

/* A user who is mapped to himself has to be known before the map is written. */
static int setup_find_user(const Spec *spec, const Sources *sources, User **ret, Failure *failure)
{
        if (!spec_has_user_namespace(spec) || spec->n_user_maps > 0)
                return 0;
        if (sources && sources->root >= 0)
                return user_lookup_beneath(sources->root, spec->user, ret, failure);
        return user_lookup_host(spec->user, ret, failure);
}

/* ---- around the clone ---- */

/*
 * Whoever has a session keyring possesses what is in it, whatever user, and in whatever user namespace: keyrings(7).
 * That of an administrator's login must not come along. This one the leader inherits, and who joins it later.
 */
static int setup_leave_keyring(Failure *failure)
{
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
                return 0;
        if (errno == EDQUOT)
                return failure_set(failure, -EDQUOT, FAILURE_LIMIT_REACHED,
                                   "cannot make a session keyring: all of kernel.keys.maxkeys (of root in the host: "
                                   "kernel.keys.root_maxkeys) are in use");
        /* A kernel without them has nothing to hide; and who may not ask for one, by a filter, may not ask for keys. */
        return errno == ENOSYS || errno == EPERM ? 0 : failure_step(failure, -errno, "make", "a session keyring", NULL);
}

/* With a stranger's groups or directory nothing more may be done here. */
static void setup_come_back(const Identity *identity, Groups *groups)
{
        if (identity_return_groups(groups) < 0 || (identity->is_confined && chdir("/") < 0))
                abort();
}

/*
 * The leader inherits this process's memory, descriptors, working directory and, of a confined container, the caller's
 * groups; the last two are put back at once. A cgroup namespace is not made here: the leader isn't yet where it belongs.
 */
static int setup_clone(Setup *setup, Leader *leader, Failure *failure)
{
        const Identity *identity = leader->input->identity;
        Groups groups = {};
        int sockets[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return failure_step(failure, -errno, "make", "socket", "the leader");
        setup->report = sockets[0];
        leader->report = sockets[1];
        int r = identity_lend_groups(identity, &groups, failure);
        if (r >= 0 && identity->is_confined) {
                r = sources_stand_in_root(leader->input->spec, failure);
                if (r < 0)
                        setup_come_back(identity, &groups);
        }
        if (r < 0) {
                fd_close(sockets[1]);
                return r;
        }
        pid_t pid = process_clone(leader->namespaces & ~(uint64_t)CLONE_NEWCGROUP, -EBADF, &setup->pidfd);
        if (pid == 0) {
                fd_close(sockets[0]);
                fd_close(leader->input->lock);
                leader_run(leader);
        }
        fd_close(sockets[1]);
        setup_come_back(identity, &groups);
        if (pid < 0)
                return ceiling_failure(failure, pid, "the leader", leader->namespaces, -EBADF);
        setup->pid = pid;
        return 0;
}

/* ---- what the leader is given ---- */

static int setup_give_ids(const Setup *setup, int proc, const Sources *sources, Failure *failure)
{
        if (!setup->maps)
                return 0;
        int r = idmaps_write(proc, setup->maps, failure);
        if (r < 0 || !sources || sources->root < 0)
                return r;
        r = sources_map_root(sources, setup->spec, namespaces_get(&setup->namespaces, CLONE_NEWUSER), failure);
        return r < 0 ? r : 0;
}

static int setup_give_interfaces(Setup *setup, Failure *failure)
{
        const Spec *spec = setup->spec;

        if (spec->n_interfaces == 0)
                return 0;
        return network_give(namespaces_get(&setup->namespaces, CLONE_NEWNET), spec->interfaces, spec->n_interfaces,
                            &setup->interfaces, failure);
}

/*
 * Who is to have a cgroup though none was asked for: those whose processes are known by it alone, and whole systems,
 * two of which would else divide the same one. A system gets along where cgroups can't be made.
 */
static int setup_make_cgroup(Setup *setup, const char *name, Failure *failure)
{
        const Spec *spec = setup->spec;
        bool shares_pids = spec->shared_namespaces & CLONE_NEWPID;

        if (spec->cgroups && *spec->cgroups)
                return cgroup_create(spec, name, &setup->cgroup, failure);
        if (!shares_pids && !spec_is_system(spec))
                return 0;
        int r = cgroup_create_tracking(name, &setup->cgroup, failure);
        bool is_impossible = r == -EROFS || r == -EACCES || r == -EPERM;
        return r == -EOPNOTSUPP || (is_impossible && !shares_pids) ? 0 : r;
}

/* Where systemd runs, the scope serves. */
static int setup_give_cgroup(Setup *setup, Failure *failure)
{
        const char *given = setup->spec->name;
        char name[32];

        if (sd_booted() > 0)
                return 0;
        snprintf(name, sizeof(name), "pflask-%d", (int)setup->pid);
        int r = setup_make_cgroup(setup, *given ? given : name, failure);
        if (r < 0 || !setup->cgroup)
                return r;
        r = cgroup_add(setup->cgroup, setup->pid, failure);
        int unified = cgroup_unified(setup->cgroup);
        if (r < 0 || unified < 0 || !setup->maps)
                return r;
        r = delegation_give(unified, setup->maps);
        return r < 0 ? failure_step(failure, r, "give cgroup", *given ? given : name, "the user namespace") : 0;
}

/*
 * A leader that has ended has said why, or has been killed: setup_read() knows which, and that it could not be told
 * anything is not the reason. Return: 1; 0 when it has ended.
 */
static int setup_tell(const Setup *setup, char barrier, Failure *failure)
{
        int r = fd_send(setup->report, &barrier, 1, NULL, 0);

        if (r == -EPIPE || r == -ECONNRESET)
                return 0;
        return r < 0 ? failure_step(failure, r, "speak to", "the leader", NULL) : 1;
}

static int setup_admit(Setup *setup, const Sources *sources, Failure *failure)
{
        char path[32];

        snprintf(path, sizeof(path), "/proc/%d", (int)setup->pid);
        _cleanup_(fd_closep) int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return failure_step(failure, -errno, "open", path, NULL);
        int r = namespaces_open(proc, spec_clone_flags(setup->spec), &setup->namespaces);
        if (r == -ENOENT || r == -ESRCH) /* it is about to end, and setup_read() hears why */
                return 0;
        if (r < 0)
                return failure_step(failure, r, "open", "the namespaces", NULL);
        r = setup_give_ids(setup, proc, sources, failure);
        if (r >= 0)
                r = setup_give_interfaces(setup, failure);
        if (r >= 0)
                r = setup_give_cgroup(setup, failure);
        if (r < 0)
                return r;
        r = setup_tell(setup, BARRIER_ADMITTED, failure);
        return r < 0 ? r : 0;
}

/*
 * Where the terminal's owner isn't mapped the leader could not hand it on to who runs the command. The group may write
 * to it only where it is that of terminals (5), and not some group that the user is in, and others with it.
 */
static int setup_lend_terminal(int terminal, const IdMaps *maps, Failure *failure)
{
        uint32_t gid;

        if (terminal < 0 || !maps)
                return 0;
        bool has_group = idmap_to_host(maps->gids, maps->n_gids, 5, &gid);
        if (fchown(terminal, maps->uids[0].host, has_group ? gid : maps->gids[0].host) < 0 ||
            fchmod(terminal, has_group ? 0620 : 0600) < 0)
                return failure_step(failure, -errno, "give", "the terminal", "the user namespace");
        return 0;
}

int setup_begin(const SetupInput *input, Setup **ret, Failure *failure)
{
        _cleanup_(setup_freep) Setup *setup = setup_new(input);
        _cleanup_(sources_freep) Sources *sources = NULL;
        _cleanup_(user_freep) User *user = NULL;
        Capabilities capabilities;

        if (!setup || identity_copy(input->identity, &setup->identity) < 0)
                return failure_step(failure, -ENOMEM, "begin", "the set-up", NULL);
        int r = capabilities_read(input->spec->capabilities, &capabilities, failure);
        /* What is opened with root's authority is opened here; the leader opens with that of a confined caller. */
        if (r >= 0)
                r = input->identity->is_confined ? 0 : sources_open(input->spec, input->identity, &sources, failure);
        if (r >= 0)
                r = setup_find_user(input->spec, sources, &user, failure);
        if (r >= 0 && spec_has_user_namespace(input->spec))
                r = idmaps_decide(input->spec, input->identity, user, &setup->maps, failure);
        if (r >= 0)
                r = setup_lend_terminal(input->terminal, setup->maps, failure);
        if (r < 0)
                return r;
        Leader leader = {
                .input = input,
                .namespaces = spec_clone_flags(input->spec),
                .maps = setup->maps,
                .sources = sources,
                .user = user,
                .capabilities = &capabilities,
        };
        r = setup_leave_keyring(failure);
        if (r >= 0)
                r = setup_clone(setup, &leader, failure);
        if (r < 0)
                return r;
        r = setup_admit(setup, sources, failure);
        if (r < 0 && process_is_alive(setup->pidfd)) /* else the reason is its own */
                return r;
        *ret = TAKE_PTR(setup);
        return 0;
}

/* ---- while the leader is on its way ---- */

/*
 * Limits that were asked for are given when the set-up is over, so that none of them is felt by it. With those of every
 * service it can do: then the barrier is open before the leader comes there, and nobody waits for anybody. But one in a
 * user namespace waits before that for its mounts to be locked, and must not find the wrong barrier open.
 */
static int setup_open_barrier(Setup *setup, Failure *failure)
{
        bool is_time = setup->is_ready || (setup->spec->n_limits == 0 && !setup->maps);

        if (!is_time || !setup->may_go || setup->has_gone)
                return 0;
        int r = limits_apply(setup->pid, setup->spec->limits, setup->spec->n_limits, &setup->identity, failure);
        if (r < 0)
                return r;
        r = setup_tell(setup, BARRIER_GO, failure);
        setup->has_gone = r > 0;
        return r < 0 ? r : 0;
}

int setup_go(Setup *setup, Failure *failure)
{
        setup->may_go = true;
        return setup_open_barrier(setup, failure);
}

/* The leader waits for this, and there is nothing in it that could keep us. */
static int setup_lock_trees(Setup *setup, const Report *report, const int *trees, Failure *failure)
{
        int r = lock_trees(trees, report->n_trees, setup->pidfd, setup->report, BARRIER_LOCKED, failure);

        return r < 0 ? r : SETUP_WAITING;
}

static bool is_of(int fd, unsigned long type)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (unsigned long)fs.f_type == type;
}

/* The next leader gets what this one gives: nothing but what was to be kept. */
static int setup_keep(Setup *setup, unsigned kept, int *fds, Failure *failure)
{
        int *devpts = &fds[0], *layers = &fds[kept & REPORT_DEVPTS ? 1 : 0];

        if ((kept & REPORT_DEVPTS && !is_of(*devpts, DEVPTS_SUPER_MAGIC)) ||
            (kept & REPORT_LAYERS && !is_of(*layers, TMPFS_MAGIC)))
                return failure_set(failure, -EPROTO, FAILURE_SETUP, "the leader keeps what is not its own");
        if (kept & REPORT_DEVPTS)
                setup->kept.devpts = TAKE_FD(*devpts);
        if (kept & REPORT_LAYERS)
                setup->kept.layers = TAKE_FD(*layers);
        return 0;
}

static int setup_take_ready(Setup *setup, const Report *report, int *fds, Failure *failure)
{
        int r = setup_keep(setup, report->kept, fds, failure);

        if (r < 0)
                return r;
        r = user_unpack(report->user, &setup->user);
        if (r < 0)
                return failure_step(failure, r, "learn", "the user", NULL);
        setup->is_ready = true;
        r = setup_open_barrier(setup, failure);
        return r < 0 ? r : SETUP_READY;
}

/* What is left in @fds is closed by the caller. */
static int setup_take(Setup *setup, const Report *report, int *fds, Failure *failure)
{
        if (report->kind == REPORT_FAILURE)
                return failure_take(&report->failure, failure);
        if (report->kind == REPORT_LOCK && !setup->is_ready && report->n_trees <= LOCK_TREES_MAX)
                return setup_lock_trees(setup, report, fds, failure);
        if (report->kind == REPORT_READY && !setup->is_ready)
                return setup_take_ready(setup, report, fds, failure);
        return failure_set(failure, -EPROTO, FAILURE_SETUP, "the leader was not understood");
}

/* The socket's other end is closed by execve(2), and by death. A stub init keeps neither it nor the command's number. */
static int setup_read_end(const Setup *setup, Failure *failure)
{
        if (setup->spec->stub_init || process_has_executed(setup->pid))
                return SETUP_EXECUTED;
        return failure_set(failure, -EPROTO, FAILURE_SETUP, "the leader was killed before it executed the command");
}

int setup_read(Setup *setup, Failure *failure)
{
        Report report;
        int fds[LOCK_TREES_MAX], r;
        ssize_t n = fd_receive(setup->report, &report, sizeof(report), fds, ELEMENTS(fds), MSG_DONTWAIT);

        /* It has ended without having read the last barrier, which is told once, before what it has said itself. */
        if (n == -ECONNRESET)
                n = fd_receive(setup->report, &report, sizeof(report), fds, ELEMENTS(fds), MSG_DONTWAIT);
        if (n == -EAGAIN)
                return SETUP_WAITING;
        if (n == 0 && setup->is_ready && setup->has_gone)
                r = setup_read_end(setup, failure);
        else if (n != sizeof(report))
                r = failure_set(failure, -EPROTO, FAILURE_SETUP, "the leader was killed during its set-up");
        else
                r = setup_take(setup, &report, fds, failure);
        for (unsigned i = 0; i < ELEMENTS(fds); i++)
                fd_close(fds[i]);
        return r;
}
