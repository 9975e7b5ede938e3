/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/session.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "cli/agent.h"
#include "cli/complaint.h"
#include "cli/flow.h"
#include "cli/place.h"
#include "cli/terminal.h"
#include "cli/typing.h"
#include "cli/waiting.h"
#include "common/error.h"
#include "common/fd.h"

/* Why the loop has ended. */
typedef enum {
        OUTCOME_ENDED,    /* the container has */
        OUTCOME_DETACHED, /* by the keys */
        OUTCOME_TAKEN,    /* somebody else has asked for the console */
        OUTCOME_SIGNALLED,
        OUTCOME_UNKNOWN, /* nobody can tell how the container ended */
} Outcome;

enum {
        AGAIN_USEC = 2 * 1000 * 1000, /* a second signal within this time is meant for us */
        LEAVE_USEC = 2 * 1000 * 1000, /* for so long we wait for a container that ends because we do */
};

typedef struct Session {
        const SessionInput *input;
        sd_event *event;
        Waiting waiting;
        Terminal terminal;
        Typing typing;
        Flow *flows[3]; /* what we read on standard input, and write to output and error */
        sd_event_source *lease;
        unsigned n_outputs;   /* flows to output and error that haven't ended */
        uint64_t signal_usec; /* when a signal was last passed on */
        bool is_leaving;      /* the outcome stands, and the container is ending */
        Outcome outcome;
        int signal;
} Session;

static void session_end(Session *session, Outcome outcome, int signal)
{
        if (!session->is_leaving) {
                session->outcome = outcome;
                session->signal = signal;
        }
        sd_event_exit(session->event, 0);
}

/*
 * We go, and with us the lease and the container: that is over, and forgotten, before we are gone. Only a person who
 * asks once more need not wait for it; a terminal that is hung up tells so by a signal and at both its ends.
 */
static void session_leave(Session *session, Outcome outcome, int signal)
{
        bool has_begun = session->is_leaving;

        session->is_leaving = true;
        session->outcome = outcome;
        session->signal = signal;
        terminal_restore(&session->terminal);
        if (has_begun || session->waiting.result != RESULT_NONE || !session->input->ends_with_us ||
            shutdown(session->input->lease, SHUT_RDWR) < 0 ||
            sd_event_add_time_relative(session->event, NULL, CLOCK_MONOTONIC, LEAVE_USEC, 0, NULL, NULL) < 0)
                sd_event_exit(session->event, 0);
}

/* ---- the end of the container ---- */

static void session_end_if_done(Session *session)
{
        if (session->waiting.result != RESULT_NONE && (session->is_leaving || session->n_outputs == 0))
                session_end(session, OUTCOME_ENDED, 0);
}

/* Whatever the leader wrote can be read by now. Who still holds the other end holds it no longer for us. */
static void session_on_result(Waiting *waiting, void *userdata)
{
        Session *session = userdata;

        if (waiting->result == RESULT_NONE)
                return session_end(session, OUTCOME_UNKNOWN, 0);
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
                if (session->flows[fd])
                        flow_finish(session->flows[fd]);
        session_end_if_done(session);
}

