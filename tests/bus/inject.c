/* SPDX-License-Identifier: BSD-2-Clause */
#include "inject.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

enum { END_SEC = 10 };

#define OPTIONS \
        (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

typedef struct Tracee {
        pid_t pid;
        InjectRole role;
        gboolean is_nursery, has_role, has_stopped;
        gboolean is_counted; /* the supervisor in question, or of its family */
        gboolean has_left;   /* it is another program now */
        long number;         /* of the call that it is in */
        gboolean is_failing; /* between the entry and the exit of the call that fails */
} Tracee;

struct Injector {
        GThread *thread;
        GMutex mutex; /* of all below */
        GCond changed;
        pid_t first;       /* the nursery, or the manager */
        gboolean is_alone; /* it is the manager: whom that makes is not traced */
        gboolean is_ready, has_failed;
        GHashTable *tracees;
        gboolean is_armed, is_begun;
        pid_t supervisor; /* or 0 */
        InjectRole role;
        guint n, n_seen, n_family;
        int error;
        long failed; /* the system call, or -1 */
        gboolean has_leader;
};

/* ---- registers ---- */

#if defined(__x86_64__)
static void call_skip(pid_t pid)
{
        struct user_regs_struct registers;
        struct iovec all = {&registers, sizeof(registers)};

        ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all);
        registers.orig_rax = (unsigned long)-1;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
}

static void call_return(pid_t pid, int value)
{
        struct user_regs_struct registers;
        struct iovec all = {&registers, sizeof(registers)};

        ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all);
        registers.rax = (unsigned long)(long)value;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
}
enum { CAN_INJECT = TRUE };
#elif defined(__aarch64__)
static void call_skip(pid_t pid)
{
        int number = -1;
        struct iovec one = {&number, sizeof(number)};

        ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &one);
}

static void call_return(pid_t pid, int value)
{
        struct user_regs_struct registers;
        struct iovec all = {&registers, sizeof(registers)};

        ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all);
        registers.regs[0] = (unsigned long)(long)value;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all);
}
enum { CAN_INJECT = TRUE };
#else
static void call_skip(pid_t pid)
{
        (void)pid;
}

static void call_return(pid_t pid, int value)
{
        (void)pid;
        (void)value;
}
enum { CAN_INJECT = FALSE };
#endif

/* ---- one stop ---- */

/*
 * What cannot fail, or of which nothing depends on the answer; close(2), whose descriptor is gone even if it fails; a
 * signal to a child by its pidfd, which reaches it or comes too late; and what the kernel needs nothing for: poll(2) of
 * a few descriptors, and what a socket of ours is.
 */
static gboolean call_cannot_fail(long number)
{
        static const long numbers[] = {
                SYS_exit,          SYS_exit_group,  SYS_rt_sigreturn,
                SYS_getpid,        SYS_getppid,     SYS_gettid,
                SYS_getuid,        SYS_geteuid,     SYS_getgid,
                SYS_getegid,       SYS_umask,       SYS_rt_sigprocmask,
                SYS_rt_sigaction,  SYS_close,       SYS_munmap,
                SYS_futex,         SYS_madvise,     SYS_set_robust_list,
                SYS_clock_gettime, SYS_brk,         SYS_pidfd_send_signal,
                SYS_ppoll,         SYS_getsockname, SYS_getsockopt,
#ifdef SYS_poll
                SYS_poll,
#endif
        };

        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
                if (numbers[i] == number)
                        return TRUE;
        return FALSE;
}

static void call_entered(Injector *injector, Tracee *tracee, long number)
{
        tracee->number = number;
        if (!tracee->is_counted || !tracee->has_role || !injector->is_armed || tracee->role != injector->role ||
            injector->failed >= 0 || call_cannot_fail(number))
                return;
        if (++injector->n_seen != injector->n)
                return;
        injector->failed = number;
        tracee->is_failing = TRUE;
        call_skip(tracee->pid);
}

