/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Place
 *
 * Where the manager is that the options name: here, on another host, or in a container. Away from here our paths,
 * processes and environment mean nothing, and by ssh no file descriptor travels.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "cli/verb.h"
#include "common/macros.h"

/** place_check() - do the options name one place, and one that there can be. Return: 0; -EINVAL, with @error filled. */
int place_check(const Common *common, sd_bus_error *error);

/** place_is_away() - on another machine than this one */
bool place_is_away(const Common *common);

/** place_name() - of the host or the container, or NULL: here */
const char *place_name(const Common *common);

/** place_reason() - why it could not be reached, where the code alone does not tell */
const char *place_reason(const Common *common, int code);

/** place_open_bus() - its system bus. Return: 0, when it has let us in; -errno. */
int place_open_bus(const Common *common, sd_bus **ret);

/**
 * place_option() - the option that leads to it, for a command that a person is told to type
 *
 * Return: "", or the option with a space behind it, the caller's; NULL without memory.
 */
char *place_option(const Common *common);

/**
 * place_require_descriptors() - refuse what hands over descriptors where they cannot travel
 * @bus:    NULL: before there is one, so that ssh asks for no password first
 * @verb:   and its operands, as they would be typed there
 * @error:  filled on failure; names the way that works
 *
 * Return: 0; -EOPNOTSUPP.
 */
int place_require_descriptors(const Common *common, sd_bus *bus, const char *verb, const char *operands,
                              sd_bus_error *error);

/**
 * place_path() - @path as the manager is told it: relative to where we are, which only means something here
 * @ret:    absolute and fit to cross the bus, the caller's
 * @error:  filled on failure
 *
 * Return: 0; -errno.
 */
int place_path(const Common *common, const char *path, char **ret, sd_bus_error *error);
