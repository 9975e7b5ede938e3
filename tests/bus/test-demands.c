/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Demands
 *
 * What users of the neighbours, and of the original, have asked for and not got: a tree whose owners stay who they are,
 * an ephemeral root that cannot fill the machine, a small init that leaves no zombie, devices and mounts as they say.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"

#define TREE     TEST_DIRECTORY "/tree"
#define OWN_TREE "'Root': <'" TREE "'>"

/* ---- owners ---- */

static void make_files(guint n)
{
        make_directory(TREE "/many", 0755, 0);
        for (guint i = 0; i < n; i++) {
                g_autofree char *path = g_strdup_printf(TREE "/many/%u", i);
                _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
                g_assert_cmpint(fd, >=, 0);
                g_assert_cmpint(fchown(fd, i % 7, i % 5), ==, 0);
        }
}

/* Of each file its owners, and the last time that anything of the kind was changed. Return: the caller's. */
static char *describe_files(guint n)
{
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

        for (guint i = 0; i < n; i++) {
                g_autofree char *path = g_strdup_printf(TREE "/many/%u", i);
                struct stat st;
                g_assert_cmpint(stat(path, &st), ==, 0);
                const guint64 facts[] = {st.st_uid, st.st_gid, st.st_mode, (guint64)st.st_ctim.tv_sec,
                                         (guint64)st.st_ctim.tv_nsec};
                g_checksum_update(sum, (const guchar *)facts, sizeof(facts));
        }
        return g_strdup(g_checksum_get_string(sum));
}

/* A start never changes an owner, however it ends: root is root inside, by a mount that maps the ids. */
static void test_owners_stay(Fixture *fixture)
{
        static const char *const mapped = "{" OWN_TREE ", 'UserMaps': <[(uint32 0, uint32 700000000, uint32 65536)]>}";
        guint n = MAX(rounds(20000), 10);

        if (!make_tree(TREE, 0))
                return;
        make_files(n);
        g_autofree char *before = describe_files(n);
        g_autofree char *said = leader_says(fixture->client, "box",
                                            "busybox stat -c %u:%g /many/0 /many/9 /bin/busybox", mapped);
        wait_for(fixture->client, "box", "exited", 0);
        g_assert_cmpstr(said, ==, "0:0\n2:4\n0:0\n");
        for (guint i = 0; i < rounds(5); i++) {
                create(fixture->client, "box", "exec busybox sleep 100", mapped);
                g_autoptr(GVariant) supervisor = property(fixture->client, "box", "Supervisor");
                g_assert_cmpint(kill((pid_t)g_variant_get_uint32(supervisor), SIGKILL), ==, 0);
                wait_for(fixture->client, "box", "lost", 0);
        }
        g_autofree char *after = describe_files(n);
        g_assert_cmpstr(before, ==, after);
}

/* ---- the ephemeral root ---- */

/* The tmpfs has a size, and what goes beyond it fails inside; outside nothing of it is left. */
static void test_ephemeral_is_bounded(Fixture *fixture)
{
        static const char *const script =
                "size=$(busybox stat -f -c %b /); unit=$(busybox stat -f -c %S /);"
                "busybox fallocate -l $((size * unit * 2)) /big 2>&1; echo $?;"
                "busybox fallocate -l 1048576 /small && echo fits; test -e /marker || echo clean; echo x >/marker";

        if (!make_tree(TREE, 0))
                return;
        for (guint i = 0; i < 2; i++) {
                g_autofree char *said = leader_says(fixture->client, "box", script,
                                                    "{" OWN_TREE ", 'Ephemeral': <true>}");
                wait_for(fixture->client, "box", "exited", 0);
                g_assert_nonnull(strstr(said, "No space left on device\n1\nfits\nclean\n"));
        }
        g_assert_false(g_file_test(TREE "/small", G_FILE_TEST_EXISTS));
}

/* The directory of the memory controller in which @pid is. Return: the caller's; NULL without one. */
static char *memory_cgroup(guint pid, const char **ret_file)
{
        g_autofree char *path = g_strdup_printf("/proc/%u/cgroup", pid), *text = NULL;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i]; i++) {
                const char *at = strstr(lines[i], ":memory:");
                if (at) {
                        *ret_file = "memory.usage_in_bytes";
                        return g_strconcat("/sys/fs/cgroup/memory", at + strlen(":memory:"), NULL);
                }
        }
        return NULL;
}

