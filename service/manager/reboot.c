/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/reboot.h"

#include "common/names.h"
#include "manager/container.h"
#include "manager/machined.h"

static void reboot_resume(const Container *container, bool is_registered)
{
        if (container->link)
                link_call(container->link, SUPERVISOR_INTERFACE, "Resume", NULL, NULL, NULL, "b", (int)is_registered);
}

static void reboot_registered(void *userdata, int r, const sd_bus_error *error _unused_)
{
        Container *container = userdata;

        container->registration = registration_free(container->registration);
        reboot_resume(container, r > 0);
}

void reboot_follow(Container *container)
{
        const MachineInput input = {
                .name = container->name,
                .id = container->id,
                .leader = container->leader,
                .interfaces = container->interfaces.indexes,
                .n_interfaces = container->interfaces.n,
                .mode = REGISTER_AUTO,
        };

        if (!container->is_registering || container->leader == 0 || !container->manager->has_systemd)
                return;
        container->registration = registration_free(container->registration);
        if (machine_register(container->manager->bus, &input, reboot_registered, container, &container->registration,
                             NULL) < 0)
                reboot_resume(container, false);
}
