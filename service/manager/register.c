/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/register.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/name.h"
#include "common/names.h"
#include "common/record.h"
#include "manager/eviction.h"
#include "manager/keeper.h"
#include "manager/log.h"
#include "manager/vacancy.h"

/* How long a manager that begins waits for supervisors to say what they have. */
#define PATIENCE_USEC (UINT64_C(5) * 1000000)

/* A directory that somebody has, who is no container that could be seen. */
typedef struct Unsettled {
        LIST_ENTRY(Unsettled) others;
        Register *reg;
        Vacancy *vacancy;
        char *name;
} Unsettled;

struct Register {
        Manager *manager;
        int directory;
        sd_event_source *watch;
        LIST_HEAD(, Unsettled) unsettled; /* while reading: what must have become something before we are ready */
        sd_event_source *patience;
        unsigned n_loading;
        bool is_reading;
};

/* Opens a directory that only root can have made, making it where it is missing. */
static int open_own_directory(int parent, const char *path, mode_t mode)
{
        struct stat st;

        if (mkdirat(parent, path, mode) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_(fd_closep) int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != 0 || st.st_mode & 022)
                return -EPERM;
        return TAKE_FD(fd);
}

static int connect_to(int directory)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct ucred peer;
        socklen_t length = sizeof(peer);

        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", directory);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return -errno;
        return peer.uid == 0 ? TAKE_FD(fd) : -EPERM;
}

