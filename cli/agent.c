/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-login.h>

#include "common/fd.h"
#include "common/process.h"

bool agent_is_useful(void)
{
        return geteuid() != 0 && isatty(STDIN_FILENO);
}

/*
 * A desktop's own agent is found through our session, or the user's, and then it is the better one to ask. Without any,
 * polkit 122 finds no agent that was registered as a fallback.
 */
static bool has_session(void)
{
        return sd_pid_get_session(0, NULL) >= 0 || sd_uid_get_display(getuid(), NULL) >= 0;
}

int agent_start(void)
{
        _cleanup_(fd_closep) int program = open("/usr/bin/pkttyagent", O_PATH | O_CLOEXEC);
        const char *argv[] = {"pkttyagent", "--notify-fd", "3", has_session() ? "--fallback" : NULL, NULL};
        int ends[2];

        if (program < 0)
                return -errno;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        _cleanup_(fd_closep) int told = ends[0], tell = ends[1];
        Spawn spawn = {
                .executable = program,
                .argv = (char *const *)(uintptr_t)argv,
                .envp = environ,
                .fds = &tell,
                .n_fds = 1,
                .stderr_fd = -EBADF,
                .death_signal = SIGTERM,
        };
        int agent = process_spawn(&spawn, NULL);
        if (agent < 0)
                return agent;
        tell = fd_close(tell);
        /* It says that it is ready by closing its end; if it dies, the call is refused as it would be without it. */
        struct pollfd closed = {.fd = told};
        while (poll(&closed, 1, -1) < 0 && errno == EINTR)
                ;
        return agent;
}

int agent_stop(int agent)
{
        if (agent < 0)
                return -EBADF;
        process_signal(agent, SIGTERM);
        process_signal(agent, SIGCONT);
        waitid(P_PIDFD, (id_t)agent, &(siginfo_t){}, WEXITED);
        return fd_close(agent);
}