static gboolean call_is_wait(long number)
{
#ifdef SYS_epoll_wait
        if (number == SYS_epoll_wait)
                return TRUE;
#endif
        return number == SYS_epoll_pwait || number == SYS_epoll_pwait2;
}

/* Whoever waits in epoll_wait(2), until somebody tells it what it is for. */
static gboolean is_next(const Injector *injector, const Tracee *tracee)
{
        return tracee->has_role && (tracee->role == INJECT_MANAGER || tracee->role == INJECT_KEEPER) &&
               (injector->supervisor == 0 || injector->supervisor == tracee->pid);
}

static void call_left(Injector *injector, Tracee *tracee, long value)
{
        long number = tracee->number;

        if (tracee->is_failing)
                call_return(tracee->pid, -injector->error);
        tracee->is_failing = FALSE;
        if (injector->is_armed && !injector->is_begun && is_next(injector, tracee) && call_is_wait(number) &&
            value > 0) {
                injector->is_begun = tracee->is_counted = TRUE;
                injector->n_family = 1;
        }
}

static void call_stopped(Injector *injector, Tracee *tracee)
{
        struct __ptrace_syscall_info info;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof(info), &info) <= 0)
                return;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                call_entered(injector, tracee, (long)info.entry.nr);
        else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
                call_left(injector, tracee, (long)info.exit.rval);
}

/* ---- who is traced ---- */

static Tracee *tracee_get(Injector *injector, pid_t pid)
{
        Tracee *tracee = g_hash_table_lookup(injector->tracees, GINT_TO_POINTER(pid));

        if (tracee)
                return tracee;
        tracee = g_new0(Tracee, 1);
        tracee->pid = pid;
        g_hash_table_insert(injector->tracees, GINT_TO_POINTER(pid), tracee);
        return tracee;
}

/* Another program's calls are not the set-up's, and it need not be slow. */
static void tracee_go_on(const Tracee *tracee, int signal)
{
        ptrace(tracee->is_nursery || tracee->has_left ? PTRACE_CONT : PTRACE_SYSCALL, tracee->pid, 0, signal);
}

/* Its first stop and its parent's telling of it come in either order; until both have, it stands still. */
static void tracee_born(Injector *injector, const Tracee *parent)
{
        unsigned long pid = 0;

        ptrace(PTRACE_GETEVENTMSG, parent->pid, 0, &pid);
        Tracee *tracee = tracee_get(injector, (pid_t)pid);
        tracee->has_role = TRUE;
        tracee->is_counted = parent->is_counted;
        tracee->role = parent->is_nursery ? INJECT_KEEPER : injector->has_leader ? INJECT_OTHER : INJECT_LEADER;
        if (tracee->is_counted) {
                injector->has_leader = TRUE;
                injector->n_family++;
        }
        if (tracee->has_stopped)
                tracee_go_on(tracee, 0);
}

static void tracee_ended(Injector *injector, Tracee *tracee)
{
        if (tracee->is_counted)
                injector->n_family--;
        g_hash_table_remove(injector->tracees, GINT_TO_POINTER(tracee->pid));
}

static void tracee_stopped(Injector *injector, Tracee *tracee, int status)
{
        int signal = WSTOPSIG(status), event = status >> 16;

        if (!tracee->has_role && !tracee->is_nursery) {
                tracee->has_stopped = TRUE;
                return;
        }
        if (signal == (SIGTRAP | 0x80))
                call_stopped(injector, tracee);
        if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE)
                tracee_born(injector, tracee);
        if (event == PTRACE_EVENT_EXEC)
                tracee->has_left = TRUE;
        tracee_go_on(tracee, event || signal == (SIGTRAP | 0x80) ? 0 : signal);
}

/* Return: whether @injector traces it, and from now on. */
static gboolean injector_seize(Injector *injector)
{
        Tracee *first = tracee_get(injector, injector->first);

        first->is_nursery = !injector->is_alone;
        if (!injector->is_alone)
                return ptrace(PTRACE_SEIZE, first->pid, 0, OPTIONS) == 0;
        first->role = INJECT_MANAGER;
        first->has_role = TRUE;
        return ptrace(PTRACE_SEIZE, first->pid, 0, PTRACE_O_TRACESYSGOOD) == 0 &&
               ptrace(PTRACE_INTERRUPT, first->pid, 0, 0) == 0;
}

