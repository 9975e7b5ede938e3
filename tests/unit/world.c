/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"
#include "common/process.h"

static int wait_for(pid_t pid)
{
        int status;

        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        return status;
}

char *world_path(const World *world, const char *name)
{
        return g_build_filename(world->directory, name, NULL);
}

void world_write(const char *path, const char *content)
{
        g_autofree char *directory = g_path_get_dirname(path);

        g_assert_no_errno(g_mkdir_with_parents(directory, 0755));
        g_assert_true(g_file_set_contents(path, content, -1, NULL));
        g_assert_no_errno(chmod(path, 0644));
}

void world_mount(const char *path, unsigned long flags)
{
        g_assert_no_errno(g_mkdir_with_parents(path, 0755));
        g_assert_no_errno(mount("tmpfs", path, "tmpfs", flags, "mode=0755"));
}

static void world_make_root(World *world)
{
        static const char *const directories[] = {"bin", "dev", "proc", "sys", "run", "tmp", "etc"};

        world->root = world_path(world, "root");
        for (unsigned i = 0; i < ELEMENTS(directories); i++) {
                g_autofree char *directory = g_build_filename(world->root, directories[i], NULL);
                g_assert_no_errno(g_mkdir_with_parents(directory, 0755));
        }
        g_autofree char *passwd = g_build_filename(world->root, "etc/passwd", NULL);
        world_write(passwd, "root:x:0:0::/:/bin/sh\n");
        g_autofree char *canary = g_build_filename(world->root, "canary", NULL);
        world_write(canary, "container");
        g_autofree char *host_canary = world_path(world, "canary");
        world_write(host_canary, "host");
}

static void world_begin(World *world, const char *directory)
{
        umask(022);
        g_assert_no_errno(unshare(CLONE_NEWNS));
        g_assert_no_errno(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL));
        world_mount(directory, 0);
        g_assert_no_errno(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL));
        world->directory = g_strdup(directory);
        world->spec = spec_new();
        g_assert_nonnull(world->spec);
        world_make_root(world);
        world->spec->root_path = strdup(world->root);
        world->namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
        world->devpts = world->terminal = -EBADF;
        world->failure = mmap(NULL, sizeof(Failure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        g_assert_true(world->failure != MAP_FAILED);
}

static void world_test(gconstpointer data)
{
        const WorldFunction *function = data;
        g_autofree char *directory = g_strdup("/tmp/pflask-world-XXXXXX");
        unsigned before = mounts_count();

        if (geteuid() != 0)
                return g_test_skip("mounts need root");
        g_assert_nonnull(mkdtemp(directory));
        g_assert_no_errno(chmod(directory, 0755));
        pid_t pid = fork();
        g_assert_no_errno(pid);
        if (pid == 0) {
                World world = {};
                world_begin(&world, directory);
                (*function)(&world);
                _exit(0);
        }
        if (wait_for(pid) != 0)
                g_test_fail();
        g_assert_no_errno(rmdir(directory));
        g_assert_cmpuint(mounts_count(), ==, before);
}

void world_add(const char *path, WorldFunction function)
{
        WorldFunction *copy = g_new(WorldFunction, 1);

        *copy = function;
        g_test_add_data_func_full(path, copy, world_test, g_free);
}

void world_confine(World *world)
{
        world->identity = (Identity){.uid = CALLER, .gid = CALLER, .is_confined = true};
        world->namespaces |= CLONE_NEWUSER;
        /* The tree is the caller's, as it would be. */
        g_autofree char *command = g_strdup_printf("chown -R %d:%d '%s'", CALLER, CALLER, world->root);
        g_assert_cmpint(system(command), ==, 0);
}

void world_add_mount(World *world, MountKind kind, const char *source, const char *destination, const char *work)
{
        Spec *spec = world->spec;

        spec->mounts = reallocarray(spec->mounts, spec->n_mounts + 1, sizeof(*spec->mounts));
        g_assert_nonnull(spec->mounts);
        spec->mounts[spec->n_mounts++] = (Mount){
                .kind = kind,
                .source = source ? strdup(source) : NULL,
                .destination = strdup(destination),
                .work = work ? strdup(work) : NULL,
        };
}

void world_add_map(World *world, uint32_t container, uint32_t host, uint32_t count)
{
        Spec *spec = world->spec;

        spec->user_maps = reallocarray(spec->user_maps, spec->n_user_maps + 1, sizeof(*spec->user_maps));
        g_assert_nonnull(spec->user_maps);
        spec->user_maps[spec->n_user_maps++] = (IdMap){.container = container, .host = host, .count = count};
        world->namespaces |= CLONE_NEWUSER;
}

static void leader_write_map(pid_t pid, const char *name, const char *map)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        g_assert_no_errno(fd);
        g_assert_cmpint(write(fd, map, strlen(map)), ==, (ssize_t)strlen(map));
}