bool register_has(const Register *reg, const char *name)
{
        return faccessat(reg->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int register_connect(const Register *reg, const char *name)
{
        _cleanup_(fd_closep) int directory = openat(reg->directory, name,
                                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return directory < 0 ? -errno : connect_to(directory);
}

/*
 * If nobody owns the directory any more. A container that ran, and of whose end nobody was told, is lost, not forgotten.
 *
 * Return: 0; -EBUSY: somebody owns it; -errno.
 */
static int take_over(Register *reg, const char *name)
{
        _cleanup_(record_freep) Record *record = NULL;
        _cleanup_(claim_freep) Claim *claim = NULL;
        Container *container;

        int r = claim_take_over(reg->directory, name, &claim);
        if (r < 0)
                return r;
        if (!name_is_valid(name) || record_read(claim->directory, &record) < 0 || record->state == STATE_STARTING)
                return eviction_begin(reg->manager, TAKE_PTR(claim));
        r = container_new(reg->manager, name, &container);
        if (r < 0)
                return r;
        container->id = record->id;
        container->owner = record->owner;
        container->timestamp = record->timestamp;
        container->timestamp_monotonic = record->timestamp_monotonic;
        container->state = STATE_RUNNING;
        container_publish(container);
        container_bury(container, TAKE_PTR(claim));
        return 0;
}

/* ---- what is half made, or half gone, when a manager begins ---- */

static Unsettled *unsettled_free(Unsettled *unsettled)
{
        LIST_REMOVE(unsettled, others);
        vacancy_free(unsettled->vacancy);
        free(unsettled->name);
        free(unsettled);
        return NULL;
}

static void unsettled_look(void *userdata, bool is_late)
{
        Unsettled *unsettled = userdata;
        Register *reg = unsettled->reg;
        const Container *container = container_find(reg->manager, unsettled->name);
        bool is_seen = container && container->is_published;

        if (!is_late && !is_seen && take_over(reg, unsettled->name) == -EBUSY)
                return;
        unsettled_free(unsettled);
        register_loaded_one(reg);
}

void register_await(Register *reg, const char *name)
{
        Unsettled *unsettled;

        if (reg->manager->is_ready || reg->manager->is_direct)
                return;
        unsettled = calloc(1, sizeof(*unsettled));
        if (!unsettled)
                return;
        *unsettled = (Unsettled){.reg = reg, .name = strdup(name)};
        LIST_INSERT_HEAD(&reg->unsettled, unsettled, others);
        if (!unsettled->name || vacancy_await(reg->manager, unsettled_look, unsettled, &unsettled->vacancy) < 0)
                unsettled_free(unsettled);
        else
                reg->n_loading++;
}

/* ---- finding ---- */

static void find_one(Register *reg, const char *name)
{
        Container *container;

        if (name_is_valid(name) && container_find(reg->manager, name))
                return;
        int fd = name_is_valid(name) ? register_connect(reg, name) : -EINVAL;
        if (fd < 0) {
                if (take_over(reg, name) == -EBUSY && reg->is_reading)
                        register_await(reg, name);
                return;
        }
        if (container_new(reg->manager, name, &container) < 0) {
                fd_close(fd);
                return;
        }
        int r = keeper_find(container, fd);
        if (r >= 0)
                r = container_link(container, fd);
        else
                fd_close(fd);
        if (r >= 0)
                r = container_load(container);
        if (r < 0) {
                container_free(container);
                return;
        }
        container->is_loading = true;
        reg->n_loading++;
        FAULT_POINT(BEGIN_FOUND);
}

void register_look(Register *reg, const char *name)
{
        if (register_has(reg, name))
                find_one(reg, name);
}

/* A name appeared, or its supervisor announced it by touching the directory. */
static int watched(sd_event_source *source _unused_, const struct inotify_event *event, void *userdata)
{
        Register *reg = userdata;

        if (event->mask & IN_Q_OVERFLOW)
                register_read(reg);
        else if (event->len > 0)
                find_one(reg, event->name);
        return 0;
}

/* EMFILE stands for descriptors or for instances: inotify_init(2). For these when any other file can be had. */
static const char *watch_limit(int code)
{
        if (code == -ENOSPC)
                return "fs.inotify.max_user_watches";
        if (code != -EMFILE)
                return error_limit(code);
        _cleanup_(fd_closep) int instance = inotify_init1(IN_CLOEXEC);
        _cleanup_(fd_closep) int file = instance < 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0) : -EBADF;
        return file >= 0 ? "fs.inotify.max_user_instances" : error_limit(code);
}

int register_open(Manager *manager, Register **ret)
{
        _cleanup_(fd_closep) int parent = open_own_directory(AT_FDCWD, RUNTIME_DIRECTORY, 0755);
        _cleanup_(fd_closep) int directory = parent < 0 ? parent : open_own_directory(parent, "containers", 0700);
        if (directory < 0)
                return log_failure(directory, "open", CONTAINERS_DIRECTORY);
        Register *reg = calloc(1, sizeof(*reg));
        if (!reg)
                return -ENOMEM;
        *reg = (Register){.manager = manager, .directory = TAKE_FD(directory)};
        int r = sd_event_add_inotify(manager->event, &reg->watch, CONTAINERS_DIRECTORY, IN_ATTRIB | IN_ONLYDIR, watched,
                                     reg);
        if (r < 0) {
                log_limit(r, "watch", CONTAINERS_DIRECTORY, watch_limit(r));
                register_close(reg);
                return r;
        }
        *ret = reg;
        return 0;
}

Register *register_close(Register *reg)
{
        if (!reg)
                return NULL;
        while (!LIST_EMPTY(&reg->unsettled))
                unsettled_free(LIST_FIRST(&reg->unsettled));
        sd_event_source_disable_unref(reg->patience);
        sd_event_source_disable_unref(reg->watch);
        fd_close(reg->directory);
        free(reg);
        return NULL;
}

int register_directory(const Register *reg)
{
        return reg->directory;
}

/* One that is stopped, or swapped out, holds up nobody: its container is seen when it answers. */
static int out_of_patience(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        const Register *reg = userdata;
        const Container *container;

        TAILQ_FOREACH(container, &reg->manager->list, others)
                if (container->is_loading)
                        log_failure(-ETIMEDOUT, "ask the supervisor of", container->name);
        manager_ready(reg->manager);
        return 0;
}

/* Ready when all that was found is loaded. */
static int register_await_all(Register *reg)
{
        if (reg->n_loading == 0)
                manager_ready(reg->manager);
        if (reg->manager->is_ready || reg->patience)
                return 0;
        return sd_event_add_time_relative(reg->manager->event, &reg->patience, CLOCK_MONOTONIC, PATIENCE_USEC, 0,
                                          out_of_patience, reg);
}

int register_read(Register *reg)
{
        int copy = openat(reg->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (copy < 0)
                return log_failure(-errno, "read", CONTAINERS_DIRECTORY);
        DIR *directory = fdopendir(copy);
        if (!directory) {
                int r = log_failure(-errno, "read", CONTAINERS_DIRECTORY);
                fd_close(copy);
                return r;
        }
        FAULT_POINT(BEGIN_READING);
        reg->is_reading = true;
        for (struct dirent *entry; (entry = readdir(directory));)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        find_one(reg, entry->d_name);
        closedir(directory);
        reg->is_reading = false;
        return register_await_all(reg);
}

void register_loaded_one(Register *reg)
{
        if (--reg->n_loading == 0 && !reg->is_reading)
                manager_ready(reg->manager);
}
