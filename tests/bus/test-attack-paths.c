/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks on paths
 *
 * A path, a value, a file in a container's tree: what is a name for one side may be something else for the other, or
 * have become something else by the time it is looked at.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "common/fd.h"

#define SECRET TEST_DIRECTORY "/secret" /* of root's alone */
#define HERS   TEST_DIRECTORY "/hers"

/* ---- A11, A21 ---- */

/* Had it worked, a value would have become another option, of systemd or of a file system (CVE-2022-0811). */
static void test_smuggled_options(Fixture *fixture)
{
        static const char *const refused[] = {
                "{'Properties': <[('ExecStart', <'/bin/sh'>)]>}",
                "{'Properties': <[('User', <'root'>)]>}",
                "{'Properties': <[('Slice', <'system.slice'>)]>}",
                "{'Properties': <[('DevicePolicy', <'auto'>)]>}",
                "{'Properties': <[('MemoryMax=1\\nDelegate', <uint64 1>)]>}",
                "{'Hostname': <'a\\nb'>}",
                "{'Hostname': <'a/b'>}",
                "{'Environment': <['=x']>}",
                "{'Environment': <['novalue']>}",
                "{'WorkingDirectory': <'tmp'>}",
                "{'Limits': <[('NOFILE,NPROC', uint64 1, uint64 1)]>}",
                "{'SharedNamespaces': <['user,mount']>}",
                "{'Capabilities': <['all,sys_admin']>}",
                "{'Mounts': <[('bind,suid', ['/', '/mnt'])]>}",
                "{'Mounts': <[('tmp', ['/tmp', 'mode=0,uid=0'])]>}",
                "{'Mounts': <[('tmp', ['../tmp'])]>}",
                "{'Root ': <'/'>}",
                "{'root': <'/'>}",
                "{'Root\\n': <'/'>}",
        };

        for (guint i = 0; i < G_N_ELEMENTS(refused); i++)
                g_assert_cmpstr(creation_outcome(fixture->client, "box", "true", refused[i]), !=, "");
}

/* Had it worked, the comma would have begun another option of the overlay, or the colon another lower layer. */
static void test_separators_in_paths(Fixture *fixture)
{
        static const char *const names[] = {"a,upperdir=b", "a:b", "a=b", "a%sb", "a+b", "a\\\\b", "a\\nb", "-o suid"};

        make_directory(TEST_DIRECTORY "/odd", 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *name = g_strcompress(names[i]);
                g_autofree char *upper = g_build_filename(TEST_DIRECTORY "/odd", name, NULL);
                g_autofree char *work = g_strconcat(upper, ".work", NULL);
                g_autofree char *made = g_build_filename(upper, "made", NULL);
                g_autofree char *text = g_strdup_printf("{'Mounts': <[('overlay', ['" TEST_DIRECTORY "/odd/%s', '/srv',"
                                                        " '" TEST_DIRECTORY "/odd/%s.work'])]>}",
                                                        names[i], names[i]);
                make_directory(upper, 0755, 0);
                make_directory(work, 0755, 0);
                create(fixture->client, "box", "touch /srv/made", text);
                wait_for(fixture->client, "box", "exited", 0);
                g_assert_true(g_file_test(made, G_FILE_TEST_EXISTS));
        }
}

/* ---- A15 ---- */

/* Had it worked, a confined caller would have read what root alone may, or learned what is there. */
static void test_what_root_alone_may_see(Fixture *fixture)
{
        static const char *const forms[] = {
                "{'Root': <'" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/self/root" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/1/root" TEST_DIRECTORY "/secret/%s'>}",
                "{'Root': <'/proc/1/cwd/run/test/secret/%s'>}",
                "{'Root': <'" TEST_DIRECTORY "/../test/secret/%s'>}",
                "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/secret/%s', '/mnt'])]>}",
                "{'Mounts': <[('overlay', ['" TEST_DIRECTORY "/secret/%s', '/mnt', '/tmp'])]>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_directory(TEST_DIRECTORY "/secret", 0700, 0);
        make_directory(TEST_DIRECTORY "/secret/there", 0755, 0);
        for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
                g_auto(GStrv) parts = g_strsplit(forms[i], "%s", 2);
                g_autofree char *there = g_strconcat(parts[0], "there", parts[1], NULL);
                g_autofree char *absent = g_strconcat(parts[0], "never", parts[1], NULL);
                g_autofree char *one = creation_sentence(alice, there);
                g_autofree char *two = creation_sentence(alice, absent);
                g_autoptr(GString) other = g_string_new(two);
                g_string_replace(other, "never", "there", 0);
                g_assert_cmpstr(one, ==, other->str);
        }
        create(alice, "box", idle, NULL);
        g_assert_cmpstr(outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "BindMountContainer",
                                g_variant_new("(sssbb)", "box", TEST_DIRECTORY "/secret/there", "/mnt", TRUE, FALSE)),
                        !=, "");
        terminate(alice, "box");
}

