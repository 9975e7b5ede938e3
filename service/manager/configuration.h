/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config
 *
 * What an administrator has written in manager.conf and its drop-ins. Nothing in a file is fatal: a manager that does
 * not start would take the containers' names off the bus, so what is wrong is told, and the default stays.
 */
#pragma once

#include <stdint.h>

#define CONFIG_INFINITY UINT64_MAX

typedef struct Config {
        unsigned max_containers_per_user;
        uint64_t start_usec; /* CONFIG_INFINITY: for ever */
        uint64_t stop_usec;
        uint64_t idle_usec; /* CONFIG_INFINITY: for ever */
} Config;

/** ConfigWarn - something at @line of @path (0: the file itself) was ignored, because of @reason */
typedef void (*ConfigWarn)(const char *path, unsigned line, const char *reason);

/** config_directories - /etc, /run, /usr/lib, in the order in which they count; ends with NULL */
extern const char *const config_directories[];

/** config_init() - the defaults */
void config_init(Config *config);

/**
 * config_load() - manager.conf and manager.conf.d/?.conf of these directories, as systemd-system.conf(5) says it
 * @config:       initialised; what is written takes the place of what it has
 * @directories:  the most important first, ends with NULL; one that others than root can write to is left out
 * @warn:         is told of each thing that is ignored
 */
void config_load(Config *config, const char *const *directories, ConfigWarn warn);

/**
 * config_parse_span() - a time span: 90, 90s, "1min 30s", infinity: systemd.time(7), whole numbers only
 *
 * Return: 0; -EINVAL; -ERANGE.
 */
int config_parse_span(const char *text, uint64_t *ret_usec);
