/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs power off and reboot
 *
 * The acting steps of their rows in methods.h. The supervisor asks the container, and knows what has become of it.
 */
#include "manager/container.h"
#include "manager/methods.h"
#include "manager/verb.h"

static int power_ask(Call *call, const char *member, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, member, answer_empty, error, "t", call->manager->stop_usec);
}

int power_off_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "PowerOff", error);
}

int reboot_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "Reboot", error);
}
