/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * World
 *
 * A host to build containers on, that is gone with the process that has it: a test runs in a child with a mount
 * namespace of its own, in which one tmpfs, shared as hosts have it, holds all that the test makes. A second child is
 * the leader, as the set-up would make it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "container/root.h"

enum { CALLER = 4000 }; /* an ordinary user, who is root in a confined container */

typedef struct World {
        char *directory; /* of the tmpfs */
        char *root; /* a container's root beneath it: bin/busybox, etc/passwd, canary, and the usual mount points */
        Spec *spec; /* with the root above */
        Identity identity;
        uint64_t namespaces;  /* NEWNS NEWPID NEWIPC NEWUTS NEWCGROUP at first */
        int devpts, terminal; /* for the leader; -EBADF at first */
        void *data;           /* the test's own */
        bool is_mapped;       /* the last sources_map_root() said so */
        Failure *failure;     /* of the last world_run(), wherever it happened */
} World;

typedef void (*WorldFunction)(World *world);

/** world_add() - a test @path that runs @function in a world of its own; what it leaves behind is an error. */
void world_add(const char *path, WorldFunction function);

/**
 * world_run() - build a container and run @inside in it, as its PID 1 if it has a pid namespace
 *
 * A confined container's user namespace has CALLER alone, as 0; other ones have the spec's maps.
 *
 * Return: 0; -errno of what failed, with world->failure filled. An assertion that fails inside fails the test.
 */
int world_run(World *world, WorldFunction inside);

/** world_path() - @name beneath the world's directory. Return: the caller's. */
char *world_path(const World *world, const char *name);

/** world_write() - make a file, with its missing directories */
void world_write(const char *path, const char *content);

/** world_confine() - make the container one of CALLER's */
void world_confine(World *world);

/** world_mount() - a new tmpfs on a directory, which is made */
void world_mount(const char *path, unsigned long flags);

/** world_add_mount() - one more of spec->mounts */
void world_add_mount(World *world, MountKind kind, const char *source, const char *destination, const char *work);

/** world_add_map() - one more of spec->user_maps, and a user namespace */
void world_add_map(World *world, uint32_t container, uint32_t host, uint32_t count);

/** mounts_text() - mountinfo of this process. Return: the caller's. */
char *mounts_text(void);

/** mounts_count() - lines of it */
unsigned mounts_count(void);

/** flags_of() - ST_... of the mount that @path lies on */
unsigned long flags_of(const char *path);

/** type_of() - magic number of the file system that @path lies on */
long type_of(const char *path);

/** assert_content() - @path holds @content */
void assert_content(const char *path, const char *content);

/** assert_cannot_write() - opening @path for writing fails with @error */
void assert_cannot_write(const char *path, int error);

/** assert_errno() - @r is that of a call that has just failed with @error */
void assert_errno(int r, int error);

/** assert_failed() - the last world_run() failed with -@code, and says all of @words, a NULL-terminated list */
void assert_failed(const World *world, int r, int code, ...) __attribute__((sentinel));
