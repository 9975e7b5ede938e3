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
        sd_bus_message *request;
        int r = verb_require_running(call, error);

        if (r >= 0)
                r = container_request(call->container, member, &request, error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(request, "t", call->manager->stop_usec);
        if (r < 0) {
                sd_bus_message_unref(request);
                return r;
        }
        return container_call(call->container, call, request, answer_empty, error);
}

int power_off_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "PowerOff", error);
}

int reboot_act(Call *call, sd_bus_error *error)
{
        return power_ask(call, "Reboot", error);
}