/* A call by alice about the path that is swapped. Return: whether root's directory has been reached. */
typedef gboolean (*Reach)(Client *alice, guint round);

static gboolean root_is_reached(Client *alice, guint round _unused_)
{
        /* There is a shell in root's directory, and none in hers. */
        return g_str_equal(creation_outcome(alice, "box", "true", "{'Root': <'" HERS "/a'>}"), "");
}

static gboolean mount_is_reached(Client *alice, const char *option_text)
{
        int status;

        if (*creation_outcome(alice, "box", "test ! -e /mnt/canary", option_text))
                return FALSE;
        g_autoptr(GVariant) end = manager_call(alice, "WaitContainer", "(s)", "box");
        g_variant_get(end, "(si)", NULL, &status);
        return status != 0;
}

static gboolean bind_is_reached(Client *alice, guint round _unused_)
{
        return mount_is_reached(alice, "{'Mounts': <[('bind', ['" HERS "/a', '/mnt'])]>}");
}

static gboolean upper_is_reached(Client *alice, guint round _unused_)
{
        return mount_is_reached(alice, "{'Mounts': <[('overlay', ['" HERS "/a', '/mnt', '" HERS "/work'])]>}");
}

static gboolean late_bind_is_reached(Client *alice, guint round)
{
        g_autofree char *destination = g_strdup_printf("/tmp/d%u", round);
        g_autofree char *canary = g_strconcat("test -e ", destination, "/canary", NULL);

        outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "BindMountContainer",
                g_variant_new("(sssbb)", "lasting", HERS "/a", destination, FALSE, TRUE));
        return exec_succeeds(alice, "lasting", canary);
}

static gboolean copy_to_is_reached(Client *alice, guint round)
{
        g_autofree char *destination = g_strdup_printf("/tmp/c%u", round);

        return g_str_equal(
                outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                        g_variant_new("(sss@a{sv})", "lasting", HERS "/a/canary", destination, options(NULL))),
                "");
}

static gboolean copy_from_is_reached(Client *alice, guint round)
{
        g_autofree char *destination = g_strdup_printf(HERS "/a/c%u", round);
        g_autofree char *stolen = g_strdup_printf(SECRET "/c%u", round);

        outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "CopyFromContainer",
                g_variant_new("(sss@a{sv})", "lasting", "/etc/passwd", destination, options(NULL)));
        return g_file_test(stolen, G_FILE_TEST_EXISTS);
}

/*
 * Had it worked, root's directory would now and then have come into the container, been read, or been written to
 * (CVE-2021-30465, CVE-2018-15664): for five seconds each path that alice may name is a directory of hers one moment,
 * and a link to root's the next.
 */
static void test_swapped_link(Fixture *fixture)
{
        static const Reach reaches[] = {root_is_reached,      bind_is_reached,    upper_is_reached,
                                        late_bind_is_reached, copy_to_is_reached, copy_from_is_reached};
        static const char *const paths[] = {HERS "/a", HERS "/b"};
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        gint64 end = g_get_monotonic_time() + 5 * G_TIME_SPAN_SECOND;
        guint n = rounds(G_MAXINT);

        if (!make_tree(SECRET, 0))
                return;
        make_directory(SECRET, 0700, 0);
        write_file(SECRET "/canary", "", 0644, 0);
        make_directory(HERS, 0755, ALICE);
        make_directory(HERS "/a", 0755, ALICE);
        make_directory(HERS "/work", 0755, ALICE);
        g_assert_cmpint(symlink(SECRET, HERS "/b"), ==, 0);
        create(alice, "lasting", idle, "{'Mounts': <[('tmp', ['/tmp'])]>}");
        pid_t pid = attacker(swap_for_ever, paths);
        for (guint i = 0; i < n && g_get_monotonic_time() < end; i++)
                for (guint j = 0; j < G_N_ELEMENTS(reaches); j++)
                        if (reaches[j](alice, i))
                                g_error("reached in round %u of %u", i, j);
        end_attacker(pid);
        terminate(alice, "lasting");
}

