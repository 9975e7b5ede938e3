/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command is left with: capabilities(7), credentials(7). Each case executes a program and reads its status. */
#include "container/capabilities.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "common/fd.h"
#include "common/macros.h"
#include "common/process.h"
#include "container/identity.h"
#include "container/idmap.h"
#include "container/users.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* ---- the grammar ---- */

static int read_words(const char *words, Capabilities *ret, Failure *failure)
{
        g_auto(GStrv) list = g_strsplit(words, " ", -1);

        return capabilities_read(list, ret, failure);
}

static void words_mean_what_they_did(void)
{
        static const struct {
                const char *words;
                uint64_t limit, named;
                bool is_all;
        } rows[] = {
                {"all", UINT64_MAX, 0, true},
                {"+ALL", UINT64_MAX, 0, true},
                {"-all", 0, 0, false},
                {"-All net_raw", BIT(CAP_NET_RAW), BIT(CAP_NET_RAW), false},
                {"-all +CAP_NET_RAW Cap_Chown", BIT(CAP_NET_RAW) | BIT(CAP_CHOWN), BIT(CAP_NET_RAW) | BIT(CAP_CHOWN),
                 false},
                {"-net_raw", ~BIT(CAP_NET_RAW), 0, false},
                {"+net_raw", UINT64_MAX, BIT(CAP_NET_RAW), false},
                {"all -cap_sys_admin", ~BIT(CAP_SYS_ADMIN), 0, true},
                {"+net_raw -net_raw", ~BIT(CAP_NET_RAW), 0, false},
        };
        Capabilities capabilities;
        Failure failure = {};

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                g_assert_cmpint(read_words(rows[i].words, &capabilities, &failure), ==, 0);
                g_assert_true(capabilities.is_given);
                g_assert_cmphex(capabilities.limit, ==, rows[i].limit);
                g_assert_cmphex(capabilities.named, ==, rows[i].named);
                g_assert_cmpint(capabilities.is_all, ==, rows[i].is_all);
        }
        g_assert_cmpint(capabilities_read(NULL, &capabilities, &failure), ==, 0);
        g_assert_false(capabilities.is_given);
        g_assert_cmphex(capabilities.limit, ==, UINT64_MAX);
}

