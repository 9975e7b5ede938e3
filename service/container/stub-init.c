/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/stub-init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the signal means to the command; 0: nothing. */
static int stub_init_translate(int signal)
{
        if (signal == SIGRTMIN + 3 || signal == SIGRTMIN + 4 || signal == SIGPWR)
                return SIGTERM;
        switch (signal) {
        case SIGTERM:
        case SIGINT:
        case SIGHUP:
        case SIGQUIT:
        case SIGUSR1:
        case SIGUSR2:
        case SIGCONT:
        case SIGWINCH:
        case SIGALRM:
                return signal;
        default:
                return 0;
        }
}

/* Reaps all that has ended; when the command is among it, this is the end. */
static void stub_init_reap(pid_t command)
{
        siginfo_t ended = {};

        while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG) == 0 && ended.si_pid > 0) {
                if (ended.si_pid == command)
                        _exit(ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status);
                ended.si_pid = 0;
        }
}

/* In the container's PID 1, with the command's own ids and capabilities; all that is left of us here is this loop. */
static _Noreturn void stub_init_loop(pid_t command, const sigset_t *all)
{
        for (;;) {
                siginfo_t info;
                int signal = sigwaitinfo(all, &info);

                if (signal == SIGCHLD)
                        stub_init_reap(command);
                else if (signal > 0 && stub_init_translate(signal))
                        kill(command, stub_init_translate(signal));
        }
}

int stub_init_begin(int report, Failure *failure)
{
        sigset_t all, none;

        sigfillset(&all);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &all, NULL);
        pid_t command = fork();
        if (command < 0)
                return failure_step(failure, -errno, "fork", "the command", NULL);
        if (command == 0) {
                sigprocmask(SIG_SETMASK, &none, NULL);
                return 0;
        }
        prctl(PR_SET_NAME, "pflask-init");
        strncpy(program_invocation_name, "pflask-init",
                strlen(program_invocation_name)); /* argv[0], which ps(1) shows */
        close(report);
        /* The init keeps no stream open: the console's end is the command's to cause. */
        close_range(0, ~0U, 0);
        stub_init_loop(command, &all);
}
