/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "common/fd.h"
#include "common/process.h"

static const Identity privileged = {};
static const Identity alice = {.uid = 1000, .gid = 100, .is_confined = true};

static void assert_broken(const IdMap *maps, size_t n, bool expected)
{
        Failure failure = {};

        g_assert_cmpint(idmap_is_broken(maps, n), ==, expected);
        g_assert_cmpint(idmap_validate(maps, n, &failure), ==, expected ? -EINVAL : 0);
        if (expected)
                g_assert_cmpint(failure.kind, ==, FAILURE_INVALID_OPTION);
}

static void broken_lists_are_refused(void)
{
        static const struct {
                IdMap maps[2];
                bool is_broken;
        } rows[] = {
                {{{0, 100000, 65536}, {65536, 200000, 1}}, false},
                {{{0, 100000, 65536}, {65535, 200000, 1}}, true}, /* in the container */
                {{{0, 100000, 65536}, {65536, 165535, 1}}, true}, /* on the host */
                {{{0, 100000, 0}, {1, 1, 1}}, true},
                {{{0, 0, UINT32_MAX}, {UINT32_MAX, UINT32_MAX, 1}}, true},
                {{{1, 0, UINT32_MAX}, {0, 1, 1}}, true},
                {{{0, UINT32_MAX - 1, 1}, {1, 0, 1}}, false},
                {{{0, UINT32_MAX - 1, 2}, {9, 9, 1}}, true},
                {{{5, 5, 10}, {0, 0, 5}}, false},
                {{{5, 5, 10}, {0, 0, 6}}, true},
        };
        IdMap many[341];

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                assert_broken(rows[i].maps, ELEMENTS(rows[i].maps), rows[i].is_broken);
        for (uint32_t i = 0; i < ELEMENTS(many); i++)
                many[i] = (IdMap){i * 2, i * 2, 1};
        assert_broken(many, 340, false);
        assert_broken(many, 341, true);
        /* The kernel takes less than a page of text: had it worked, it would have failed with the leader made. */
        for (uint32_t i = 0; i < 340; i++)
                many[i] = (IdMap){4000000000 + i * 2, 4000000000 + i * 2, 1};
        assert_broken(many, 340, true);
        assert_broken(NULL, 0, false);
}

static void ids_are_translated(void)
{
        static const IdMap maps[] = {{0, 1000, 1}, {1, 100000, 10}, {4000000000, 4100000000, 5}};
        static const struct {
                uint32_t container, host;
        } pairs[] = {{0, 1000}, {1, 100000}, {10, 100009}, {4000000004, 4100000004}};
        uint32_t id;

        for (unsigned i = 0; i < ELEMENTS(pairs); i++) {
                g_assert_true(idmap_to_host(maps, ELEMENTS(maps), pairs[i].container, &id));
                g_assert_cmpuint(id, ==, pairs[i].host);
                g_assert_true(idmap_to_container(maps, ELEMENTS(maps), pairs[i].host, &id));
                g_assert_cmpuint(id, ==, pairs[i].container);
        }
        g_assert_false(idmap_to_host(maps, ELEMENTS(maps), 11, &id));
        g_assert_false(idmap_to_host(maps, ELEMENTS(maps), UINT32_MAX, &id));
        g_assert_false(idmap_to_container(maps, ELEMENTS(maps), 0, &id));
        g_assert_false(idmap_to_container(maps, ELEMENTS(maps), 999, &id));
}

