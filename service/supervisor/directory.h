/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The container's directory
 *
 * Its name is the container's, its lock is the supervisor's life, and in it are the socket and the record. The
 * supervisor has it from the manager as a descriptor, and never lets go of that.
 */
#pragma once

/**
 * directory_rename() - give the directory its final name
 *
 * Return: 0; -EEXIST when there is another; -errno.
 */
int directory_rename(int directory, const char *from, const char *to);

/** directory_announce() - have managers that watch the register look at it: inotify(7), IN_ATTRIB */
void directory_announce(int directory);

/** directory_remove() - remove what is in it, and it, if @name is still its name */
void directory_remove(int directory, const char *name);

/** directory_leave_record() - remove all but the record, and touch it, that managers look at what is left */
void directory_leave_record(int directory);
