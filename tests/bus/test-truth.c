/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Console truth
 *
 * A container counts on its console without end, while clients attach, detach and are killed, and managers are killed
 * under them. What each of them has read, what each backlog had, and the number of dropped bytes account for every byte:
 * in order, and none twice. What a client has read is known even if it was killed: it reads into memory that is ours.
 *
 * What is random comes from GTest's seed, which it prints and takes: --seed. With -m slow it takes minutes.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/process.h"
#include "fixture.h"

enum { READ_BYTES_MAX = 4 * 1024 * 1024, BLOCK = 500 };

/* Whole lines at any time, and an end in good order. */
static const char counts[] = "stty -echo -opost; trap 'exit 7' TERM; i=1; "
                             "while :; do seq $i $((i + 499)); i=$((i + 500)); done";

typedef struct Truth {
        Fixture *fixture;
        GString *text; /* what the container writes, as far as it was needed */
        guint64 next_number;
        guint64 place; /* of the first byte that nobody has had */
        guint64 dropped;
        guint8 *memory; /* what the present client has read */
        guint n_attached, n_killed_clients, n_killed_managers, n_lost_answers;
} Truth;

/* ---- the account ---- */

static void truth_account(Truth *truth, const char *source, const void *data, gsize bytes)
{
        while (truth->text->len < truth->place + bytes)
                g_string_append_printf(truth->text, "%" G_GUINT64_FORMAT "\n", ++truth->next_number);
        if (bytes > 0 && memcmp(data, truth->text->str + truth->place, bytes) != 0)
                g_error("at byte %" G_GUINT64_FORMAT ", of %s: '%.*s...' instead of '%.20s...'; %u managers killed",
                        truth->place, source, (int)MIN(bytes, 20), (const char *)data, truth->text->str + truth->place,
                        truth->n_killed_managers);
        truth->place += bytes;
}

/* While somebody is attached nothing goes into the ring, so that nothing is dropped. */
static void truth_account_dropped(Truth *truth)
{
        g_autoptr(GVariant) log = manager_call(truth->fixture->client, "ReadContainerLog", "(s)", "box");
        guint64 dropped;

        g_variant_get(log, "(@ayt)", NULL, &dropped);
        g_assert_cmpuint(dropped, >=, truth->dropped);
        truth->place += dropped - truth->dropped;
        truth->dropped = dropped;
}

/* ---- a client, who reads: a process of its own ---- */

typedef struct Reader {
        pid_t pid;
        int told; /* becomes readable when it has read as much as it was to */
} Reader;

static G_NORETURN void reader_run(const Attachment *attachment, guint8 *memory, gsize aim, int told)
{
        struct pollfd readable = {.fd = attachment->console, .events = POLLIN};
        gsize n_read = 0;

        for (;;) {
                if (n_read >= aim && told >= 0) {
                        told = fd_close(told);
                        kill(getpid(), SIGSTOP); /* or whatever its parent has in mind */
                }
                if (poll(&readable, 1, -1) < 0)
                        continue;
                ssize_t n = read(attachment->console, memory + n_read, READ_BYTES_MAX - n_read);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                        _exit(EXIT_SUCCESS);
                n_read += n > 0 ? (gsize)n : 0;
        }
}

static Reader reader_start(Fixture *fixture, Attachment *attachment, guint8 *memory, gsize aim)
{
        Reader reader;
        int told[2];

        g_assert_no_errno(pipe2(told, O_CLOEXEC));
        reader.pid = fork();
        g_assert_cmpint(reader.pid, >=, 0);
        if (reader.pid == 0) {
                fd_close(told[0]);
                reader_run(attachment, memory, aim, told[1]);
        }
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(reader.pid));
        fd_close(told[1]);
        reader.told = told[0];
        return reader;
}

static void reader_end(Fixture *fixture, Reader *reader)
{
        g_assert_no_errno(kill(reader->pid, SIGKILL));
        g_assert_cmpint(waitpid(reader->pid, NULL, 0), ==, reader->pid);
        g_hash_table_remove(fixture->expected, GINT_TO_POINTER(reader->pid));
        reader->told = fd_close(reader->told);
}

/* The container never writes a zero. */
static gsize bytes_read(const Truth *truth)
{
        const void *end = memchr(truth->memory, 0, READ_BYTES_MAX);

        return end ? (gsize)((const guint8 *)end - truth->memory) : READ_BYTES_MAX;
}

/* ---- one after the other ---- */

static void truth_kill_manager(Truth *truth)
{
        truth->n_killed_managers++;
        fixture_stop_manager(truth->fixture, SIGKILL);
        fixture_start_manager(truth->fixture);
}