/* ---- magic links ---- */

/*
 * Had it worked, a path would have led by way of /proc to what whoever opens it has open, or has as its root or working
 * directory: the manager's, the supervisor's, that of a process of root's.
 */
static void test_magic_links(Fixture *fixture)
{
        static const char *const paths[] = {
                "/proc/self/root",        "/proc/self/cwd",      "/proc/self/fd/3", "/proc/self/fd/5",
                "/proc/thread-self/root", "/proc/1/root",        "/proc/1/cwd",     "/proc/self/exe",
                "/proc/self/ns/mnt",      "/proc/self/root/etc", "/dev/fd/3",       "/proc/self/task/1/cwd",
                "/../proc/self/root/tmp"};
        static const char *const forms[] = {
                "{'Root': <'%s'>}",
                "{'Mounts': <[('bind', ['%s', '/mnt'])]>}",
                "{'Mounts': <[('overlay', ['%s', '/mnt', '/tmp'])]>}",
        };
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        Client *const clients[] = {alice, fixture->client};

        create(alice, "lasting", idle, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(paths) * G_N_ELEMENTS(clients); i++) {
                const char *path = paths[i / 2];
                Client *client = clients[i % 2];
                for (guint j = 0; j < G_N_ELEMENTS(forms); j++) {
                        g_auto(GStrv) parts = g_strsplit(forms[j], "%s", 2);
                        g_autofree char *text = g_strconcat(parts[0], path, parts[1], NULL);
                        g_assert_cmpstr(creation_outcome(client, "box", "true", text), ==, ERROR_PREFIX "SetupFailed");
                }
                g_assert_cmpstr(outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "BindMountContainer",
                                        g_variant_new("(sssbb)", "lasting", path, "/mnt", TRUE, FALSE)),
                                !=, "");
                g_assert_cmpstr(outcome(client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                                        g_variant_new("(sss@a{sv})", "lasting", path, "/tmp/copy",
                                                      options("{'Follow': <true>}"))),
                                !=, "");
        }
        terminate(alice, "lasting");
}

/* ---- the errors of paths ---- */