/* A5: had it worked, a container with somebody else's ids would have passed for its owner's own. */
static void only_own_and_granted_ids_are_within(void)
{
        static const IdRange ranges[] = {{165536, 65536}, {100000, 65536}, {0, 2}, {5000, 0}};
        static const struct {
                IdMap map;
                bool is_within;
        } rows[] = {
                {{0, 1000, 1}, true},
                {{0, 1000, 2}, false},
                {{0, 1001, 1}, false},
                {{0, 0, 1}, false}, /* granted, and yet */
                {{0, 1, 1}, true},
                {{0, 100000, 65536}, true},
                {{0, 100000, 131072}, true}, /* two that meet */
                {{0, 100000, 131073}, false},
                {{0, 99999, 2}, false},
                {{0, 5000, 1}, false},
                {{0, 100000, 0}, false},
                {{0, UINT32_MAX, 1}, false},
                {{0, 4294967290, 100}, false},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                g_assert_cmpint(idmap_is_within(&rows[i].map, 1, 1000, ranges, ELEMENTS(ranges)), ==,
                                rows[i].is_within);
        g_assert_true(idmap_is_within(&(IdMap){0, 1000, 1}, 1, 1000, NULL, 0));
        g_assert_false(idmap_is_within(&(IdMap){0, 0, UINT32_MAX}, 1, 1000, ranges, ELEMENTS(ranges)));
}

static char *text_of(const IdMap *maps, size_t n)
{
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < n; i++)
                g_string_append_printf(text, "%s%u:%u:%u", i ? " " : "", maps[i].container, maps[i].host,
                                       maps[i].count);
        return g_string_free(text, FALSE);
}

static void assert_confined(const IdRange *uids, size_t n_uids, const IdRange *gids, size_t n_gids,
                            const char *expected)
{
        _cleanup_(freep) IdMap *maps = NULL;
        size_t n;

        g_assert_cmpint(idmap_confined(&alice, uids, n_uids, gids, n_gids, &maps, &n), ==, 0);
        g_autofree char *text = text_of(maps, n);
        g_assert_cmpstr(text, ==, expected);
        g_assert_false(idmap_is_broken(maps, n));
        g_assert_true(idmap_is_within(maps, n, alice.uid, uids, n_uids));
        g_assert_true(idmap_is_within(maps, n, alice.uid, gids, n_gids));
}

static void confined_caller_is_root_with_what_was_granted(void)
{
        static const IdRange one[] = {{100000, 65536}}, other[] = {{150000, 65536}}, all[] = {{0, 2000}},
                             far[] = {{4294967000, 1000}};

        assert_confined(NULL, 0, NULL, 0, "0:1000:1");
        assert_confined(one, 1, NULL, 0, "0:1000:1");
        assert_confined(one, 1, one, 1, "0:1000:1 1:100000:65536");
        assert_confined(one, 1, other, 1, "0:1000:1 1:150000:15536");
        assert_confined(all, 1, all, 1, "0:1000:1 1:1:99 100:101:899 999:1001:999");
        assert_confined(far, 1, far, 1, "0:1000:1 1:4294967000:295");
}

static void assert_decided(const Spec *spec, const Identity *identity, const User *user, const char *uids,
                           const char *gids, bool is_setgroups_denied)
{
        _cleanup_(idmaps_freep) IdMaps *maps = NULL;
        Failure failure = {};

        g_assert_cmpint(idmaps_decide(spec, identity, user, &maps, &failure), ==, 0);
        g_autofree char *uids_text = text_of(maps->uids, maps->n_uids), *gids_text = text_of(maps->gids, maps->n_gids);
        g_assert_cmpstr(uids_text, ==, uids);
        g_assert_cmpstr(gids_text, ==, gids);
        g_assert_cmpint(maps->is_setgroups_denied, ==, is_setgroups_denied);
}

static void own_gid_goes_with_own_uid(void)
{
        const User user = {.uid = 1000, .gid = 100};
        IdMap one[] = {{0, 1000, 1}, {1, 100000, 10}}, self[] = {{1000, 1000, 1}}, wide[] = {{0, 999, 3}};
        Spec none = {}, spec = {.user_maps = one, .n_user_maps = ELEMENTS(one)};

        assert_decided(&none, &privileged, &user, "1000:1000:1", "100:100:1", false);
        assert_decided(&none, &alice, &user, "1000:1000:1", "100:100:1", true);
        assert_decided(&spec, &privileged, NULL, "0:1000:1 1:100000:10", "0:1000:1 1:100000:10", false);
        assert_decided(&spec, &alice, NULL, "0:1000:1 1:100000:10", "0:100:1 1:100000:10", false);
        spec.n_user_maps = 1;
        assert_decided(&spec, &alice, NULL, "0:1000:1", "0:100:1", true);
        spec.user_maps = self;
        assert_decided(&spec, &alice, NULL, "1000:1000:1", "100:100:1", true);
        /* Had it worked, alice of group 100 would have had group 1000, which is somebody else's. */
        spec.user_maps = wide;
        assert_decided(&spec, &alice, NULL, "0:999:3", "0:999:1 1:100:1 2:1001:1", false);
}

