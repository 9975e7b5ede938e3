/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/printer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { C1_LEAD = 0xc2 }; /* of the controls from 0x80 to 0x9f, in UTF-8 */

Printer printer_for(bool is_raw)
{
        return (Printer){.is_raw = is_raw || !isatty(STDOUT_FILENO)};
}

static void print_shown(int byte)
{
        printf("\\x%02x", (unsigned)byte);
}

/* What was held, now that the next byte is known; -1: there is none. */
static void printer_release(Printer *printer, int next)
{
        int held = printer->held;

        printer->held = 0;
        if (held == '\r' && next != '\n' && next != '\r') /* what writes "\r\n" to a terminal writes "\r\r\n" */
                print_shown(held);
        else if (held == C1_LEAD && next >= 0x80 && next < 0xa0)
                print_shown(held);
        else if (held == C1_LEAD)
                putchar(held);
}

static void printer_add(Printer *printer, int byte, bool is_c1)
{
        if (byte == '\r' || byte == C1_LEAD)
                printer->held = byte;
        else if (is_c1 || byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t'))
                print_shown(byte);
        else
                putchar(byte);
}

void printer_print(Printer *printer, const char *bytes, size_t n)
{
        if (printer->is_raw) {
                fwrite(bytes, 1, n, stdout);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                int byte = (unsigned char)bytes[i];
                bool is_c1 = printer->held == C1_LEAD && byte >= 0x80 && byte < 0xa0;
                if (printer->held)
                        printer_release(printer, byte);
                printer_add(printer, byte, is_c1);
        }
}

void printer_end(Printer *printer)
{
        if (printer->held)
                printer_release(printer, -1);
}

size_t last_lines(const char *bytes, size_t n, size_t n_lines)
{
        size_t end = n > 0 && bytes[n - 1] == '\n' ? n - 1 : n;

        if (n_lines == 0)
                return n;
        for (; n_lines > 0; n_lines--) {
                const char *newline = memrchr(bytes, '\n', end);
                if (!newline)
                        return 0;
                end = (size_t)(newline - bytes);
        }
        return end + 1;
}