/* What is written there is the container's own, for its limits to count. */
static void test_ephemeral_is_charged(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *text = NULL;
        const char *file;

        if (!make_tree(TREE, 0))
                return;
        run(fixture->client, "box",
            "busybox dd if=/dev/zero of=/big bs=1048576 count=32 2>/dev/null; echo READY; exec busybox sleep 100",
            "{" OWN_TREE ", 'Ephemeral': <true>, 'Cgroups': <['memory']>}", &attachment);
        g_byte_array_unref(read_until(attachment.console, "READY"));
        g_autoptr(GVariant) leader = property(fixture->client, "box", "Leader");
        g_autofree char *directory = memory_cgroup(g_variant_get_uint32(leader), &file);
        if (directory) {
                g_autofree char *usage = g_build_filename(directory, file, NULL);
                g_assert_true(g_file_get_contents(usage, &text, NULL, NULL));
                g_assert_cmpuint(g_ascii_strtoull(text, NULL, 10), >=, 32 << 20);
        } else {
                g_test_skip("there is no memory controller");
        }
        terminate(fixture->client, "box");
}

/* ---- the small init ---- */

static void test_stub_reaps(Fixture *fixture)
{
        g_autofree char *script = g_strdup_printf(
                "i=0; while [ $i -lt %u ]; do (busybox true & busybox true & :); i=$((i + 2)); done\n"
                "while set -- /proc/[0-9]*; [ $# -gt 2 ]; do :; done; echo reaped",
                rounds(1000));

        if (!make_tree(TREE, 0))
                return;
        g_autofree char *said = leader_says(fixture->client, "box", script, "{" OWN_TREE ", 'StubInit': <true>}");
        wait_for(fixture->client, "box", "exited", 0);
        g_assert_cmpstr(said, ==, "reaped\n");
}

static void test_stub_forwards(Fixture *fixture)
{
        static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};

        for (guint i = 0; i < G_N_ELEMENTS(signals); i++) {
                create(fixture->client, "box", "exec sleep 100", "{'StubInit': <true>}");
                g_variant_unref(manager_call(fixture->client, "KillContainer", "(ssi)", "box", "leader", signals[i]));
                wait_for(fixture->client, "box", "exited", 128 + signals[i]);
        }
}

/* ---- the original's users ---- */

/* A device of the host's by its name, a directory below what was mounted just before, and the tree's own /dev. */
static void test_original(Fixture *fixture)
{
        static const struct {
                const char *script, *options, *said;
        } rows[] = {
                {"busybox stat -c '%F %t:%T' /dev/net/null", "'Mounts': <[('bind', ['/dev/null', '/dev/net/null'])]>",
                 "character special file 1:3\n"},
                {"cat /tmp/etc/passwd", "'Mounts': <[('tmp', ['/tmp']), ('bind', ['" TREE "/etc', '/tmp/etc'])]>",
                 "root:x:0:0::/:/bin/sh\ninside:x:0:0::/:/bin/sh\n"},
                {"cat /mnt/file", "'Mounts': <[('bind', ['" TREE "/etc/passwd', '/mnt/file'])]>",
                 "root:x:0:0::/:/bin/sh\ninside:x:0:0::/:/bin/sh\n"},
                {"ls /dev", "'PrivateDevices': <false>", "mine\n"},
        };

        if (!make_tree(TREE, 0))
                return;
        write_file(TREE "/dev/mine", "", 0644, 0);
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *text = g_strconcat("{" OWN_TREE ", ", rows[i].options, "}", NULL);
                g_autofree char *said = leader_says(fixture->client, "box", rows[i].script, text);
                wait_for(fixture->client, "box", "exited", 0);
                g_assert_cmpstr(said, ==, rows[i].said);
        }
}

/* sysfs is refused to who owns a user namespace and no network: then the host's is shown, and nothing can be written. */
static void test_unprivileged_start(Fixture *fixture)
{
        static const char *const script = "test -d /sys/class/net/lo && echo there; (echo 1 >/sys/power/state) "
                                          "2>/dev/null || echo read-only; id -u";
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        if (!make_tree(TREE, ALICE))
                return;
        g_autofree char *said = leader_says(alice, "box", script, "{" OWN_TREE "}");
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(said, ==, "there\nread-only\n0\n");
}

/* ---- ordinary users, the original's way ---- */

