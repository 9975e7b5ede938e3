/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface org.pflask.Supervisor1
 *
 * Arguments are read and checked here; what they mean is in supervisor.c and attachment.c.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/fault.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "container/environment.h"
#include "supervisor/power.h"
#include "supervisor/signals.h"
#include "supervisor/supervisor.h"

/* ---- methods ---- */

static int append_interfaces(const Supervisor *supervisor, sd_bus_message *message)
{
        const Setup *setup = supervisor->setup;
        int r = sd_bus_message_open_container(message, 'a', "i");

        for (size_t i = 0; r >= 0 && setup && setup->interfaces && i < supervisor->spec->n_interfaces; i++)
                if (setup->interfaces[i].outside > 0)
                        r = sd_bus_message_append(message, "i", (int32_t)setup->interfaces[i].outside);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int create_reply(const Supervisor *supervisor, sd_bus_message *message)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Record *record = &supervisor->record;
        int r = sd_bus_message_new_method_return(message, &reply);

        if (r >= 0)
                r = sd_bus_message_append(reply, "us", (uint32_t)record->leader, record->name);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', &record->id, sizeof(record->id));
        if (r >= 0)
                r = append_interfaces(supervisor, reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "tt", record->timestamp, record->timestamp_monotonic);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_assign(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *name;
        int directory;
        int r = sd_bus_message_read(message, "sh", &name, &directory);

        if (r >= 0)
                r = supervisor_assign(userdata, directory, name, error);
        FAULT_POINT(KEEPER_ASSIGNED);
        return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

/* What is longer than a name can be is cut: it is for people to read. */
static Holder holder_make(uint32_t pid, uint32_t uid, const char *user)
{
        Holder holder = {.pid = (pid_t)pid, .uid = uid};

        snprintf(holder.user, sizeof(holder.user), "%s", user);
        return holder;
}

static int method_create(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Supervisor *supervisor = userdata;
        _cleanup_(spec_freep) Spec *spec = NULL;
        Creator creator = {};
        uint32_t uid, gid, pid;
        const char *user;
        int is_confined, is_attached;
        const void *groups;
        size_t groups_bytes;

        if (supervisor->spec)
                return error_set(error, SD_BUS_ERROR_FAILED, "the container has been created already");
        int r = spec_read(message, &spec, error);
        if (r >= 0)
                r = sd_bus_message_read(message, "(uuus)", &uid, &gid, &pid, &user);
        if (r >= 0)
                r = sd_bus_message_read_array(message, 'u', &groups, &groups_bytes);
        if (r >= 0)
                r = sd_bus_message_read(message, "bb", &is_confined, &is_attached);
        if (r >= 0) {
                creator.identity = (Identity){
                        .uid = uid,
                        .gid = gid,
                        .groups = (gid_t *)(uintptr_t)groups,
                        .n_groups = groups_bytes / sizeof(gid_t),
                        .is_confined = is_confined,
                };
                creator.holder = holder_make(pid, uid, user);
                creator.is_attached = is_attached;
                supervisor->is_confined = is_confined;
                r = supervisor_create(supervisor, TAKE_PTR(spec), &creator, error);
        }
        if (r < 0) {
                supervisor_abandon(supervisor);
                return r;
        }
        return create_reply(supervisor, message);
}

static int method_start(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Supervisor *supervisor = userdata;
        const char *unit;
        int is_registered;
        int r = sd_bus_message_read(message, "sbt", &unit, &is_registered, &supervisor->stop_usec);

        return r < 0 ? r : supervisor_start(supervisor, message, unit, is_registered, error);
}

static int method_attach(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint32_t pid, uid;
        const char *user;
        int take;
        int r = sd_bus_message_read(message, "(uus)b", &pid, &uid, &user, &take);

        if (r < 0)
                return r;
        return attachment_attach(userdata, message, holder_make(pid, uid, user), take, error);
}

static int method_read_log(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const Supervisor *supervisor = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct iovec parts[2];

        if (!supervisor->console)
                return error_set(error, ERROR_NO_CONSOLE, "container '%s' has no terminal", supervisor->record.name);
        unsigned n = ring_content(supervisor->console->ring, parts);
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array_iovec(reply, 'y', parts, n);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", ring_dropped(supervisor->console->ring));
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_follow_log(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Supervisor *supervisor = userdata;
        Console *console = supervisor->console;

        if (!console)
                return error_set(error, ERROR_NO_CONSOLE, "container '%s' has no terminal", supervisor->record.name);
        /* Nothing more is read once the pty has been given back. */
        _cleanup_(fd_closep) int log = followers_add(&console->followers,
                                                     console->master >= 0 ? supervisor->event : NULL, console->ring);
        if (log == -EUSERS)
                return error_set(error, ERROR_LIMIT_REACHED, "the log of '%s' has %d followers already",
                                 supervisor->record.name, FOLLOWERS_MAX);
        if (log < 0)
                return error_step(error, log, "follow", "the log of", supervisor->record.name);
        return sd_bus_reply_method_return(message, "htt", log, ring_oldest(console->ring), ring_newest(console->ring));
}

static int method_kill(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *who;
        int signal;
        int r = sd_bus_message_read(message, "si", &who, &signal);

        if (r < 0)
                return r;
        if (signal < 1 || signal > SIGRTMAX)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "%d is not a signal", signal);
        if (strcmp(who, "all") == 0)
                return signals_send_to_all(userdata, message, signal, error);
        if (strcmp(who, "leader") != 0)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "'%s' is neither 'leader' nor 'all'", who);
        r = signals_send_to_leader(userdata, signal, error);
        return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int method_join(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return joined_begin(userdata, message, error);
}

static int method_wait_process(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint32_t number, uid;
        int r = sd_bus_message_read(message, "uu", &number, &uid);

        return r < 0 ? r : joined_wait(userdata, message, number, uid, error);
}

static int method_kill_process(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint32_t number;
        int signal;
        int r = sd_bus_message_read(message, "ui", &number, &signal);

        if (r < 0)
                return r;
        if (signal < 1 || signal > SIGRTMAX)
                return error_set(error, SD_BUS_ERROR_INVALID_ARGS, "%d is not a signal", signal);
        return joined_kill(userdata, message, number, signal, error);
}

static int method_forget_process(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint32_t number;
        int r = sd_bus_message_read(message, "u", &number);

        if (r >= 0)
                r = joined_forget(userdata, number, error);
        return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int method_power_off(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint64_t timeout_usec;
        int r = sd_bus_message_read(message, "t", &timeout_usec);

        return r < 0 ? r : power_off(userdata, message, timeout_usec, error);
}

static int method_reboot(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        uint64_t timeout_usec;
        int r = sd_bus_message_read(message, "t", &timeout_usec);

        return r < 0 ? r : power_reboot(userdata, message, timeout_usec, error);
}

static int method_resume(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        int is_registered;
        int r = sd_bus_message_read(message, "b", &is_registered);

        if (r >= 0)
                r = power_resume(userdata, is_registered, error);
        return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int method_open_root(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_ROOT, error);
}

static int method_get_addresses(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_ADDRESSES, error);
}

static int method_get_os_release(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_OS_RELEASE, error);
}

static int method_bind_mount(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_BIND, error);
}

