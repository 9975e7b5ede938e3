/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs power off and reboot
 *
 * The acting steps of their rows in methods.h. The supervisor asks the container, and knows what has become of it.
 */
#include "common/fault.h"
#include "manager/container.h"
#include "manager/methods.h"
#include "manager/verb.h"

static int power_done(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        FAULT_POINT(REBOOT_DONE);
        return answer_empty(reply, userdata, error);
}

static int power_ask(Call *call, const char *member, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        if (r >= 0)
                r = verb_ask(call, member, power_done, error, "t", call->manager->stop_usec);
        FAULT_POINT(REBOOT_ASKED);
        return r;
}

int power_off_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "PowerOff", error);
}

int reboot_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "Reboot", error);
}
