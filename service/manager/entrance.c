/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/entrance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/names.h"
#include "common/peers.h"
#include "manager/caller.h"
#include "manager/register.h"

enum { GUESTS_MAX = 512 };

struct Entrance {
        Manager *manager;
        Peers guests;
        unsigned n_served; /* so that no two are called the same */
        int directory;
        struct stat socket;
};

/* Another bus, as for a trial, has the same register, but is not whom root means who names none. */
static bool is_system_bus(void)
{
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        size_t length = strlen(SYSTEM_BUS_ADDRESS);

        return !address || (strncmp(address, SYSTEM_BUS_ADDRESS, length) == 0 && strchr(",;", address[length]));
}

static int entrance_serve(sd_bus *bus, void *userdata)
{
        Entrance *entrance = userdata;
        char description[32];

        snprintf(description, sizeof(description), "guest %u", entrance->n_served++);
        int r = sd_bus_set_description(bus, description);
        return r < 0 ? r : manager_add_objects(entrance->manager, bus);
}

static void entrance_lost(sd_bus *bus, void *userdata)
{
        Entrance *entrance = userdata;

        callers_leave(entrance->manager->callers, bus);
        peers_prepare(&entrance->guests);
        manager_touch(entrance->manager);
}

/* Of those who own the name there is one at a time: what is there is of one who has died, or is just leaving. */
static int entrance_listen(Entrance *entrance)
{
        if (unlinkat(entrance->directory, PRIVATE_SOCKET, 0) < 0 && errno != ENOENT)
                return -errno;
        int r = peers_listen(&entrance->guests, entrance->directory, PRIVATE_SOCKET);
        if (r < 0)
                return r;
        return fstatat(entrance->directory, PRIVATE_SOCKET, &entrance->socket, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int entrance_open(Manager *manager)
{
        if (manager->is_direct || !is_system_bus())
                return 0;
        Entrance *entrance = calloc(1, sizeof(*entrance));
        if (!entrance)
                return -ENOMEM;
        entrance->manager = manager;
        peers_init(&entrance->guests, manager->event, GUESTS_MAX, entrance_serve, entrance_lost, entrance);
        entrance->directory = openat(register_directory(manager->reg), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = entrance->directory < 0 ? -errno : entrance_listen(entrance);
        if (r < 0) {
                entrance_close(entrance);
                return r;
        }
        peers_prepare(&entrance->guests);
        manager->entrance = entrance;
        return 0;
}

/* Whoever has taken the name since may already have put its own there. */
static bool entrance_is_ours(const Entrance *entrance)
{
        struct stat st;

        return entrance->socket.st_ino && fstatat(entrance->directory, PRIVATE_SOCKET, &st, AT_SYMLINK_NOFOLLOW) >= 0 &&
               st.st_dev == entrance->socket.st_dev && st.st_ino == entrance->socket.st_ino;
}

Entrance *entrance_close(Entrance *entrance)
{
        if (!entrance)
                return NULL;
        if (entrance_is_ours(entrance))
                unlinkat(entrance->directory, PRIVATE_SOCKET, 0);
        peers_done(&entrance->guests);
        fd_close(entrance->directory);
        free(entrance);
        return NULL;
}

bool entrance_is_idle(const Entrance *entrance)
{
        return !entrance || entrance->guests.n == 0;
}
