/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/signals.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <systemd/sd-event.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/macros.h"
#include "common/process.h"
#include "supervisor/processes.h"
#include "supervisor/supervisor.h"

int signals_send_to_leader(Supervisor *supervisor, int signal, sd_bus_error *error)
{
        int r = supervisor_is_running(supervisor) ? process_signal(supervisor->leader, signal) : -ESRCH;

        if (r == -ESRCH)
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' is not running", supervisor->record.name);
        return r < 0 ? error_step(error, r, "signal", "the leader of", supervisor->record.name) : 0;
}

/* A leader that ends of the signal takes all with it whom that hasn't reached, and who was to bring it. */
static bool leader_is_ending(const Supervisor *supervisor)
{
        return !supervisor_is_running(supervisor) || process_is_ending(supervisor->record.leader);
}

/* A call that a helper inside the container works at. */
typedef struct Signalling {
        const Supervisor *supervisor;
        sd_bus_message *call;
} Signalling;

/* Answers the call when the helper is done; frees itself. */
static int helper_has_ended(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata)
{
        _cleanup_(freep) Signalling *signalling = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = signalling->call;
        int r = processes_helper_ended(fd);

        sd_event_source_disable_unref(source);
        if (r == -ECHILD && !leader_is_ending(signalling->supervisor))
                sd_bus_reply_method_errorf(call, ERROR_NOT_RUNNING, "container '%s' ended what was to signal it",
                                           signalling->supervisor->record.name);
        else if (r < 0 && r != -ESRCH && r != -ECHILD)
                sd_bus_reply_method_errno(call, r, NULL);
        else
                sd_bus_reply_method_return(call, NULL);
        return 0;
}

static int send_to_namespace(Supervisor *supervisor, sd_bus_message *call, int signal)
{
        _cleanup_(freep) Signalling *signalling = malloc(sizeof(*signalling));
        sd_event_source *source;
        int helper;

        if (!signalling)
                return -ENOMEM;
        *signalling = (Signalling){.supervisor = supervisor, .call = call};
        int r = processes_signal_namespace(supervisor->leader, signal, &helper);
        if (r < 0)
                return r;
        r = sd_event_add_io(supervisor->event, &source, helper, EPOLLIN, helper_has_ended, signalling);
        if (r < 0) {
                process_signal(helper, SIGKILL);
                processes_helper_ended(helper);
                fd_close(helper);
                return r;
        }
        sd_event_source_set_io_fd_own(source, true);
        sd_bus_message_ref(TAKE_PTR(signalling)->call);
        return 1;
}

int signals_send_to_all(Supervisor *supervisor, sd_bus_message *call, int signal, sd_bus_error *error)
{
        /* The leader first, so that it knows before those whose end it will see. */
        int r = signals_send_to_leader(supervisor, signal, error);
        if (r < 0)
                return r;
        if (signal == SIGKILL)
                return sd_bus_reply_method_return(call, NULL);
        if (supervisor_has_pid_namespace(supervisor))
                return send_to_namespace(supervisor, call, signal);
        r = supervisor->setup->cgroup ? cgroup_signal(supervisor->setup->cgroup, signal)
                                      : processes_signal_descendants(signal);
        if (r < 0 && r != -ESRCH)
                return error_step(error, r, "signal", "all of", supervisor->record.name);
        return sd_bus_reply_method_return(call, NULL);
}