static void unknown_words_are_named(void)
{
        static const struct {
                const char *words, *named;
        } rows[] = {
                {"net_roww", "'net_roww'"},
                {"-all +nonsense", "'+nonsense'"},
                {"net_raw all", "'all'"},
                {"net_raw -ALL", "'-ALL'"},
                {"all all", "'all'"},
                {"+", "'+'"},
                {"cap_", "'cap_'"},
                {"cap_cap_chown", "'cap_cap_chown'"},
                {"--chown", "'--chown'"},
                {"all ", "''"},
                {"12", "'12'"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                Capabilities capabilities;
                Failure failure = {};
                g_assert_cmpint(read_words(rows[i].words, &capabilities, &failure), ==, -EINVAL);
                g_assert_cmpint(failure.kind, ==, FAILURE_INVALID_OPTION);
                g_assert_nonnull(strstr(failure.sentence, rows[i].named));
        }
}

/* ---- what a command is left with ---- */

/* A command to be, as set-up makes one of it. */
typedef struct Command {
        const char *words; /* of Capabilities; NULL: not given */
        User user;
        Identity identity;
        IdMaps *maps; /* NULL: no user namespace */
} Command;

/* @out closes when the command is executed; else it is told why not. */
static void command_execute(const Command *command, int go, int out)
{
        Capabilities capabilities = {.limit = UINT64_MAX};
        Failure failure = {};
        char byte;

        g_assert_cmpint(read(go, &byte, 1), ==, 1);
        if (command->words)
                g_assert_cmpint(read_words(command->words, &capabilities, &failure), ==, 0);
        int r = command->maps ? identity_assume(&command->identity, command->maps, &failure) : 0;
        if (r >= 0)
                r = identity_become(&command->user, &command->identity, command->maps, &capabilities, &failure);
        if (r < 0) {
                dprintf(out, "failed: %s", failure.sentence);
                _exit(EXIT_SUCCESS);
        }
        dup2(go, STDIN_FILENO);
        execl("/bin/cat", "cat", NULL);
        _exit(EXIT_FAILURE);
}

static char *read_all(int fd)
{
        GString *text = g_string_new(NULL);
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                g_string_append_len(text, buffer, n);
        g_assert_cmpint(n, ==, 0);
        return g_string_free(text, FALSE);
}

/* /proc/PID/status of the command, or why there is none. */
static char *command_run(const Command *command)
{
        int go[2], out[2], pidfd, status;
        Groups groups;
        Failure failure = {};
        char path[32];

        g_assert_no_errno(pipe2(go, O_CLOEXEC));
        g_assert_no_errno(pipe2(out, O_CLOEXEC));
        g_assert_cmpint(identity_lend_groups(&command->identity, &groups, &failure), ==, 0);
        pid_t pid = process_clone(command->maps ? CLONE_NEWUSER : 0, -EBADF, &pidfd);
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                fd_close(go[1]);
                command_execute(command, go[0], out[1]);
        }
        g_assert_cmpint(identity_return_groups(&groups), ==, 0);
        fd_close(out[1]);
        snprintf(path, sizeof(path), "/proc/%d", pid);
        _cleanup_(fd_closep) int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (command->maps)
                g_assert_cmpint(idmaps_write(proc, command->maps, &failure), ==, 0);
        g_assert_cmpint(write(go[1], "", 1), ==, 1);
        char *text = read_all(out[0]);
        if (!*text) {
                _cleanup_(freep) char *read = NULL;
                g_assert_cmpint(fd_read_file(proc, "status", 65536, &read, NULL), ==, 0);
                g_free(text);
                text = g_strdup(read);
        }
        fd_close(go[0]);
        fd_close(go[1]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        fd_close(out[0]);
        fd_close(pidfd);
        return text;
}

static char *field(const char *status, const char *name)
{
        g_autofree char *pattern = g_strdup_printf("^%s:[ \\t]*(.*?)[ \\t]*$", name);
        g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
        g_autoptr(GMatchInfo) match = NULL;

        g_assert_true(g_regex_match(regex, status, 0, &match));
        return g_match_info_fetch(match, 1);
}

static uint64_t set_of(const char *status, const char *name)
{
        g_autofree char *text = field(status, name);

        return g_ascii_strtoull(text, NULL, 16);
}

static void assert_sets(const char *status, uint64_t permitted, uint64_t bounding, uint64_t ambient)
{
        g_assert_cmphex(set_of(status, "CapPrm"), ==, permitted);
        g_assert_cmphex(set_of(status, "CapEff"), ==, permitted);
        g_assert_cmphex(set_of(status, "CapBnd"), ==, bounding);
        g_assert_cmphex(set_of(status, "CapInh"), ==, ambient);
        g_assert_cmphex(set_of(status, "CapAmb"), ==, ambient);
}

static void assert_field(const char *status, const char *name, const char *expected)
{
        g_autofree char *text = field(status, name);

        g_assert_cmpstr(text, ==, expected);
}

/* What this process has is all that can be handed on. */
static uint64_t own_set(void)
{
        g_autofree char *status = NULL;

        g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
        return set_of(status, "CapPrm");
}

static gid_t root_groups[] = {0}, alice_groups[] = {27, 1000, 1001};
static const User root = {.uid = 0, .gid = 0, .groups = root_groups, .n_groups = 1};
static const User alice = {.uid = 1000, .gid = 1000, .groups = alice_groups, .n_groups = 3};

/* The sets of root, then those of a user; A16, A24: inheritable is empty but for a user who was given something. */
static void sets_are_consistent(gconstpointer with_user_namespace)
{
        IdMap identity_map[] = {{0, 0, 65536}};
        IdMaps maps = {identity_map, 1, identity_map, 1, false};
        bool is_mapped = GPOINTER_TO_INT(with_user_namespace);
        const uint64_t raw = BIT(CAP_NET_RAW);
        /* A new user namespace has every capability that there is. */
        g_autofree char *plain = command_run(&(Command){.user = root, .maps = is_mapped ? &maps : NULL});
        const uint64_t all = set_of(plain, "CapPrm");
        const struct {
                const char *words;
                uint64_t root, bounding, user;
        } rows[] = {
                {NULL, all, all, 0},
                {"all", all, all, all},
                {"-all", 0, 0, 0},
                {"-all net_raw", raw, raw, raw},
                {"-net_raw", all & ~raw, all & ~raw, 0},
                {"net_raw", all, all, raw},
                {"all -net_raw", all & ~raw, all & ~raw, all & ~raw},
        };

        if (!is_mapped)
                g_assert_cmphex(all, ==, own_set());
        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                Command command = {.words = rows[i].words, .user = root, .maps = is_mapped ? &maps : NULL};
                g_autofree char *as_root = command_run(&command);
                assert_sets(as_root, rows[i].root, rows[i].bounding, 0);
                command.user = alice;
                g_autofree char *as_alice = command_run(&command);
                assert_sets(as_alice, rows[i].user, rows[i].bounding, rows[i].user);
                assert_field(as_alice, "Uid", "1000\t1000\t1000\t1000");
                assert_field(as_alice, "Gid", "1000\t1000\t1000\t1000");
                assert_field(as_alice, "Groups", "27 1000 1001");
        }
}