/* What open(2) says to alice, in a process of hers. */
static int error_of_her_own(const char *path, int flags)
{
        int status;
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                if (setresgid(ALICE, ALICE, ALICE) < 0 || setresuid(ALICE, ALICE, ALICE) < 0)
                        _exit(255);
                _exit(open(path, flags | O_CLOEXEC) < 0 ? errno : 0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        return WEXITSTATUS(status);
}

/* Had it been another one, it would have told alice something that only root knows. */
static void test_errors_are_her_own(Fixture *fixture)
{
        static const char *const forms[] = {
                "{'Root': <'%s'>}",
                "{'Mounts': <[('bind', ['%s', '/mnt'])]>}",
                "{'Mounts': <[('bind-ro', ['%s', '/mnt'])]>}",
                "{'Mounts': <[('overlay', ['%s', '/mnt', '" HERS "'])]>}",
                "{'Mounts': <[('overlay', ['" HERS "', '/mnt', '%s'])]>}",
        };
        g_autofree char *long_name = g_strnfill(300, 'x'), *long_path = g_strnfill(5000, '/');
        g_autofree char *too_long = g_strconcat(HERS "/", long_name, NULL);
        const char *const paths[] = {SECRET,
                                     SECRET "/canary",
                                     SECRET "/canary/below",
                                     SECRET "/never",
                                     HERS "/never",
                                     HERS "/f/below",
                                     HERS "/loop",
                                     HERS "/loop/below",
                                     HERS "/to-secret/canary",
                                     HERS "/to-nowhere",
                                     "/nowhere/at/all",
                                     too_long,
                                     long_path};
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_directory(SECRET, 0700, 0);
        write_file(SECRET "/canary", "", 0644, 0);
        make_directory(HERS, 0755, ALICE);
        write_file(HERS "/f", "", 0644, ALICE);
        g_assert_cmpint(symlink("loop", HERS "/loop"), ==, 0);
        g_assert_cmpint(symlink(SECRET, HERS "/to-secret"), ==, 0);
        g_assert_cmpint(symlink("never", HERS "/to-nowhere"), ==, 0);
        for (guint i = 0; i < G_N_ELEMENTS(paths) * G_N_ELEMENTS(forms); i++) {
                const char *path = paths[i / G_N_ELEMENTS(forms)], *form = forms[i % G_N_ELEMENTS(forms)];
                int expected = error_of_her_own(path, O_PATH | (strstr(form, "bind") ? 0 : O_DIRECTORY));
                if (expected == 0)
                        continue; /* a directory of hers, or what everybody may open */
                g_auto(GStrv) parts = g_strsplit(form, "%s", 2);
                g_autofree char *text = g_strconcat(parts[0], path, parts[1], NULL);
                g_autofree char *sentence = creation_sentence(alice, text);
                g_test_message("%.200s", sentence);
                if (!strstr(sentence, g_strerror(expected)))
                        g_error("not \"%s\" but: %s", g_strerror(expected), sentence);
        }
}

/* ---- A18 ---- */

/* Had it worked, a program of the host's that is root for everybody would have been root of the host in the container. */
static void test_set_user_id(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GError) error = NULL;
        g_autofree char *out = NULL;

        make_directory(TEST_DIRECTORY "/suid", 0755, 0);
        g_assert_cmpint(mount("tmpfs", TEST_DIRECTORY "/suid", "tmpfs", 0, "mode=0755"), ==, 0);
        g_assert_cmpint(shell(fixture,
                              "cp /usr/bin/id suid/id && chmod 4755 suid/id && "
                              "setpriv --reuid 61001 --clear-groups suid/id -u",
                              &out, NULL),
                        ==, 0);
        g_assert_cmpstr(out, ==, "0\n");
        g_autofree char *self = leader_says(alice, "box", TEST_DIRECTORY "/suid/id -u", "{'User': <'alice'>}");
        wait_for(alice, "box", "exited", 0);
        g_assert_cmpstr(self, ==, "61001\n");
        create(alice, "box", idle, "{'Mounts': <[('bind', ['" TEST_DIRECTORY "/suid', '/mnt'])]>}");
        g_autofree char *other = exec_says(alice, "box", "5", TEST_DIRECTORY "/suid/id -u; /mnt/id -u", NULL, &error);
        g_assert_cmpstr(other, ==, "5\n5\n");
        terminate(alice, "box");
        g_assert_cmpint(umount2(TEST_DIRECTORY "/suid", MNT_DETACH), ==, 0);
}