/* The build may lie where she may not go. */
static int as_alice(Fixture *fixture, const char *arguments, char **ret_out)
{
        g_autofree char *script = g_strdup_printf(
                "exec 9<$pflask; exec setpriv --reuid 61001 --regid 61001 --clear-groups env HOME=" TEST_DIRECTORY
                " /proc/self/fd/9 --no-ask-password %s",
                arguments);

        return shell(fixture, script, ret_out, NULL);
}

/* What the original could do as root alone is done for an ordinary user, by the service and without a set-uid program. */
static void test_ordinary_users(Fixture *fixture)
{
        static const struct {
                const char *arguments, *out;
        } rows[] = {
                {"--user=alice -- id -u", "61001\n"},
                {"-- id -u", "0\n"},
                {"--user=alice --mount=tmp:" TEST_DIRECTORY " -- sh -c 'touch $HOME/made; ls $HOME'", "made\n"},
                {"--user-map=0:700000000:65536 --chroot=" TREE " -- busybox id -u", "0\n"},
                {"--user-map=0:700000000:65536 --chroot=" TREE " --user=5 -- busybox id -u", "5\n"},
                {"--chroot=" TREE " --ephemeral -- sh -c 'echo x >/x; busybox cat /x'", "x\n"},
        };

        if (!make_tree(TREE, ALICE))
                return;
        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *out = NULL;
                g_test_message("%s", rows[i].arguments);
                g_assert_cmpint(as_alice(fixture, rows[i].arguments, &out), ==, 0);
                g_assert_cmpstr(out, ==, rows[i].out);
        }
        g_assert_false(g_file_test(TEST_DIRECTORY "/made", G_FILE_TEST_EXISTS));
        g_assert_false(g_file_test(TREE "/x", G_FILE_TEST_EXISTS));
}

/* And who is root inside has gained nothing: each of these needs root's authority on the host. */
static void test_nothing_gained(Fixture *fixture)
{
        static const char *const attempts[] = {
                "cat /etc/shadow",
                "cat " TEST_DIRECTORY "/secret/canary",
                "ls " CONTAINERS_DIRECTORY,
                "touch " TEST_DIRECTORY "/made",
                "chown 70000 " TEST_DIRECTORY "/hers/file",
                "mknod " TEST_DIRECTORY "/hers/disk b 8 0",
                "mount -o remount,bind,suid,dev /run",
                "sh -c 'echo x >/proc/sys/kernel/core_pattern'",
                "sh -c 'echo 1 >/proc/sys/vm/drop_caches'",
                "ip link add gained type veth peer name gained2",
                "nsenter --mount=/proc/1/ns/mnt --target 1 true",
                "umount /etc/passwd",
                "chroot /proc/1/root cat /etc/shadow",
                "renice -n -5 1",
        };

        make_directory(TEST_DIRECTORY "/secret", 0700, 0);
        write_file(TEST_DIRECTORY "/secret/canary", "", 0644, 0);
        make_directory(TEST_DIRECTORY "/hers", 0755, ALICE);
        write_file(TEST_DIRECTORY "/hers/file", "", 0644, ALICE);
        for (guint i = 0; i < 2 * G_N_ELEMENTS(attempts); i++) {
                g_autofree char *text = g_strdup_printf("%s -- sh -c \"%s\" 2>&1", i % 2 ? "--user=alice" : "",
                                                        attempts[i / 2]);
                g_autofree char *out = NULL;
                if (as_alice(fixture, text, &out) == 0)
                        g_error("%s has worked: %s", text, out);
        }
}

static const Test tests[] = {
        TEST("/demand/a-start-changes-no-owner", test_owners_stay, ON_BUS),
        TEST("/demand/an-ephemeral-root-is-bounded", test_ephemeral_is_bounded, ON_BOTH),
        TEST("/demand/an-ephemeral-root-is-charged-to-the-container", test_ephemeral_is_charged, ON_BUS),
        TEST("/demand/a-stub-reaps-orphans", test_stub_reaps, ON_BUS),
        TEST("/demand/a-stub-forwards-signals", test_stub_forwards, ON_BUS),
        TEST("/demand/mounts-and-devices-of-the-originals-users", test_original, ON_BOTH),
        ATTACK("/demand/an-unprivileged-start-has-its-sys", test_unprivileged_start),
        ATTACK("/demand/ordinary-users-run-their-own", test_ordinary_users),
        ATTACK("/demand/ordinary-users-gain-nothing", test_nothing_gained),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