static int session_on_lease(sd_event_source *source, int fd, uint32_t events _unused_, void *userdata)
{
        char asked;
        ssize_t n = read(fd, &asked, 1);

        if (n == 1 && asked == 'r')
                session_end(userdata, OUTCOME_TAKEN, 0);
        else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

/* ---- standard streams ---- */

static void session_on_flow_end(Flow *flow, int result, void *userdata)
{
        Session *session = userdata;

        if (flow == session->flows[STDIN_FILENO])
                return;
        session->n_outputs--;
        if (result >= 0 || session->input->console < 0 || session->is_leaving)
                return session_end_if_done(session);
        /* Nobody would read the console any more, so there is nothing to stay for. */
        if (result == -EPIPE || result == -EIO)
                return session_leave(session, OUTCOME_SIGNALLED, result == -EPIPE ? SIGPIPE : SIGHUP);
        error_set(&session->waiting.error, SD_BUS_ERROR_IO_ERROR, "cannot write to standard output: %s",
                  strerror(-result));
        session_leave(session, OUTCOME_UNKNOWN, 0);
}

static void session_on_typing_end(TypingEnd end, void *userdata)
{
        Session *session = userdata;

        if (end == TYPING_DETACHED)
                session_end(session, OUTCOME_DETACHED, 0);
        else if (!session->is_leaving)
                session_leave(session, OUTCOME_SIGNALLED, SIGHUP);
}

static int session_add_flow(Session *session, int fd, FlowInput input)
{
        input.ended = session_on_flow_end;
        input.ended_userdata = session;
        int r = flow_new(session->event, &input, &session->flows[fd]);
        if (r >= 0 && fd != STDIN_FILENO)
                session->n_outputs++;
        return r;
}

static int session_add_console(Session *session)
{
        const SessionInput *input = session->input;

        int r = session_add_flow(session, STDIN_FILENO,
                                 (FlowInput){
                                         .from = STDIN_FILENO,
                                         .from_kind = FLOW_CALLERS,
                                         .to = input->console,
                                         .to_kind = FLOW_CONSOLE,
                                         .filter = typing_filter,
                                         .filter_userdata = &session->typing,
                                 });
        if (r >= 0)
                r = session_add_flow(session, STDOUT_FILENO,
                                     (FlowInput){
                                             .from = input->console,
                                             .from_kind = FLOW_CONSOLE,
                                             .to = STDOUT_FILENO,
                                             .to_kind = FLOW_CALLERS,
                                     });
        if (r < 0)
                return r;
        session->typing = (Typing){
                .event = session->event,
                .console = input->console,
                .flow = session->flows[STDIN_FILENO],
                .is_terminal = session->terminal.fd >= 0,
                .keys = session->terminal.fd >= 0 ? input->detach_keys : (Keys){},
                .ended = session_on_typing_end,
                .userdata = session,
        };
        r = typing_begin(&session->typing);
        if (r >= 0 && input->backlog_bytes > 0)
                r = flow_push(session->flows[STDOUT_FILENO], input->backlog, input->backlog_bytes);
        return r;
}

static int session_add_relays(Session *session)
{
        Streams *streams = session->input->streams;
        int r = 0;

        for (int fd = STDIN_FILENO; streams && r >= 0 && fd <= STDERR_FILENO; fd++) {
                int kept = streams->kept[fd];
                FlowInput input = {.from = kept, .to = fd, .to_kind = FLOW_CALLERS};
                if (fd == STDIN_FILENO)
                        input = (FlowInput){.from = fd, .from_kind = FLOW_CALLERS, .to = kept};
                if (kept >= 0)
                        r = session_add_flow(session, fd, input);
                /* The flow has its own: when it ends, the command must see that. */
                streams->kept[fd] = fd_close(kept);
        }
        return r;
}

/* ---- signals ---- */

static int session_on_kill_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error _unused_)
{
        Session *session = userdata;

        /* Who may not send it can still leave. */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_ACCESS_DENIED) ||
            sd_bus_message_is_method_error(reply, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                session_leave(session, OUTCOME_SIGNALLED, session->signal);
        return 0;
}

static int session_pass_signal(Session *session, int signal)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        const SessionInput *input = session->input;
        Connection *connection = input->connection;

        session->signal = signal;
        int r = connection_new_call(connection, input->process ? "KillProcess" : "KillContainer", &call);
        if (r >= 0)
                r = input->process ? sd_bus_message_append(call, "sui", input->name, input->process, signal)
                                   : sd_bus_message_append(call, "ssi", input->name, "leader", signal);
        return r < 0 ? r : connection_call_async(connection, NULL, call, session_on_kill_answer, session);
}

/*
 * With a console, its keys are the way to signal the command, and a signal to us means us. Without one, signals are the
 * command's; but a PID 1 that has no handler doesn't notice them, so the second within two seconds means us as well.
 */
static int session_on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Session *session = userdata;
        int signal = (int)info->ssi_signo;
        uint64_t now;

        sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now);
        bool is_second = session->signal_usec > 0 && now - session->signal_usec < AGAIN_USEC;
        session->signal_usec = now;
        if (session->input->console >= 0 || is_second || session_pass_signal(session, signal) < 0)
                session_leave(session, OUTCOME_SIGNALLED, signal);
        return 0;
}

static int session_on_resize(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
                             void *userdata)
{
        Session *session = userdata;

        terminal_copy_size(session->input->console);
        return 0;
}

/* Asked to stop as a job: the shell gets its terminal back as it was. */
static int session_on_stop(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
                           void *userdata)
{
        Session *session = userdata;

        terminal_restore(&session->terminal);
        raise(SIGSTOP);
        return 0;
}

static int session_on_continue(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_,
                               void *userdata)
{
        Session *session = userdata;

        if (!session->is_leaving)
                terminal_make_raw(&session->terminal);
        if (session->input->console >= 0)
                terminal_copy_size(session->input->console);
        if (session->flows[STDIN_FILENO])
                flow_kick(session->flows[STDIN_FILENO]);
        return 0;
}

static int session_add_signals(Session *session)
{
        static const struct {
                int signal;
                sd_event_signal_handler_t handler;
                bool needs_console;
        } rows[] = {
                {SIGINT, session_on_signal, false},    {SIGTERM, session_on_signal, false},
                {SIGHUP, session_on_signal, false},    {SIGQUIT, session_on_signal, false},
                {SIGCONT, session_on_continue, false}, {SIGTSTP, session_on_stop, true},
                {SIGWINCH, session_on_resize, true},
        };
        struct sigaction present;
        sigset_t one;

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                if (rows[i].needs_console && session->input->console < 0)
                        continue;
                /* nohup(1) and shells without job control mean it; and once blocked, it would no longer be ignored. */
                if (sigaction(rows[i].signal, NULL, &present) == 0 && present.sa_handler == SIG_IGN)
                        continue;
                sigemptyset(&one);
                sigaddset(&one, rows[i].signal);
                sigprocmask(SIG_BLOCK, &one, NULL);
                int r = sd_event_add_signal(session->event, NULL, rows[i].signal, rows[i].handler, session);
                if (r < 0)
                        return r;
        }
        signal(SIGPIPE, SIG_IGN);
        if (session->input->console < 0)
                signal(SIGTTIN, SIG_IGN);
        return 0;
}

