/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/state.h"

#include <string.h>

#include "common/macros.h"

static const char *const state_names[] = {
        [STATE_STARTING] = "starting", [STATE_RUNNING] = "running", [STATE_REBOOTING] = "rebooting",
        [STATE_STOPPING] = "stopping", [STATE_EXITED] = "exited",
};

const char *state_name(State state)
{
        return state_names[state];
}

int state_from_name(const char *name, State *ret)
{
        for (unsigned i = 0; i < ELEMENTS(state_names); i++)
                if (strcmp(name, state_names[i]) == 0) {
                        *ret = (State)i;
                        return 0;
                }
        return -EINVAL;
}
