/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/connection.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/place.h"
#include "cli/signals.h"
#include "cli/text.h"
#include "common/error.h"
#include "common/fd.h"
#include "common/names.h"
#include "common/process.h"
#include "common/programs.h"

/* ---- a manager that ends ---- */

static bool is_cut_off(int r)
{
        return r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE;
}

/* Why, it has said itself, on our standard error. */
static int explain_end(sd_bus_error *error)
{
        return error_set(error, SD_BUS_ERROR_NO_REPLY, "pflask-manager ended before it had answered");
}

/* ---- making it ---- */

/* Starts a manager of our own. Return: our end of the socket between us, the caller's; -errno. */
static int manager_spawn(int *ret_manager, sd_bus_error *error)
{
        static const char *const argv[] = {"pflask-manager", "--direct", "3", NULL};
        int ends[2];

        _cleanup_(fd_closep) int program = program_open("pflask-manager");
        if (program < 0)
                return error_step(error, program, "find", "pflask-manager", NULL);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_step(error, -errno, "make", "socket", NULL);
        _cleanup_(fd_closep) int ours = ends[0], theirs = ends[1];
        Spawn spawn = {
                .executable = program,
                .argv = (char *const *)(uintptr_t)argv,
                .envp = environ,
                .fds = &theirs,
                .n_fds = 1,
                .stderr_fd = -EBADF,
        };
        *ret_manager = process_spawn(&spawn, NULL);
        if (*ret_manager < 0)
                return error_step(error, *ret_manager, "start", "pflask-manager", NULL);
        return TAKE_FD(ours);
}

static int connection_open_direct(Connection *connection, sd_bus_error *error)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;

        if (geteuid() != 0) {
                error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "only root can start a manager of its own (--direct)");
                return -EACCES;
        }
        int r = sd_bus_new(&bus);
        if (r < 0)
                return r;
        int fd = manager_spawn(&connection->manager, error);
        if (fd < 0)
                return fd;
        r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0) {
                fd_close(fd);
                return r;
        }
        r = sd_bus_negotiate_fds(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return is_cut_off(r) ? explain_end(error) : error_step(error, r, "speak to", "pflask-manager", NULL);
        connection->bus = TAKE_PTR(bus);
        connection->is_direct = connection->is_peer = true;
        return 0;
}

/* Nothing is lost by waiting for this: a call would be sent no earlier. */
static int bus_await_ready(sd_bus *bus)
{
        int r = sd_bus_is_ready(bus);

        while (r == 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r >= 0)
                        r = sd_bus_is_ready(bus);
        }
        return r < 0 ? r : 0;
}

/* Only root is let in there. A service that isn't running is there no more: the bus starts one. */
static int connection_open_private(Connection *connection)
{
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

        if (geteuid() != 0 || place_is_away(connection->common) || secure_getenv("DBUS_SYSTEM_BUS_ADDRESS"))
                return -EOPNOTSUPP;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = bus_await_ready(bus);
        if (r < 0)
                return r;
        connection->bus = TAKE_PTR(bus);
        connection->is_peer = true;
        return 0;
}

static bool means_no_bus(int r)
{
        return r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR || r == -ENOMEDIUM;
}

static int connection_open_bus(Connection *connection, sd_bus_error *error)
{
        const Common *common = connection->common;

        int r = place_open_bus(common, &connection->bus);
        if (r >= 0)
                return 0;
        if (place_is_away(common)) {
                error_set(error, SD_BUS_ERROR_NO_SERVER, "cannot reach the system bus of %s: %s", place_name(common),
                          place_reason(common, r));
                return r;
        }
        if (means_no_bus(r) && geteuid() == 0) {
                fputs("pflask: there is no system bus, so this uses a manager of its own (--direct)\n", stderr);
                return connection_open_direct(connection, error);
        }
        error_set(error, SD_BUS_ERROR_NO_SERVER, "cannot reach the system bus: %s", strerror(-r));
        return r;
}