/* ---- all of it ---- */

static int session_begin(Session *session)
{
        const SessionInput *input = session->input;

        int r = sd_event_new(&session->event);
        if (r < 0)
                return r;
        session->waiting = (Waiting){
                .connection = input->connection,
                .event = session->event,
                .name = input->name,
                .process = input->process,
                .had_manager = true,
                .answered = session_on_result,
                .userdata = session,
        };
        r = waiting_start(&session->waiting);
        if (r >= 0)
                r = session_add_signals(session);
        if (r >= 0)
                r = sd_event_add_io(session->event, &session->lease, input->lease, EPOLLIN, session_on_lease, session);
        if (r >= 0)
                r = input->console >= 0 ? session_add_console(session) : session_add_relays(session);
        if (r < 0)
                return r;
        r = terminal_make_raw(&session->terminal);
        if (r >= 0 && input->console >= 0)
                r = terminal_copy_size(input->console);
        return r;
}

/* The caller's streams and terminal, as they were. */
static void session_put_back(Session *session)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                session->flows[fd] = flow_free(session->flows[fd]);
        terminal_restore(&session->terminal);
}

static void session_clear(Session *session)
{
        session_put_back(session);
        waiting_stop(&session->waiting);
        sd_bus_error_free(&session->waiting.error);
        typing_done(&session->typing);
        sd_event_source_disable_unref(session->lease);
        if (session->input->connection->bus)
                sd_bus_detach_event(session->input->connection->bus);
        sd_event_unref(session->event);
}

/* As the signal would have ended us, had we not caught it: whoever waits for us sees it in our status. */
static int die_of(int number)
{
        sigset_t one;

        sigemptyset(&one);
        sigaddset(&one, number);
        signal(number, SIG_DFL);
        raise(number);
        sigprocmask(SIG_UNBLOCK, &one, NULL);
        return 128 + number;
}

static int session_conclude(Session *session, sd_bus_error *error)
{
        const SessionInput *input = session->input;
        _cleanup_(freep) char *place = place_option(input->connection->common);

        session_put_back(session);
        switch (session->outcome) {
        case OUTCOME_ENDED:
                if (session->waiting.result == RESULT_LOST)
                        complain(input->name, RESULT_LOST_SENTENCE);
                return result_to_status(session->waiting.result, session->waiting.status);
        case OUTCOME_DETACHED:
        case OUTCOME_TAKEN:
                if (write(input->lease, "d", 1) < 0)
                        fprintf(stderr, "pflask: %s: cannot let go of it: %m\n", input->name);
                fprintf(stderr, "\n%s %s; 'pflask %sattach %s' to return\n",
                        session->outcome == OUTCOME_TAKEN ? "somebody else has taken the console of" : "detached from",
                        input->name, place ?: "", input->name);
                return 0;
        case OUTCOME_SIGNALLED:
                return die_of(session->signal);
        case OUTCOME_UNKNOWN:
                break;
        }
        sd_bus_error_move(error, &session->waiting.error);
        return -sd_bus_error_get_errno(error) ?: -EIO;
}

static int read_descriptor(sd_bus_message *reply, int *ret)
{
        int borrowed;
        int r = sd_bus_message_read(reply, "h", &borrowed);

        if (r >= 0)
                r = *ret = fd_keep(borrowed);
        return r < 0 ? r : 0;
}

int session_input_read(SessionInput *input, sd_bus_message *reply, bool has_console)
{
        int r = has_console ? read_descriptor(reply, &input->console) : 0;

        if (r >= 0)
                r = read_descriptor(reply, &input->lease);
        /* That we have got it. A manager says so too, but not one that was killed the moment after it gave it. */
        if (r >= 0 && write(input->lease, "g", 1) < 0)
                r = -errno;
        return r;
}

void session_input_close(SessionInput *input)
{
        input->lease = fd_close(input->lease);
        input->console = fd_close(input->console);
}

int session_run(const SessionInput *input, sd_bus_error *error)
{
        _cleanup_(session_clear) Session session = {
                .input = input,
                .terminal.fd = input->console >= 0 && isatty(STDIN_FILENO) ? STDIN_FILENO : -EBADF,
        };

        /* Nobody is asked anything from here on, and two could not read one terminal. */
        input->connection->agent = agent_stop(input->connection->agent);
        int r = session_begin(&session);
        if (r >= 0)
                r = sd_event_loop(session.event);
        if (r < 0) {
                error_step(error, r, "hold", "console", input->name);
                return r;
        }
        return session_conclude(&session, error);
}
