/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs on processes that were sent into a container
 *
 * The reading and acting steps of their rows in methods.h. The supervisor sends them, keeps them and knows how they end.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/execution.h"
#include "manager/methods.h"
#include "manager/verb.h"

int shell_read(Call *call, sd_bus_error *error)
{
        return execution_read(call->message, true, &call->execution, error);
}

/*
 * A process that has somebody's terminal can push keys into it (TIOCSTI; CVE-2017-5226). Whose container it is
 * may do that to nobody but its owner.
 */
int exec_read(Call *call, sd_bus_error *error)
{
        int r = execution_read(call->message, false, &call->execution, error);

        if (r < 0 || call->container->owner == call->caller->uid)
                return r;
        for (unsigned i = 0; i < ELEMENTS(call->execution->streams); i++)
                if (isatty(call->execution->streams[i]))
                        return error_set(error, ERROR_INVALID_OPTION,
                                         "a terminal cannot be a stream in the container of another user; "
                                         "OpenContainerShell makes one inside");
        return 0;
}

static int join_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        Call *call = userdata;
        Container *container = call->asks;
        int console, lease;
        uint32_t process;

        FAULT_POINT(EXEC_EXECUTED);
        if (verb_answer(call, reply, &answer) < 0)
                return 0;
        int r = sd_bus_message_read(reply, "uhh", &process, &console, &lease);
        if (r >= 0)
                container_remember_starter(container, process, call->caller->uid);
        if (r >= 0)
                r = call->execution->has_terminal ? sd_bus_message_append(answer, "uhh", process, console, lease)
                                                  : sd_bus_message_append(answer, "uh", process, lease);
        verb_finish_with_lease(call, r, answer, r < 0 ? -EBADF : lease);
        return 0;
}

int join_act(Call *call, sd_bus_error *error)
{
        sd_bus_message *request;
        int r = verb_require_running(call, error);

        FAULT_POINT(EXEC_BEGUN);
        if (r >= 0)
                r = container_request(call->container, "Join", &request, error);
        if (r < 0)
                return r;
        r = execution_append(call->execution, request);
        if (r >= 0)
                r = sd_bus_message_append(request, "(uu)", (uint32_t)call->caller->pid, (uint32_t)call->caller->uid);
        r = verb_send(call, request, r, join_answer, error);
        FAULT_POINT(EXEC_ASKED);
        return r;
}

int process_read(Call *call, sd_bus_error *error _unused_)
{
        return sd_bus_message_read(call->message, "u", &call->arguments.process.number);
}

int process_signal_read(Call *call, sd_bus_error *error)
{
        int r = sd_bus_message_read(call->message, "ui", &call->arguments.process.number,
                                    &call->arguments.process.signal);

        if (r < 0)
                return r;
        if (call->arguments.process.signal < 1 || call->arguments.process.signal > SIGRTMAX)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "%d is not a signal",
                                 call->arguments.process.signal);
        return 0;
}

/* The supervisor keeps the end until we say that we have told it. */
static void process_told(const Container *container, uint32_t number)
{
        if (container->link)
                link_call(container->link, SUPERVISOR_INTERFACE, "ForgetProcess", NULL, NULL, NULL, "u", number);
}

static int wait_process_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        Call *call = userdata;
        const Container *container = call->asks;
        uint32_t number = call->arguments.process.number;
        const char *result;
        int32_t status;

        FAULT_POINT(EXEC_ENDED);
        if (verb_answer(userdata, reply, &answer) < 0)
                return 0;
        int r = sd_bus_message_read(reply, "si", &result, &status);
        if (r >= 0)
                r = sd_bus_message_append(answer, "si", result, status);
        verb_finish(userdata, r, answer);
        FAULT_POINT(EXEC_TOLD);
        if (r >= 0)
                process_told(container, number);
        return 0;
}

int wait_process_act(Call *call, sd_bus_error *error)
{
        return verb_ask(call, "WaitProcess", wait_process_answer, error, "uu", call->arguments.process.number,
                        (uint32_t)call->caller->uid);
}

int kill_process_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r
                     : verb_ask(call, "KillProcess", answer_empty, error, "ui", call->arguments.process.number,
                                call->arguments.process.signal);
}
