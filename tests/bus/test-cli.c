/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client in scripts
 *
 * pflask is a good word in a pipeline: bytes pass as they are, the exit status is the command's, and what went wrong is
 * told on stderr. Each row is a script, run by sh with $pflask as the client; standard input is empty.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/fd.h"
#include "fixture.h"

typedef struct Row {
        const char *promise;
        const char *script;
        int status;
        const char *out; /* all of it; NULL: whatever */
        const char *err; /* a part of it; NULL: there is nothing on stderr */
} Row;

static const Row rows[] = {
        {"exit-status-is-the-commands", "$pflask -- sh -c 'exit 7'", 7, "", NULL},
        {"exit-status-of-success", "$pflask -- true", 0, "", NULL},
        {"death-by-signal-is-128-and-the-signal", "$pflask -- sh -c 'kill -9 $$'", 137, "", NULL},
        {"death-by-signal-15", "$pflask -- sh -c 'kill -15 $$'", 143, "", NULL},
        {"missing-command-is-127-and-named", "$pflask -- no-such-command", 127, "",
         "pflask: cannot find command no-such-command: No such file or directory\n"},
        {"verb-with-a-slip-is-guessed", "$pflask lst --no-legend", 127, "", "; did you mean the verb 'list'?\n"},
        {"command-behind-dashes-is-not-guessed-at", "$pflask -- lst", 127, "",
         "pflask: cannot find command lst: No such file or directory\n"},
        {"directory-as-command-is-126", "$pflask -- /etc", 126, "", "/etc"},
        {"file-that-is-no-program-is-126", "$pflask -- /etc/passwd", 126, "", "/etc/passwd"},
        {"unknown-option-is-125", "$pflask --no-such-option -- true", 125, "", "no-such-option"},
        {"option-before-its-verb-is-explained", "$pflask --json=short list", 125, "",
         "options of 'list' come behind it"},
        {"usage-ends-with-its-last-word", "$pflask list box", 125, "",
         "pflask: too many operands; usage: pflask list [OPTIONS]\n"},
        {"missing-root-is-named-whatever-its-name", "$pflask --chroot=$(printf '/no\\377') -- true", 125, "",
         "cannot open /no\\xff: No such file or directory"},
        {"direct-manager-that-cannot-begin-names-the-limit",
         "unshare --mount --map-root-user sh -c 'echo 0 >/proc/sys/user/max_inotify_instances; exec $0 list --direct' "
         "$pflask 2>f; echo $?; cat f; rm f",
         0,
         "125\n"
         "pflask-manager: cannot watch /run/pflask/containers: Too many open files (fs.inotify.max_user_instances)\n"
         "pflask: pflask-manager ended before it had answered\n",
         NULL},
        {"direct-manager-that-cannot-begin-names-the-kind-of-namespaces",
         "unshare --mount --map-root-user sh -c 'echo 0 >/proc/sys/user/max_mnt_namespaces; exec $0 list --direct' "
         "$pflask 2>f; echo $?; cat f; rm f",
         0,
         "125\n"
         "pflask-manager: cannot clone the mount of pflask-supervisor: No space left on device "
         "(user.max_mnt_namespaces)\n"
         "pflask: pflask-manager ended before it had answered\n",
         NULL},
        {"container-without-its-namespaces-names-their-kind",
         "for kind in uts ipc pid; do unshare --mount --map-root-user sh -c \"echo 0 "
         ">/proc/sys/user/max_${kind}_namespaces; "
         "exec $pflask --direct -- true\"; done 2>f; cat f; rm f",
         0,
         "pflask: true: cannot clone the leader: user.max_uts_namespaces=0 is reached: No space left on device\n"
         "pflask: true: cannot clone the leader: user.max_ipc_namespaces=0 is reached: No space left on device\n"
         "pflask: true: cannot clone the leader: user.max_pid_namespaces=0 is reached: No space left on device\n",
         ""},
        {"direct-manager-without-descriptors-names-the-limit-wherever-it-is",
         "n=6; while [ $n -lt 64 ] && ! (ulimit -n $n; exec $pflask list --direct) >f 2>&1; do "
         "grep -q RLIMIT_NOFILE f || { echo $n; cat f; }; n=$((n + 1)); done; cat f; rm f",
         0, "No containers.\n", ""},
        {"bad-name-is-125", "$pflask --name=../x -- true", 125, "", "pflask: invalid name '../x'"},
        {"missing-directory-is-125", "$pflask --chdir=/no/such -- true", 125, "",
         "pflask: true: cannot enter /no/such: No such file or directory\n"},
        {"name-is-what-a-sentence-is-about", "$pflask --name=box --chdir=/no/such -- true", 125, "",
         "pflask: box: cannot enter /no/such: No such file or directory\n"},
        {"run-verb-is-the-same", "$pflask run -- sh -c 'exit 7'", 7, "", NULL},
        {"nul-bytes-pass", "printf 'a\\0b' | $pflask -- cat | od -An -c", 0, "   a  \\0   b\n", NULL},
        {"ctrl-at-in-a-pipe-is-a-byte", "printf '\\0\\0\\0' | $pflask -- cat | od -An -tx1", 0, " 00 00 00\n", NULL},
        {"stderr-stays-apart", "$pflask -- sh -c 'echo e >&2' 2>f; cat f; rm f", 0, "e\n", NULL},
        {"end-of-input-arrives", "echo x | $pflask -- sh -c 'cat; echo after'", 0, "x\nafter\n", NULL},
        {"standard-input-stays-for-the-next", "printf '1\\n2\\n' | { $pflask -- true; cat; }", 0, "1\n2\n", NULL},
        {"directory-is-the-callers", "cd /usr/bin && $pflask -- pwd", 0, "/usr/bin\n", NULL},
        {"environment-is-the-callers", "WORD='a b' $pflask -- sh -c 'echo \"$WORD\"'", 0, "a b\n", NULL},
        {"environment-says-container", "$pflask -- sh -c 'echo $container'", 0, "pflask\n", NULL},
        {"setenv", "$pflask --setenv=WORD=x -- sh -c 'echo $WORD'", 0, "x\n", NULL},
        {"chdir", "$pflask --chdir=/usr/lib -- pwd", 0, "/usr/lib\n", NULL},
        {"hostname", "$pflask --hostname=inside -- uname -n", 0, "inside\n", NULL},
        {"no-utsns", "test $($pflask --no-utsns -- readlink /proc/self/ns/uts) = $(readlink /proc/self/ns/uts)", 0, "",
         NULL},
        {"uts-namespace-by-default", "test $($pflask -- readlink /proc/self/ns/uts) != $(readlink /proc/self/ns/uts)",
         0, "", NULL},
        {"arguments-pass-as-they-are", "$pflask -- printf '%s|' a 'b c' '' '*' --name=x", 0, "a|b c||*|--name=x|",
         NULL},
        {"output-of-100-megabytes-through-pipes",
         "head -c 100000000 /dev/urandom >f; a=$(sha256sum <f); b=$($pflask -- cat <f | sha256sum); rm f; "
         "test \"$a\" = \"$b\"",
         0, "", NULL},
        {"output-of-100-megabytes-through-the-pty",
         "a=$(seq 1 12000000 | sha256sum); b=$($pflask -t -- sh -c 'stty raw -echo; exec seq 1 12000000' </dev/null | "
         "sha256sum); test \"$a\" = \"$b\"",
         0, "", NULL},
        {"background-process-does-not-delay-a-pty", "timeout 1 $pflask -t -- sh -c 'sleep 60 & echo hi' </dev/null", 0,
         "hi\r\n", NULL},
        {"closed-output-ends-it", "$pflask -- yes 2>/dev/null | head -n1", 0, "y\n", NULL},
        {"detach-leaves-it-running",
         "$pflask --detach --name=box -- sh -c 'exec sleep 100' >/dev/null && $pflask list | grep -qw box && "
         "$pflask terminate box; $pflask wait box",
         137, "", NULL},
        {"wait-has-the-status",
         "$pflask --detach --name=box -- sh -c 'sleep 0.2; exit 7' >/dev/null && $pflask wait box", 7, "", NULL},
        {"kill-reaches-it",
         "$pflask --detach --name=box -- sleep 100 >/dev/null && $pflask kill --signal=KILL box; $pflask wait box", 137,
         "", NULL},
        {"logs-can-be-read-twice",
         "$pflask --detach -t --name=box -- sh -c 'stty -opost; echo word; exec sleep 100' >/dev/null && "
         "until $pflask logs box | grep -q word; do :; done; $pflask logs box; $pflask logs box; "
         "$pflask terminate box; $pflask wait box",
         137, "word\nword\n", NULL},
        {"logs-begin-with-the-last-lines",
         "$pflask --detach -t --name=box -- sh -c 'stty -opost; seq 1 99; exec sleep 100' >/dev/null && "
         "until $pflask logs box | grep -q 99; do :; done; $pflask logs -n 2 box; $pflask logs --lines=0 box; "
         "$pflask terminate box; $pflask wait box",
         137, "98\n99\n", NULL},
        {"logs-follow-until-the-end",
         "$pflask --detach -t --name=box -- sh -c 'stty -opost; echo first; sleep 0.3; seq 1 9999; exit 3' >/dev/null "
         "&& "
         "$pflask logs -f box | md5sum; { echo first; seq 1 9999; } | md5sum; $pflask wait box",
         3, "fdd77e0d2c483d2b8e25ca25ad649e4c  -\nfdd77e0d2c483d2b8e25ca25ad649e4c  -\n", NULL},
        {"logs-of-nobody-is-125", "$pflask logs -f absent", 125, "", "pflask: no container 'absent'\n"},
        {"list-of-nothing-succeeds", "$pflask list >/dev/null", 0, "", NULL},
        {"status-has-the-tree-of-processes",
         "$pflask --detach --name=box -- sh -c 'sleep 4321 & wait' >/dev/null && until $pflask status box | "
         "grep -q '[0-9] sleep 4321'; do :; done; $pflask terminate box; $pflask status box | grep -c -e 'killed by "
         "SIGKILL' "
         "-e 4321; $pflask wait box",
         137, "1\n", NULL},
        {"what-is-shown-as-json-can-be-chosen",
         "$pflask --detach --name=box -- sleep 100 >/dev/null && $pflask show --json=short -p Name,State box && "
         "$pflask status --json=short box | grep -c '\"Command\":\"sleep 100\"'; $pflask terminate box; $pflask wait "
         "box",
         137, "{\"Name\":\"box\",\"State\":\"running\"}\n1\n", NULL},
        {"status-of-nobody-is-125", "$pflask status absent", 125, "", "pflask: no container 'absent'\n"},
        {"attach-to-nobody-is-125", "$pflask attach absent", 125, "", "pflask: no container 'absent'\n"},
        {"exec-in-nobody-is-125", "$pflask exec absent true", 125, "", "pflask: no container 'absent'\n"},
        {"shell-in-nobody-is-125", "$pflask shell root@absent", 125, "", "pflask: no container 'absent'\n"},
        /* What the command says that it runs is a signal's to go by, though pflask may not have heard of it yet. */
        {"a-signal-reaches-a-command-that-has-just-begun",
         "i=0; while [ $i -lt 20 ]; do i=$((i + 1)); rm -f f; mkfifo f; "
         "env --default-signal=INT,QUIT $pflask -- sh -c 'trap \"exit 9\" INT QUIT; echo up; while :; do sleep 100 & "
         "wait; "
         "done' >f & p=$!; read word <f; case $((i % 2)) in 0) kill -INT $p ;; *) kill -QUIT $p ;; esac; "
         "wait $p; [ $? = 9 ] || { echo round $i; break; }; done; rm f",
         0, "", NULL},
        {"monitor-tells-what-happens",
         "$pflask monitor --json=short >f & m=$!; until grep -qsx "
         "'{\"event\":\"exited\",\"name\":\"box\",\"result\":\"exited\",\"status\":4}' f; do "
         "$pflask -d --name=box -- sh -c 'sleep 0.1; exit 4' >/dev/null; $pflask wait box; done; "
         "{ kill $m; wait $m; } 2>/dev/null; rm f",
         0, "", NULL},
        {"wait-tells-results-as-json",
         "for i in 1 2; do $pflask -d --name=box$i -- sleep 100 >/dev/null; done; "
         "$pflask kill -s KILL --who=all box1 box2; $pflask wait --json=short box1 box2",
         137,
         "[{\"name\":\"box1\",\"result\":\"killed\",\"status\":9},"
         "{\"name\":\"box2\",\"result\":\"killed\",\"status\":9}]\n",
         NULL},
        {"wait-any-names-the-first",
         "$pflask -d --name=long -- sleep 100 >/dev/null; $pflask -d --name=short -- sh -c 'exit 5' >/dev/null; "
         "$pflask wait --any long short; echo $?; $pflask kill -s KILL long; $pflask wait --any --json=short long",
         137, "short\n5\n[{\"name\":\"long\",\"result\":\"killed\",\"status\":9}]\n", NULL},
        {"kill-has-the-words-of-systemctl",
         "$pflask -d -t --name=box -- sh -c 'trap \"exit 6\" USR1; echo up; while :; do sleep 100 & wait; done' "
         ">/dev/null; until $pflask logs box | grep -q up; do :; done; $pflask kill -s USR1 --who=leader box; "
         "$pflask wait box",
         6, "", NULL},
        {"kill-of-no-signal-is-125", "$pflask kill -s NOSUCH box", 125, "", "pflask: there is no signal 'NOSUCH'"},
        {"kill-of-one-of-two-is-125",
         "$pflask -d --name=box -- sleep 100 >/dev/null; $pflask kill -s KILL absent box; echo $?; $pflask wait box",
         137, "125\n", "pflask: no container 'absent'\n"},
        {"names-are-shown-escaped", "$pflask kill \"$(printf 'a\\033[1m\\nb')\"", 125, "", "a\\x1b[1m\\x0ab"},
        {"wait-for-nobody-is-125", "$pflask wait absent", 125, "", "pflask: no container 'absent'\n"},
        {"kill-of-nobody-is-125", "$pflask kill absent", 125, "", "pflask: no container 'absent'\n"},
        /* Who waited for it is gone, and can have been told of its end as well as not. */
        {"killing-the-client-ends-the-container",
         "$pflask --name=box -- sh -c 'echo ready; exec sleep 100' >f & p=$!; until grep -qs ready f; do :; done; "
         "rm f; kill -9 $p; $pflask wait box 2>/dev/null; $pflask list | grep -c running",
         1, "0\n", NULL},
        {"help", "$pflask --help >f && grep -q -- --name f && rm f", 0, "", NULL},
        {"version", "$pflask --version | grep -q 0.1.0", 0, "", NULL},
};

