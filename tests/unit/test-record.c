/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "common/fd.h"
#include "common/record.h"

typedef struct Fixture {
        char *path;
        int directory;
} Fixture;

static void setup(Fixture *fixture, const void *data _unused_)
{
        fixture->path = g_dir_make_tmp("record-XXXXXX", NULL);
        g_assert_nonnull(fixture->path);
        fixture->directory = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(fixture->directory, >=, 0);
}

static void teardown(Fixture *fixture, const void *data _unused_)
{
        unlinkat(fixture->directory, RECORD_FILE, 0);
        close(fixture->directory);
        g_assert_no_errno(g_rmdir(fixture->path)); /* nothing else was left there */
        g_free(fixture->path);
}

static Record sample(void)
{
        return (Record){
                .name = (char *)(uintptr_t) "box-1.x",
                .id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10),
                .owner = 4000000000,
                .supervisor = 4194303,
                .leader = 17,
                .state = STATE_EXITED,
                .timestamp = UINT64_MAX,
                .timestamp_monotonic = 1,
                .unit = (char *)(uintptr_t) "a\\b\nSTATUS=9\x01\xff = c.scope",
                .cgroup = (char *)(uintptr_t) "0::/system.slice/pflask-box-1.x",
                .is_registered = true,
                .has_terminal = true,
                .result = RESULT_DUMPED,
                .status = 11,
        };
}

