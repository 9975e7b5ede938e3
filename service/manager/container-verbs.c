/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs on a container
 *
 * The reading and acting steps of the rows in methods.h that need a container. Most hand the question on to the
 * supervisor and its answer back to the caller.
 */
#include <signal.h>
#include <string.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/names.h"
#include "manager/container.h"
#include "manager/methods.h"
#include "manager/verb.h"

int attach_read(Call *call, sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(call->message, 'a', "{sv}");

        call->arguments.take = false;
        while (r >= 0 && (r = sd_bus_message_enter_container(call->message, 'e', "sv")) > 0) {
                const char *key, *type;
                int take;
                r = sd_bus_message_read(call->message, "s", &key);
                if (r >= 0 && strcmp(key, "Take") != 0)
                        return error_set(error, ERROR_INVALID_OPTION, "unknown option '%s'", key);
                if (r >= 0)
                        r = sd_bus_message_peek_type(call->message, NULL, &type);
                if (r >= 0 && strcmp(type, "b") != 0)
                        return error_set(error, ERROR_INVALID_OPTION, "option 'Take' is of type b, not %s", type);
                if (r >= 0)
                        r = sd_bus_message_read(call->message, "v", "b", &take);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call->message);
                if (r >= 0)
                        call->arguments.take = take;
        }
        return r;
}

static int attach_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        const void *backlog;
        int console, lease;
        size_t n;

        FAULT_POINT(ATTACH_DONE);
        if (verb_answer(userdata, reply, &answer) < 0)
                return 0;
        int r = sd_bus_message_read(reply, "hh", &console, &lease);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &backlog, &n);
        if (r >= 0)
                r = sd_bus_message_append(answer, "hh", console, lease);
        if (r >= 0)
                r = sd_bus_message_append_array(answer, 'y', backlog, n);
        verb_finish_with_lease(userdata, r, answer, r < 0 ? -EBADF : lease);
        return 0;
}

int attach_act(Call *call, sd_bus_error *error)
{
        const Caller *caller = call->caller;
        int r = verb_require_running(call, error);

        if (r >= 0)
                r = verb_ask(call, "Attach", attach_answer, error, "(uus)b", (uint32_t)caller->pid,
                             (uint32_t)caller->uid, caller_name(caller), (int)call->arguments.take);
        FAULT_POINT(ATTACH_ASKED);
        return r;
}

static int read_log_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        const void *backlog;
        uint64_t dropped;
        size_t n;

        if (verb_answer(userdata, reply, &answer) < 0)
                return 0;
        int r = sd_bus_message_read_array(reply, 'y', &backlog, &n);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &dropped);
        if (r >= 0)
                r = sd_bus_message_append_array(answer, 'y', backlog, n);
        if (r >= 0)
                r = sd_bus_message_append(answer, "t", dropped);
        verb_finish(userdata, r, answer);
        return 0;
}

int read_log_act(Call *call, sd_bus_error *error)
{
        return verb_ask(call, "ReadLog", read_log_answer, error, "");
}

int follow_log_act(Call *call, sd_bus_error *error)
{
        return verb_ask(call, "FollowLog", answer_same, error, "");
}

int wait_act(Call *call, sd_bus_error *error _unused_)
{
        return container_wait(call->container, call);
}

int kill_read(Call *call, sd_bus_error *error)
{
        int r = sd_bus_message_read(call->message, "si", &call->arguments.kill.who, &call->arguments.kill.signal);

        if (r < 0)
                return r;
        if (strcmp(call->arguments.kill.who, "leader") != 0 && strcmp(call->arguments.kill.who, "all") != 0)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a signal goes to leader or all, not '%s'",
                                 call->arguments.kill.who);
        if (call->arguments.kill.signal < 1 || call->arguments.kill.signal > SIGRTMAX)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "%d is not a signal", call->arguments.kill.signal);
        return 0;
}

int kill_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r
                     : verb_ask(call, "Kill", answer_empty, error, "si", call->arguments.kill.who,
                                call->arguments.kill.signal);
}

int terminate_act(Call *call, sd_bus_error *error)
{
        int r = verb_require_running(call, error);

        return r < 0 ? r : verb_ask(call, "Terminate", answer_empty, error, "");
}

/* The supervisor's "asa{sv}" becomes one a{sv}: the options, and the command beside them. */
static int describe_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
        _cleanup_(strings_freep) char **command = NULL;

        if (verb_answer(userdata, reply, &answer) < 0)
                return 0;
        int r = sd_bus_message_read_strv(reply, &command);
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(answer, "s", "Command");
        if (r >= 0)
                r = sd_bus_message_open_container(answer, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(answer, command);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_copy(answer, reply, true);
        if (r >= 0)
                r = sd_bus_message_close_container(answer);
        verb_finish(userdata, r, answer);
        return 0;
}

int describe_act(Call *call, sd_bus_error *error)
{
        return verb_ask(call, "Describe", describe_answer, error, "");
}