/* The manager is a child of ours, too, and its end is for whoever started it. Return: FALSE when there is nobody. */
static gboolean injector_wait(const Injector *injector, pid_t *ret_pid, int *ret_status)
{
        siginfo_t info;

        if (!injector->is_alone) {
                while ((*ret_pid = waitpid(-1, ret_status, __WALL | __WNOTHREAD)) < 0)
                        if (errno != EINTR)
                                return FALSE;
                return TRUE;
        }
        *ret_pid = injector->first;
        if (waitid(P_PID, (id_t)*ret_pid, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0 ||
            (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) ||
            waitid(P_PID, (id_t)*ret_pid, &info, WSTOPPED | WNOHANG | __WALL) < 0)
                return FALSE;
        *ret_status = info.si_status << 8 | 0x7f; /* as waitpid(2) says it */
        return TRUE;
}

static void *injector_run(void *data)
{
        Injector *injector = data;
        pid_t pid;
        int status;

        g_mutex_lock(&injector->mutex);
        injector->has_failed = !injector_seize(injector);
        injector->is_ready = TRUE;
        g_cond_broadcast(&injector->changed);
        g_mutex_unlock(&injector->mutex);
        while (injector_wait(injector, &pid, &status)) {
                g_mutex_lock(&injector->mutex);
                Tracee *tracee = tracee_get(injector, pid);
                if (WIFSTOPPED(status))
                        tracee_stopped(injector, tracee, status);
                else
                        tracee_ended(injector, tracee);
                g_cond_broadcast(&injector->changed);
                g_mutex_unlock(&injector->mutex);
        }
        return NULL;
}

/* ---- for the test ---- */

static Injector *injector_begin(pid_t first, gboolean is_alone)
{
        if (!CAN_INJECT)
                return NULL;
        Injector *injector = g_new0(Injector, 1);
        injector->first = first;
        injector->is_alone = is_alone;
        injector->tracees = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        injector->thread = g_thread_new("injector", injector_run, injector);
        g_mutex_lock(&injector->mutex);
        while (!injector->is_ready)
                g_cond_wait(&injector->changed, &injector->mutex);
        g_mutex_unlock(&injector->mutex);
        if (!injector->has_failed)
                return injector;
        injector_free(injector);
        return NULL;
}

Injector *injector_new(pid_t nursery)
{
        return injector_begin(nursery, FALSE);
}

Injector *injector_new_of_manager(pid_t manager)
{
        return injector_begin(manager, TRUE);
}

void injector_free(Injector *injector)
{
        g_thread_join(injector->thread);
        g_hash_table_unref(injector->tracees);
        g_free(injector);
}

void injector_arm(Injector *injector, pid_t supervisor, InjectRole role, guint n, int error)
{
        g_mutex_lock(&injector->mutex);
        injector->is_armed = TRUE;
        injector->is_begun = injector->has_leader = FALSE;
        injector->supervisor = supervisor;
        injector->role = role;
        injector->n = n;
        injector->n_seen = 0;
        injector->error = error;
        injector->failed = -1;
        g_mutex_unlock(&injector->mutex);
}

gboolean injector_await_end(Injector *injector)
{
        gint64 deadline = g_get_monotonic_time() + END_SEC * G_TIME_SPAN_SECOND;
        gboolean is_in_time = TRUE;

        g_mutex_lock(&injector->mutex);
        while (is_in_time && injector->n_family > 0)
                is_in_time = g_cond_wait_until(&injector->changed, &injector->mutex, deadline);
        g_mutex_unlock(&injector->mutex);
        return is_in_time;
}

long injector_disarm(Injector *injector)
{
        g_mutex_lock(&injector->mutex);
        injector->is_armed = FALSE;
        long failed = injector->failed;
        g_mutex_unlock(&injector->mutex);
        return failed;
}
