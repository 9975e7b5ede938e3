/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/visit.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "common/process.h"
#include "container/ceiling.h"

typedef enum { TOLD_OVER, TOLD_FAILED, TOLD_DONE, TOLD_TOTAL } ToldKind;

/* What a process of the visit says; over or failed last. */
typedef struct Told {
        ToldKind kind;
        union {
                Failure failure;
                VisitWork work;
        };
} Told;

/* ---- in a process of the visit ---- */

/*
 * No groups of the supervisor's come along, and none of a confined owner is dropped: to drop one could open something.
 */
static int visit_set_groups(const Identity *identity)
{
        int r = identity->is_confined ? setgroups(identity->n_groups, identity->groups) : setgroups(0, NULL);

        return r < 0 ? -errno : 0;
}

int visit_enter(const VisitPlace *place, uint64_t namespaces, Failure *failure)
{
        Namespaces entered = *place->namespaces;

        int r = visit_set_groups(place->identity);
        if (r < 0)
                return failure_step(failure, r, "set", "groups", NULL);
        r = namespaces_enter(&entered, namespaces | CLONE_NEWUSER);
        if (r < 0)
                return failure_step(failure, r, "enter", "the namespaces", NULL);
        namespaces_close(&entered);
        if (place->maps)
                r = identity_assume(place->identity, place->maps, failure);
        /* A change of ids has undone both. */
        prctl(PR_SET_DUMPABLE, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return r;
}

int visit_let_go(const VisitPlace *place, const int *kept, size_t n_kept, Failure *failure)
{
        int all[NAMESPACES_MAX + VISIT_KEPT_MAX];

        memcpy(all, place->namespaces->fds, sizeof(place->namespaces->fds));
        memcpy(all + NAMESPACES_MAX, kept, n_kept * sizeof(*kept));
        int r = fd_close_others(all, NAMESPACES_MAX + n_kept);
        return r < 0 ? failure_step(failure, r, "close", "descriptors", NULL) : 0;
}

int visit_go(const VisitPlace *place, int report, uint64_t namespaces, Failure *failure)
{
        int r = visit_let_go(place, &report, 1, failure);

        return r < 0 ? r : visit_enter(place, namespaces, failure);
}

int visit_root(const void *place, int report, int *ret_answer, Failure *failure)
{
        int r = visit_go(place, report, CLONE_NEWNS, failure);

        if (r < 0)
                return r;
        *ret_answer = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *ret_answer < 0 ? failure_step(failure, -errno, "open", "/", NULL) : VISIT_OVER;
}

void visit_tell(int report, const VisitWork *done, const VisitWork *total)
{
        const Told told = {.kind = done ? TOLD_DONE : TOLD_TOTAL, .work = done ? *done : *total};

        fd_send(report, &told, sizeof(told), NULL, 0);
}

int visit_open_regular(int directory, const char *path)
{
        _cleanup_(fd_closep) int there = path_open(directory, path, O_PATH);
        struct stat st;

        if (there < 0)
                return there;
        if (fstat(there, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        _cleanup_(fd_closep) int fd = path_open(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return fd;
        int r = fd_is_same_file(there, fd);
        if (r < 0)
                return r;
        return r ? TAKE_FD(fd) : -ESTALE;
}

_noreturn_ static void visit_run(visit_run_t run, const void *input, int report)
{
        Told told = {.failure = {}};
        int answer = -EBADF;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        process_reset_signals();
        umask(0);
        int r = run(input, report, &answer, &told.failure);
        if (r == VISIT_SILENT)
                _exit(EXIT_SUCCESS);
        told.kind = r >= 0 ? TOLD_OVER : TOLD_FAILED;
        if (r < 0 && told.failure.code >= 0)
                failure_step(&told.failure, r, "do", "what was asked", NULL);
        fd_send(report, &told, sizeof(told), &answer, r >= 0 && answer >= 0);
        _exit(EXIT_SUCCESS);
}

/* ---- in the supervisor ---- */

void visit_cancel(Visit *visit)
{
        if (visit->processes[0] >= 0)
                process_signal(visit->processes[0], SIGKILL);
}

void visit_kill(Visit *visit)
{
        visit->has_ended = true;
        for (unsigned i = 0; i < VISIT_PROCESSES_MAX; i++)
                if (visit->processes[i] >= 0)
                        process_signal(visit->processes[i], SIGKILL);
}

Visit *visit_free(Visit *visit)
{
        if (!visit)
                return NULL;
        visit_cancel(visit);
        for (unsigned i = 0; i < VISIT_PROCESSES_MAX; i++) {
                if (visit->processes[i] >= 0 && (i == 0 || visit->has_ended))
                        waitid(P_PIDFD, (id_t)visit->processes[i], &(siginfo_t){}, WEXITED | __WALL);
                fd_close(visit->processes[i]);
        }
        fd_close(visit->report);
        fd_close(visit->answer);
        free(visit);
        return NULL;
}

int visit_begin(const visit_run_t *runs, unsigned n_runs, const void *input, Visit **ret, Failure *failure)
{
        _cleanup_(visit_freep) Visit *visit = calloc(1, sizeof(*visit));
        int sockets[2];

        if (!visit)
                return failure_step(failure, -ENOMEM, "begin", "a visit", NULL);
        *visit = (Visit){.processes = {-EBADF, -EBADF}, .report = -EBADF, .answer = -EBADF};
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
                return failure_step(failure, -errno, "make", "socket", "a visit");
        visit->report = sockets[0];
        _cleanup_(fd_closep) int theirs = sockets[1];
        for (unsigned i = 0; i < n_runs; i++) {
                pid_t pid = process_fork(&visit->processes[i]);
                if (pid == 0)
                        visit_run(runs[i], input, theirs);
                if (pid < 0)
                        return ceiling_failure(failure, pid, "a process", 0, -EBADF);
        }
        *ret = TAKE_PTR(visit);
        return 0;
}

/* The end of the socket is the end of all processes of the visit, and so of everything they had to undo. */
static int visit_read_end(Visit *visit, Failure *failure)
{
        visit->has_ended = true;
        *failure = visit->failure;
        if (visit->failure.code < 0)
                return visit->failure.code;
        if (!visit->is_over)
                return failure_set(failure, -EPROTO, FAILURE_SETUP, "the process that did it was killed");
        return VISIT_ENDED;
}

/* @fd is consumed. */
static int visit_take(Visit *visit, Told *told, int fd)
{
        if (told->kind == TOLD_OVER) {
                visit->is_over = true;
                fd_close(visit->answer);
                visit->answer = fd;
                return VISIT_UNDER_WAY;
        }
        fd_close(fd);
        if (told->kind == TOLD_FAILED) {
                if (visit->failure.code >= 0)
                        failure_take(&told->failure, &visit->failure);
                return VISIT_UNDER_WAY;
        }
        *(told->kind == TOLD_DONE ? &visit->done : &visit->total) = told->work;
        return VISIT_ADVANCED;
}

int visit_read(Visit *visit, Failure *failure)
{
        Told told;
        int fd;
        ssize_t n = fd_receive(visit->report, &told, sizeof(told), &fd, 1, MSG_DONTWAIT);

        if (n == -EAGAIN)
                return VISIT_UNDER_WAY;
        if (n == 0)
                return visit_read_end(visit, failure);
        if (n < 0)
                return failure_step(failure, (int)n, "listen to", "the process that does it", NULL);
        if (n != sizeof(told)) {
                fd_close(fd);
                return failure_set(failure, -EPROTO, FAILURE_SETUP, "the process that did it was not understood");
        }
        return visit_take(visit, &told, fd);
}
