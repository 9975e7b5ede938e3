/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/spec.h"

#include <sched.h>
#include <string.h>

#include "common/fd.h"

Spec *spec_new(void)
{
        Spec *spec = calloc(1, sizeof(*spec));

        if (!spec)
                return NULL;
        spec->root_fd = -EBADF;
        spec->terminal = true;
        spec->private_devices = true;
        for (unsigned i = 0; i < ELEMENTS(spec->streams); i++)
                spec->streams[i] = -EBADF;
        return spec;
}

static void spec_free_lists(Spec *spec)
{
        for (size_t i = 0; i < spec->n_mounts; i++) {
                free(spec->mounts[i].source);
                free(spec->mounts[i].destination);
                free(spec->mounts[i].work);
        }
        free(spec->mounts);
        for (size_t i = 0; i < spec->n_interfaces; i++) {
                free(spec->interfaces[i].outside);
                free(spec->interfaces[i].inside);
        }
        free(spec->interfaces);
        for (size_t i = 0; i < spec->n_properties; i++)
                free(spec->properties[i].bytes);
        free(spec->properties);
        free(spec->user_maps);
        free(spec->limits);
}

Spec *spec_free(Spec *spec)
{
        int saved = errno;

        if (!spec)
                return NULL;
        free(spec->name);
        strings_free(spec->command);
        free(spec->root_path);
        fd_close(spec->root_fd);
        free(spec->working_directory);
        free(spec->hostname);
        free(spec->user);
        strings_free(spec->environment);
        strings_free(spec->capabilities);
        strings_free(spec->cgroups);
        spec_free_lists(spec);
        for (unsigned i = 0; i < ELEMENTS(spec->streams); i++)
                fd_close(spec->streams[i]);
        free(spec);
        errno = saved;
        return NULL;
}

void *spec_grow_list(void *list, size_t *n, size_t size)
{
        void **array = list;
        char *larger = reallocarray(*array, *n + 1, size);

        if (!larger)
                return NULL;
        *array = larger;
        return memset(larger + (*n)++ * size, 0, size);
}

bool spec_has_root(const Spec *spec)
{
        return spec->root_path || spec->root_fd >= 0;
}

bool spec_has_user_namespace(const Spec *spec)
{
        if (spec->shared_namespaces & CLONE_NEWUSER)
                return false;
        return spec->n_user_maps > 0 || spec->user;
}

/* By name, since it is asked before the command can be looked at in its tree. */
bool spec_is_system(const Spec *spec)
{
        static const char *const inits[] = {"init", "systemd", "finit", "openrc-init", "runit", "runit-init"};

        if (!spec_has_root(spec) || spec->stub_init || !spec->command || !spec->command[0])
                return false;
        const char *slash = strrchr(spec->command[0], '/');
        const char *program = slash ? slash + 1 : spec->command[0];
        for (unsigned i = 0; i < ELEMENTS(inits); i++)
                if (strcmp(program, inits[i]) == 0)
                        return true;
        return false;
}

uint64_t spec_clone_flags(const Spec *spec)
{
        uint64_t flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP;

        if (spec->private_network || spec->n_interfaces > 0)
                flags |= CLONE_NEWNET;
        if (spec_has_user_namespace(spec))
                flags |= CLONE_NEWUSER;
        return flags & ~spec->shared_namespaces;
}

uint64_t spec_namespace_flag(const char *word)
{
        static const struct {
                const char *word;
                uint64_t flag;
        } namespaces[] = {
                {"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},
                {"uts", CLONE_NEWUTS},   {"pid", CLONE_NEWPID},  {"cgroup", CLONE_NEWCGROUP},
        };

        for (unsigned i = 0; i < ELEMENTS(namespaces); i++)
                if (strcmp(word, namespaces[i].word) == 0)
                        return namespaces[i].flag;
        return 0;
}
