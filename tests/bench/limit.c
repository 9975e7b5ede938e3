/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-limit ROOT: the physical limit
 *
 * What the kernel itself charges for a container: one process that clones a child into the namespaces that the service
 * gives, makes the mounts that the service makes, and executes the command. There is no bus, no check, no record, and
 * nobody else to ask. For each line of standard input it does so once, and prints what bench-client does: microseconds
 * until the command runs, and from the end of its standard input to that of its last process.
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum {
        NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
        HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
};

_Noreturn static void fail(const char *step)
{
        perror(step);
        _exit(EXIT_FAILURE);
}

static int check(int r, const char *step)
{
        if (r < 0)
                fail(step);
        return r;
}

/* ---- mounts ---- */

/* @options: keys and values in turn, up to a NULL. Return: a detached tree. */
static int make(const char *type, unsigned attributes, const char *const *options)
{
        int context = check(fsopen(type, FSOPEN_CLOEXEC), type);

        for (; options && *options; options += 2)
                check(fsconfig(context, FSCONFIG_SET_STRING, options[0], options[1], 0), type);
        check(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
        int tree = check(fsmount(context, FSMOUNT_CLOEXEC, attributes), type);
        close(context);
        return tree;
}

static void attach(int tree, int directory, const char *path)
{
        check(move_mount(tree, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH), path);
}

static void attach_and_close(int tree, int directory, const char *path)
{
        attach(tree, directory, path);
        close(tree);
}

static int clone_of(int directory, const char *path, uint64_t attributes, uint64_t propagation)
{
        struct mount_attr change = {.attr_set = attributes, .propagation = propagation};
        int tree = open_tree(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);

        if (tree >= 0)
                check(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof(change)), path);
        return tree;
}

static int make_masks(void)
{
        static const char *const options[] = {"mode", "0700", "size", "4k", NULL};
        int masks = make("tmpfs", HARMLESS | MOUNT_ATTR_NODEV, options);

        close(check(openat(masks, "file", O_CREAT | O_RDONLY | O_CLOEXEC, 0), "mask"));
        check(mkdirat(masks, "directory", 0), "mask");
        attach(masks, AT_FDCWD, "/");
        return masks;
}

static void protect_proc(int proc, int masks)
{
        static const char *const shown[] = {"asound", "bus", "fs", "irq", "sys", "sysrq-trigger"};
        static const char *const hidden_files[] = {"kallsyms",      "kcore",       "keys",      "kmsg",
                                                   "latency_stats", "sched_debug", "timer_list"};
        static const char *const hidden_directories[] = {"acpi", "scsi"};
        const struct {
                const char *const *names;
                size_t n;
                int source;
                const char *path; /* of the source; NULL: itself */
        } kinds[] = {
                {shown, sizeof(shown) / sizeof(*shown), proc, NULL},
                {hidden_files, sizeof(hidden_files) / sizeof(*hidden_files), masks, "file"},
                {hidden_directories, sizeof(hidden_directories) / sizeof(*hidden_directories), masks, "directory"},
        };

        for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++)
                for (unsigned i = 0; i < kinds[kind].n; i++) {
                        const char *name = kinds[kind].names[i];
                        if (faccessat(proc, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                                continue;
                        int tree = check(clone_of(kinds[kind].source, kinds[kind].path ? kinds[kind].path : name,
                                                  HARMLESS | MOUNT_ATTR_RDONLY, MS_PRIVATE),
                                         name);
                        attach_and_close(tree, proc, name);
                }
}

static void make_devices(int root)
{
        static const char *const options[] = {"mode", "0755", "size", "4m", "nr_inodes", "64k", NULL};
        static const char *const pts[] = {"ptmxmode", "0666", "mode", "0620", "gid", "5", NULL};
        static const char *const shm[] = {"mode", "1777", "size", "10%", "nr_inodes", "400k", NULL};
        static const char *const directories[] = {"pts", "shm", "mqueue"};
        static const char *const links[][2] = {{"ptmx", "pts/ptmx"},
                                               {"fd", "/proc/self/fd"},
                                               {"stdin", "/proc/self/fd/0"},
                                               {"stdout", "/proc/self/fd/1"},
                                               {"stderr", "/proc/self/fd/2"}};
        static const struct {
                const char *name;
                unsigned major, minor;
        } nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                     {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
        int dev = make("tmpfs", MOUNT_ATTR_NOSUID, options);

        for (unsigned i = 0; i < sizeof(links) / sizeof(*links); i++)
                check(symlinkat(links[i][1], dev, links[i][0]), links[i][0]);
        for (unsigned i = 0; i < sizeof(directories) / sizeof(*directories); i++)
                check(mkdirat(dev, directories[i], 0755), directories[i]);
        for (unsigned i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
                check(mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), "node");
        attach(dev, root, "dev");
        attach_and_close(make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts), dev, "pts");
        attach_and_close(make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, shm), dev, "shm");
        attach_and_close(make("mqueue", HARMLESS, NULL), dev, "mqueue");
        close(dev);
}

