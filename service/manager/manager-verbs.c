/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs of the manager
 *
 * The reading and acting steps of the rows in methods.h that make or find a container.
 */
#include <string.h>

#include "common/error.h"
#include "manager/container.h"
#include "manager/creation.h"
#include "manager/keeper.h"
#include "manager/membership.h"
#include "manager/methods.h"

/* How many supervisors there may be for each container that a user may have. */
enum { ENDED_PER_PLACE = 4 };

int create_read(Call *call, sd_bus_error *error)
{
        int r = spec_read(call->message, &call->spec, error);

        if (r < 0)
                return r;
        confinement_done(&call->confinement);
        const Account *account = call->caller->uid == 0 ? NULL : call->caller->account;
        r = confinement_decide(call->spec, account, &call->confinement);
        if (r < 0)
                return error_step(error, r, "decide about", "the container", NULL);
        return creation_claim(call, error);
}

/*
 * Confined containers are made without a question, so their number is limited; others somebody has answered for. A
 * container that has ended needs no place, but its supervisor remembers the end for a while, or may be kept from going
 * by a file system of the owner's that doesn't answer: so those are counted, too.
 */
static int require_place(Call *call, sd_bus_error *error)
{
        const Container *container;

        if (!call->confinement.is_confined)
                return 0;
        /* One that is being made may have no container yet: its name may still be that of one that has ended. */
        unsigned n = call->caller->quota->n_creations;
        TAILQ_FOREACH(container, &call->manager->list, others)
                n += container->owner == call->caller->uid && container->state != STATE_EXITED && !container->creation;
        if (n >= call->manager->max_containers_per_user)
                return error_set(error, ERROR_LIMIT_REACHED, "user %u has %u containers already (MaxContainersPerUser)",
                                 (unsigned)call->caller->uid, n);
        n = keepers_of(call->manager, call->caller->uid);
        if (n / ENDED_PER_PLACE >= call->manager->max_containers_per_user)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "user %u has %u containers that run or have ended and were not asked about "
                                 "(%u times MaxContainersPerUser)",
                                 (unsigned)call->caller->uid, n, (unsigned)ENDED_PER_PLACE);
        return 0;
}

static int start(Call *call, CreationKind kind, sd_bus_error *error)
{
        int r = require_place(call, error);

        return r < 0 ? r : creation_start(call, kind, error);
}

int create_act(Call *call, sd_bus_error *error)
{
        return start(call, CREATION_DETACHED, error);
}

int run_act(Call *call, sd_bus_error *error)
{
        return start(call, CREATION_ATTACHED, error);
}

static int reply_with_path(Call *call, const Container *container)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call->message, &reply);

        if (r >= 0)
                r = sd_bus_message_append(reply, "o", container->path);
        return r < 0 ? r : call_reply(call, TAKE_PTR(reply));
}

int get_act(Call *call, sd_bus_error *error _unused_)
{
        return reply_with_path(call, call->container);
}

int pid_read(Call *call, sd_bus_error *error)
{
        int r = sd_bus_message_read(call->message, "u", &call->arguments.pid);

        if (r < 0)
                return r;
        if (call->arguments.pid > INT32_MAX)
                return error_set(error, ERROR_NO_SUCH_PROCESS, "%u is not the number of a process",
                                 call->arguments.pid);
        if (call->arguments.pid == 0)
                call->arguments.pid = (uint32_t)call->caller->pid;
        return 0;
}

int by_pid_act(Call *call, sd_bus_error *error)
{
        Container *container;
        int r = membership_find(call->manager, (pid_t)call->arguments.pid, &container);

        if (r == -ESRCH)
                return error_set(error, ERROR_NO_SUCH_PROCESS, "there is no process %u", call->arguments.pid);
        if (r < 0)
                return error_set(error, ERROR_NO_SUCH_CONTAINER, "process %u is in no container", call->arguments.pid);
        return reply_with_path(call, container);
}

int list_act(Call *call, sd_bus_error *error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Container *container;
        int r = sd_bus_message_new_method_return(call->message, &reply);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(susuo)");
        TAILQ_FOREACH(container, &call->manager->list, others) {
                if (r < 0)
                        return r;
                if (!container->is_published)
                        continue;
                r = sd_bus_message_append(reply, "(susuo)", container->name, (uint32_t)container->owner,
                                          state_name(container->state), (uint32_t)container->leader, container->path);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : call_reply(call, TAKE_PTR(reply));
}
