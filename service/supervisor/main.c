/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-supervisor [--nursery] PLACE
 *
 * Started by a manager, for one container, which may not exist yet: descriptor 3 is the connection on which it will be
 * told. PLACE is room for the container's name, for ps(1) to show. It outlives the manager, whatever happens to that
 * one; but without a container it ends with it. With --nursery it is not for any container, but bears supervisors.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "supervisor/nursery.h"
#include "supervisor/supervisor.h"

enum { CONNECTION_FD = 3 };

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

static int check_connection(void)
{
        struct stat connection;

        if (fstat(CONNECTION_FD, &connection) < 0)
                return -errno;
        if (!S_ISSOCK(connection.st_mode))
                return -EBADF;
        return fcntl(CONNECTION_FD, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

static int supervise(int connection, char *place)
{
        _cleanup_(supervisor_freep) Supervisor *supervisor = NULL;
        int r = supervisor_new(place, &supervisor);

        if (r < 0) {
                fd_close(connection);
                return r;
        }
        return supervisor_run(supervisor, connection);
}

/* Who is born is no nursery, and ps(1) shall not say so. The arguments lie one behind the other: execve(2). */
static char *forget_mode(char *mode, char *place)
{
        memset(mode, ' ', (size_t)(place - mode) + strlen(place));
        return mode;
}

static int run(char *mode, char *place)
{
        int r = check_connection();

        if (r >= 0)
                r = stand_alone();
        if (r < 0 || !mode)
                return r < 0 ? r : supervise(CONNECTION_FD, place);
        int connection = nursery_serve(CONNECTION_FD);
        if (connection <= 0)
                return connection;
        r = stand_alone(); /* a child has the nursery's session, and reaps nobody */
        return r < 0 ? r : supervise(connection, forget_mode(mode, place));
}

int main(int argc, char **argv)
{
        bool is_nursery = argc == 3 && strcmp(argv[1], "--nursery") == 0;

        if (argc != 2 && !is_nursery) {
                fprintf(stderr, "pflask-supervisor is started by pflask-manager\n");
                return EXIT_FAILURE;
        }
        errors_register();
        int r = run(is_nursery ? argv[1] : NULL, argv[argc - 1]);
        if (r >= 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "pflask-supervisor: cannot supervise a container: %s\n", strerror(-r));
        return EXIT_FAILURE;
}
