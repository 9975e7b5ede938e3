/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/joined.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/process.h"
#include "container/join.h"
#include "supervisor/processes.h"
#include "supervisor/supervisor.h"

enum {
        JOINED_MAX = 1024,        /* processes of one container that are known at once */
        JOINED_WAITS_MAX = 16,    /* calls that wait for one of them */
        STRANGERS_WAITS_MAX = 8,  /* of others than who has started it, and root */
        MERCY_USEC = 2 * 1000000, /* between being told to go and being killed */
        REMEMBER_USEC = 60 * 1000000,
};

/* Everybody may wait, but only who has started the process, or root, has been told of its end for good. */
typedef struct JoinedWait {
        sd_bus_message *call;
        bool is_strangers;
} JoinedWait;

struct Joined {
        TAILQ_ENTRY(Joined) others;
        Supervisor *supervisor;
        uint32_t number;
        Holder starter;
        bool has_terminal;
        bool kill_on_release;

        sd_bus_message *call; /* of Join, until the process runs */
        Join *join;           /* until then, too */
        int pidfd;
        pid_t pid;
        Lease *lease;
        const sd_bus *giver;     /* of the lease; borrowed, only to be compared */
        bool is_disowned;        /* whoever asked for it will never know its number */
        sd_event_source *source; /* of the join's report, then of the end */
        sd_event_source *timer;  /* to be killed; or, after the end, to be forgotten */
        bool has_ended;
        Result result;
        int status;
        const sd_bus *teller; /* the manager that tells its end to who has to know; borrowed, only to be compared */
        JoinedWait waits[JOINED_WAITS_MAX];
        unsigned n_waits;
};

static Joined *joined_free(Joined *joined)
{
        if (!joined)
                return NULL;
        TAILQ_REMOVE(&joined->supervisor->joined, joined, others);
        joined->supervisor->n_joined--;
        for (unsigned i = 0; i < joined->n_waits; i++)
                sd_bus_message_unref(joined->waits[i].call);
        sd_bus_message_unref(joined->call);
        sd_event_source_disable_unref(joined->source);
        sd_event_source_disable_unref(joined->timer);
        join_free(joined->join);
        lease_free(joined->lease);
        if (joined->pidfd >= 0) {
                process_signal(joined->pidfd, SIGKILL);
                waitid(P_PIDFD, (id_t)joined->pidfd, &(siginfo_t){}, WEXITED);
                fd_close(joined->pidfd);
        }
        free(joined);
        return NULL;
}

static Joined *joined_find(const Supervisor *supervisor, uint32_t number, sd_bus_error *error)
{
        Joined *joined;

        TAILQ_FOREACH(joined, &supervisor->joined, others)
                if (joined->number == number && !joined->join && !joined->teller)
                        return joined;
        error_set(error, ERROR_NO_SUCH_PROCESS, "container '%s' has no process %u", supervisor->record.name, number);
        return NULL;
}

bool joined_has(const Supervisor *supervisor, pid_t pid)
{
        const Joined *joined;

        TAILQ_FOREACH(joined, &supervisor->joined, others)
                if (joined->pid == pid || (joined->join && !joined->has_ended))
                        return true;
        return false;
}

void joined_free_all(Supervisor *supervisor)
{
        while (!TAILQ_EMPTY(&supervisor->joined))
                joined_free(TAILQ_FIRST(&supervisor->joined));
}

/* ---- the end ---- */

static int joined_forgotten(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        joined_free(userdata);
        return 0;
}

static int joined_set_timer(Joined *joined, uint64_t usec, sd_event_time_handler_t handler)
{
        joined->timer = sd_event_source_disable_unref(joined->timer);
        return sd_event_add_time_relative(joined->supervisor->event, &joined->timer, CLOCK_BOOTTIME, usec, 0, handler,
                                          joined);
}

/* If somebody is among them who has to know, it is forgotten when the manager has told so. */
static void joined_answer_waits(Joined *joined)
{
        for (unsigned i = 0; i < joined->n_waits; i++) {
                const JoinedWait *wait = &joined->waits[i];
                if (!wait->is_strangers && !joined->teller)
                        joined->teller = sd_bus_message_get_bus(wait->call);
                sd_bus_reply_method_return(wait->call, "si", result_name(joined->result), joined->status);
                sd_bus_message_unref(wait->call);
        }
        joined->n_waits = 0;
}