/* Had it worked, a program that root's container has made set-user-ID would have made its finder root. */
static void test_set_user_id_from_outside(Fixture *fixture)
{
        g_auto(Attachment) attachment = {-EBADF, -EBADF, NULL};
        g_autofree char *out = NULL;

        run(fixture->client, "box", "cp /usr/bin/id /tmp/id && chmod 4755 /tmp/id && echo READY; exec sleep 100",
            "{'Mounts': <[('tmp', ['/tmp'])]>}", &attachment);
        g_byte_array_unref(read_until(attachment.console, "READY"));
        g_autoptr(GVariant) leader = property(fixture->client, "box", "Leader");
        /* By way of a shell: setpriv itself still has root's capabilities when it executes. */
        g_autofree char *script = g_strdup_printf(
                "exec setpriv --reuid 61001 --regid 61001 --clear-groups sh -c 'for p in root cwd; do "
                "/proc/%u/$p/tmp/id -u; cat /proc/%u/$p/etc/hostname; done; ls " CONTAINERS_DIRECTORY "' 2>&1",
                g_variant_get_uint32(leader), g_variant_get_uint32(leader));
        g_assert_cmpint(shell(fixture, script, &out, NULL), !=, 0);
        g_test_message("%s", out);
        g_auto(GStrv) lines = g_strsplit(g_strchomp(out), "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 5);
        for (guint i = 0; lines[i]; i++)
                g_assert_true(g_str_has_suffix(lines[i], "Permission denied"));
        terminate(fixture->client, "box");
}

/* ---- A22 ---- */

/* Had it worked, the service would have waited for a byte of the container's for ever, or have read until its end. */
static void test_odd_files(Fixture *fixture)
{
        static const char *const files[] = {TEST_DIRECTORY "/fifo", TEST_DIRECTORY "/sparse", "/dev/zero", "/dev/full",
                                            TEST_DIRECTORY "/lines"};
        static const char *const places[] = {"/etc/passwd", "/etc/group", "/usr/lib/os-release"};
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        g_autoptr(GString) lines = g_string_new(NULL);

        for (guint i = 0; i < 1000000; i++)
                g_string_append(lines, "x:x:5:5::/:\n");
        write_file(TEST_DIRECTORY "/lines", lines->str, 0644, ALICE);
        write_file(TEST_DIRECTORY "/sparse", "", 0644, ALICE);
        g_assert_cmpint(truncate(TEST_DIRECTORY "/sparse", INT64_C(10) << 30), ==, 0);
        g_assert_cmpint(mkfifo(TEST_DIRECTORY "/fifo", 0666), ==, 0);
        for (guint i = 0; i < G_N_ELEMENTS(files) * G_N_ELEMENTS(places); i++) {
                g_autofree char *text = g_strdup_printf("{'Mounts': <[('bind', ['%s', '%s'])]>}",
                                                        files[i / G_N_ELEMENTS(places)],
                                                        places[i % G_N_ELEMENTS(places)]);
                g_test_message("%s", text);
                if (g_str_equal(creation_outcome(alice, "box", idle, text), "")) {
                        exec_outcome(alice, "box", "x", "true");
                        outcome(alice, MANAGER_PATH, MANAGER_INTERFACE, "GetContainerOSRelease",
                                g_variant_new("(s)", "box"));
                        assert_others_are_served(fixture);
                        terminate(alice, "box");
                }
        }
}

/* ---- descriptors, sockets, sizes ---- */

static const char *root_outcome(Client *client, int fd)
{
        g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(fd, >=, 0);
        g_unix_fd_list_append(fds, fd, NULL);
        g_autoptr(GVariant)
                reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "CreateContainer",
                                    create_parameters("box", "true", "{'Root': <handle 0>}"), fds, NULL, &error);
        g_assert_null(reply);
        g_test_message("%s", error->message);
        return client_error_name(error);
}

/* Had it worked, the root would have been a file, or where a link leads when the set-up follows it. */
static void test_root_that_is_no_directory(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);
        Client *const clients[] = {alice, fixture->client};
        _cleanup_(fd_closep) int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        _cleanup_(fd_closep) int place = open("/etc/passwd", O_PATH | O_CLOEXEC);
        _cleanup_(fd_closep) int link = open("/proc/self/root", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_(fd_closep) int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int fds[] = {file, place, link, socket_fd};

        for (guint i = 0; i < G_N_ELEMENTS(fds) * G_N_ELEMENTS(clients); i++)
                g_assert_cmpstr(root_outcome(clients[i % 2], fds[i / 2]), !=, "");
}

static const Test tests[] = {
        TEST("/attack/A11-no-value-is-an-option", test_smuggled_options, ON_BOTH),
        TEST("/attack/A21-separators-in-paths-separate-nothing", test_separators_in_paths, ON_BUS),
        ATTACK("/attack/A15-what-root-alone-may-see", test_what_root_alone_may_see),
        ATTACK("/attack/A6-a-link-swapped-for-a-directory", test_swapped_link),
        ATTACK("/attack/A15-links-that-are-magic", test_magic_links),
        ATTACK("/attack/A15-errors-are-those-of-her-own-open", test_errors_are_her_own),
        ATTACK("/attack/A18-a-set-user-id-program", test_set_user_id),
        ATTACK("/attack/A18-a-set-user-id-program-from-outside", test_set_user_id_from_outside),
        ATTACK("/attack/A22-files-that-never-end", test_odd_files),
        ATTACK("/attack/a-root-that-is-no-directory", test_root_that_is_no_directory),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
