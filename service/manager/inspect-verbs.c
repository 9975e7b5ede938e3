/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs that look into a container
 *
 * The acting steps of their rows in methods.h. Its supervisor looks, for whoever is in there could be looking back.
 */
#include "manager/methods.h"
#include "manager/verb.h"

static int inspect(Call *call, const char *member, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, member, answer_same, error, "");
}

int addresses_act(Call *call, sd_bus_error *error)
{
        return inspect(call, "GetAddresses", error);
}

int os_release_act(Call *call, sd_bus_error *error)
{
        return inspect(call, "GetOSRelease", error);
}
