/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel file systems
 *
 * /proc, /sys and /sys/fs/cgroup: the kernel's own views of the container's namespaces. Where the container shares the
 * namespace that a view belongs to, and has a user namespace that doesn't own it, the kernel makes no new view, and the
 * host's is bound instead.
 */
#pragma once

#include <stdint.h>
#include <sys/mount.h>

#include "common/macros.h"
#include "container/failure.h"

/* Attributes of a view that is the host's. */
enum { KERNELFS_READ_ONLY = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

/**
 * kernelfs_mount_proc() - a new /proc
 * @root:        the container's root directory
 * @namespaces:  CLONE_NEW... of those the container has of its own
 *
 * Return: a descriptor of what is now on /proc, the caller's; -errno.
 */
int kernelfs_mount_proc(int root, uint64_t namespaces, Failure *failure);

/**
 * kernelfs_stage_masks() - an empty file and an empty directory to hide others with
 *
 * In a tmpfs made for them, that nobody else can reach: no node of the host's is trusted to be what it seems.
 *
 * Return: a descriptor of the tmpfs, the caller's; -errno.
 */
int kernelfs_stage_masks(Failure *failure);

/**
 * kernelfs_protect_proc() - make the host's knobs read-only, and hide what tells of its memory
 * @proc:   of kernelfs_mount_proc()
 * @masks:  of kernelfs_stage_masks()
 *
 * Return: 0; -errno.
 */
int kernelfs_protect_proc(int proc, int masks, Failure *failure);

/**
 * kernelfs_mount_sys() - /sys, read-only; with the host's cgroups where they are shared
 * @shared:  what Sources has of it, locked; -EBADF: it is bound here
 * @masks:  of kernelfs_stage_masks()
 *
 * Return: 0; -errno.
 */
int kernelfs_mount_sys(int root, uint64_t namespaces, int shared, int masks, Failure *failure);

/** kernelfs_mount_own_sys() - /sys of a new network namespace, if the kernel allows one. Return: 0; -errno. */
int kernelfs_mount_own_sys(int root, Failure *failure);

/** kernelfs_mount_cgroup() - the view of our own cgroup namespace. Return: 0, also without any cgroup2; -errno. */
int kernelfs_mount_cgroup(int root, Failure *failure);
