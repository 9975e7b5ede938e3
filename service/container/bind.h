/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bind
 *
 * A file or directory of the host appears in a container that runs. The mount is finished outside, where it is held by
 * a descriptor alone, and attached inside last: open_tree(2), move_mount(2). On its way into a container with a user
 * namespace it is locked, so that the container's root can't take away what it came with: tree-lock.h.
 */
#pragma once

#include <stdbool.h>

#include "container/visit.h"

/* Everything is borrowed. */
typedef struct BindInput {
        VisitPlace place;
        Identity caller; /* who opens the source: confined, the caller; else root */
        const char *source;
        const char *destination;
        bool is_read_only;
        bool makes_destination;
} BindInput;

/**
 * bind_visit() - make the mount: a visit_run_t
 * @input:  const BindInput *
 *
 * The source is opened with the authority of the caller, for whom it becomes nosuid and nodev; the destination is
 * found, and made, with that of the container's root, and beneath its root directory.
 *
 * With a user namespace, and for a privileged caller, the owners that the container's map has as its own ids appear as
 * those (MOUNT_ATTR_IDMAP), so that root's files are root's inside. A source whose owner would be nobody in there is
 * refused. A confined caller gets the owners as they are, since to map them takes root's authority.
 */
int bind_visit(const void *input, int report, int *ret_answer, Failure *failure);
