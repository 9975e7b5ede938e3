/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs of our own
 *
 * The service is several programs that start each other by descriptor. Where they lie is fixed when it is built; only
 * a run from the build directory says otherwise, through PFLASK_LIBEXEC_DIRECTORY, a list of directories with colons
 * between them. A program that got privileges by its execution doesn't read that: secure_getenv(3).
 */
#pragma once

/**
 * program_open() - find one of our own programs
 * @name:  its file name: "pflask-supervisor"
 *
 * Return: an O_PATH descriptor for process_spawn(), the caller's; -ENOENT; -errno.
 */
int program_open(const char *name);
