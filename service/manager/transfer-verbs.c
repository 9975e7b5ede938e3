/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs that bring something into a container, or fetch it
 *
 * The reading and acting steps of their rows in methods.h.
 */
#include "manager/methods.h"
#include "manager/verb.h"

int root_directory_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, "OpenRootDirectory", answer_same, error);
}
