/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/ceiling.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "container/cgroup.h"

/* The kernel keeps the lowest numbers for itself once they have been used: pid_max in proc_sys_kernel(5). */
enum { RESERVED_PIDS = 300 };

static bool read_number(int directory, const char *name, uint64_t *ret)
{
        _cleanup_(freep) char *text = NULL;

        return fd_read_file(directory, name, 64, &text, NULL) >= 0 && sscanf(text, "%" SCNu64, ret) == 1;
}

/* ---- EAGAIN: processes ---- */

/* @cgroup and those above it, as far as they can be seen. */
static bool cgroup_is_full(int cgroup, char text[static CEILING_LENGTH])
{
        _cleanup_(fd_closep) int directory = openat(cgroup, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        uint64_t most, present;

        while (directory >= 0 && faccessat(directory, "pids.current", F_OK, 0) == 0) {
                if (read_number(directory, "pids.max", &most) && read_number(directory, "pids.current", &present) &&
                    present >= most) {
                        char link[64], path[CEILING_LENGTH / 2];
                        snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
                        ssize_t n = readlink(link, path, sizeof(path) - 1);
                        path[n > 0 ? n : 0] = '\0';
                        snprintf(text, CEILING_LENGTH, "pids.max=%" PRIu64 " of %s", most, path);
                        return true;
                }
                int above = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                fd_close(directory);
                directory = above;
        }
        return false;
}

static bool own_cgroup_is_full(char text[static CEILING_LENGTH])
{
        _cleanup_(fd_closep) int own = cgroup_open_counting(0);

        return own >= 0 && cgroup_is_full(own, text);
}

/* Of all threads that there are: proc_loadavg(5). */
static bool machine_is_full(const char *sysctl, uint64_t reserved, char text[static CEILING_LENGTH])
{
        _cleanup_(freep) char *load = NULL;
        char path[64];
        uint64_t most, present;

        snprintf(path, sizeof(path), "/proc/sys/kernel/%s", sysctl);
        if (!read_number(AT_FDCWD, path, &most) || fd_read_file(AT_FDCWD, "/proc/loadavg", 128, &load, NULL) < 0 ||
            sscanf(load, "%*s %*s %*s %*u/%" SCNu64, &present) != 1 || present + reserved < most)
                return false;
        snprintf(text, CEILING_LENGTH, "kernel.%s=%" PRIu64, sysctl, most);
        return true;
}

/* Root of the machine has no such limit: getrlimit(2). */
static bool is_root_outside(void)
{
        _cleanup_(freep) char *map = NULL;
        unsigned inside, outside;

        return getuid() == 0 && fd_read_file(AT_FDCWD, "/proc/self/uid_map", 65536, &map, NULL) >= 0 &&
               sscanf(map, "%u %u", &inside, &outside) == 2 && inside == 0 && outside == 0;
}

/* The threads of our user's that are seen. The directory of each process has one of its own for each: proc(5). */
static uint64_t count_own_threads(void)
{
        DIR *proc = opendir("/proc");
        uint64_t n = 0;

        for (struct dirent *entry; proc && (entry = readdir(proc));) {
                char path[NAME_MAX + sizeof("/task")];
                struct stat st;
                snprintf(path, sizeof(path), "%s/task", entry->d_name);
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && fstatat(dirfd(proc), path, &st, 0) == 0 &&
                    st.st_uid == getuid() && st.st_nlink > 2)
                        n += st.st_nlink - 2;
        }
        if (proc)
                closedir(proc);
        return n;
}

static bool user_is_full(char text[static CEILING_LENGTH])
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY || is_root_outside() ||
            count_own_threads() < limit.rlim_cur)
                return false;
        snprintf(text, CEILING_LENGTH, "RLIMIT_NPROC=%" PRIu64 " of user %u", (uint64_t)limit.rlim_cur,
                 (unsigned)getuid());
        return true;
}

static void find_of_processes(int cgroup, char text[static CEILING_LENGTH])
{
        if (cgroup >= 0 && cgroup_is_full(cgroup, text))
                return;
        if (own_cgroup_is_full(text))
                return;
        if (user_is_full(text) || machine_is_full("threads-max", 0, text) ||
            machine_is_full("pid_max", RESERVED_PIDS, text))
                return;
        strcpy(text, "RLIMIT_NPROC, pids.max of a cgroup, kernel.threads-max or kernel.pid_max");
}

/* ---- ENOSPC: namespaces ---- */

static const struct {
        uint64_t flag;
        const char *name;
        bool nests; /* no more than 32 deep, which is told by the same error: namespaces(7) */
} kinds[] = {
        {CLONE_NEWUSER, "user", true},      {CLONE_NEWNS, "mnt", false},    {CLONE_NEWPID, "pid", true},
        {CLONE_NEWNET, "net", false},       {CLONE_NEWIPC, "ipc", false},   {CLONE_NEWUTS, "uts", false},
        {CLONE_NEWCGROUP, "cgroup", false}, {CLONE_NEWTIME, "time", false},
};

/* In a child, each by itself; a user namespace last, for what comes after it would count in there. */
static int probe(uint64_t flags)
{
        for (unsigned i = ELEMENTS(kinds); i-- > 0;)
                if (flags & kinds[i].flag && unshare((int)kinds[i].flag) < 0 && errno == ENOSPC)
                        return (int)i + 1;
        return 0;
}

static void find_of_namespaces(uint64_t flags, char text[static CEILING_LENGTH])
{
        _cleanup_(fd_closep) int pidfd = -EBADF;
        siginfo_t end = {};
        uint64_t most;

        strcpy(text, "user.max_*_namespaces");
        pid_t pid = process_clone(0, -EBADF, &pidfd);
        if (pid == 0)
                _exit(probe(flags));
        if (pid < 0 || waitid(P_PIDFD, (id_t)pidfd, &end, WEXITED) < 0 || end.si_code != CLD_EXITED ||
            end.si_status < 1 || end.si_status > (int)ELEMENTS(kinds))
                return;
        const char *name = kinds[end.si_status - 1].name;
        bool nests = kinds[end.si_status - 1].nests;
        char path[64];
        snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", name);
        if (read_number(AT_FDCWD, path, &most))
                snprintf(text, CEILING_LENGTH, "user.max_%s_namespaces=%" PRIu64 "%s", name, most,
                         nests && most > 0 ? ", or the depth of 32," : "");
        else
                snprintf(text, CEILING_LENGTH, "user.max_%s_namespaces", name);
}

/* ---- both ---- */

int ceiling_find(int code, uint64_t flags, int cgroup, char text[static CEILING_LENGTH])
{
        if (code == -EAGAIN)
                find_of_processes(cgroup, text);
        else if (code == -ENOSPC)
                find_of_namespaces(flags, text);
        else
                return 0;
        return 1;
}

int ceiling_failure(Failure *failure, int code, const char *object, uint64_t flags, int cgroup)
{
        char text[CEILING_LENGTH];

        if (ceiling_find(code, flags, cgroup, text) > 0)
                return failure_set(failure, code, FAILURE_LIMIT_REACHED, "cannot clone %s: %s is reached: %s", object,
                                   text, strerror(-code));
        return failure_step(failure, code, "clone", object, flags & CLONE_NEWUSER ? "a user namespace" : NULL);
}
