/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/place.h"

#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "common/error.h"

bool place_is_away(const Common *common)
{
        return common->host || common->machine;
}

const char *place_name(const Common *common)
{
        return common->host ?: common->machine;
}

int place_check(const Common *common, sd_bus_error *error)
{
        const char *name = place_name(common);

        if (common->is_direct + !!common->host + !!common->machine > 1)
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "--direct, --host and --machine exclude each other");
        else if (name && (!*name || *name == '-'))
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "neither a host nor a container: '%s'", name);
        else
                return 0;
        return -EINVAL;
}

/* What goes wrong with ssh(1) is told by itself. */
const char *place_reason(const Common *common, int code)
{
        if (common->host)
                return "ssh has not got there";
        return code == -EHOSTDOWN ? "there is no such machine" : strerror(-code);
}

/* Whether ssh(1) has got there is known only when the bus has let us in. */
int place_open_bus(const Common *common, sd_bus **ret)
{
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        const char *unique;
        int r;

        if (common->host)
                r = sd_bus_open_system_remote(&bus, common->host);
        else if (common->machine)
                r = sd_bus_open_system_machine(&bus, common->machine);
        else
                r = sd_bus_open_system(&bus);
        if (r >= 0 && place_is_away(common))
                r = sd_bus_get_unique_name(bus, &unique);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        return r;
}

char *place_option(const Common *common)
{
        char *option;

        if (!place_is_away(common))
                return strdup(common->is_direct ? "--direct " : "");
        int n = asprintf(&option, "--%s=%s ", common->host ? "host" : "machine", place_name(common));
        return n < 0 ? NULL : option;
}

int place_require_descriptors(const Common *common, sd_bus *bus, const char *verb, const char *operands,
                              sd_bus_error *error)
{
        const char *name = place_name(common);

        if (common->host)
                error_set(error, ERROR_NOT_SUPPORTED,
                          "this hands over file descriptors, which ssh does not carry; use: ssh -t %s pflask %s %s",
                          name, verb, operands);
        else if (name && bus && sd_bus_can_send(bus, SD_BUS_TYPE_UNIX_FD) <= 0)
                error_set(error, ERROR_NOT_SUPPORTED,
                          "this hands over file descriptors, which do not get to %s; use: "
                          "machinectl shell %s /usr/bin/pflask %s %s",
                          name, name, verb, operands);
        else
                return 0;
        return -EOPNOTSUPP;
}

int place_path(const Common *common, const char *path, char **ret, sd_bus_error *error)
{
        if (*path != '/' && place_is_away(common)) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "a relative path is none of %s: '%s'", place_name(common),
                          path);
                return -EINVAL;
        }
        _cleanup_(freep) char *absolute = text_to_absolute_path(path);
        if (!absolute)
                return -ENOMEM;
        if (!text_is_utf8(absolute)) {
                error_set(error, SD_BUS_ERROR_INVALID_ARGS, "not UTF-8, which is all that D-Bus carries: '%s'", path);
                return -EINVAL;
        }
        *ret = TAKE_PTR(absolute);
        return 0;
}
