/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/attachment.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "supervisor/supervisor.h"

/* How long a holder may take to let go. */
#define TAKE_TIMEOUT_USEC (UINT64_C(2) * 1000000)

static const char *const attachment_properties[] = {"ConsoleAttached", "ConsoleDropped", NULL};

static void attachment_forget_taker(Attachment *attachment)
{
        attachment->taker = sd_bus_message_unref(attachment->taker);
        attachment->taker_timer = sd_event_source_disable_unref(attachment->taker_timer);
}

void attachment_done(Attachment *attachment)
{
        attachment_forget_taker(attachment);
        attachment->lease = lease_free(attachment->lease);
}

void attachment_drop_manager(Supervisor *supervisor, const sd_bus *bus)
{
        Attachment *attachment = &supervisor->attachment;

        if (attachment->lease && attachment->giver == bus)
                lease_giver_died(attachment->lease);

        if (attachment->taker && sd_bus_message_get_bus(attachment->taker) == bus)
                attachment_forget_taker(attachment);
}

/* ---- giving ---- */

static void attachment_ended(Lease *lease, LeaseEnd end, void *userdata);

int attachment_append_null(sd_bus_message *reply)
{
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        return null < 0 ? -errno : sd_bus_message_append(reply, "h", null);
}

static void attachment_resume(Supervisor *supervisor)
{
        if (supervisor->console)
                console_resume(supervisor->console);
}

int attachment_give(Supervisor *supervisor, Holder holder, sd_bus_message *reply, lease_given_t given)
{
        const Console *console = supervisor->console;
        Attachment *attachment = &supervisor->attachment;
        _cleanup_(fd_closep) int client = -EBADF;

        int r = lease_new(supervisor->event, holder, attachment_ended, supervisor, &attachment->lease, &client);
        if (r >= 0)
                r = console ? sd_bus_message_append(reply, "h", console->master) : attachment_append_null(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "h", client);
        if (r >= 0 && console)
                r = console_pause(supervisor->console);
        if (r < 0) {
                attachment->lease = lease_free(attachment->lease);
                return r;
        }
        attachment->giver = sd_bus_message_get_bus(reply);
        lease_on_given(attachment->lease, given);
        return 0;
}

static int append_backlog(const Ring *ring, sd_bus_message *reply)
{
        struct iovec parts[2];
        unsigned n = ring_untold(ring, parts);

        return sd_bus_message_append_array_iovec(reply, 'y', parts, n);
}

/*
 * The backlog counts as told when it is on its way, until the lease says that it hasn't arrived. From here on the
 * console's bytes wait in the pty, in their order.
 */
static int attachment_answer(Supervisor *supervisor, sd_bus_message *call, Holder holder)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        if (r < 0)
                return r;
        r = attachment_give(supervisor, holder, reply, NULL);
        if (r < 0)
                return r;
        r = append_backlog(supervisor->console->ring, reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0) {
                supervisor->attachment.lease = lease_free(supervisor->attachment.lease);
                attachment_resume(supervisor);
                return r;
        }
        ring_tell(supervisor->console->ring);
        supervisor_emit_changed(supervisor, NULL, attachment_properties);
        return 1;
}

/* ---- taking ---- */

static int attachment_busy(const Supervisor *supervisor, sd_bus_error *error)
{
        const Holder holder = lease_holder(supervisor->attachment.lease);

        return error_set(error, ERROR_CONSOLE_BUSY, "console of '%s' is held by process %d of user %u%s%s%s",
                         supervisor->record.name, (int)holder.pid, (unsigned)holder.uid, *holder.user ? " (" : "",
                         holder.user, *holder.user ? ")" : "");
}

static int attachment_take_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Supervisor *supervisor = userdata;

        attachment_busy(supervisor, &error);
        sd_bus_reply_method_error(supervisor->attachment.taker, &error);
        attachment_forget_taker(&supervisor->attachment);
        return 0;
}

static int attachment_wait(Supervisor *supervisor, sd_bus_message *call, Holder holder)
{
        Attachment *attachment = &supervisor->attachment;
        int r = sd_event_add_time_relative(supervisor->event, &attachment->taker_timer, CLOCK_BOOTTIME,
                                           TAKE_TIMEOUT_USEC, 0, attachment_take_timeout, supervisor);

        if (r < 0)
                return r;
        attachment->taker = sd_bus_message_ref(call);
        attachment->taker_holder = holder;
        lease_ask_back(attachment->lease);
        return 1;
}

int attachment_attach(Supervisor *supervisor, sd_bus_message *call, Holder holder, bool take, sd_bus_error *error)
{
        const Attachment *attachment = &supervisor->attachment;

        if (!supervisor_is_running(supervisor) && supervisor->record.state != STATE_REBOOTING)
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' is not running", supervisor->record.name);
        if (!supervisor->console)
                return error_set(error, ERROR_NO_CONSOLE, "container '%s' has no terminal", supervisor->record.name);
        if (!attachment->lease)
                return attachment_answer(supervisor, call, holder);
        if (!take || attachment->taker)
                return attachment_busy(supervisor, error);
        return attachment_wait(supervisor, call, holder);
}

void attachment_refuse(Supervisor *supervisor)
{
        Attachment *attachment = &supervisor->attachment;

        if (!attachment->taker)
                return;
        sd_bus_reply_method_errorf(attachment->taker, ERROR_NOT_RUNNING, "container '%s' has ended",
                                   supervisor->record.name);
        attachment_forget_taker(attachment);
}

/* ---- the end of a lease ---- */

static void attachment_pass_on(Supervisor *supervisor)
{
        Attachment *attachment = &supervisor->attachment;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = TAKE_PTR(attachment->taker);

        attachment_forget_taker(attachment);
        int r = attachment_answer(supervisor, call, attachment->taker_holder);
        if (r < 0)
                sd_bus_reply_method_errno(call, r, NULL);
}

/*
 * Whoever closes it without a word wants it ended, if it was made so; who left politely, or was asked to, doesn't; and
 * who never had it can't want anything, but what came with it is somebody else's.
 */
static void attachment_ended(Lease *lease _unused_, LeaseEnd end, void *userdata)
{
        Supervisor *supervisor = userdata;
        Attachment *attachment = &supervisor->attachment;

        attachment->lease = lease_free(attachment->lease);
        if (end != LEASE_CLOSED)
                supervisor->kill_on_release = false;
        if (end == LEASE_UNGIVEN && !supervisor->is_handed_over)
                supervisor_disown(supervisor);
        else if (end == LEASE_UNGIVEN && supervisor->console)
                ring_untell(supervisor->console->ring);
        if (attachment->taker)
                attachment_pass_on(supervisor);
        if (!attachment->lease) {
                attachment_resume(supervisor);
                supervisor_emit_changed(supervisor, NULL, attachment_properties);
        }
        if (supervisor->kill_on_release)
                supervisor_kill(supervisor);
        supervisor_settle(supervisor);
}
