/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-supervisor NAME
 *
 * Started by a manager, for one container: descriptor 3 is the connection to it, 4 the directory NAME that the
 * container will have. It outlives the manager, whatever happens to that one.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "supervisor/supervisor.h"

enum { CONNECTION_FD = 3, DIRECTORY_FD = 4 };

/* Nothing of the manager's is kept but its log: not its session, its directory, its signals, its place for new files. */
static int stand_alone(void)
{
        static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE};

        /* Nobody may look into what has, for a while, root's authority in a container's namespaces: ptrace(2). */
        if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ||
            prctl(PR_SET_NAME, "pflask-supervisor") < 0)
                return -errno;
        for (unsigned i = 0; i < ELEMENTS(ignored); i++)
                signal(ignored[i], SIG_IGN);
        setsid();
        umask(077);
        return chdir("/") < 0 ? -errno : 0;
}

static int check_descriptors(void)
{
        struct stat connection, directory;

        if (fstat(CONNECTION_FD, &connection) < 0 || fstat(DIRECTORY_FD, &directory) < 0)
                return -errno;
        if (!S_ISSOCK(connection.st_mode) || !S_ISDIR(directory.st_mode))
                return -EBADF;
        if (fcntl(CONNECTION_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(DIRECTORY_FD, F_SETFD, FD_CLOEXEC) < 0)
                return -errno;
        return 0;
}

static int run(const char *name)
{
        _cleanup_(supervisor_freep) Supervisor *supervisor = NULL;
        int r = check_descriptors();

        if (r >= 0)
                r = stand_alone();
        if (r >= 0)
                r = supervisor_new(DIRECTORY_FD, name, &supervisor);
        return r < 0 ? r : supervisor_run(supervisor, CONNECTION_FD);
}

int main(int argc, char **argv)
{
        if (argc != 2 || strchr(argv[1], '/') || !*argv[1]) {
                fprintf(stderr, "pflask-supervisor is started by pflask-manager\n");
                return EXIT_FAILURE;
        }
        errors_register();
        int r = run(argv[1]);
        if (r >= 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "pflask-supervisor: cannot supervise %s: %s\n", argv[1], strerror(-r));
        return EXIT_FAILURE;
}
