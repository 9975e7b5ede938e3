/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The prompt
 *
 * What a person sees who is asked for a password: polkit's own text agent, started by the client on the terminal that
 * the person sits at, and polkit's own helper that has the answer checked by PAM. The service that PAM is asked for is
 * the test's, and knows one word.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"

#define AGENT "/usr/bin/pkttyagent"

static const char no_rules[] = "";

/* Where PAM finds what polkit asks for: pam.conf(5). The first that is there counts. */
static const char *find_service(void)
{
        static const char *const files[] = {"/etc/pam.d/polkit-1", "/usr/lib/pam.d/polkit-1"};

        for (guint i = 0; i < G_N_ELEMENTS(files); i++)
                if (access(files[i], F_OK) == 0)
                        return files[i];
        return NULL;
}

static gboolean cannot_ask(void)
{
        const char *reason = access(AGENT, X_OK) < 0 ? "there is no pkttyagent"
                             : !find_service()       ? "polkit has no PAM service here"
                                                     : NULL;

        if (reason)
                g_test_skip(reason);
        return reason != NULL;
}

static void pam_begin(void)
{
        write_file(TEST_DIRECTORY "/check", "#!/bin/sh\n[ \"$(tr -d '\\0')\" = sesame ]\n", 0755, 0);
        write_file(TEST_DIRECTORY "/service",
                   "auth required pam_exec.so quiet expose_authtok " TEST_DIRECTORY "/check\n"
                   "account required pam_permit.so\n",
                   0644, 0);
        g_assert_cmpint(mount(TEST_DIRECTORY "/service", find_service(), NULL, MS_BIND, NULL), ==, 0);
}

static void pam_end(void)
{
        g_assert_cmpint(umount2(find_service(), MNT_DETACH), ==, 0);
}

/*
 * Until the agent listens: it throws away what was typed before it turned the echo off, and in packet mode the terminal
 * tells of that (ioctl_tty(2), TIOCPKT). Return: what was written until then, the caller's.
 */
static GByteArray *await_prompt(int master)
{
        GByteArray *text = g_byte_array_new();
        gboolean is_flushed = FALSE;
        guint8 buffer[1024];

        while (!is_flushed || !memmem(text->data, text->len, "Password:", strlen("Password:"))) {
                g_assert_cmpint(poll(&(struct pollfd){master, POLLIN, 0}, 1, 30000), ==, 1);
                ssize_t n = read(master, buffer, sizeof(buffer));
                if (n <= 0)
                        g_error("nothing was asked: %.*s", (int)text->len, (const char *)text->data);
                if (buffer[0] == TIOCPKT_DATA)
                        g_byte_array_append(text, buffer + 1, (guint)n - 1);
                is_flushed |= (buffer[0] & TIOCPKT_FLUSHREAD) != 0;
        }
        g_assert_cmpint(ioctl(master, TIOCPKT, &(int){0}), ==, 0);
        return text;
}

/* What is on carol's terminal when she runs @arguments, and answers with @password. Return: the caller's. */
static char *ask(Fixture *fixture, const char *arguments, const char *password, int expected)
{
        g_autofree char *script = g_strdup_printf("exec setpriv --reuid %d --regid %d --clear-groups $pflask %s", CAROL,
                                                  CAROL, arguments);
        int status;
        pid_t pid;

        int master = shell_on_terminal(fixture, script, 24, 200, &pid);
        g_assert_cmpint(ioctl(master, TIOCPKT, &(int){1}), ==, 0);
        g_autoptr(GByteArray) text = await_prompt(master);
        g_assert_cmpint(fd_write_all(master, password, strlen(password)), ==, 0);
        g_autoptr(GByteArray) rest = read_until_end(master);
        g_byte_array_append(text, rest->data, rest->len);
        g_byte_array_append(text, (const guint8 *)"", 1);
        g_test_message("%s", (const char *)text->data);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, expected);
        fd_close(master);
        return g_strdup((const char *)text->data);
}

static void test_password(Fixture *fixture)
{
        if (cannot_ask())
                return;
        pam_begin();
        create(fixture->client, "box", idle, NULL);
        g_autofree char *wrong = ask(fixture, "kill -s KILL box", "abracadabra\n", 125);
        g_assert_nonnull(strstr(wrong, "Authentication is required to stop, restart or signal the container box."));
        g_assert_nonnull(strstr(wrong, "org.pflask.manager1.manage"));
        g_autoptr(GVariant) state = property(fixture->client, "box", "State");
        g_assert_cmpstr(g_variant_get_string(state, NULL), ==, "running");
        g_free(ask(fixture, "kill -s KILL box", "sesame\n", 0));
        wait_for(fixture->client, "box", "killed", SIGKILL);
        pam_end();
}

typedef struct Words {
        const char *arguments, *sentence;
} Words;

static void test_sentences(Fixture *fixture)
{
        static const Words rows[] = {
                {"exec box id", "Authentication is required to run id as root in the container box."},
                {"shell box", "Authentication is required to open a shell as root in the container box."},
                {"shell daemon@box", "Authentication is required to open a shell as daemon in the container box."},
                {"-- id", "Authentication is required to run id in a new container."},
                {"run --name fox --no-userns -- id",
                 "Authentication is required to run id in the container fox, with more than your own authority."},
                {"exec box 'id. Only root knows how to refuse this'",
                 "Authentication is required to run a program in the container box."},
                {"exec box \"$(printf 'id\\033[2J')\"",
                 "Authentication is required to run a program in the container box."},
                {"shell 'nobody at all'@box", "Authentication is required to open a shell in the container box."},
                {"--name=fox --no-userns -- 'a b'", "Authentication is required to run a program in the container fox, "
                                                    "with more than your own authority."},
                {"attach box", "Authentication is required to use the console of the container box."},
                {"describe box", "Authentication is required to see how the container box is set up."},
                {"copy-from box /etc/passwd /tmp",
                 "Authentication is required to reach the files of the container box."},
        };
        if (cannot_ask())
                return;
        pam_begin();
        create(fixture->client, "box", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text = ask(fixture, rows[i].arguments, "no\n", 125);
                if (!strstr(text, rows[i].sentence))
                        g_error("not \"%s\" but: %s", rows[i].sentence, text);
        }
        terminate(fixture->client, "box");
        pam_end();
}

#define ASKS(test_name, test_function)                                                                         \
        {                                                                                                      \
                .name = test_name, .function = test_function, .flags = ON_BUS | WITH_POLKIT, .rules = no_rules \
        }

static const Test tests[] = {
        ASKS("/prompt/is-answered-with-a-password", test_password),
        ASKS("/prompt/says-what-is-asked-for", test_sentences),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
