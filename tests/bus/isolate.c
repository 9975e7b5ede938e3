/* SPDX-License-Identifier: BSD-2-Clause */
#include "isolate.h"

#include <fcntl.h>
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

#include "cgroups.h"
#include "common/fd.h"
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

/* The users are added to copies of the machine's own files, which are mounted over them. */
static int isolate_users(void)
{
        static const char *const additions[][2] = {
                {"/etc/passwd", "alice:x:61001:61001::/run/test:/bin/sh\nbob:x:61002:61002::/run/test:/bin/sh\n"
                                "carol:x:61003:61003::/run/test:/bin/sh\nodd:x:4000000000:61003::/run/test:/bin/sh\n"},
                {"/etc/group", "alice:x:61001:\nbob:x:61002:\ncarol:x:61003:\npflask-test:x:61009:alice\n"},
                {"/etc/subuid", "alice:700000000:65536\n"},
                {"/etc/subgid", "alice:700000000:65536\n"},
        };

        for (unsigned i = 0; i < ELEMENTS(additions); i++) {
                const char *path = additions[i][0];
                _cleanup_(freep) char *copy = NULL, *before = NULL;
                if (asprintf(&copy, TEST_DIRECTORY "/%s", strrchr(path, '/') + 1) < 0)
                        return -ENOMEM;
                int r = fd_read_file(AT_FDCWD, path, 1 << 20, &before, NULL);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                _cleanup_(fd_closep) int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                if (fd < 0 || fd_write_all(fd, before, strlen(before)) < 0 ||
                    fd_write_all(fd, additions[i][1], strlen(additions[i][1])) < 0 ||
                    mount(copy, path, NULL, MS_BIND, NULL) < 0)
                        return -errno;
        }
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
        int r = isolate_polkit();
        return r < 0 ? r : isolate_users();
}

/* Outside: what is in the test's cgroups when nobody is left, nobody will remove. */
static _noreturn_ void outlive(pid_t init, TestCgroups *cgroups)
{
        int status;

        while (waitpid(init, &status, 0) < 0)
                if (errno != EINTR)
                        exit(EXIT_FAILURE);
        if (!test_cgroups_remove(cgroups) && status == 0)
                exit(EXIT_FAILURE);
        end_as(status);
}

void isolate(void)
{
        if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0) {
                printf("1..0 # SKIP cannot make namespaces: %m\n");
                exit(EXIT_SUCCESS);
        }
        TestCgroups *cgroups = test_cgroups_make();
        pid_t init = fork();
        if (init < 0)
                exit(EXIT_FAILURE);
        if (init > 0)
                outlive(init, cgroups);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        test_cgroups_enter(cgroups);
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
