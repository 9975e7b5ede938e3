/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"
#include "common/names.h"

#define CLEAR_LINE "\r\033[K"

enum { BAR_MIN = 10, BAR_MAX = 50, PERCENT_COLUMNS = 5, COLUMNS_DEFAULT = 80 };

bool progress_is_wanted(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* Of the bytes; where there are none, of the files. A tree that has grown meanwhile isn't more than all of it. */
static unsigned mark_percent(const Mark *mark)
{
        uint64_t done = mark->total_bytes > 0 ? mark->bytes : mark->files;
        uint64_t total = mark->total_bytes > 0 ? mark->total_bytes : mark->total_files;

        if (done >= total)
                return 100;
        return (unsigned)((double)done * 100 / (double)total);
}

int progress_format(const Mark *mark, unsigned columns, char **ret)
{
        char figures[96], bar[BAR_MAX + 1] = "";
        unsigned percent = mark_percent(mark);

        int n = snprintf(figures, sizeof(figures), "%s of %s, %" PRIu64 " of %" PRIu64 " files",
                         text_from_size(mark->bytes).text, text_from_size(mark->total_bytes).text, mark->files,
                         mark->total_files);
        unsigned taken = PERCENT_COLUMNS + (unsigned)n + 4; /* brackets and blanks around the bar */
        unsigned room = columns > taken ? columns - taken : 0;
        unsigned length = room > BAR_MAX ? BAR_MAX : room;
        if (length < BAR_MIN) {
                unsigned left = columns > PERCENT_COLUMNS ? columns - PERCENT_COLUMNS : 0;
                return asprintf(ret, "%3u%% %.*s", percent, (int)left, figures) < 0 ? -ENOMEM : 0;
        }
        for (unsigned i = 0; i < length; i++)
                bar[i] = i < length * percent / 100 ? '#' : '.';
        return asprintf(ret, "%3u%% [%s] %s", percent, bar, figures) < 0 ? -ENOMEM : 0;
}

static int progress_on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        Progress *progress = userdata;
        _cleanup_(freep) char *line = NULL;
        struct winsize size = {};
        Mark mark;

        int r = sd_bus_message_read(message, "sstttt", NULL, NULL, &mark.bytes, &mark.total_bytes, &mark.files,
                                    &mark.total_files);
        if (r < 0)
                return 0;
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
        if (progress_format(&mark, (size.ws_col ?: COLUMNS_DEFAULT) - 1U, &line) < 0)
                return 0;
        fprintf(stderr, CLEAR_LINE "%s", line);
        progress->is_drawn = true;
        return 0;
}

int progress_start(Progress *progress, Connection *connection, const char *name)
{
        _cleanup_(freep) char *path = NULL;

        int r = sd_bus_path_encode(CONTAINER_PATH_PREFIX, name, &path);
        if (r < 0)
                return r;
        return sd_bus_match_signal(connection->bus, &progress->slot, connection_service(connection), path,
                                   CONTAINER_INTERFACE, "CopyProgress", progress_on_signal, progress);
}

void progress_end(Progress *progress)
{
        progress->slot = sd_bus_slot_unref(progress->slot);
        if (progress->is_drawn)
                fputs(CLEAR_LINE, stderr);
        progress->is_drawn = false;
}