static void leader_map(const World *world, pid_t pid)
{
        g_autoptr(GString) map = g_string_new(NULL);

        if (world->identity.is_confined)
                g_string_printf(map, "0 %d 1\n", CALLER);
        for (size_t i = 0; i < world->spec->n_user_maps; i++) {
                const IdMap *row = &world->spec->user_maps[i];
                g_string_append_printf(map, "%u %u %u\n", row->container, row->host, row->count);
        }
        leader_write_map(pid, "uid_map", map->str);
        leader_write_map(pid, "gid_map", map->str);
}

static void leader_become_root(void)
{
        g_assert_no_errno(setgroups(0, NULL));
        g_assert_no_errno(setresgid(0, 0, 0));
        g_assert_no_errno(setresuid(0, 0, 0));
}

_noreturn_ static void leader_main(World *world, Sources *sources, int go, WorldFunction inside)
{
        char byte;
        int root = -EBADF, r = 0;

        g_assert_cmpint(read(go, &byte, 1), ==, 1);
        if (world->namespaces & CLONE_NEWUSER)
                leader_become_root();
        g_assert_no_errno(prctl(PR_SET_DUMPABLE, 0)); /* as the leader is */
        if (world->identity.is_confined)
                r = sources_open(world->spec, &world->identity, &sources, world->failure);
        if (r < 0)
                _exit(0);
        RootInput input = {
                .spec = world->spec,
                .sources = sources,
                .namespaces = world->namespaces,
                .devpts = world->devpts,
                .terminal = world->terminal,
        };
        r = root_build(&input, &root, world->failure);
        if (r >= 0)
                r = root_enter(root, world->failure);
        if (r >= 0 && (world->namespaces & CLONE_NEWCGROUP)) {
                g_assert_no_errno(unshare(CLONE_NEWCGROUP));
                r = root_mount_cgroup(world->spec, world->namespaces, world->failure);
        }
        sources_free(sources);
        fd_close(root);
        g_assert_no_errno(prctl(PR_SET_DUMPABLE, 1));
        if (r >= 0 && inside)
                inside(world);
        _exit(0);
}

int world_run(World *world, WorldFunction inside)
{
        _cleanup_(sources_freep) Sources *sources = NULL;
        uint64_t flags = world->namespaces & ~(uint64_t)CLONE_NEWCGROUP;
        _cleanup_(fd_closep) int pidfd = -EBADF;
        int go[2], r;

        *world->failure = (Failure){};
        r = world->identity.is_confined ? sources_stand_in_root(world->spec, world->failure)
                                        : sources_open(world->spec, &world->identity, &sources, world->failure);
        if (r < 0)
                return r;
        g_assert_no_errno(pipe2(go, O_CLOEXEC));
        pid_t pid = process_clone(flags, -EBADF, &pidfd);
        g_assert_no_errno(pid);
        if (pid == 0)
                leader_main(world, sources, go[0], inside);
        g_assert_no_errno(chdir("/"));
        if (flags & CLONE_NEWUSER)
                leader_map(world, pid);
        if ((flags & CLONE_NEWUSER) && !world->identity.is_confined) {
                g_autofree char *path = g_strdup_printf("/proc/%d/ns/user", (int)pid);
                _cleanup_(fd_closep) int userns = open(path, O_RDONLY | O_CLOEXEC);
                g_assert_no_errno(userns);
                r = sources_map_root(sources, world->spec, userns, world->failure);
                g_assert_no_errno(r);
                world->is_mapped = r;
        }
        g_assert_cmpint(write(go[1], "", 1), ==, 1);
        close(go[0]);
        close(go[1]);
        g_assert_cmpint(wait_for(pid), ==, 0);
        return world->failure->code;
}

char *mounts_text(void)
{
        char *text;

        g_assert_true(g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL));
        return text;
}

unsigned mounts_count(void)
{
        g_autofree char *text = mounts_text();
        unsigned n = 0;

        for (const char *c = text; *c; c++)
                n += *c == '\n';
        return n;
}

unsigned long flags_of(const char *path)
{
        struct statvfs st;

        g_assert_no_errno(statvfs(path, &st));
        return st.f_flag;
}

long type_of(const char *path)
{
        struct statfs st;

        g_assert_no_errno(statfs(path, &st));
        return (long)st.f_type;
}

void assert_content(const char *path, const char *content)
{
        g_autofree char *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, content);
}

void assert_cannot_write(const char *path, int error)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), saved = errno;

        if (fd >= 0)
                g_error("%s could be opened for writing", path);
        g_assert_cmpint(saved, ==, error);
}

void assert_errno(int r, int error)
{
        int saved = errno;

        g_assert_cmpint(r, ==, -1);
        g_assert_cmpint(saved, ==, error);
}

void assert_failed(const World *world, int r, int code, ...)
{
        va_list words;

        g_assert_cmpint(r, ==, -code);
        g_test_message("%s", world->failure->sentence);
        va_start(words, code);
        for (const char *word; (word = va_arg(words, const char *));)
                if (!strstr(world->failure->sentence, word))
                        g_error("\"%s\" doesn't say \"%s\"", world->failure->sentence, word);
        va_end(words);
}