/* Return: has somebody been attached; not so when the manager died with the answer. */
static gboolean truth_attach(Truth *truth, gboolean kill_manager, Attachment *ret)
{
        g_auto(Pending) pending = {};

        client_call_later(truth->fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "AttachContainer",
                          g_variant_new("(s@a{sv})", "box", options(NULL)), &pending);
        if (kill_manager) {
                g_dbus_connection_flush_sync(truth->fixture->client->connection, NULL, NULL);
                for (gint i = g_test_rand_int_range(0, 2000); i > 0; i--)
                        sched_yield();
                /* Its answer is read, if it has sent one: a client that leaves meanwhile takes its bytes with it. */
                g_assert_cmpint(process_signal(truth->fixture->manager, SIGKILL), ==, 0);
        }
        await(pending.is_done);
        if (kill_manager)
                truth_kill_manager(truth);
        if (pending.error) {
                /* What a dead manager had in its hands the kernel may take a moment to close. */
                if (!kill_manager)
                        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "ConsoleBusy");
                truth->n_lost_answers++;
                return FALSE;
        }
        g_autoptr(GVariant) backlog = g_variant_get_child_value(pending.reply, 2);
        *ret = (Attachment){pending_take_fd(&pending, 0), pending_take_fd(&pending, 1),
                            g_variant_get_data_as_bytes(backlog)};
        g_assert_cmpint(write(ret->lease, "g", 1), ==, 1); /* as our own client does */
        truth->n_attached++;
        return TRUE;
}

static void truth_account_backlog(Truth *truth, const Attachment *attachment)
{
        truth_account_dropped(truth);
        truth_account(truth, "a backlog", g_bytes_get_data(attachment->backlog, NULL),
                      g_bytes_get_size(attachment->backlog));
}

/* Somebody reads for a while, and then detaches, or is killed while still reading. */
static void truth_read(Truth *truth, Attachment *attachment)
{
        gboolean is_polite = g_test_rand_bit();
        char nothing;

        memset(truth->memory, 0, READ_BYTES_MAX);
        Reader reader = reader_start(truth->fixture, attachment, truth->memory,
                                     (gsize)g_test_rand_int_range(0, 200000));
        g_assert_cmpint(read(reader.told, &nothing, 1), ==, 0);
        if (g_test_rand_int_range(0, 4) == 0)
                truth_kill_manager(truth);
        if (is_polite) {
                g_assert_cmpint(write(attachment->lease, "d", 1), ==, 1);
        } else {
                truth->n_killed_clients++;
                kill(reader.pid, SIGCONT);
        }
        fd_closep(&attachment->lease);
        reader_end(truth->fixture, &reader);
        truth_account(truth, "a client", truth->memory, bytes_read(truth));
}

static void truth_end(Truth *truth)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};

        attach(truth->fixture->client, "box", FALSE, &attachment);
        truth_account_backlog(truth, &attachment);
        g_variant_unref(manager_call(truth->fixture->client, "KillContainer", "(ssi)", "box", "leader", SIGTERM));
        g_autoptr(GByteArray) rest = read_until_end(attachment.console);
        truth_account(truth, "the last client", rest->data, rest->len);
        attachment_close(&attachment);
        wait_for(truth->fixture->client, "box", "exited", 7);
        /* It has written whole blocks, and all of the last is accounted for. */
        g_assert_cmpuint(truth->place, ==, truth->text->len);
        g_assert_cmpuint(truth->next_number % BLOCK, ==, 0);
}

static void test_truth(Fixture *fixture)
{
        Truth truth = {.fixture = fixture, .text = g_string_new(NULL)};
        guint n = g_test_slow() ? 1500 : rounds(60);

        truth.memory = mmap(NULL, READ_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        g_assert_true(truth.memory != MAP_FAILED);
        create(fixture->client, "box", counts, NULL);
        for (guint i = 0; i < n; i++) {
                g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
                if (!truth_attach(&truth, g_test_rand_int_range(0, 4) == 0, &attachment))
                        continue;
                truth_account_backlog(&truth, &attachment);
                truth_read(&truth, &attachment);
        }
        truth_end(&truth);
        g_test_message("%" G_GUINT64_FORMAT " bytes, of which %" G_GUINT64_FORMAT " were dropped; %u clients, of which "
                       "%u were killed; %u managers killed, with %u answers",
                       truth.place, truth.dropped, truth.n_attached, truth.n_killed_clients, truth.n_killed_managers,
                       truth.n_lost_answers);
        munmap(truth.memory, READ_BYTES_MAX);
        g_string_free(truth.text, TRUE);
}

static const Test tests[] = {
        TEST("/truth/every-byte-of-a-console-is-accounted-for", test_truth, ON_BOTH),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
