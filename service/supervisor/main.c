/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-supervisor PLACE
 *
 * Started by a manager, for one container, which may not exist yet: descriptor 3 is the connection on which it will be
 * told. PLACE is room for the container's name, for ps(1) to show. It outlives the manager, whatever happens to that
 * one; but without a container it ends with it.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/assignment.h"
#include "common/error.h"
#include "common/fd.h"
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

/* Return: 1; 0 when the manager has gone before it had a container for us; -errno. */
static int await_assignment(Assignment *assignment, int *ret_directory)
{
        struct pollfd told = {.fd = CONNECTION_FD, .events = POLLIN};

        while (poll(&told, 1, -1) < 0)
                if (errno != EINTR)
                        return -errno;
        ssize_t n = fd_receive(CONNECTION_FD, assignment, sizeof(*assignment), ret_directory, 1, 0);
        if (n <= 0)
                return (int)n;
        if (n != sizeof(*assignment) || *ret_directory < 0 || assignment->name[sizeof(assignment->name) - 1]) {
                fd_close(*ret_directory);
                return -EPROTO;
        }
        return 1;
}

static int run(char *place)
{
        _cleanup_(supervisor_freep) Supervisor *supervisor = NULL;
        Assignment assignment = {};
        int directory;
        int r = check_connection();

        if (r >= 0)
                r = stand_alone();
        if (r >= 0)
                r = await_assignment(&assignment, &directory);
        if (r <= 0)
                return r;
        r = supervisor_new(directory, assignment.name, &supervisor);
        if (r < 0)
                return r;
        supervisor_show_name(supervisor, place);
        return supervisor_run(supervisor, CONNECTION_FD);
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fprintf(stderr, "pflask-supervisor is started by pflask-manager\n");
                return EXIT_FAILURE;
        }
        errors_register();
        int r = run(argv[1]);
        if (r >= 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "pflask-supervisor: cannot supervise a container: %s\n", strerror(-r));
        return EXIT_FAILURE;
}