/* Its end is told at once, whatever still holds its streams. */
static int joined_ended(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        Joined *joined = userdata;
        Supervisor *supervisor = joined->supervisor;

        int r = process_wait(fd, &joined->result, &joined->status);
        if (r == 0)
                return 0;
        if (r < 0)
                joined->result = RESULT_LOST;
        joined->has_ended = true;
        joined->source = sd_event_source_disable_unref(joined->source);
        joined->pidfd = fd_close(joined->pidfd);
        joined->pid = 0;
        joined_answer_waits(joined);
        if (joined->is_disowned || joined_set_timer(joined, REMEMBER_USEC, joined_forgotten) < 0)
                joined_free(joined);
        supervisor_reap(supervisor);
        return 0;
}

/* ---- the lease ---- */

static int joined_kill_now(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Joined *joined = userdata;

        if (joined->pidfd >= 0) {
                processes_signal_session(joined->pidfd, SIGKILL);
                process_signal(joined->pidfd, SIGKILL);
        }
        return 0;
}

/* The manager has died that was to tell of it: it is as if it had never been started. */
static void joined_disown(Joined *joined)
{
        joined->is_disowned = true;
        if (joined->has_ended)
                joined_free(joined);
        else
                joined_kill_now(NULL, 0, joined);
}

/*
 * Nobody is there any more for whom it runs. As when a terminal is closed, all of its session is told so (SIGHUP, and
 * SIGCONT that it can act on it); what is still there a while later is killed.
 */
static void joined_released(Lease *lease, LeaseEnd end, void *userdata)
{
        Joined *joined = userdata;

        lease_free(lease);
        joined->lease = NULL;
        if (end == LEASE_UNGIVEN) {
                joined_disown(joined);
                return;
        }
        if (end == LEASE_DETACHED || !joined->kill_on_release || joined->pidfd < 0)
                return;
        processes_signal_session(joined->pidfd, SIGHUP);
        processes_signal_session(joined->pidfd, SIGCONT);
        if (joined_set_timer(joined, MERCY_USEC, joined_kill_now) < 0)
                joined_kill_now(NULL, 0, joined);
}

/* ---- the beginning ---- */

