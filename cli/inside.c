/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/inside.h"

#include "common/error.h"
#include "common/names.h"

int inside_properties(Connection *connection, const char *name, sd_bus_message **ret_reply, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(freep) char *path = NULL;

        int r = sd_bus_path_encode(CONTAINER_PATH_PREFIX, name, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_call(connection->bus, &call, connection_service(connection), path,
                                                   "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", CONTAINER_INTERFACE);
        if (r >= 0)
                r = connection_call(connection, call, ret_reply, error);
        if (sd_bus_error_has_names(error, SD_BUS_ERROR_UNKNOWN_OBJECT, SD_BUS_ERROR_UNKNOWN_METHOD)) {
                sd_bus_error_free(error);
                return error_set(error, ERROR_NO_SUCH_CONTAINER, "no container '%s'", name);
        }
        return r;
}

sd_bus_message *inside_ask(Connection *connection, const char *name, const char *member)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        sd_bus_message *reply = NULL;

        int r = connection_new_call(connection, member, &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", name);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(call, false);
        if (r >= 0)
                r = sd_bus_call(connection->bus, call, 0, NULL, &reply);
        return r < 0 ? NULL : reply;
}

int inside_read_address(sd_bus_message *reply, char ret[static INET6_ADDRSTRLEN])
{
        const void *bytes;
        int32_t family;
        size_t n;

        int r = sd_bus_message_enter_container(reply, 'r', "iay");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(reply, "i", &family);
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &bytes, &n);
        if (r < 0)
                return r;
        if (n != (family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr)) ||
            !inet_ntop(family, bytes, ret, INET6_ADDRSTRLEN))
                return -EBADMSG;
        r = sd_bus_message_exit_container(reply);
        return r < 0 ? r : 1;
}
