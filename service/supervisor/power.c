/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/power.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/process.h"
#include "supervisor/supervisor.h"

enum {
        REGISTER_USEC = 6 * 1000000, /* for the managers that are there; one gives machined 5 s */
        APPEAR_USEC = 1000000,       /* for one that has just died to be there again */
        LOOK_USEC = 20000,           /* between two looks at whether PID 1 hears what it is asked */
        LOOKS_MAX = 5,
        LIKELY_LOOKS = 2,
        STATUS_BYTES_MAX = 64 * 1024,
        REBOOTS_MAX = 100, /* in REBOOTS_USEC */
        REBOOTS_USEC = 60 * 1000000,
};

/* ---- what PID 1 is ---- */

/* Real-time signals are counted from the first that the C library leaves free, which only it knows. */
#define REAL_TIME(n) (-(n))

/* Which signal means what to which program. Where a reboot has none of its own, we make one of a power-off. */
typedef struct Init {
        const char *program; /* file name of what PID 1 executes */
        const char *name;    /* its name in ps(1), where one program is many; NULL: any */
        int off;
        int reboot;
} Init;

static const Init inits[] = {
        {"systemd", NULL, REAL_TIME(4), REAL_TIME(5)}, /* systemd(1), SIGNALS */
        {"busybox", "init", SIGUSR2, SIGTERM},
        {"finit", NULL, SIGUSR2, SIGTERM}, /* as busybox */
        {"openrc-init", NULL, SIGTERM, SIGINT},
        {"runit", NULL, SIGCONT, SIGINT}, /* runit(8): if /etc/runit/stopit, or ctrlaltdel, lets it */
        {"init", NULL, SIGPWR, SIGINT},   /* sysvinit, init(8): inittab(5) says what powerfail and ctrlaltdel do */
};

static const Init other = {NULL, NULL, SIGTERM, SIGTERM};

static const char *last_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* The leader is a child that hasn't been reaped, so its number is no other process's. */
static int leader_read(const Supervisor *supervisor, const char *file, char **ret)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)supervisor->record.leader, file);
        return fd_read_file(AT_FDCWD, path, STATUS_BYTES_MAX, ret, NULL);
}

static const Init *init_find(const Supervisor *supervisor)
{
        char link[32], program[PATH_MAX];
        _cleanup_(freep) char *name = NULL;

        snprintf(link, sizeof(link), "/proc/%d/exe", (int)supervisor->record.leader);
        ssize_t n = readlink(link, program, sizeof(program) - 1);
        if (supervisor->spec->stub_init || n < 0 || leader_read(supervisor, "comm", &name) < 0)
                return &other;
        program[n] = '\0';
        name[strcspn(name, "\n")] = '\0';
        for (unsigned i = 0; i < ELEMENTS(inits); i++)
                if (strcmp(last_of(program), inits[i].program) == 0 && (!inits[i].name || !strcmp(name, inits[i].name)))
                        return &inits[i];
        return &other;
}

static int stop_signal(const Supervisor *supervisor, State aim)
{
        const Init *init = init_find(supervisor);
        int signal = aim == STATE_REBOOTING ? init->reboot : init->off;

        if (supervisor->spec->stop_signal > 0)
                return supervisor->spec->stop_signal;
        return signal < 0 ? SIGRTMIN - signal : signal;
}