static void assert_shell(Fixture *fixture, const char *script, int status, const char *out, const char *err)
{
        g_autofree char *actual_out = NULL, *actual_err = NULL;

        int actual = shell(fixture, script, &actual_out, &actual_err);
        g_test_message("%s: status %d, stderr: %s", script, actual, actual_err);
        if (err)
                g_assert_nonnull(strstr(actual_err, err));
        else
                g_assert_cmpstr(actual_err, ==, "");
        if (out)
                g_assert_cmpstr(actual_out, ==, out);
        g_assert_cmpint(actual, ==, status);
}

static void test_row(Fixture *fixture)
{
        const Row *row = fixture->test->row;

        assert_shell(fixture, row->script, row->status, row->out, row->err);
}

/* Both cores busy meanwhile: whoever ends a relay when the leader ends loses the last bytes now and then. */
static void last_words(Fixture *fixture, const char *script)
{
        g_autofree char *whole = g_strdup_printf(
                "sha=$(seq 1 200000 | sha256sum); yes >/dev/null & one=$!; yes >/dev/null & two=$!; i=0; "
                "while [ $i -lt %u ]; do [ \"$(%s | sha256sum)\" = \"$sha\" ] || { echo round $i; break; }; "
                "i=$((i + 1)); done; kill $one $two",
                rounds(200), script);

        assert_shell(fixture, whole, 0, "", NULL);
}