static int joined_append_console(const Joined *joined, sd_bus_message *reply)
{
        if (joined->join->console >= 0)
                return sd_bus_message_append(reply, "h", joined->join->console);
        _cleanup_(fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        return null < 0 ? -errno : sd_bus_message_append(reply, "h", null);
}

static int joined_answer(Joined *joined)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(fd_closep) int client = -EBADF;

        int r = lease_new(joined->supervisor->event, joined->starter, joined_released, joined, &joined->lease, &client);
        joined->giver = sd_bus_message_get_bus(joined->call);
        if (r >= 0)
                r = sd_bus_message_new_method_return(joined->call, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", joined->number);
        if (r >= 0)
                r = joined_append_console(joined, reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "h", client);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* The process is the command: from here it is known by its number, and its console is with the caller alone. */
static int joined_executed(Joined *joined)
{
        joined->source = sd_event_source_disable_unref(joined->source);
        int r = joined_answer(joined);
        if (r < 0)
                return r;
        joined->pidfd = TAKE_FD(joined->join->pidfd);
        joined->pid = process_pid(joined->pidfd);
        joined->join = join_free(joined->join);
        joined->call = sd_bus_message_unref(joined->call);
        return sd_event_add_io(joined->supervisor->event, &joined->source, joined->pidfd, EPOLLIN, joined_ended,
                               joined);
}

static void joined_fail(Joined *joined, int r, const Failure *failure)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (failure->code < 0)
                failure_to_bus_error(failure, &error);
        else
                error_step(&error, r, "send", "a process into", joined->supervisor->record.name);
        if (joined->call)
                sd_bus_reply_method_error(joined->call, &error);
        joined_free(joined);
}

static int joined_reported(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Joined *joined = userdata;
        Supervisor *supervisor = joined->supervisor;
        Failure failure = {};

        int r = join_read(joined->join, &failure);
        if (r == JOIN_EXECUTED)
                r = joined_executed(joined);
        if (r < 0)
                joined_fail(joined, r, &failure);
        supervisor_reap(supervisor);
        return 0;
}

/* The arguments of Join; strings are borrowed from the message, lists are the caller's. */
typedef struct JoinArguments {
        const char *user, *working_directory;
        char **command, **environment;
        uint16_t rows, columns;
        int has_terminal, kill_on_release;
        int streams[3];
        uint32_t pid, uid;
} JoinArguments;

static void join_arguments_done(JoinArguments *arguments)
{
        strings_free(arguments->command);
        strings_free(arguments->environment);
}

static int join_read_streams(sd_bus_message *call, JoinArguments *arguments)
{
        unsigned n = 0;
        int fd;
        int r = sd_bus_message_enter_container(call, 'a', "h");

        while (r >= 0 && (r = sd_bus_message_read(call, "h", &fd)) > 0) {
                if (n == ELEMENTS(arguments->streams))
                        return -EINVAL;
                arguments->streams[n++] = fd;
        }
        if (r < 0)
                return r;
        return n == (arguments->has_terminal ? 0 : ELEMENTS(arguments->streams)) ? sd_bus_message_exit_container(call)
                                                                                 : -EINVAL;
}

static int join_read_arguments(sd_bus_message *call, JoinArguments *arguments)
{
        int r = sd_bus_message_read(call, "s", &arguments->user);

        if (r >= 0)
                r = sd_bus_message_read_strv(call, &arguments->command);
        if (r >= 0)
                r = sd_bus_message_read_strv(call, &arguments->environment);
        if (r >= 0)
                r = sd_bus_message_read(call, "s(qq)bb", &arguments->working_directory, &arguments->rows,
                                        &arguments->columns, &arguments->has_terminal, &arguments->kill_on_release);
        if (r >= 0)
                r = join_read_streams(call, arguments);
        if (r >= 0)
                r = sd_bus_message_read(call, "(uu)", &arguments->pid, &arguments->uid);
        return r;
}

static int joined_new(Supervisor *supervisor, sd_bus_message *call, const JoinArguments *arguments, Joined **ret)
{
        Joined *joined = calloc(1, sizeof(*joined));

        if (!joined)
                return -ENOMEM;
        *joined = (Joined){
                .supervisor = supervisor,
                .number = ++supervisor->last_joined,
                .starter = {.pid = (pid_t)arguments->pid, .uid = arguments->uid},
                .has_terminal = arguments->has_terminal,
                .kill_on_release = arguments->kill_on_release,
                .call = sd_bus_message_ref(call),
                .pidfd = -EBADF,
        };
        TAILQ_INSERT_TAIL(&supervisor->joined, joined, others);
        supervisor->n_joined++;
        *ret = joined;
        return 0;
}

static int joined_send(Joined *joined, const JoinArguments *arguments, sd_bus_error *error)
{
        const Supervisor *supervisor = joined->supervisor;
        const JoinInput input = {
                .spec = supervisor->spec,
                .identity = &supervisor->setup->identity,
                .maps = supervisor->setup->maps,
                .cgroup = supervisor->setup->cgroup,
                .namespaces = &supervisor->setup->namespaces,
                .leader = supervisor->leader,
                .user = arguments->user,
                .command = arguments->command,
                .environment = arguments->environment,
                .working_directory = *arguments->working_directory ? arguments->working_directory : NULL,
                .has_terminal = arguments->has_terminal,
                .streams = {arguments->streams[0], arguments->streams[1], arguments->streams[2]},
                .rows = arguments->rows,
                .columns = arguments->columns,
        };
        Failure failure = {};

        int r = join_begin(&input, &joined->join, &failure);
        if (r < 0)
                return failure_to_bus_error(&failure, error);
        return sd_event_add_io(supervisor->event, &joined->source, joined->join->report, EPOLLIN, joined_reported,
                               joined);
}

int joined_begin(Supervisor *supervisor, sd_bus_message *call, sd_bus_error *error)
{
        _cleanup_(join_arguments_done) JoinArguments arguments = {.streams = {-EBADF, -EBADF, -EBADF}};
        Joined *joined;

        int r = join_read_arguments(call, &arguments);
        if (r < 0)
                return r;
        if (!supervisor_is_running(supervisor))
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' is not running", supervisor->record.name);
        if (supervisor->n_joined >= JOINED_MAX)
                return error_set(error, ERROR_LIMIT_REACHED, "container '%s' has %u processes to keep already",
                                 supervisor->record.name, supervisor->n_joined);
        r = joined_new(supervisor, call, &arguments, &joined);
        if (r < 0)
                return r;
        r = joined_send(joined, &arguments, error);
        if (r < 0)
                joined_free(joined);
        return r < 0 ? r : 1;
}

/* ---- what managers ask ---- */

int joined_wait(Supervisor *supervisor, sd_bus_message *call, uint32_t number, uid_t uid, sd_bus_error *error)
{
        Joined *joined = joined_find(supervisor, number, error);
        unsigned n_strangers = 0;

        if (!joined)
                return -ESRCH;
        bool is_strangers = uid != 0 && uid != joined->starter.uid;
        for (unsigned i = 0; i < joined->n_waits; i++)
                n_strangers += joined->waits[i].is_strangers;
        if (joined->n_waits == JOINED_WAITS_MAX || (is_strangers && n_strangers == STRANGERS_WAITS_MAX))
                return error_set(error, ERROR_LIMIT_REACHED, "too many calls wait for process %u of '%s'", number,
                                 supervisor->record.name);
        joined->waits[joined->n_waits++] = (JoinedWait){sd_bus_message_ref(call), is_strangers};
        if (joined->has_ended)
                joined_answer_waits(joined);
        return 1;
}

int joined_forget(Supervisor *supervisor, uint32_t number, sd_bus_error *error)
{
        Joined *joined;

        TAILQ_FOREACH(joined, &supervisor->joined, others) {
                if (joined->number != number || !joined->teller)
                        continue;
                joined_free(joined);
                return 0;
        }
        return error_set(error, ERROR_NO_SUCH_PROCESS, "of process %u of '%s' nobody has been told", number,
                         supervisor->record.name);
}

int joined_kill(Supervisor *supervisor, sd_bus_message *call, uint32_t number, int signal, sd_bus_error *error)
{
        Joined *joined = joined_find(supervisor, number, error);

        if (!joined)
                return -ESRCH;
        int r = joined->pidfd >= 0 ? process_signal(joined->pidfd, signal) : -ESRCH;
        if (r == -ESRCH)
                return error_set(error, ERROR_NO_SUCH_PROCESS, "process %u of '%s' has ended", number,
                                 supervisor->record.name);
        return r < 0 ? error_step(error, r, "signal", "a process of", supervisor->record.name)
                     : sd_bus_reply_method_return(call, NULL);
}

int joined_append_starters(const Supervisor *supervisor, sd_bus_message *message)
{
        const Joined *joined;
        int r = sd_bus_message_open_container(message, 'a', "(uu)");

        TAILQ_FOREACH(joined, &supervisor->joined, others)
                if (r >= 0 && joined->starter.uid != 0 && !joined->has_ended)
                        r = sd_bus_message_append(message, "(uu)", joined->number, (uint32_t)joined->starter.uid);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static void joined_drop_waits(Joined *joined, const sd_bus *bus)
{
        unsigned kept = 0;

        for (unsigned i = 0; i < joined->n_waits; i++) {
                if (sd_bus_message_get_bus(joined->waits[i].call) == bus)
                        sd_bus_message_unref(joined->waits[i].call);
                else
                        joined->waits[kept++] = joined->waits[i];
        }
        joined->n_waits = kept;
}

void joined_drop_manager(Supervisor *supervisor, const sd_bus *bus)
{
        Joined *joined, *next;

        for (joined = TAILQ_FIRST(&supervisor->joined); joined; joined = next) {
                next = TAILQ_NEXT(joined, others);
                joined_drop_waits(joined, bus);
                if (joined->lease && joined->giver == bus)
                        lease_giver_died(joined->lease);
                if (joined->teller == bus)
                        joined->teller = NULL;
                /* One that doesn't run yet has nobody who could be told of it. */
                if (joined->call && sd_bus_message_get_bus(joined->call) == bus)
                        joined_free(joined);
        }
}