static int connection_new(const Common *common, bool needs_bus, Connection **ret, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = calloc(1, sizeof(*connection));

        if (!connection)
                return -ENOMEM;
        connection->common = common;
        connection->agent = connection->manager = connection->held = -EBADF;
        /* An agent of ours is none there. */
        connection->may_ask = !common->no_ask_password && !place_is_away(common);
        int r = place_check(common, error);
        if (r >= 0)
                r = common->is_direct                                        ? connection_open_direct(connection, error)
                    : !needs_bus && connection_open_private(connection) >= 0 ? 0
                                                                             : connection_open_bus(connection, error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(connection);
        return 0;
}

int connection_open(const Common *common, Connection **ret, sd_bus_error *error)
{
        return connection_new(common, false, ret, error);
}

int connection_open_to_hear(const Common *common, Connection **ret, sd_bus_error *error)
{
        return connection_new(common, true, ret, error);
}

int connection_open_to(const Common *common, const char *who, Connection **ret, char **ret_name, sd_bus_error *error)
{
        _cleanup_(connection_freep) Connection *connection = NULL;

        int r = connection_open(common, &connection, error);
        if (r < 0)
                return r;
        *ret_name = connection_find(connection, who, error);
        if (!*ret_name)
                return -sd_bus_error_get_errno(error) ?: -ENOMEM;
        *ret = TAKE_PTR(connection);
        return 0;
}

Connection *connection_free(Connection *connection)
{
        if (!connection)
                return NULL;
        sd_bus_flush_close_unref(connection->bus);
        agent_stop(connection->agent);
        fd_close(connection->manager);
        fd_close(connection->held);
        free(connection);
        return NULL;
}

int connection_reopen(Connection *connection)
{
        if (sd_bus_is_open(connection->bus) > 0)
                return 0;
        if (connection->common->host)
                return -ENOLINK;
        connection->bus = sd_bus_close_unref(connection->bus);
        connection->manager = fd_close(connection->manager);
        connection->is_peer = false;
        /* Nobody waits here to be let in, while there may be a console to look after: the bus doesn't keep us. */
        int r = connection->is_direct ? connection_open_direct(connection, NULL)
                                      : place_open_bus(connection->common, &connection->bus);
        return r < 0 ? r : 1;
}

/* ---- calls ---- */

const char *connection_service(const Connection *connection)
{
        return connection->is_peer ? NULL : MANAGER_BUS_NAME;
}

int connection_new_call(Connection *connection, const char *member, sd_bus_message **ret)
{
        if (!connection->bus)
                return -ENOTCONN;
        return sd_bus_message_new_method_call(connection->bus, ret, connection_service(connection), MANAGER_PATH,
                                              MANAGER_INTERFACE, member);
}

int connection_new_call_on(Connection *connection, const char *member, const char *name, sd_bus_message **ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, member, &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}

void connection_explain(const Connection *connection, const char *member, sd_bus_error *error)
{
        _cleanup_(freep) char *message = error->message ? strdup(error->message) : NULL;

        if (sd_bus_error_has_names(error, SD_BUS_ERROR_ACCESS_DENIED,
                                   SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)) {
                sd_bus_error_free(error);
                /* The manager says what it refuses, and which action decides. */
                if (message)
                        error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "%s", message);
                else
                        error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "%s was refused", member);
        } else if (sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
                   strncmp(error->name ?: "", "org.freedesktop.DBus.Error.Spawn.",
                           strlen("org.freedesktop.DBus.Error.Spawn.")) == 0) {
                sd_bus_error_free(error);
                bool has_direct = geteuid() == 0 && !place_is_away(connection->common);
                error_set(error, SD_BUS_ERROR_SERVICE_UNKNOWN,
                          "the service " MANAGER_BUS_NAME
                          " is not on the system bus and could not be started there: is pflask-manager installed?%s",
                          has_direct ? " (--direct works without it)" : "");
        } else if (sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_METHOD)) {
                sd_bus_error_free(error);
                error_set(error, SD_BUS_ERROR_UNKNOWN_METHOD, "the running pflask-manager cannot do %s yet", member);
        } else if (connection->is_peer &&
                   sd_bus_error_has_names(error, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED)) {
                sd_bus_error_free(error);
                explain_end(error);
        }
}