/* A mask of signals in /proc/PID/status: proc(5). */
static uint64_t status_mask(const char *status, const char *key)
{
        const char *line = strstr(status, key);

        return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

/* While sigwait(3) waits, what it waits for shows as not blocked; so it is by the system call that it is known. */
static bool leader_waits_for_signals(const Supervisor *supervisor)
{
        _cleanup_(freep) char *call = NULL;

        return leader_read(supervisor, "syscall", &call) < 0 || atoi(call) == SYS_rt_sigtimedwait;
}

typedef enum { DEAF, LIKELY, HEARD } Hearing;

/*
 * Does the signal do anything: one that is caught does what its handler does; one that is blocked is taken by sigwait(3)
 * or signalfd(2), or is blocked for a moment only, as by a shell before it waits. Without either, a PID 1 of its own
 * namespace doesn't get it, and others do what is the default.
 */
static Hearing hearing(const Supervisor *supervisor, const char *status, int signal)
{
        uint64_t bit = UINT64_C(1) << (signal - 1);

        if (status_mask(status, "\nSigCgt:") & bit)
                return HEARD;
        if (status_mask(status, "\nSigBlk:") & bit)
                return LIKELY;
        if (!supervisor_has_pid_namespace(supervisor))
                return status_mask(status, "\nSigIgn:") & bit ? DEAF : HEARD;
        return leader_waits_for_signals(supervisor) ? LIKELY : DEAF;
}

/* ---- asking ---- */

static int power_timeout(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        const Supervisor *supervisor = userdata;

        process_signal(supervisor->leader, SIGKILL);
        return 0;
}

/* A PID 1 that was stopped, or is about to be, can hear nothing until it is told to go on; to others that is nothing. */
static void power_signal(const Supervisor *supervisor, int signal)
{
        process_signal(supervisor->leader, signal);
        process_signal(supervisor->leader, SIGCONT);
}

/*
 * Status and system call are read one after the other, and between the two an init may wake up: then it shows neither
 * that it blocks the signal nor that it waits for one. So it is only after several looks that somebody counts as deaf,
 * and at the second likely one that nobody does. They come before the signal, since whoever has taken it may well want
 * no more of its kind.
 *
 * Return: 1 when the signal is heard; 0 when another look is to be taken; -errno.
 */
static int power_look(Supervisor *supervisor)
{
        Asking *asking = &supervisor->asking;
        _cleanup_(freep) char *status = NULL;

        if (leader_read(supervisor, "status", &status) < 0)
                return -ESRCH;
        Hearing heard = hearing(supervisor, status, asking->signal);
        asking->n_likely += heard == LIKELY;
        if (heard == HEARD || asking->n_likely >= LIKELY_LOOKS)
                return 1;
        return asking->n_looks++ < LOOKS_MAX ? 0 : -ETIME;
}

static int power_ask(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;
        const Asking *asking = &supervisor->asking;
        int heard = power_look(supervisor), r = heard;

        if (heard > 0)
                r = supervisor_set_timer(supervisor, asking->timeout_usec, power_timeout);
        else if (heard == 0)
                r = supervisor_set_timer(supervisor, LOOK_USEC, power_ask);
        if (r < 0)
                power_signal(supervisor, SIGKILL);
        else if (heard > 0)
                power_signal(supervisor, asking->signal);
        return 0;
}

static void power_begin(Supervisor *supervisor, State aim, uint64_t timeout_usec)
{
        supervisor->asking = (Asking){.signal = stop_signal(supervisor, aim), .timeout_usec = timeout_usec};
        power_ask(NULL, 0, supervisor);
}

static int power_refuses(const Supervisor *supervisor, const char *reason, sd_bus_error *error)
{
        return error_set(error, ERROR_NOT_RUNNING, "container '%s' %s", supervisor->record.name, reason);
}

void power_stop(Supervisor *supervisor, uint64_t timeout_usec)
{
        State state = supervisor->record.state;

        if (state == STATE_REBOOTING && supervisor_is_running(supervisor)) {
                supervisor_change_state(supervisor, STATE_STOPPING); /* it is ending already */
        } else if (state == STATE_REBOOTING) {
                supervisor_kill(supervisor);
        } else if (state == STATE_RUNNING && supervisor_is_running(supervisor)) {
                supervisor_change_state(supervisor, STATE_STOPPING);
                power_begin(supervisor, STATE_STOPPING, timeout_usec);
        }
}

int power_off(Supervisor *supervisor, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error)
{
        State state = supervisor->record.state;

        if (state == STATE_STARTING || state == STATE_EXITED)
                return power_refuses(supervisor, "is not running", error);
        int r = calls_add(&supervisor->ends, call, supervisor->record.name, error);
        if (r < 0)
                return r;
        power_stop(supervisor, timeout_usec);
        return 1;
}

int power_reboot(Supervisor *supervisor, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error)
{
        State state = supervisor->record.state;

        if (state == STATE_STOPPING)
                return power_refuses(supervisor, "is ending", error);
        if (state != STATE_REBOOTING && (state != STATE_RUNNING || !supervisor_is_running(supervisor)))
                return power_refuses(supervisor, "is not running", error);
        int r = calls_add(&supervisor->reboots, call, supervisor->record.name, error);
        if (r < 0)
                return r;
        if (state == STATE_RUNNING) {
                supervisor_change_state(supervisor, STATE_REBOOTING);
                power_begin(supervisor, STATE_REBOOTING, timeout_usec);
        }
        return 1;
}

/* ---- another leader ---- */

bool power_reboots(Supervisor *supervisor)
{
        Record *record = &supervisor->record;

        if (supervisor_has_pid_namespace(supervisor) && record->result == RESULT_KILLED &&
            (record->status == SIGHUP || record->status == SIGINT)) {
                if (record->status == SIGHUP && record->state == STATE_RUNNING)
                        supervisor_change_state(supervisor, STATE_REBOOTING);
                record->result = RESULT_EXITED;
                record->status = 0;
        }
        return record->state == STATE_REBOOTING;
}

/* What the former set-up has made goes back first, for the next one is to have the same. */
static int power_clone(Supervisor *supervisor, Failure *failure)
{
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(fd_closep) int devpts = TAKE_FD(supervisor->setup->kept.devpts);
        _cleanup_(fd_closep) int layers = TAKE_FD(supervisor->setup->kept.layers);
        int r = identity_copy(&supervisor->setup->identity, &identity);

        if (r < 0)
                return failure_step(failure, r, "begin", "the set-up", NULL);
        supervisor->setup = setup_free(supervisor->setup);
        if (supervisor->console)
                r = console_renew(supervisor->console, TAKE_FD(devpts), failure);
        return r < 0 ? r : supervisor_clone_leader(supervisor, &identity, layers, failure);
}

static void power_go_on(Supervisor *supervisor)
{
        Failure failure = {};

        supervisor->is_held = false;
        supervisor->timer = sd_event_source_disable_unref(supervisor->timer);
        if (supervisor_let_go(supervisor, &failure) < 0)
                power_restart_failed(supervisor, &failure);
}

/* A manager that appears later still finds what it has to do. */
static int power_unregistered(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Supervisor *supervisor = userdata;

        supervisor->record.is_registered = false;
        power_go_on(supervisor);
        return 0;
}

static bool power_is_too_often(Supervisor *supervisor)
{
        Pace *pace = &supervisor->pace;
        uint64_t now_usec;

        if (sd_event_now(supervisor->event, CLOCK_MONOTONIC, &now_usec) < 0)
                return false;
        if (pace->n == 0 || now_usec - pace->since_usec > REBOOTS_USEC)
                *pace = (Pace){.since_usec = now_usec};
        return pace->n++ >= REBOOTS_MAX;
}

/*
 * systemd-machined still has the former leader's machine, which only a manager can replace. So the next leader waits
 * until that is done, but not for long: managers come and go.
 */
void power_restart(Supervisor *supervisor)
{
        Record *record = &supervisor->record;
        Failure failure = {};

        supervisor->timer = sd_event_source_disable_unref(supervisor->timer);
        supervisor->has_leader_ended = false;
        record->result = RESULT_NONE;
        record->status = 0;
        int r = power_is_too_often(supervisor) ? failure_set(&failure, -EDQUOT, FAILURE_LIMIT_REACHED,
                                                             "container '%s' has rebooted %u times within a minute",
                                                             record->name, (unsigned)REBOOTS_MAX)
                                               : power_clone(supervisor, &failure);
        if (r < 0) {
                power_restart_failed(supervisor, &failure);
                return;
        }
        supervisor->is_registering |= record->is_registered;
        supervisor->is_held = supervisor->is_registering;
        supervisor_change_state(supervisor, STATE_REBOOTING);
        uint64_t patience_usec = supervisor->peers.n > 0 ? REGISTER_USEC : APPEAR_USEC;
        if (!supervisor->is_held || supervisor_set_timer(supervisor, patience_usec, power_unregistered) < 0)
                power_go_on(supervisor);
}

int power_resume(Supervisor *supervisor, bool is_registered, sd_bus_error *error)
{
        if (!supervisor->is_registering)
                return error_set(error, SD_BUS_ERROR_FAILED, "no leader is to be registered");
        supervisor->is_registering = false;
        supervisor->record.is_registered = is_registered;
        if (supervisor->is_held)
                power_go_on(supervisor);
        else
                supervisor_change_state(supervisor, supervisor->record.state);
        return 0;
}

int power_restarted(Supervisor *supervisor)
{
        if (supervisor->record.state == STATE_REBOOTING)
                supervisor_change_state(supervisor, STATE_RUNNING);
        calls_answer(&supervisor->reboots, NULL);
        return 0;
}

void power_refuse(Supervisor *supervisor, const Failure *failure)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (failure)
                failure_to_bus_error(failure, &error);
        else
                power_refuses(supervisor, "has ended", &error);
        calls_answer(&supervisor->reboots, &error);
}

/* Whoever was killed on the way was so by us; otherwise it is what the leader says as it leaves. */
void power_restart_failed(Supervisor *supervisor, const Failure *failure)
{
        Record *record = &supervisor->record;
        bool is_killed = record->state == STATE_STOPPING;

        supervisor->is_held = false;
        supervisor->report_source = sd_event_source_disable_unref(supervisor->report_source);
        supervisor->has_leader_ended = true;
        record->leader = 0;
        record->result = is_killed ? RESULT_KILLED : RESULT_EXITED;
        record->status = is_killed ? SIGKILL : EXIT_FAILURE;
        if (!is_killed)
                supervisor_change_state(supervisor, STATE_STOPPING);
        power_refuse(supervisor, failure);
        supervisor_end(supervisor);
}