static void test_last_words_pipes(Fixture *fixture)
{
        last_words(fixture, "$pflask -- seq 1 200000");
}

static void test_last_words_pty(Fixture *fixture)
{
        last_words(fixture, "$pflask -t -- sh -c 'stty raw -echo; exec seq 1 200000' </dev/null");
}

/*
 * By ssh, of which only the command line is left here: what comes behind the host is run on this one. A verb that needs
 * descriptors doesn't even start it.
 */
static void test_by_ssh(Fixture *fixture)
{
        static const Row by_ssh[] = {
                {"", "pflask list -H someone@far --no-legend", 0, "", NULL},
                {"", "pflask --host far run -d --name=box -- sh -c 'pwd; exec sleep 100'", 0, "box\n", NULL},
                {"", "pflask --host=far show -p State box", 0, "State=running\n", NULL},
                {"", "until pflask logs -H far box | grep -q ^/; do :; done", 0, "", NULL},
                {"", "NO_SSH=1 pflask attach -H far box", 125, "", "ssh -t far pflask attach box"},
                {"", "NO_SSH=1 pflask exec -H far box true", 125, "", "ssh -t far pflask exec box"},
                {"", "NO_SSH=1 pflask shell -H far box", 125, "", "ssh -t far pflask shell box"},
                {"", "NO_SSH=1 pflask logs -f -H far box", 125, "", "ssh -t far pflask logs -f box"},
                {"", "NO_SSH=1 pflask run -H far -- true", 125, "", "--detach"},
                {"", "NO_SSH=1 pflask run -H far -dT -- true", 125, "", "descriptors"},
                {"", "NO_SSH=1 pflask run -H far -d --chroot=here -- true", 125, "", "relative"},
                {"", "NO_SSH=1 pflask run -H far -d --mount=bind:here:/there -- true", 125, "", "relative"},
                {"", "NO_SSH=1 pflask list -H far --direct", 125, "", "exclude"},
                {"", "NO_SSH=1 pflask list -H -oProxyCommand=x", 125, "", "neither a host"},
                {"", "pflask bind -H far box here /there", 125, "", "relative"},
                {"", "pflask list -H nowhere", 125, "", "nowhere"},
                {"", "pflask kill -H far -s KILL box && pflask wait -H far box", 137, "", NULL},
        };

        for (guint i = 0; i < G_N_ELEMENTS(by_ssh); i++) {
                g_autofree char *script = g_strconcat(
                        "mkdir bin && printf '%s\\n' '#!/bin/sh' '[ -z \"$NO_SSH\" ] && [ \"$3\" != nowhere ] || exit "
                        "255' "
                        "'shift 3; exec \"$@\"' >bin/ssh && chmod +x bin/ssh && trap 'rm -r bin' EXIT && "
                        "PATH=$PWD/bin:$(dirname \"$pflask\"):$PATH && ",
                        by_ssh[i].script, NULL);
                assert_shell(fixture, script, by_ssh[i].status, by_ssh[i].out, by_ssh[i].err);
        }
}

