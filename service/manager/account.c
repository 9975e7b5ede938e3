/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/account.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "common/programs.h"
#include "manager/reaper.h"

/* A database that hasn't answered by then is taken for broken. */
#define ACCOUNT_USEC (UINT64_C(10) * 1000000)

struct AccountQuery {
        const Manager *manager;
        uid_t uid;
        int pidfd;
        int pipe;
        sd_event_source *io, *deadline;
        void (*done)(void *userdata, int r, Account *account);
        void *userdata;
        char answer[sizeof(AccountHeader) + ACCOUNT_LIST_MAX * (sizeof(gid_t) + 2 * sizeof(IdRange))];
        size_t n;
};

Account *account_free(Account *account)
{
        if (!account)
                return NULL;
        free(account->groups);
        free(account->uids);
        free(account->gids);
        free(account);
        return NULL;
}

AccountQuery *account_query_free(AccountQuery *query)
{
        if (!query)
                return NULL;
        sd_event_source_disable_unref(query->io);
        sd_event_source_disable_unref(query->deadline);
        reaper_take(query->manager, query->pidfd);
        fd_close(query->pipe);
        free(query);
        return NULL;
}

static void *copy_part(const char **from, size_t n, size_t size)
{
        void *copy = malloc(n * size + 1);

        if (copy)
                memcpy(copy, *from, n * size);
        *from += n * size;
        return copy;
}

static int account_parse(const AccountQuery *query, Account **ret)
{
        _cleanup_(account_freep) Account *account = calloc(1, sizeof(*account));
        const char *rest = query->answer + sizeof(AccountHeader);
        AccountHeader header;

        if (!account)
                return -ENOMEM;
        if (query->n < sizeof(header))
                return -ENOENT;
        memcpy(&header, query->answer, sizeof(header));
        if (header.n_groups > ACCOUNT_LIST_MAX || header.n_uids > ACCOUNT_LIST_MAX ||
            header.n_gids > ACCOUNT_LIST_MAX ||
            query->n != sizeof(header) + header.n_groups * sizeof(gid_t) +
                                (header.n_uids + header.n_gids) * sizeof(IdRange))
                return -EBADMSG;
        *account = (Account){.uid = query->uid,
                             .gid = header.gid,
                             .n_groups = header.n_groups,
                             .n_uids = header.n_uids,
                             .n_gids = header.n_gids};
        memcpy(account->name, header.name, sizeof(account->name));
        account->name[sizeof(account->name) - 1] = '\0';
        account->groups = copy_part(&rest, header.n_groups, sizeof(gid_t));
        account->uids = copy_part(&rest, header.n_uids, sizeof(IdRange));
        account->gids = copy_part(&rest, header.n_gids, sizeof(IdRange));
        if (!account->groups || !account->uids || !account->gids)
                return -ENOMEM;
        *ret = TAKE_PTR(account);
        return 0;
}

static int account_readable(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        AccountQuery *query = userdata;
        Account *account = NULL;

        ssize_t n = read(fd, query->answer + query->n, sizeof(query->answer) - query->n);
        if (n > 0 && query->n + (size_t)n < sizeof(query->answer)) {
                query->n += (size_t)n;
                return 0;
        }
        if (n < 0 && errno == EAGAIN)
                return 0;
        int r = n == 0 ? account_parse(query, &account) : -EBADMSG;
        query->done(query->userdata, r, account);
        return 0;
}

static int account_too_late(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        AccountQuery *query = userdata;

        query->done(query->userdata, -ETIMEDOUT, NULL);
        return 0;
}

static int account_spawn(AccountQuery *query)
{
        char number[16];
        int ends[2];

        _cleanup_(fd_closep) int program = program_open("pflask-account");
        if (program < 0)
                return program;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        query->pipe = ends[0];
        snprintf(number, sizeof(number), "%u", (unsigned)query->uid);
        char *const argv[] = {(char *)(uintptr_t) "pflask-account", number, NULL};
        const Spawn spawn = {
                .executable = program, .argv = argv, .envp = environ, .fds = &ends[1], .n_fds = 1, .stderr_fd = -EBADF};
        query->pidfd = process_spawn(&spawn, NULL);
        fd_close(ends[1]);
        if (query->pidfd < 0)
                return query->pidfd;
        return fd_set_nonblocking(query->pipe);
}

int account_ask(Manager *manager, uid_t uid, void (*done)(void *userdata, int r, Account *account), void *userdata,
                AccountQuery **ret)
{
        AccountQuery *query = calloc(1, sizeof(*query));

        if (!query)
                return -ENOMEM;
        query->manager = manager;
        query->uid = uid;
        query->pidfd = query->pipe = -EBADF;
        query->done = done;
        query->userdata = userdata;
        int r = account_spawn(query);
        if (r >= 0)
                r = sd_event_add_io(manager->event, &query->io, query->pipe, EPOLLIN, account_readable, query);
        if (r >= 0)
                r = sd_event_add_time_relative(manager->event, &query->deadline, CLOCK_MONOTONIC, ACCOUNT_USEC, 0,
                                               account_too_late, query);
        if (r < 0) {
                account_query_free(query);
                return r;
        }
        *ret = query;
        return 0;
}
