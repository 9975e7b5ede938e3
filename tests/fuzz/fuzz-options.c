/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of the bus
 *
 * What any user of the machine may send to root: CreateContainer's name, command and options. The bus lets only
 * well-formed messages pass, so the input says which to make, in lines: the name; the words of the command, up to an
 * empty line; then for each option "KEY SIGNATURE", and its value. A number, a text or a bool is a line; an array has a
 * line with the number of its elements before them; a variant has one with its signature. A descriptor is of the
 * file "/" or "/dev/null". The same option may come twice.
 */
#include <fcntl.h>
#include <string.h>

#include "common/error.h"
#include "common/fd.h"
#include "fuzz.h"
#include "spec-compare.h"

enum { DEPTH_MAX = 8, ELEMENTS_MAX = 5000 };

static int value_append(sd_bus_message *message, const char *type, size_t length, Input *input, int depth);

/* The length of the first complete type of a signature; 0 when there is none. */
static size_t type_length(const char *type, const char *end)
{
        int depth = 0;
        const char *c = type;

        while (c < end) {
                depth += (*c == '(' || *c == '{') - (*c == ')' || *c == '}');
                if (*c++ != 'a' && depth <= 0)
                        return depth < 0 ? 0 : (size_t)(c - type);
        }
        return 0;
}

static int types_append(sd_bus_message *message, const char *type, size_t length, Input *input, int depth)
{
        const char *end = type + length;
        int r = 0;

        while (r >= 0 && type < end) {
                size_t n = type_length(type, end);
                r = n ? value_append(message, type, n, input, depth) : -EINVAL;
                type += n;
        }
        return r;
}

static int basic_append(sd_bus_message *message, char type, const char *text)
{
        uint64_t number = strtoull(text, NULL, 10); /* of any size: what is cut off is another number */

        if (strchr("sog", type))
                return sd_bus_message_append_basic(message, type, text);
        if (type != 'h') {
                int truth = number & 1; /* the one type whose value has to be one of two */
                return sd_bus_message_append_basic(message, type, type == 'b' ? (void *)&truth : (void *)&number);
        }
        _cleanup_(fd_closep) int fd = open(number & 1 ? "/dev/null" : "/", O_RDONLY | O_CLOEXEC);
        return sd_bus_message_append_basic(message, type, &fd);
}

static int array_append(sd_bus_message *message, const char *type, size_t length, Input *input, int depth)
{
        _cleanup_(freep) char *count = input_line(input);
        unsigned long n = count ? strtoul(count, NULL, 10) : 0;
        int r = 0;

        for (unsigned long i = 0; r >= 0 && i < n && i < ELEMENTS_MAX && input->next < input->end; i++)
                r = value_append(message, type, length, input, depth);
        return r;
}

static int variant_append(sd_bus_message *message, Input *input, int depth)
{
        _cleanup_(freep) char *type = input_line(input);
        int r = sd_bus_message_open_container(message, 'v', type ?: "");

        if (r >= 0)
                r = value_append(message, type, strlen(type), input, depth);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int container_append(sd_bus_message *message, const char *type, size_t length, Input *input, int depth)
{
        bool is_array = *type == 'a';
        size_t n = is_array ? length - 1 : length - 2;
        _cleanup_(freep) char *content = strndup(type + 1, n);
        int r = sd_bus_message_open_container(message, *type == '(' ? 'r' : *type == '{' ? 'e' : 'a', content);

        if (r >= 0)
                r = is_array ? array_append(message, content, n, input, depth)
                             : types_append(message, content, n, input, depth);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Appends a value of the complete @type, of @length characters. */
static int value_append(sd_bus_message *message, const char *type, size_t length, Input *input, int depth)
{
        if (depth > DEPTH_MAX || length == 0)
                return -EINVAL;
        if (*type == 'v')
                return variant_append(message, input, depth + 1);
        if (strchr("a({", *type))
                return container_append(message, type, length, input, depth + 1);
        _cleanup_(freep) char *text = input_line(input);
        return text ? basic_append(message, *type, text) : -EINVAL;
}

static int command_append(sd_bus_message *message, Input *input)
{
        int r = sd_bus_message_open_container(message, 'a', "s");

        while (r >= 0) {
                _cleanup_(freep) char *word = input_line(input);
                if (!word || !*word)
                        break;
                r = sd_bus_message_append_basic(message, 's', word);
        }
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int option_append(sd_bus_message *message, char *key, Input *input)
{
        char *space = strrchr(key, ' ');
        const char *type = space ? space + 1 : "s";

        if (space)
                *space = '\0';
        int r = sd_bus_message_open_container(message, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(message, 's', key);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'v', type);
        if (r >= 0)
                r = value_append(message, type, strlen(type), input, 0);
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_close_container(message);
}

static int call_append(sd_bus_message *message, Input *input)
{
        _cleanup_(freep) char *name = input_line(input);
        int r = sd_bus_message_append_basic(message, 's', name ?: "");

        if (r >= 0)
                r = command_append(message, input);
        if (r >= 0)
                r = sd_bus_message_open_container(message, 'a', "{sv}");
        while (r >= 0) {
                _cleanup_(freep) char *key = input_line(input);
                if (!key)
                        break;
                r = option_append(message, key, input);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        return r < 0 ? r : sd_bus_message_seal(message, 1, 0);
}

/* DescribeContainer has to be able to tell what a spec says. */
static void check_description(const Spec *spec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = fuzz_call();

        fuzz_check(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
        fuzz_check(spec_describe(spec, message) == 0);
        fuzz_check(sd_bus_message_close_container(message) >= 0);
        fuzz_check(sd_bus_message_seal(message, 1, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = fuzz_call();
        _cleanup_(spec_freep) Spec *spec = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        Input input = input_of(data, size);

        if (call_append(message, &input) < 0 || sd_bus_message_rewind(message, 1) < 0)
                return 0;
        int r = spec_read(message, &spec, &error);
        /* A caller who sent a well-formed message is told what was wrong with it, by name. */
        fuzz_check(r >= 0 || sd_bus_error_has_names(&error, ERROR_INVALID_NAME, ERROR_INVALID_OPTION));
        fuzz_check(r >= 0 || !spec);
        sd_bus_error_free(&error);
        if (r < 0)
                return 0;
        check_description(spec);
        spec_check_survives(spec);
        return 0;
}
