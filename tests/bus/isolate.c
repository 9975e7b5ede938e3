/* SPDX-License-Identifier: BSD-2-Clause */
#include "isolate.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/macros.h"

static _noreturn_ void end_as(int status)
{
        if (WIFEXITED(status))
                _exit(WEXITSTATUS(status));
        _exit(128 + WTERMSIG(status));
}

/* PID 1 of the test: reaps what is orphaned, and takes everybody along when the test program has ended. */
static _noreturn_ void reap_until(pid_t last)
{
        int status;

        for (;;) {
                pid_t pid = wait(&status);
                if (pid == last)
                        end_as(status);
                if (pid < 0 && errno != EINTR)
                        _exit(EXIT_FAILURE);
        }
}

/* Debian's polkitd reads rules and actions from these places only, and they shall be the test's own. */
static int isolate_polkit(void)
{
        static const char *const directories[] = {
                "/etc/polkit-1/rules.d",
                "/usr/share/polkit-1/rules.d",
                "/usr/share/polkit-1/actions",
        };

        for (unsigned i = 0; i < ELEMENTS(directories); i++)
                if (access(directories[i], F_OK) == 0 &&
                    mount("tmpfs", directories[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                        return -errno;
        return 0;
}

static int isolate_mounts(void)
{
        umask(022);
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
            mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                return -errno;
        if (mkdir(TEST_DIRECTORY, 0755) < 0 || mkdir("/run/dbus", 0755) < 0)
                return -errno;
        return isolate_polkit();
}

void isolate(void)
{
        int status;

        if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0) {
                printf("1..0 # SKIP cannot make namespaces: %m\n");
                exit(EXIT_SUCCESS);
        }
        pid_t init = fork();
        if (init < 0)
                exit(EXIT_FAILURE);
        if (init > 0) {
                while (waitpid(init, &status, 0) < 0)
                        if (errno != EINTR)
                                exit(EXIT_FAILURE);
                end_as(status);
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int r = isolate_mounts();
        if (r < 0) {
                fprintf(stderr, "cannot make the test's own mounts: %s\n", strerror(-r));
                _exit(EXIT_FAILURE);
        }
        pid_t test = fork();
        if (test < 0)
                _exit(EXIT_FAILURE);
        if (test > 0)
                reap_until(test);
}
