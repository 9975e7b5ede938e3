/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/copy.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "container/copy-item.h"

/* What both processes know. */
typedef struct Copy {
        const CopyInput *input;
        int links[2]; /* the reading half's end, and the writing half's */
        char temporary[40];
} Copy;

typedef enum { HALF_READS, HALF_WRITES } Half;

/* Goes to the side of @half, keeping nothing else. */
static int side_enter(const Copy *copy, Half half, int report, CopySide *ret, Failure *failure)
{
        const CopyInput *input = copy->input;
        bool is_inside = (half == HALF_WRITES) == (input->direction == COPY_TO_CONTAINER);
        const int kept[] = {report, copy->links[half]};

        *ret = (CopySide){
                .link = copy->links[half],
                .report = input->tells ? report : -EBADF,
                .is_inside = is_inside,
                .maps = is_inside ? input->place.maps : NULL,
                .may_make_devices = is_inside || !input->place.maps,
                .path = half == HALF_READS ? input->source : input->destination,
                .temporary = copy->temporary,
        };
        int r = visit_let_go(&input->place, kept, ELEMENTS(kept), failure);
        if (r < 0)
                return r;
        if (is_inside)
                return visit_enter(&input->place, CLONE_NEWNS, failure);
        Namespaces others = *input->place.namespaces;
        namespaces_close(&others);
        return identity_become_caller(&input->caller, failure);
}

static int half_end(int r)
{
        return r == -ECANCELED ? VISIT_SILENT : r;
}

static int copy_visit_read(const void *data, int report, int *ret_answer _unused_, Failure *failure)
{
        const Copy *copy = data;
        CopySide side;

        int r = side_enter(copy, HALF_READS, report, &side, failure);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of ids has undone it */
        if (r >= 0)
                r = copy_read(&side, copy->input->follows, failure);
        return r < 0 ? half_end(r) : VISIT_SILENT;
}

/*
 * What it has begun must be removed if the copy comes to nothing. So it doesn't just die, but sees the other half die.
 */
static int copy_visit_write(const void *data, int report, int *ret_answer _unused_, Failure *failure)
{
        const Copy *copy = data;
        CopySide side;

        signal(SIGTERM, SIG_IGN);
        int r = side_enter(copy, HALF_WRITES, report, &side, failure);
        prctl(PR_SET_PDEATHSIG, 0);
        if (r >= 0)
                r = copy_write(&side, copy->input->replaces, failure);
        return r < 0 ? half_end(r) : VISIT_OVER;
}

static int copy_choose_name(Copy *copy)
{
        uint64_t number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        snprintf(copy->temporary, sizeof(copy->temporary), ".pflask-copy-%016" PRIx64, number);
        return 0;
}

int copy_begin(const CopyInput *input, Visit **ret, Failure *failure)
{
        const visit_run_t halves[] = {copy_visit_read, copy_visit_write};
        Copy copy = {.input = input};

        int r = copy_choose_name(&copy);
        if (r >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, copy.links) < 0)
                r = -errno;
        if (r < 0)
                return failure_step(failure, r, "begin", "a copy", NULL);
        r = visit_begin(halves, ELEMENTS(halves), &copy, ret, failure);
        fd_close(copy.links[HALF_READS]);
        fd_close(copy.links[HALF_WRITES]);
        return r;
}