/* The second question is answered, so the first has been heard when the manager is killed. */
static void test_wait_without_a_manager(Fixture *fixture)
{
        _cleanup_(fd_closep) int out = -EBADF;
        int status;
        pid_t pid;

        create(fixture->client, "box", "exec sleep 100", NULL);
        create(fixture->client, "quick", "exit 0", NULL);
        out = shell_on_terminal(fixture, "exec $pflask wait box quick", 24, 80, &pid);
        await_n_containers(fixture->client, 1);
        fixture_stop_manager(fixture, SIGKILL);
        fixture_start_manager(fixture);
        g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "all", SIGKILL));
        g_autoptr(GByteArray) said = read_until_end(out);
        g_assert_cmpuint(said->len, ==, 0);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 137);
}

static const Test others[] = {
        TEST("/cli/wait-is-asked-again-when-the-manager-was-killed", test_wait_without_a_manager, ON_BUS),
        TEST("/cli/by-ssh-goes-all-that-needs-no-descriptor", test_by_ssh, ON_BUS),
        TEST("/cli/last-words-are-complete-through-pipes", test_last_words_pipes, ON_ALL),
        TEST("/cli/last-words-are-complete-through-the-pty", test_last_words_pty, ON_ALL),
};

int main(int argc, char **argv)
{
        static Test tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(others)];

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
                tests[i] = (Test){.name = g_strconcat("/cli/", rows[i].promise, NULL),
                                  .function = test_row,
                                  .flags = ON_ALL,
                                  .row = &rows[i]};
        memcpy(tests + G_N_ELEMENTS(rows), others, sizeof(others));
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