static int method_copy_to(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_COPY_TO, error);
}

static int method_copy_from(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return transfer_begin(userdata, message, TRANSFER_COPY_FROM, error);
}

static int method_cancel(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        uint64_t cookie;
        int r = sd_bus_message_read(message, "t", &cookie);

        if (r < 0)
                return r;
        transfer_cancel(userdata, sd_bus_message_get_bus(message), cookie);
        return sd_bus_reply_method_return(message, NULL);
}

static int method_terminate(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return supervisor_terminate(userdata, message, error);
}

/* With what the set-up has added; only the leader, which has looked into the root, could know the user. */
static int describe_environment(const Supervisor *supervisor, sd_bus_message *reply)
{
        const Spec *spec = supervisor->spec;
        _cleanup_(strings_freep) char **environment = NULL;
        Failure ignored;
        int r = environment_build(spec->environment, supervisor->user, spec->terminal, &environment, &ignored);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", "Environment");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, environment);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_describe(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const Supervisor *supervisor = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        if (!supervisor->user)
                return error_set(error, ERROR_NOT_RUNNING, "there is no container yet");
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, supervisor->spec->command);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = describe_environment(supervisor, reply);
        if (r >= 0)
                r = spec_describe(supervisor->spec, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Whoever asked for it has not been told that there is a container. */
static int method_disown(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        supervisor_disown(userdata);
        return sd_bus_reply_method_return(message, NULL);
}

static int method_forget(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Supervisor *supervisor = userdata;

        if (supervisor->record.state != STATE_EXITED)
                return error_set(error, SD_BUS_ERROR_FAILED, "container '%s' has not ended", supervisor->record.name);
        supervisor_leave(supervisor);
        return sd_bus_reply_method_return(message, NULL);
}

/* ---- properties that aren't one field of the type that they have on the bus ---- */

#define PROPERTY(get)                                                                                   \
        static int get(sd_bus *bus _unused_, const char *path _unused_, const char *interface _unused_, \
                       const char *property _unused_, sd_bus_message *reply, void *userdata,            \
                       sd_bus_error *error _unused_)

PROPERTY(get_bool)
{
        return sd_bus_message_append(reply, "b", (int)*(const bool *)userdata);
}

PROPERTY(get_id)
{
        return sd_bus_message_append_array(reply, 'y', userdata, sizeof(sd_id128_t));
}

PROPERTY(get_state)
{
        const Supervisor *supervisor = userdata;
        State state = supervisor->is_handed_over ? supervisor->record.state : STATE_STARTING;

        return sd_bus_message_append(reply, "s", state_name(state));
}

PROPERTY(get_result)
{
        return sd_bus_message_append(reply, "s", result_name(*(const Result *)userdata));
}

PROPERTY(get_attached)
{
        const Supervisor *supervisor = userdata;

        return sd_bus_message_append(reply, "b", supervisor->attachment.lease != NULL);
}

PROPERTY(get_dropped)
{
        const Supervisor *supervisor = userdata;

        return sd_bus_message_append(reply, "t",
                                     supervisor->console ? ring_dropped(supervisor->console->ring) : UINT64_C(0));
}

PROPERTY(get_interfaces)
{
        return append_interfaces(userdata, reply);
}

PROPERTY(get_starters)
{
        return joined_append_starters(userdata, reply);
}

/* ---- the table ---- */

#define P SD_BUS_PARAM
#define METHOD(member, in, in_names, out, out_names, method) \
        SD_BUS_METHOD_WITH_NAMES(member, in, in_names, out, out_names, method, SD_BUS_VTABLE_UNPRIVILEGED)
#define RECORD(name, type, get, field, flags) \
        SD_BUS_PROPERTY(name, type, get, offsetof(Supervisor, record.field), flags)
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

/* Unprivileged, each of them: who may call was decided when the connection was accepted. */
static const sd_bus_vtable supervisor_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("Assign", "sh", P(name) P(directory), "", "", method_assign),
        METHOD("Create", "sasa{sv}(uuus)aubb", P(name) P(command) P(options) P(caller) P(groups) P(confined) P(attach),
               "usayaitt", P(leader) P(final_name) P(id) P(interfaces) P(timestamp) P(timestamp_monotonic),
               method_create),
        METHOD("Start", "sbt", P(unit) P(registered) P(stop_usec), "hh", P(console) P(lease), method_start),
        METHOD("Attach", "(uus)b", P(holder) P(take), "hhay", P(console) P(lease) P(backlog), method_attach),
        METHOD("ReadLog", "", "", "ayt", P(backlog) P(dropped), method_read_log),
        METHOD("FollowLog", "", "", "htt", P(log) P(begin) P(end), method_follow_log),
        METHOD("Kill", "si", P(who) P(signal), "", "", method_kill),
        METHOD("Join", "sasass(qq)bbah(uu)",
               P(user) P(command) P(environment) P(directory) P(size) P(terminal) P(kill_on_release) P(streams)
                       P(starter),
               "uhh", P(process) P(console) P(lease), method_join),
        METHOD("WaitProcess", "uu", P(process) P(uid), "si", P(result) P(status), method_wait_process),
        METHOD("KillProcess", "ui", P(process) P(signal), "", "", method_kill_process),
        METHOD("ForgetProcess", "u", P(process), "", "", method_forget_process),
        METHOD("PowerOff", "t", P(timeout), "", "", method_power_off),
        METHOD("Reboot", "t", P(timeout), "", "", method_reboot),
        METHOD("Resume", "b", P(registered), "", "", method_resume),
        METHOD("OpenRootDirectory", "", "", "h", P(directory), method_open_root),
        METHOD("GetAddresses", "", "", "a(iay)", P(addresses), method_get_addresses),
        METHOD("GetOSRelease", "", "", "a{ss}", P(fields), method_get_os_release),
        METHOD("BindMount", "ssbb(uu)aub",
               P(source) P(destination) P(read_only) P(mkdir) P(caller) P(groups) P(confined), "", "",
               method_bind_mount),
        METHOD("CopyTo", "ssbbb(uu)aub",
               P(source) P(destination) P(replace) P(follow) P(progress) P(caller) P(groups) P(confined), "", "",
               method_copy_to),
        METHOD("CopyFrom", "ssbbb(uu)aub",
               P(source) P(destination) P(replace) P(follow) P(progress) P(caller) P(groups) P(confined), "", "",
               method_copy_from),
        METHOD("Cancel", "t", P(cookie), "", "", method_cancel),
        METHOD("Terminate", "", "", "", "", method_terminate),
        METHOD("Describe", "", "", "asa{sv}", P(command) P(options), method_describe),
        METHOD("Disown", "", "", "", "", method_disown),
        METHOD("Forget", "", "", "", "", method_forget),
        SD_BUS_SIGNAL_WITH_NAMES("Exited", "si", P(result) P(status), 0),
        SD_BUS_SIGNAL_WITH_NAMES("CopyProgress", "ttttt", P(cookie) P(bytes) P(total_bytes) P(files) P(total_files), 0),
        RECORD("Name", "s", NULL, name, CONST),
        RECORD("Id", "ay", get_id, id, CONST),
        RECORD("Owner", "u", NULL, owner, CONST),
        SD_BUS_PROPERTY("Confined", "b", get_bool, offsetof(Supervisor, is_confined), CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, EMITS),
        RECORD("Leader", "u", NULL, leader, EMITS),
        RECORD("Supervisor", "u", NULL, supervisor, CONST),
        RECORD("Timestamp", "t", NULL, timestamp, CONST),
        RECORD("TimestampMonotonic", "t", NULL, timestamp_monotonic, CONST),
        RECORD("Unit", "s", NULL, unit, EMITS),
        RECORD("Registered", "b", get_bool, is_registered, EMITS),
        SD_BUS_PROPERTY("Registering", "b", get_bool, offsetof(Supervisor, is_registering), EMITS),
        RECORD("Terminal", "b", get_bool, has_terminal, CONST),
        SD_BUS_PROPERTY("NetworkInterfaces", "ai", get_interfaces, 0, EMITS),
        SD_BUS_PROPERTY("Starters", "a(uu)", get_starters, 0, 0),
        SD_BUS_PROPERTY("ConsoleAttached", "b", get_attached, 0, EMITS),
        SD_BUS_PROPERTY("ConsoleDropped", "t", get_dropped, 0, EMITS),
        RECORD("Result", "s", get_result, result, EMITS),
        RECORD("ExitStatus", "i", NULL, status, EMITS),
        SD_BUS_VTABLE_END,
};

int supervisor_serve(sd_bus *bus, void *userdata)
{
        return sd_bus_add_object_vtable(bus, NULL, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, supervisor_vtable, userdata);
}

/* ---- what managers are told ---- */

static int emit_changed(sd_bus *bus, const void *properties)
{
        return sd_bus_emit_properties_changed_strv(bus, SUPERVISOR_PATH, SUPERVISOR_INTERFACE,
                                                   (char **)(uintptr_t)properties);
}

void supervisor_emit_changed(Supervisor *supervisor, const sd_bus *one, const char *const *properties)
{
        peers_emit(&supervisor->peers, one, emit_changed, properties);
}

static int emit_exited(sd_bus *bus, const void *data)
{
        const Record *record = data;

        return sd_bus_emit_signal(bus, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "Exited", "si",
                                  result_name(record->result), record->status);
}

void supervisor_emit_exited(Supervisor *supervisor)
{
        peers_emit(&supervisor->peers, NULL, emit_exited, &supervisor->record);
}
