/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes
 *
 * A process is its pidfd. A number is only for people to read, and for /proc, where it counts while the pidfd is
 * alive afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a process ended, as the bus tells it. */
typedef enum {
        RESULT_NONE,   /* it has not */
        RESULT_EXITED, /* status is the exit code */
        RESULT_KILLED, /* status is the signal */
        RESULT_DUMPED, /* the same, and there is a core */
        RESULT_LOST,   /* who could have said it was killed; status is 0 */
} Result;

/** result_name() - "", "exited", "killed", "dumped", "lost" */
const char *result_name(Result result);

/** result_from_name() - Return: the result; RESULT_NONE for a name that isn't one. */
Result result_from_name(const char *name);

/* What process_spawn() starts. Everything is borrowed. */
typedef struct Spawn {
        int executable;    /* executed by descriptor: execveat(2), AT_EMPTY_PATH */
        char *const *argv; /* NULL-terminated */
        char *const *envp; /* NULL-terminated */
        const int *fds;    /* become 3, 4, ... in this order; no other descriptor above 2 survives */
        unsigned n_fds;
        int stderr_fd;    /* becomes 2; -EBADF: as the caller's */
        int death_signal; /* what it gets when the calling thread ends, PR_SET_PDEATHSIG; 0: nothing */
} Spawn;

/**
 * process_spawn() - start a program, held by pidfd from its first instant
 * @spawn:    0 and 1 of the new program are /dev/null
 * @ret_pid:  its number, or NULL
 *
 * The child shares the memory of the caller until its execve(), so the cost doesn't grow with the caller: vfork(2).
 *
 * Return: the pidfd, the caller's; -errno, also when execve() failed.
 */
int process_spawn(const Spawn *spawn, pid_t *ret_pid);

/**
 * process_clone() - clone3(2) as fork(2) does it, into new namespaces
 * @flags:   CLONE_NEW... flags; CLONE_PIDFD is added
 * @cgroup:  directory of a cgroup2 to start in (CLONE_INTO_CGROUP), or -EBADF
 *
 * Return: 0 in the child; in the parent the child's pid, with *@ret_pidfd the caller's; -errno.
 */
pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd);

/**
 * process_fork() - a child that only those who ask for its very pidfd can reap: processes_reap() doesn't see it
 *
 * It has no exit signal, so a waitid(2) for it needs __WALL: clone(2).
 *
 * Return: as process_clone().
 */
pid_t process_fork(int *ret_pidfd);

/** process_wait() - reap the child behind @pidfd if it has ended. Return: 1, 0 when it lives on; -errno. */
int process_wait(int pidfd, Result *ret_result, int *ret_status);

/** process_is_alive() - false once the process behind @pidfd has ended, reaped or not */
bool process_is_alive(int pidfd);

/** process_signal() - pidfd_send_signal(2). Return: 0; -ESRCH when it has ended; -errno. */
int process_signal(int pidfd, int signal);

/** process_pid() - the number behind @pidfd, in our pid namespace. Return: > 0; -ESRCH when it has been reaped; -errno. */
pid_t process_pid(int pidfd);

/**
 * process_has_executed() - has the child @pid, not reaped yet, ever executed a program
 *
 * The kernel notes it (PF_FORKNOEXEC in the flags of proc_pid_stat(5)) before it closes what is close-on-exec, and
 * keeps it beyond the child's death: so whoever sees a pipe closed can tell execve(2) from the end.
 */
bool process_has_executed(pid_t pid);

/**
 * process_is_ending() - is it on its way out, with what ends with it
 * @pid:  of a child that hasn't been reaped
 *
 * By PF_EXITING, in the same flags.
 */
bool process_is_ending(pid_t pid);

/** process_parent() - as our /proc has it, at that moment. Return: its pid; 0: there is none, or no such process. */
pid_t process_parent(pid_t pid);

/** process_reset_signals() - every signal at its default and none blocked, as an executed program expects it */
void process_reset_signals(void);
