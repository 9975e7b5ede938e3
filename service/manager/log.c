/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "common/error.h"

#define MESSAGE_STARTED "1fbcd0e5d2a94f2f8b0a6c1e6f0b2a11"
#define MESSAGE_EXITED  "5a3c9c1f7f6b4f0c9a1d4f6be0e87a12"
#define MESSAGE_REFUSED "c2a7d6f4b1e84d5d8f3b7c6f90d1e213"

/* systemd tells which stream is the journal's: systemd.exec(5), $JOURNAL_STREAM. */
static bool log_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == device && st.st_ino == inode;
}

void log_container(const Container *container, LogEvent event)
{
        char sentence[256];

        if (event == LOG_CONTAINER_STARTED)
                snprintf(sentence, sizeof(sentence), "Container %s of user %u runs, leader %d.", container->name,
                         (unsigned)container->owner, (int)container->leader);
        else
                snprintf(sentence, sizeof(sentence), "Container %s has ended: %s, status %d.", container->name,
                         result_name(container->result), container->exit_status);
        if (container->manager->is_direct)
                return; /* stderr is the client's terminal, and the client knows */
        if (!log_is_journal()) {
                fprintf(stderr, "%s\n", sentence);
                return;
        }
        sd_journal_send("MESSAGE=%s", sentence, "PRIORITY=6", "MESSAGE_ID=%s",
                        event == LOG_CONTAINER_STARTED ? MESSAGE_STARTED : MESSAGE_EXITED, "PFLASK_CONTAINER=%s",
                        container->name, "PFLASK_OWNER=%u", (unsigned)container->owner, NULL);
}

void log_refused(const Call *call, const sd_bus_error *error)
{
        const char *name = call->container ? call->container->name : call->spec ? call->spec->name : "";
        const char *why = error->message ?: error->name;

        if (call->manager->is_direct)
                return;
        if (!log_is_journal()) {
                fprintf(stderr, "Refused %s of user %u: %s\n", call->method->member, (unsigned)call->caller->uid, why);
                return;
        }
        sd_journal_send("MESSAGE=Refused %s of user %u: %s", call->method->member, (unsigned)call->caller->uid, why,
                        "PRIORITY=5", "MESSAGE_ID=" MESSAGE_REFUSED, "PFLASK_CONTAINER=%s", name,
                        "PFLASK_CALLER_UID=%u", (unsigned)call->caller->uid, "PFLASK_CALLER_PID=%d",
                        (int)call->caller->pid, NULL);
}

int log_limit(int code, const char *step, const char *object, const char *limit)
{
        const char *before = limit ? " (" : "", *after = limit ? ")" : "";

        if (log_is_journal())
                sd_journal_send("MESSAGE=Cannot %s %s: %s%s%s%s", step, object, strerror(-code), before, limit ?: "",
                                after, "PRIORITY=3", NULL);
        else
                fprintf(stderr, "pflask-manager: cannot %s %s: %s%s%s%s\n", step, object, strerror(-code), before,
                        limit ?: "", after);
        return code;
}

int log_failure(int code, const char *step, const char *object)
{
        return log_limit(code, step, object, error_limit(code));
}

void log_ignored(const char *path, unsigned line, const char *reason)
{
        if (log_is_journal())
                sd_journal_send("MESSAGE=%s:%u: %s, ignoring.", path, line, reason, "PRIORITY=4", NULL);
        else
                fprintf(stderr, "pflask-manager: %s:%u: %s, ignoring\n", path, line, reason);
}
