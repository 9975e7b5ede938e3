/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/os-release.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"

static const char key_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

/* In double quotes a backslash stands before these only: sh(1). */
static bool is_escape(const char *text, char quote)
{
        return text[0] == '\\' && text[1] && quote != '\'' && (quote == '\0' || strchr("\"$`\\", text[1]));
}

/* Takes quotes and escapes away in place, up to the first unquoted blank. Return: false for a quote without an end. */
static bool value_unquote(char *value)
{
        char *to = value, quote = '\0';

        for (const char *from = value; *from; from++) {
                if (is_escape(from, quote)) {
                        *to++ = *++from;
                } else if (quote ? *from == quote : *from == '"' || *from == '\'') {
                        quote = quote ? '\0' : *from;
                } else if (!quote && (*from == ' ' || *from == '\t' || *from == '\r')) {
                        break;
                } else {
                        *to++ = *from;
                }
        }
        *to = '\0';
        return !quote;
}

static OsReleaseField *field_find(OsReleaseField *fields, int n, const char *key)
{
        for (int i = 0; i < n; i++)
                if (strcmp(fields[i].key, key) == 0)
                        return &fields[i];
        return n < OS_RELEASE_MAX_FIELDS ? &fields[n] : NULL;
}

int os_release_parse(char *text, OsReleaseField fields[static OS_RELEASE_MAX_FIELDS])
{
        int n = 0;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                line += strspn(line, " \t");
                size_t length = strspn(line, key_characters);
                if (length == 0 || line[length] != '=')
                        continue;
                line[length] = '\0';
                if (!value_unquote(line + length + 1))
                        continue;
                OsReleaseField *field = field_find(fields, n, line);
                if (!field)
                        return -E2BIG;
                n += field == &fields[n];
                *field = (OsReleaseField){.key = line, .value = line + length + 1};
        }
        return n;
}

/* The kernel's own files say that they are empty, and may be endless: those are none either. */
static int os_release_read(int root, const char *path, char **ret)
{
        _cleanup_(fd_closep) int fd = visit_open_regular(root, path);
        struct stat st;
        size_t bytes;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size == 0)
                return -ENODATA;
        if (st.st_size > OS_RELEASE_MAX_BYTES)
                return -EFBIG;
        int r = fd_read_whole(fd, OS_RELEASE_MAX_BYTES, ret, &bytes);
        if (r < 0)
                return r;
        return strlen(*ret) == bytes ? 0 : -EILSEQ;
}

static int os_release_find(char **ret, Failure *failure)
{
        static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
        _cleanup_(fd_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (root < 0)
                return failure_step(failure, -errno, "open", "/", NULL);
        for (unsigned i = 0; i < ELEMENTS(paths); i++) {
                int r = os_release_read(root, paths[i], ret);
                if (r < 0 && r != -ENOENT)
                        return failure_step(failure, r, "read", paths[i], NULL);
                if (r >= 0)
                        return 0;
        }
        return failure_set(failure, -ENOENT, FAILURE_NOT_SUPPORTED, "the container has no %s", paths[0]);
}

static int os_release_write(const OsReleaseField *fields, int n, int file)
{
        int r = 0;

        for (int i = 0; r >= 0 && i < n; i++) {
                r = fd_write_all(file, fields[i].key, strlen(fields[i].key) + 1);
                if (r >= 0)
                        r = fd_write_all(file, fields[i].value, strlen(fields[i].value) + 1);
        }
        return r < 0 ? r : lseek(file, 0, SEEK_SET) < 0 ? -errno : 0;
}

int os_release_visit(const void *place, int report, int *ret_answer, Failure *failure)
{
        OsReleaseField fields[OS_RELEASE_MAX_FIELDS];
        _cleanup_(freep) char *text = NULL;

        int r = visit_go(place, report, CLONE_NEWNS, failure);
        if (r >= 0)
                r = os_release_find(&text, failure);
        if (r < 0)
                return r;
        _cleanup_(fd_closep) int file = memfd_create("os-release", MFD_CLOEXEC);
        r = file < 0 ? -errno : os_release_parse(text, fields);
        if (r >= 0)
                r = os_release_write(fields, r, file);
        if (r < 0)
                return failure_step(failure, r, "read", "the fields of", "os-release");
        *ret_answer = TAKE_FD(file);
        return VISIT_OVER;
}
