/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/json.h"

#include <inttypes.h>
#include <string.h>

static void json_line(Json *json)
{
        if (json->is_pretty)
                fprintf(json->file, "\n%*s", (int)json->depth * 2, "");
}

/* What comes before a value: nothing behind its key, a comma behind another value. */
static void json_separate(Json *json)
{
        if (json->follows_key) {
                json->follows_key = false;
                return;
        }
        if (json->has_elements)
                fputc(',', json->file);
        if (json->depth > 0)
                json_line(json);
        json->has_elements = true;
}

void json_begin(Json *json, char bracket)
{
        json_separate(json);
        fputc(bracket, json->file);
        json->depth++;
        json->has_elements = false;
}

void json_end(Json *json, char bracket)
{
        json->depth--;
        if (json->has_elements)
                json_line(json);
        fputc(bracket, json->file);
        json->has_elements = true;
        if (json->depth == 0)
                fputc('\n', json->file);
}

static void json_quote(Json *json, const char *text)
{
        fputc('"', json->file);
        for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
                bool is_c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
                if (*c == '"' || *c == '\\')
                        fprintf(json->file, "\\%c", *c);
                else if (*c == '\n')
                        fputs("\\n", json->file);
                else if (*c < 0x20 || *c == 0x7f)
                        fprintf(json->file, "\\u%04x", *c);
                else if (is_c1)
                        fprintf(json->file, "\\u%04x", *++c);
                else
                        fputc(*c, json->file);
        }
        fputc('"', json->file);
}

void json_key(Json *json, const char *key)
{
        json_separate(json);
        json_quote(json, key);
        fputs(json->is_pretty ? ": " : ":", json->file);
        json->follows_key = true;
}

void json_text(Json *json, const char *text)
{
        json_separate(json);
        json_quote(json, text);
}

void json_number(Json *json, uint64_t number)
{
        json_separate(json);
        fprintf(json->file, "%" PRIu64, number);
}

static int json_basic(Json *json, sd_bus_message *message, char type)
{
        union {
                uint8_t y;
                int b, i;
                int16_t n;
                uint16_t q;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } value = {};

        int r = sd_bus_message_read_basic(message, type, &value);
        if (r <= 0)
                return r;
        if (strchr("sog", type)) {
                json_text(json, value.s);
                return 1;
        }
        json_separate(json);
        switch (type) {
        case 'b':
                fputs(value.b ? "true" : "false", json->file);
                break;
        case 'd':
                fprintf(json->file, "%g", value.d);
                break;
        case 'h':
                fputs("null", json->file);
                break;
        case 'n':
        case 'i':
        case 'x':
                fprintf(json->file, "%" PRIi64, type == 'n' ? value.n : type == 'i' ? value.i : value.x);
                break;
        default:
                fprintf(json->file, "%" PRIu64,
                        type == 'y'   ? value.y
                        : type == 'q' ? value.q
                        : type == 'u' ? value.u
                                      : value.t);
        }
        return 1;
}

static int json_bytes(Json *json, sd_bus_message *message)
{
        const uint8_t *bytes;
        size_t n;

        int r = sd_bus_message_read_array(message, 'y', (const void **)&bytes, &n);
        if (r < 0)
                return r;
        json_separate(json);
        fputc('"', json->file);
        for (size_t i = 0; i < n; i++)
                fprintf(json->file, "%02x", bytes[i]);
        fputc('"', json->file);
        return 1;
}

/* One pair of a dictionary whose keys are text. */
static int json_pair(Json *json, sd_bus_message *message, const char *contents)
{
        const char *key;

        int r = sd_bus_message_enter_container(message, 'e', contents);
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(message, contents[0], &key);
        if (r < 0)
                return r;
        json_key(json, key);
        r = json_value(json, message);
        return r < 0 ? r : sd_bus_message_exit_container(message) < 0 ? -EBADMSG : 1;
}

static int json_container(Json *json, sd_bus_message *message, char type, const char *contents)
{
        char inside[256] = "";
        bool is_object = type == 'a' && contents[0] == '{' && strchr("sog", contents[1]);

        int r = sd_bus_message_enter_container(message, type, contents);
        if (r <= 0)
                return r;
        if (type == 'v') {
                r = json_value(json, message);
                return r < 0 ? r : sd_bus_message_exit_container(message) < 0 ? -EBADMSG : 1;
        }
        if (is_object) /* without its braces */
                snprintf(inside, sizeof(inside), "%.*s", (int)strlen(contents) - 2, contents + 1);
        json_begin(json, is_object ? '{' : '[');
        do
                r = is_object ? json_pair(json, message, inside) : json_value(json, message);
        while (r > 0);
        json_end(json, is_object ? '}' : ']');
        return r < 0 ? r : sd_bus_message_exit_container(message) < 0 ? -EBADMSG : 1;
}

int json_value(Json *json, sd_bus_message *message)
{
        const char *contents;
        char type;

        int r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return r;
        if (type == 'a' && strcmp(contents, "y") == 0)
                return json_bytes(json, message);
        if (strchr("arve", type))
                return json_container(json, message, type, contents);
        return json_basic(json, message, type);
}