static void what_is_not_to_be_had_is_named(void)
{
        const uint64_t own = own_set();

        for (unsigned number = 0; number <= CAP_LAST_CAP; number++) {
                if (own & BIT(number))
                        continue;
                g_autofree char *word = g_strdup_printf("+%s", number == CAP_SYS_RESOURCE ? "sys_resource" : "");
                if (!word[1])
                        continue;
                g_autofree char *told = command_run(&(Command){.words = word, .user = root});
                g_assert_nonnull(strstr(told, "cannot give capability sys_resource"));
                return;
        }
        g_test_skip("root has CAP_SYS_RESOURCE here");
}

/* ---- identities ---- */

static gid_t caller_groups[] = {27, 100, 44};
static const Identity caller = {
        .uid = 4000, .gid = 100, .groups = caller_groups, .n_groups = ELEMENTS(caller_groups), .is_confined = true};

/* CVE-2018-7169: had it worked, the caller could have dropped a group that is denied something. */
static void caller_keeps_the_groups(void)
{
        IdMap uids[] = {{0, 4000, 1}, {1, 100000, 10}}, gids[] = {{0, 100, 1}, {1, 100000, 10}};
        IdMaps denied = {uids, 1, gids, 1, true}, allowed = {uids, 2, gids, 2, false};
        Command command = {.user = root, .identity = caller, .maps = &denied};

        g_autofree char *status = command_run(&command);
        assert_field(status, "Uid", "4000\t4000\t4000\t4000");
        assert_field(status, "Gid", "100\t100\t100\t100");
        assert_field(status, "Groups", "27 44 100");
        g_assert_cmphex(set_of(status, "CapInh"), ==, 0);
        command.maps = &allowed;
        g_autofree char *kept = command_run(&command);
        assert_field(kept, "Groups", "27 44 100");
        /* Somebody else in the container isn't the caller, and groups that aren't mapped are left out. */
        gid_t groups[] = {3, 9, 1001};
        command.user = (User){.uid = 2, .gid = 3, .groups = groups, .n_groups = ELEMENTS(groups)};
        g_autofree char *other = command_run(&command);
        assert_field(other, "Uid", "100001\t100001\t100001\t100001");
        assert_field(other, "Gid", "100002\t100002\t100002\t100002");
        assert_field(other, "Groups", "100002 100008");
        assert_sets(other, 0, set_of(status, "CapBnd"), 0);
        /* These groups are the parent's again. */
        gid_t mine[64];
        int n = getgroups(ELEMENTS(mine), mine);
        for (int i = 0; i < n; i++)
                g_assert_cmpuint(mine[i], !=, 44);
}

static void user_mapped_to_itself(void)
{
        IdMap map[] = {{1000, 1000, 1}};
        IdMaps maps = {map, 1, map, 1, false};
        g_autofree char *status = command_run(&(Command){.user = alice, .maps = &maps});

        assert_field(status, "Uid", "1000\t1000\t1000\t1000");
        assert_field(status, "Groups", "1000");
        g_assert_cmphex(set_of(status, "CapEff"), ==, 0);
        g_autofree char *named = command_run(&(Command){.words = "-all net_raw", .user = alice, .maps = &maps});
        assert_sets(named, BIT(CAP_NET_RAW), BIT(CAP_NET_RAW), BIT(CAP_NET_RAW));
}