/* A process in a user namespace of its own that waits to be killed. */
static pid_t namespace_begin(int *ret_proc)
{
        char path[32];
        int pidfd;
        pid_t pid = process_clone(CLONE_NEWUSER, -EBADF, &pidfd);

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                pause();
                _exit(EXIT_FAILURE);
        }
        fd_close(pidfd);
        snprintf(path, sizeof(path), "/proc/%d", pid);
        *ret_proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(*ret_proc, >=, 0);
        return pid;
}

static void namespace_end(pid_t pid, int proc)
{
        fd_close(proc);
        g_assert_no_errno(kill(pid, SIGKILL));
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void kernel_takes_and_tells_them(void)
{
        IdMap uids[] = {{0, 1000, 1}, {1, 100000, 65536}}, gids[] = {{0, 100, 1}};
        const IdMaps maps = {uids, 2, gids, 1, true};
        _cleanup_(idmaps_freep) IdMaps *read = NULL;
        Failure failure = {};
        int proc;
        pid_t pid = namespace_begin(&proc);

        g_assert_cmpint(idmaps_read(proc, &read), ==, 0);
        g_assert_cmpuint(read->n_uids + read->n_gids, ==, 0);
        read = idmaps_free(read);
        g_assert_cmpint(idmaps_write(proc, &maps, &failure), ==, 0);
        g_assert_cmpint(idmaps_read(proc, &read), ==, 0);
        g_autofree char *uids_text = text_of(read->uids, read->n_uids), *gids_text = text_of(read->gids, read->n_gids);
        g_assert_cmpstr(uids_text, ==, "0:1000:1 1:100000:65536");
        g_assert_cmpstr(gids_text, ==, "0:100:1");
        g_assert_true(read->is_setgroups_denied);
        g_assert_cmpint(idmaps_write(proc, &maps, &failure), ==, -EPERM);
        g_assert_nonnull(strstr(failure.sentence, "setgroups"));
        namespace_end(pid, proc);
}

static void longest_list_is_taken(void)
{
        IdMap many[340];
        const IdMaps maps = {many, ELEMENTS(many), many, ELEMENTS(many), false};
        _cleanup_(idmaps_freep) IdMaps *read = NULL;
        Failure failure = {};
        int proc;
        pid_t pid = namespace_begin(&proc);

        for (uint32_t i = 0; i < ELEMENTS(many); i++)
                many[i] = (IdMap){i * 2, 1000 + i * 2, 1};
        g_assert_cmpint(idmaps_write(proc, &maps, &failure), ==, 0);
        g_assert_cmpint(idmaps_read(proc, &read), ==, 0);
        g_assert_cmpuint(read->n_uids, ==, ELEMENTS(many));
        g_assert_cmpmem(read->gids, read->n_gids * sizeof(IdMap), many, sizeof(many));
        namespace_end(pid, proc);
}

static void host_s_namespace_is_everything(void)
{
        _cleanup_(fd_closep) int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(idmaps_freep) IdMaps *maps = NULL;

        g_assert_cmpint(idmaps_read(proc, &maps), ==, 0);
        g_assert_cmpuint(maps->n_uids, >=, 1);
        g_assert_false(idmap_is_within(maps->uids, maps->n_uids, 1000, NULL, 0));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/idmap/broken-lists-are-refused", broken_lists_are_refused);
        g_test_add_func("/idmap/ids-are-translated", ids_are_translated);
        g_test_add_func("/idmap/A5-only-own-and-granted-ids-are-within", only_own_and_granted_ids_are_within);
        g_test_add_func("/idmap/a-confined-caller-is-root-with-what-was-granted",
                        confined_caller_is_root_with_what_was_granted);
        g_test_add_func("/idmap/the-own-gid-goes-with-the-own-uid", own_gid_goes_with_own_uid);
        g_test_add_func("/idmap/the-kernel-takes-and-tells-them", kernel_takes_and_tells_them);
        g_test_add_func("/idmap/the-longest-list-is-taken", longest_list_is_taken);
        g_test_add_func("/idmap/the-host's-namespace-is-everything", host_s_namespace_is_everything);
        return g_test_run();
}