static int call_on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        *(sd_bus_message **)userdata = sd_bus_message_ref(reply);
        return 0;
}

/* Unlike sd_bus_call(3) it hands out the signals that come meanwhile. */
static int call_and_wait(const Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply,
                         sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        sd_bus *bus = connection->bus;
        uint64_t deadline_usec = 0;

        int r = sd_bus_call_async(bus, &slot, call, call_on_answer, &reply, UINT64_MAX);
        while (r >= 0 && !reply) {
                r = sd_bus_process(bus, NULL);
                if (r == 0 && !reply)
                        r = connection->held >= 0 ? signals_wait(connection->held, bus, &deadline_usec)
                                                  : sd_bus_wait(bus, UINT64_MAX);
        }
        if (!reply)
                return r;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused) {
                sd_bus_error_copy(error, refused);
                return -sd_bus_error_get_errno(refused) ?: -EIO;
        }
        if (ret_reply)
                *ret_reply = TAKE_PTR(reply);
        return 0;
}

/* The same call once more, with leave to ask a person. A call that was sent is sealed, so it is copied. */
static int call_interactively(Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply,
                              sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *again = NULL;

        if (agent_is_useful() && connection->agent < 0)
                connection->agent = agent_start();
        int r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = connection_new_call(connection, sd_bus_message_get_member(call), &again);
        if (r >= 0)
                r = sd_bus_message_copy(again, call, true);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(again, true);
        if (r < 0)
                return r;
        sd_bus_error_free(error);
        return call_and_wait(connection, again, ret_reply, error);
}

int connection_call(Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply, sd_bus_error *error)
{
        int r = call_and_wait(connection, call, ret_reply, error);

        if (is_cut_off(r) && !sd_bus_error_is_set(error))
                sd_bus_error_set_const(error, SD_BUS_ERROR_DISCONNECTED, NULL);
        if (r < 0 && connection->may_ask && !connection->is_peer &&
            sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                r = call_interactively(connection, call, ret_reply, error);
        if (r < 0)
                connection_explain(connection, sd_bus_message_get_member(call), error);
        return r;
}

int connection_call_starting(Connection *connection, sd_bus_message *call, sd_bus_message **ret_reply,
                             sd_bus_error *error)
{
        if (connection->held < 0)
                connection->held = signals_hold();
        return connection->held < 0 ? connection->held : connection_call(connection, call, ret_reply, error);
}

int connection_call_async(Connection *connection, sd_bus_slot **ret_slot, sd_bus_message *call,
                          sd_bus_message_handler_t callback, void *userdata)
{
        return sd_bus_call_async(connection->bus, ret_slot, call, callback, userdata, UINT64_MAX);
}

/* ---- names ---- */

static int call_for_path(Connection *connection, sd_bus_message *call, char **ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *path;

        int r = connection_call(connection, call, &reply, error);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        r = sd_bus_path_decode(path, CONTAINER_PATH_PREFIX, ret);
        return r == 0 ? -EBADMSG : r;
}

static int find_by_name(Connection *connection, const char *name, char **ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, "GetContainer", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        return r < 0 ? r : call_for_path(connection, call, ret, error);
}

static int find_by_pid(Connection *connection, uint32_t pid, char **ret, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connection_new_call(connection, "GetContainerByPID", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "u", pid);
        return r < 0 ? r : call_for_path(connection, call, ret, error);
}

char *connection_find(Connection *connection, const char *who, sd_bus_error *error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error missing = SD_BUS_ERROR_NULL;
        uint64_t pid;
        char *name = NULL;

        if (text_to_number(who, INT32_MAX, &pid) < 0)
                return strdup(who);
        if (find_by_name(connection, who, &name, &missing) < 0)
                find_by_pid(connection, (uint32_t)pid, &name, error);
        return name;
}