static void user_who_is_not_mapped_is_refused(void)
{
        IdMap map[] = {{0, 100000, 10}};
        IdMaps maps = {map, 1, map, 1, false};
        g_autofree char *told = command_run(&(Command){.user = alice, .maps = &maps});

        g_assert_nonnull(strstr(told, "failed: "));
        g_assert_nonnull(strstr(told, "uid 1000"));
        g_assert_nonnull(strstr(told, "not in the user map"));
}

/* What set-up is, before it becomes the user of the command. */
static void assume_and_tell(const Identity *identity, const IdMaps *maps, uid_t uid, gid_t gid)
{
        int go[2], pidfd, status;
        Groups groups;
        Failure failure = {};
        char path[32];

        g_assert_no_errno(pipe2(go, O_CLOEXEC));
        g_assert_cmpint(identity_lend_groups(identity, &groups, &failure), ==, 0);
        pid_t pid = process_clone(CLONE_NEWUSER, -EBADF, &pidfd);
        if (pid == 0) {
                fd_close(go[1]);
                g_assert_cmpint(read(go[0], path, 1), ==, 1);
                g_assert_cmpint(identity_assume(identity, maps, &failure), ==, 0);
                g_assert_cmpuint(getuid(), ==, uid);
                g_assert_cmpuint(getegid(), ==, gid);
                g_assert_cmpint(getgroups(0, NULL), ==, (int)identity->n_groups);
                g_autofree char *text = NULL;
                g_assert_true(g_file_get_contents("/proc/self/status", &text, NULL, NULL));
                g_assert_cmphex(set_of(text, "CapEff"), ==, set_of(text, "CapBnd"));
                g_assert_cmphex(set_of(text, "CapEff") & BIT(CAP_SYS_ADMIN), !=, 0);
                _exit(EXIT_SUCCESS);
        }
        g_assert_cmpint(identity_return_groups(&groups), ==, 0);
        snprintf(path, sizeof(path), "/proc/%d", pid);
        _cleanup_(fd_closep) int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(idmaps_write(proc, maps, &failure), ==, 0);
        g_assert_cmpint(write(go[1], "", 1), ==, 1);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        fd_close(go[0]);
        fd_close(go[1]);
        fd_close(pidfd);
}

static void set_up_is_the_caller(void)
{
        const Identity privileged = {};
        IdMap uids[] = {{5, 100000, 10}, {2, 4000, 1}}, gids[] = {{5, 100000, 10}, {20, 100, 1}},
              one[] = {{9, 1000, 1}};
        const IdMaps maps = {uids, 2, gids, 2, false}, granted = {uids, 1, gids, 1, false},
                     self = {one, 1, one, 1, false};

        assume_and_tell(&caller, &maps, 2, 20);
        assume_and_tell(&caller, &granted, 5, 5);
        assume_and_tell(&privileged, &maps, 2, 5);
        assume_and_tell(&privileged, &self, 9, 9);
}

static void copies_are_deep(void)
{
        Identity copy;

        g_assert_cmpint(identity_copy(&caller, &copy), ==, 0);
        g_assert_true(copy.groups != caller.groups);
        g_assert_cmpmem(copy.groups, copy.n_groups * sizeof(gid_t), caller_groups, sizeof(caller_groups));
        identity_done(&copy);
        identity_done(&copy);
        g_assert_null(copy.groups);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/capabilities/words-mean-what-they-did", words_mean_what_they_did);
        g_test_add_func("/capabilities/unknown-words-are-named", unknown_words_are_named);
        if (geteuid() == 0) {
                g_test_add_data_func("/capabilities/A16-sets-are-consistent", GINT_TO_POINTER(false),
                                     sets_are_consistent);
                g_test_add_data_func("/capabilities/A16-sets-are-consistent-in-a-user-namespace", GINT_TO_POINTER(true),
                                     sets_are_consistent);
                g_test_add_func("/capabilities/what-is-not-to-be-had-is-named", what_is_not_to_be_had_is_named);
                g_test_add_func("/identity/a-caller-keeps-the-groups", caller_keeps_the_groups);
                g_test_add_func("/identity/a-user-mapped-to-itself", user_mapped_to_itself);
                g_test_add_func("/identity/a-user-who-is-not-mapped-is-refused", user_who_is_not_mapped_is_refused);
                g_test_add_func("/identity/the-set-up-is-the-caller", set_up_is_the_caller);
        }
        g_test_add_func("/identity/copies-are-deep", copies_are_deep);
        return g_test_run();
}