static void build(const char *path)
{
        static const char *const run[] = {"mode", "0755", "size", "20%", "nr_inodes", "800k", NULL};
        struct mount_attr slave = {.propagation = MS_SLAVE};

        check(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)), "slave");
        int masks = make_masks();
        int root = check(clone_of(AT_FDCWD, path, 0, MS_SLAVE), path);
        attach(root, AT_FDCWD, "/");
        int proc = make("proc", HARMLESS, NULL);
        attach(proc, root, "proc");
        protect_proc(proc, masks);
        attach_and_close(make("sysfs", MOUNT_ATTR_RDONLY | HARMLESS, NULL), root, "sys");
        make_devices(root);
        attach_and_close(make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, run), root, "run");
        int host = check(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/");
        check(fchdir(root), path);
        check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
        /* The masks, and the host's tree. */
        check(fchdir(host), "host");
        check(umount2(".", MNT_DETACH), "umount");
        check(umount2(".", MNT_DETACH), "umount");
        check(chdir("/"), "/");
        attach_and_close(make("cgroup2", HARMLESS, NULL), AT_FDCWD, "/sys/fs/cgroup");
}

/* ---- one round ---- */

static int round_trip(const char *root, uint64_t *ret_run_usec, uint64_t *ret_end_usec)
{
        static char *const argv[] = {(char *)(uintptr_t) "/bin/cat", NULL};
        int executed[2], pidfd = -1;
        Cat cat;
        char byte;

        if (cat_open(&cat) < 0 || pipe2(executed, O_CLOEXEC) < 0)
                return -1;
        uint64_t begin = now_usec();
        struct clone_args arguments = {
                .flags = NAMESPACES | CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
        long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid == 0) {
                build(root);
                check(dup2(cat.input[0], STDIN_FILENO), "stdin");
                check(dup2(cat.output[1], STDOUT_FILENO), "stdout");
                setsid();
                execv(argv[0], argv);
                fail(argv[0]);
        }
        close(executed[1]);
        if (pid < 0 || read(executed[0], &byte, 1) != 0)
                return -1;
        *ret_run_usec = now_usec() - begin;
        if (cat_await(&cat) < 0)
                return -1;
        begin = now_usec();
        cat_end(&cat);
        siginfo_t info = {};
        if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
                return -1;
        *ret_end_usec = now_usec() - begin;
        close(executed[0]);
        close(cat.output[0]);
        close(pidfd);
        return info.si_status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
        char line[16];

        if (argc != 2) {
                fputs("bench-limit ROOT\n", stderr);
                return EXIT_FAILURE;
        }
        while (fgets(line, sizeof(line), stdin)) {
                uint64_t run_usec, end_usec;
                if (round_trip(argv[1], &run_usec, &end_usec) < 0) {
                        fputs("bench-limit: the container did not run\n", stderr);
                        return EXIT_FAILURE;
                }
                printf("%llu %llu\n", (unsigned long long)run_usec, (unsigned long long)end_usec);
                fflush(stdout);
        }
        return EXIT_SUCCESS;
}