static void put(Fixture *fixture, const char *text, gssize length)
{
        int fd = openat(fixture->directory, RECORD_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(fd_write_all(fd, text, length < 0 ? strlen(text) : (size_t)length), ==, 0);
        close(fd);
}

static char *get(Fixture *fixture)
{
        g_autofree char *file = g_build_filename(fixture->path, RECORD_FILE, NULL);
        char *text;

        g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
        return text;
}

static void assert_refused(Fixture *fixture, int error)
{
        Record *record = NULL;

        g_assert_cmpint(record_read(fixture->directory, &record), ==, error);
        g_assert_null(record);
}

static void test_round_trip(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *read = NULL;
        const Record written = sample();

        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_assert_cmpint(record_read(fixture->directory, &read), ==, 0);
        g_assert_cmpstr(read->name, ==, written.name);
        g_assert_cmpstr(read->unit, ==, written.unit);
        g_assert_cmpstr(read->cgroup, ==, written.cgroup);
        g_assert_true(sd_id128_equal(read->id, written.id));
        g_assert_cmpuint(read->owner, ==, written.owner);
        g_assert_cmpint(read->supervisor, ==, written.supervisor);
        g_assert_cmpint(read->leader, ==, written.leader);
        g_assert_cmpint(read->state, ==, written.state);
        g_assert_cmpuint(read->timestamp, ==, written.timestamp);
        g_assert_cmpuint(read->timestamp_monotonic, ==, written.timestamp_monotonic);
        g_assert_true(read->is_registered && read->has_terminal);
        g_assert_cmpint(read->result, ==, written.result);
        g_assert_cmpint(read->status, ==, written.status);
}

static void test_truncated(Fixture *fixture, const void *data _unused_)
{
        const Record written = sample();

        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_autofree char *text = get(fixture);
        for (size_t length = 0; length < strlen(text); length++) {
                put(fixture, text, (gssize)length);
                assert_refused(fixture, -EBADMSG);
        }
}

/* Any byte replaced by any of some others gives a record or an error, and never anything else. */
static void test_damaged(Fixture *fixture, const void *data _unused_)
{
        static const char bytes[] = {'\0', '\n', '=', '\\', 'x', '9', '-', (char)0xff};
        const Record written = sample();

        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_autofree char *text = get(fixture);
        size_t length = strlen(text);
        for (size_t i = 0; i < length; i++)
                for (size_t j = 0; j < sizeof(bytes); j++) {
                        _cleanup_(record_freep) Record *read = NULL;
                        g_autofree char *copy = g_memdup2(text, length);
                        copy[i] = bytes[j];
                        put(fixture, copy, (gssize)length);
                        int r = record_read(fixture->directory, &read);
                        g_assert_true(r == 0 || r == -EBADMSG);
                        g_assert_true((r == 0) == (read != NULL));
                }
}

static void test_unknown_keys(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *read = NULL;
        const Record written = sample();

        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_autofree char *text = get(fixture);
        g_autofree char *more = g_strconcat(text, "COLOUR=blue\n", NULL);
        put(fixture, more, -1);
        g_assert_cmpint(record_read(fixture->directory, &read), ==, 0);
        g_autofree char *twice = g_strconcat(text, "STATUS=0\n", NULL);
        put(fixture, twice, -1);
        assert_refused(fixture, -EBADMSG);
}

/* Before cgroups were noted. */
static void test_earlier_version(Fixture *fixture, const void *data _unused_)
{
        _cleanup_(record_freep) Record *read = NULL;
        Record written = sample();

        written.cgroup = NULL;
        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_autofree char *text = get(fixture);
        g_auto(GStrv) parts = g_strsplit(text, "CGROUP=\n", -1);
        g_assert_cmpuint(g_strv_length(parts), ==, 2);
        g_autofree char *earlier = g_strconcat(parts[0], parts[1], NULL);
        put(fixture, earlier, -1);
        g_assert_cmpint(record_read(fixture->directory, &read), ==, 0);
        g_assert_null(read->cgroup);
        g_assert_cmpint(read->status, ==, written.status);
}

static void test_too_long(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *unit = g_strnfill(10000, 'u');
        g_autofree char *line = g_strnfill(100000, 'A');
        Record record = sample();

        g_assert_cmpint(record_write(fixture->directory, &record), ==, 0);
        record.unit = unit;
        g_assert_cmpint(record_write(fixture->directory, &record), ==, -EFBIG);
        _cleanup_(record_freep) Record *former = NULL;
        g_assert_cmpint(record_read(fixture->directory, &former), ==, 0);
        g_autofree char *text = get(fixture);
        g_autofree char *longer = g_strconcat(text, line, "=1\n", NULL);
        put(fixture, longer, -1);
        assert_refused(fixture, -EBADMSG);
}

static void test_not_a_record(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *file = g_build_filename(fixture->path, RECORD_FILE, NULL);

        assert_refused(fixture, -ENOENT);
        put(fixture, "VERSION=2\n", -1);
        assert_refused(fixture, -EBADMSG);
        g_assert_no_errno(g_unlink(file));
        g_assert_no_errno(symlink("/etc/passwd", file));
        assert_refused(fixture, -ELOOP);
        g_assert_no_errno(g_unlink(file));
        g_assert_no_errno(mkfifo(file, 0600));
        assert_refused(fixture, -EPERM);
}

static void test_others_file(Fixture *fixture, const void *data _unused_)
{
        g_autofree char *file = g_build_filename(fixture->path, RECORD_FILE, NULL);
        const Record written = sample();

        g_assert_cmpint(record_write(fixture->directory, &written), ==, 0);
        g_assert_no_errno(chmod(file, 0620));
        assert_refused(fixture, -EPERM);
        g_assert_no_errno(chmod(file, 0600));
        g_assert_no_errno(chown(file, 1000, 0));
        assert_refused(fixture, -EPERM);
}

int main(int argc, char **argv)
{
        static const struct {
                const char *path;
                void (*test)(Fixture *fixture, const void *data);
        } tests[] = {
                {"/record/is-read-as-it-was-written", test_round_trip},
                {"/record/cut-off-anywhere-is-refused", test_truncated},
                {"/record/damaged-anywhere-is-survived", test_damaged},
                {"/record/of-a-later-version-is-read", test_unknown_keys},
                {"/record/of-an-earlier-version-is-read", test_earlier_version},
                {"/record/too-long-is-refused", test_too_long},
                {"/record/that-is-none-is-refused", test_not_a_record},
                {"/record/of-somebody-else-is-refused", test_others_file},
        };

        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < ELEMENTS(tests); i++)
                g_test_add(tests[i].path, Fixture, NULL, setup, tests[i].test, teardown);
        return g_test_run();
}
