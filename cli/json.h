/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON
 *
 * Written as it is made, to a stream: RFC 8259. What a container may have chosen (a name, a path) is text like any
 * other, and every control character in it is escaped, so that it can be shown on a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef struct Json {
        FILE *file;
        bool is_pretty;
        unsigned depth;
        bool has_elements; /* in what is open at present */
        bool follows_key;
} Json;

/** json_begin(), json_end() - '{' and '}', or '[' and ']'; with the last end a line ends */
void json_begin(Json *json, char bracket);
void json_end(Json *json, char bracket);

void json_key(Json *json, const char *key);
void json_text(Json *json, const char *text);
void json_number(Json *json, uint64_t number);

/**
 * json_value() - whatever stands next in a message
 *
 * Dictionaries become objects, variants what is in them, arrays of bytes text in hexadecimal, descriptors null.
 *
 * Return: 1; 0 when nothing is left to read there; -errno.
 */
int json_value(Json *json, sd_bus_message *message);
