/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To and from a running container
 *
 * What is bound, copied, opened and asked arrives as it was, belongs to whom it belonged, and comes from nowhere else:
 * on the host it is the caller who reaches for it, in the container its root, and no link leads from one to the other.
 *
 * Containers here have a tree of their own on the host, TREE, so that what happens inside can be seen from outside; a
 * name is a file there and in the container alike. HOST is beside it, and nobody's to reach from inside.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "fixture.h"

#define TREE "/run/test/tree"
#define HOST "/run/test/host"

#define INTERACTIVE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

static const char rules[] = "polkit.addRule(function(action, subject) {\n"
                            "  if (action.id == 'org.pflask.manager1.run-own' && subject.user == 'alice')\n"
                            "    return polkit.Result.YES;\n"
                            "});\n";

static const char own_tree[] = "{'Root': <'" TREE "'>, 'Mounts': <[('bind-ro', ['/usr', '/usr'])]>}";
static const char mapped_tree[] = "{'Root': <'" TREE "'>, 'Mounts': <[('bind-ro', ['/usr', '/usr'])]>,"
                                  " 'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>}";

/* ---- helpers ---- */

/* On the host, as root; it must succeed. Return: what it wrote, the caller's. */
static char *host(Fixture *fixture, const char *format, ...) G_GNUC_PRINTF(2, 3);
static char *host(Fixture *fixture, const char *format, ...)
{
        va_list arguments;
        char *out, *err;

        va_start(arguments, format);
        g_autofree char *script = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        int status = shell(fixture, script, &out, &err);
        if (status != 0)
                g_error("%s: status %d, %s", script, status, err);
        g_free(err);
        return out;
}

/* A new tree that belongs to @owner, and a new directory beside it that everybody can look into. */
static void make_tree(Fixture *fixture, unsigned owner)
{
        g_free(host(fixture,
                    "rm -rf " TREE " " HOST "; mkdir -p " HOST " " TREE "/usr " TREE "/etc " TREE "/tmp " TREE
                    "/home && "
                    "cd " TREE " && ln -s usr/bin bin && ln -s usr/sbin sbin && ln -s usr/lib lib && "
                    "ln -s usr/lib64 lib64 && echo ID=test >etc/os-release && chown -Rh %u " TREE,
                    owner));
}

static void transfer(Client *client, const char *member, const char *source, const char *destination,
                     const char *option_text)
{
        g_variant_unref(manager_call(client, member, "(sss@a{sv})", "box", source, destination, options(option_text)));
}

static char *transfer_fails(Client *client, const char *member, const char *source, const char *destination,
                            const char *option_text)
{
        return manager_refuses(client, "SetupFailed", member, "(sss@a{sv})", "box", source, destination,
                               options(option_text));
}

static void assert_transfer_fails(Client *client, const char *member, const char *source, const char *destination,
                                  const char *reason)
{
        g_autofree char *sentence = transfer_fails(client, member, source, destination, NULL);

        g_assert_nonnull(strstr(sentence, reason));
}

static void bind(Client *client, const char *source, const char *destination, gboolean read_only, gboolean mkdir)
{
        g_variant_unref(
                manager_call(client, "BindMountContainer", "(sssbb)", "box", source, destination, read_only, mkdir));
}

static char *bind_fails(Client *client, const char *source, const char *destination, gboolean mkdir)
{
        return manager_refuses(client, "SetupFailed", "BindMountContainer", "(sssbb)", "box", source, destination,
                               FALSE, mkdir);
}

static void assert_content(const char *path, const char *expected)
{
        g_autofree char *content = NULL;
        g_autoptr(GError) error = NULL;

        g_file_get_contents(path, &content, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(content, ==, expected);
}

static gboolean exists(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static struct stat stat_of(const char *path)
{
        struct stat st;

        g_assert_cmpint(lstat(path, &st), ==, 0);
        return st;
}

static void assert_no_siblings(Fixture *fixture)
{
        g_autofree char *found = host(fixture, "find " TREE " " HOST " -name '.pflask-copy-*'");

        g_assert_cmpstr(found, ==, "");
}

static int leader_of(Client *client)
{
        g_autoptr(GVariant) leader = property(client, "box", "Leader");

        return (int)g_variant_get_uint32(leader);
}

/* What sh -c @script, which must succeed, says in the container's user and mount namespaces. */
static char *inside(Fixture *fixture, const char *script)
{
        int leader = leader_of(fixture->client);

        return host(
                fixture,
                "nsenter -t %d -m $(test /proc/%d/ns/user -ef /proc/self/ns/user || echo -U -S 0 -G 0) -- sh -c '%s'",
                leader, leader, script);
}

/* ---- the root directory ---- */

static int open_root(Client *client)
{
        g_autoptr(GUnixFDList) fds = NULL;
        g_autoptr(GError) error = NULL;

        g_autoptr(GVariant) reply = client_call(client, MANAGER_PATH, MANAGER_INTERFACE, "OpenContainerRootDirectory",
                                                g_variant_new("(s)", "box"), NULL, &fds, &error);
        g_assert_no_error(error);
        g_assert_nonnull(reply);
        int fd = g_unix_fd_list_get(fds, 0, &error);
        g_assert_no_error(error);
        return fd;
}

static void test_root_directory(Fixture *fixture)
{
        make_tree(fixture, 0);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        _cleanup_(fd_closep) int root = open_root(fixture->client);
        g_assert_cmpint(fcntl(root, F_GETFL) & (O_PATH | O_DIRECTORY | O_ACCMODE), ==, O_DIRECTORY | O_RDONLY);
        g_assert_cmpint(faccessat(root, "etc/os-release", R_OK, 0), ==, 0);
        g_assert_cmpint(faccessat(root, "proc/1/status", R_OK, 0), ==, 0);
        terminate(fixture->client, "box");
}

static void test_root_directory_of_owner(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_tree(fixture, ALICE);
        create(alice, "box", "exec sleep 100", own_tree);
        _cleanup_(fd_closep) int root = open_root(alice);
        g_assert_cmpint(faccessat(root, "etc/os-release", R_OK, 0), ==, 0);
        terminate(alice, "box");
}

/* A18: what is set-user-ID in the container is an ordinary program to whoever reaches it by a descriptor. */
static void test_setuid_through_descriptor(Fixture *fixture)
{
        int status;

        make_tree(fixture, 0);
        g_free(host(fixture, "cp /usr/bin/id " TREE "/id && chmod 4755 " TREE "/id && mount --bind " TREE " " TREE
                             " && mount -o remount,bind,nosuid " TREE));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        _cleanup_(fd_closep) int root = open_root(fixture->client);
        pid_t pid = fork();
        if (pid == 0) {
                char path[64];
                snprintf(path, sizeof(path), "/proc/self/fd/%d/id", root);
                fcntl(root, F_SETFD, 0);
                if (setresuid(ALICE, ALICE, ALICE) == 0)
                        execl("/bin/sh", "sh", "-c", "test $($0 -u) != 0", path, NULL);
                _exit(127);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        fd_close(TAKE_FD(root));
        terminate(fixture->client, "box");
        g_free(host(fixture, "umount " TREE));
}

/* ---- addresses ---- */

static void test_addresses(Fixture *fixture)
{
        const char *expected = "[(2, [0xc0, 0x00, 0x02, 0x07])]";

        create(fixture->client, "box",
               "ip link add v0 type veth peer name v1 && ip addr add 192.0.2.7/24 dev v0 && "
               "echo 1 >/proc/sys/net/ipv6/conf/v0/disable_ipv6; echo done; exec sleep 100",
               "{'PrivateNetwork': <true>}");
        for (;;) {
                g_autoptr(GVariant) reply = manager_call(fixture->client, "GetContainerAddresses", "(s)", "box");
                g_autoptr(GVariant) addresses = g_variant_get_child_value(reply, 0);
                g_autofree char *text = g_variant_print(addresses, FALSE);
                if (g_variant_n_children(addresses) == 0)
                        continue; /* ip has not come to it yet */
                g_assert_cmpstr(text, ==, expected);
                break;
        }
        terminate(fixture->client, "box");
}

static void test_no_private_network(Fixture *fixture)
{
        create(fixture->client, "box", "exec sleep 100", NULL);
        g_free(manager_refuses(fixture->client, "NoPrivateNetwork", "GetContainerAddresses", "(s)", "box"));
        terminate(fixture->client, "box");
}

/* A17: a leader that goes to another network namespace doesn't take us along: the answer is about the container's. */
static void test_leader_goes_to_hosts_network(Fixture *fixture)
{
        create(fixture->client, "box", "exec nsenter --net=/proc/1/ns/net sleep 100",
               "{'PrivateNetwork': <true>, 'SharedNamespaces': <['pid']>}");
        g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", leader_of(fixture->client));
        g_autofree char *ours = g_file_read_link("/proc/self/ns/net", NULL);
        for (;;) {
                g_autofree char *theirs = g_file_read_link(path, NULL);
                if (g_str_equal(theirs, ours))
                        break;
                n_containers(fixture->client);
        }
        g_autoptr(GVariant) reply = manager_call(fixture->client, "GetContainerAddresses", "(s)", "box");
        g_autofree char *said = g_variant_print(reply, FALSE);
        g_assert_cmpstr(said, ==, "([],)");
        terminate(fixture->client, "box");
}

/* ---- os-release ---- */

static void test_os_release(Fixture *fixture)
{
        static const char text[] =
                "# a comment\nNAME=\"A \\\"test\\\" \\$1\"\nID=first\nID=test\nEMPTY=\n"
                "VERSION='1 $x \\y'\nnot an assignment\nOPEN=\"never closed\nBARE=a\\ b # more\n=x\n";
        static const char *const expected[][2] = {
                {"NAME", "A \"test\" $1"}, {"ID", "test"}, {"EMPTY", ""}, {"VERSION", "1 $x \\y"}, {"BARE", "a b"}};

        make_tree(fixture, 0);
        g_assert_true(g_file_set_contents(TREE "/etc/os-release", text, -1, NULL));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        g_autoptr(GVariant) reply = manager_call(fixture->client, "GetContainerOSRelease", "(s)", "box");
        g_autoptr(GVariant) fields = g_variant_get_child_value(reply, 0);
        g_assert_cmpuint(g_variant_n_children(fields), ==, G_N_ELEMENTS(expected));
        for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
                const char *value;
                g_assert_true(g_variant_lookup(fields, expected[i][0], "&s", &value));
                g_assert_cmpstr(value, ==, expected[i][1]);
        }
        terminate(fixture->client, "box");
}

/* A15, A22: made by the container, and read by root. */
static void test_hostile_os_release(Fixture *fixture)
{
        static const char *const scripts[] = {
                "mkfifo os-release",
                "truncate -s 1G os-release",
                "ln -s /proc/1/mem os-release",
                "ln -s /dev/zero os-release",
                "ln -s /proc/kmsg os-release",
                "ln -s os-release os-release",
                "mkdir os-release",
                "head -c 1048577 /dev/zero | tr '\\0' x >os-release",
                "seq -f K%.0f=v 1 100000 >os-release",
                "printf 'NAME=\\377\\n' >os-release",
                "printf 'NAME=a\\0b\\n' >os-release",
                ": >os-release",
        };

        make_tree(fixture, 0);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        for (guint i = 0; i < G_N_ELEMENTS(scripts); i++) {
                gint64 begin = g_get_monotonic_time();
                g_free(host(fixture, "cd " TREE "/etc && rm -rf os-release && %s", scripts[i]));
                g_free(manager_refuses(fixture->client, "SetupFailed", "GetContainerOSRelease", "(s)", "box"));
                g_assert_cmpint(g_get_monotonic_time() - begin, <, 2 * G_TIME_SPAN_SECOND);
        }
        terminate(fixture->client, "box");
}

/* A link to a file of the host's leads to what the container has under that name. */
static void test_os_release_link(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo ID=host >" HOST "/os-release; cd " TREE "/etc; ln -sf ../../../../../../.." HOST
                             "/os-release os-release"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant)
                reply = client_call(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "GetContainerOSRelease",
                                    g_variant_new("(s)", "box"), NULL, NULL, &error);
        const char *id = "";
        if (reply) { /* that of the host's /usr, which is mounted inside */
                g_autoptr(GVariant) fields = g_variant_get_child_value(reply, 0);
                g_variant_lookup(fields, "ID", "&s", &id);
        }
        g_assert_cmpstr(id, !=, "host");
        terminate(fixture->client, "box");
}

/* ---- binds ---- */

static void test_bind(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo host >" HOST "/f; touch " TREE "/file"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        bind(fixture->client, HOST, "/home", FALSE, FALSE);
        bind(fixture->client, HOST "/f", "/file", TRUE, FALSE);
        bind(fixture->client, HOST, "/made/by/mkdir", TRUE, TRUE);
        bind(fixture->client, HOST, "", FALSE, TRUE);
        g_autofree char *out = inside(fixture, "cat /home/f /file /made/by/mkdir/f " HOST "/f; echo new >/home/g; "
                                               "! touch /made/by/mkdir/x 2>/dev/null && ! echo >/file 2>/dev/null");
        g_assert_cmpstr(out, ==, "host\nhost\nhost\nhost\n");
        assert_content(HOST "/g", "new\n");
        terminate(fixture->client, "box");
}

static void test_bind_refusals(Fixture *fixture)
{
        make_tree(fixture, 0);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        g_autofree char *missing = bind_fails(fixture->client, HOST, "/missing", FALSE);
        g_assert_nonnull(strstr(missing, HOST));
        g_assert_nonnull(strstr(missing, "/missing"));
        g_assert_nonnull(strstr(missing, g_strerror(ENOENT)));
        g_assert_false(exists(TREE "/missing"));
        g_free(bind_fails(fixture->client, HOST "/absent", "/home", FALSE));
        g_free(bind_fails(fixture->client, HOST, "/", FALSE));
        g_free(bind_fails(fixture->client, HOST, "/etc/os-release", FALSE));
        g_free(manager_refuses(fixture->client, "org.freedesktop.DBus.Error.InvalidArgs", "BindMountContainer",
                               "(sssbb)", "box", "host", "/home", FALSE, FALSE));
        terminate(fixture->client, "box");
        g_free(manager_refuses(fixture->client, "NoSuchContainer", "BindMountContainer", "(sssbb)", "absent", HOST,
                               "/home", FALSE, FALSE));
}

/* In a user namespace owners are right, and what was asked for can't be undone by the container's root. */
static void test_bind_in_user_namespace(Fixture *fixture)
{
        make_tree(fixture, 100000);
        g_free(host(fixture, "echo host >" HOST "/f; mkdir " HOST "/sub; mount -t tmpfs none " HOST "/sub"));
        create(fixture->client, "box", "exec sleep 100", mapped_tree);
        bind(fixture->client, HOST, "/home", FALSE, FALSE);
        bind(fixture->client, HOST, "/tmp", TRUE, FALSE);
        g_autofree char *out = inside(fixture, "stat -c %u:%g /home/f; echo inside >/home/g; "
                                               "mount -o remount,bind,rw /tmp 2>/dev/null; "
                                               "! touch /tmp/x 2>/dev/null && ! umount /home/sub 2>/dev/null");
        g_assert_cmpstr(out, ==, "0:0\n");
        struct stat st = stat_of(HOST "/g");
        g_assert_cmpuint(st.st_uid, ==, 0);
        terminate(fixture->client, "box");
        g_free(host(fixture, "umount " HOST "/sub"));
}

/* The same for what a container is made with: read-only is not only until its root says otherwise. */
static void test_mounts_are_locked(Fixture *fixture)
{
        static const struct {
                uid_t caller;
                const char *maps;
        } rows[] = {{0, "'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>, "}, {ALICE, ""}};

        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Client) caller = client_new(fixture, rows[i].caller);
                make_tree(fixture, rows[i].caller == 0 ? 100000 : rows[i].caller);
                g_free(host(fixture, "cd " TREE " && mkdir proc sys dev run ro " HOST "/sub; chmod 777 " HOST
                                     "; echo hidden >" HOST "/sub/f; "
                                     "mount -t tmpfs none " HOST "/sub"));
                g_autofree char *text = g_strdup_printf("{'Root': <'" TREE "'>, 'ReadOnly': <true>, %s'Mounts': "
                                                        "<[('bind-ro', ['/usr', '/usr']), ('bind-ro', ['" HOST
                                                        "', '/ro'])]>}",
                                                        rows[i].maps);
                create(caller, "box", "exec sleep 100", text);
                g_free(inside(fixture, "for m in / /ro /usr; do mount -o remount,bind,rw $m 2>/dev/null; done; "
                                       "! touch /x 2>/dev/null && ! touch /ro/x 2>/dev/null && ! touch /usr/x "
                                       "2>/dev/null && ! umount /ro/sub 2>/dev/null && ! test -e /ro/sub/f"));
                terminate(caller, "box");
                g_free(host(fixture, "umount " HOST "/sub"));
        }
}

/* And for the host's own tree, which the command of a user would else be free to write to as that user. */
static void test_hosts_tree_is_locked(Fixture *fixture)
{
        static const struct {
                uid_t caller;
                const char *options;
        } rows[] = {{0, "{'ReadOnly': <true>, 'UserMaps': <[(uint32 0, uint32 100000, uint32 65536)]>}"},
                    {ALICE, "{'ReadOnly': <true>, 'PrivateNetwork': <true>, 'Mounts': <[('tmp', ['/mnt'])]>}"}};

        for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Client) caller = client_new(fixture, rows[i].caller);
                g_free(host(fixture, "mkdir -p " HOST "; chmod 777 " HOST "; rm -f " HOST "/x"));
                create(caller, "box", "exec sleep 100", rows[i].options);
                /* The flags that it has from the host are locked, so that they must be said again. */
                g_free(inside(fixture, "while read -r _ _ _ _ where flags _; do case $where in /|/run|/run/test) "
                                       "mount -o remount,bind,rw${flags#ro} $where 2>/dev/null; esac; done "
                                       "</proc/1/mountinfo; ! touch " HOST "/x 2>/dev/null && "
                                       "test $(cat /proc/1/comm) = sleep"));
                g_assert_false(exists(HOST "/x"));
                terminate(caller, "box");
        }
}

static void test_bind_of_nobody(Fixture *fixture)
{
        make_tree(fixture, 100000);
        g_free(host(fixture, "chown 300000 " HOST));
        create(fixture->client, "box", "exec sleep 100", mapped_tree);
        g_autofree char *sentence = manager_refuses(fixture->client, "NotSupported", "BindMountContainer", "(sssbb)",
                                                    "box", HOST, "/home", FALSE, FALSE);
        g_assert_nonnull(strstr(sentence, "300000"));
        terminate(fixture->client, "box");
}

/* The owner of a confined container binds what the owner reaches, and learns no more of the rest than open() tells. */
static void test_bind_as_owner(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_tree(fixture, ALICE);
        g_free(host(fixture,
                    "mkdir -m 700 " HOST "/closed; touch " HOST "/closed/f; echo x >" HOST "/secret; chmod 600 " HOST
                    "/secret; mkdir " HOST "/hers; chown %u " HOST "/hers",
                    ALICE));
        create(alice, "box", "exec sleep 100", own_tree);
        bind(alice, HOST "/hers", "/home", FALSE, FALSE);
        g_autofree char *mount = host(fixture, "grep ' /home ' /proc/%d/mountinfo", leader_of(alice));
        g_assert_nonnull(strstr(mount, "nosuid,nodev"));
        g_free(inside(fixture, "touch /home/f; ! mount -o remount,bind,suid,dev /home 2>/dev/null"));
        struct stat st = stat_of(HOST "/hers/f");
        g_assert_cmpuint(st.st_uid, ==, ALICE);
        g_autofree char *present = bind_fails(alice, HOST "/closed/f", "/etc/os-release", FALSE);
        g_autofree char *absent = bind_fails(alice, HOST "/closed/g", "/etc/os-release", FALSE);
        g_autofree char *secret = bind_fails(alice, HOST "/secret", "/etc/os-release", FALSE);
        g_autofree char *closed = bind_fails(alice, HOST "/closed", "/home", FALSE);
        g_assert_nonnull(strstr(present, g_strerror(EACCES)));
        g_assert_nonnull(strstr(absent, g_strerror(EACCES)));
        g_assert_nonnull(strstr(secret, g_strerror(EACCES)));
        g_assert_nonnull(strstr(closed, g_strerror(EACCES)));
        terminate(alice, "box");
}

/* A6: links in the tree lead nowhere but within the tree. */
static void test_bind_through_link(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "mkdir " HOST "/target; touch " HOST "/canary; ln -s " HOST "/target " TREE
                             "/out; ln -s ../../../../../.." HOST "/target " TREE "/up; ln -s /home " TREE "/in"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        g_free(bind_fails(fixture->client, HOST, "/out", FALSE));
        g_free(bind_fails(fixture->client, HOST, "/up", FALSE));
        bind(fixture->client, HOST, "/in", FALSE, FALSE);
        g_free(inside(fixture, "test -e /home/canary"));
        g_assert_false(exists(HOST "/target/canary"));
        terminate(fixture->client, "box");
}

/* ---- copies ---- */

static const char describe[] = "cd %s && "
                               "find . -type d -printf '%%P %%y %%m %%U %%G %%T@\\n' , "
                               "! -type d -printf '%%P %%y %%m %%U %%G %%T@ %%s %%l\\n' | sort && "
                               "find . -type f -exec sha256sum {} + | sort";

static char *description_of(Fixture *fixture, const char *path)
{
        g_autofree char *script = g_strdup_printf(describe, path);

        return host(fixture, "%s", script);
}

static void make_many_kinds(Fixture *fixture)
{
        g_free(host(fixture,
                    "mkdir -p " HOST "/d/sub/empty; cd " HOST "/d; echo content >f; ln -s f link; ln -s /nowhere dead; "
                    "mkfifo fifo; echo x >'a name\nof two lines'; chmod 640 f; chmod 1777 sub; chmod 0500 sub/empty; "
                    "head -c 3000000 /dev/urandom >big; truncate -s 64M sparse; "
                    "printf x | dd of=sparse bs=1 seek=30000000 conv=notrunc status=none; touch -d 2001-02-03 f sub; "
                    "touch -h -d 2002-03-04 link; chown -h 100007:100008 f link"));
}

static void test_copy_there_and_back(Fixture *fixture)
{
        make_tree(fixture, 0);
        make_many_kinds(fixture);
        g_free(host(fixture, "mknod " HOST "/d/null c 1 3"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        transfer(fixture->client, "CopyToContainer", HOST "/d", "/home/d", NULL);
        transfer(fixture->client, "CopyFromContainer", "/home/d", HOST "/back", NULL);
        g_autofree char *before = description_of(fixture, HOST "/d");
        g_autofree char *in = description_of(fixture, TREE "/home/d");
        g_autofree char *after = description_of(fixture, HOST "/back");
        g_assert_cmpstr(in, ==, before);
        g_assert_cmpstr(after, ==, before);
        g_assert_cmpint(stat_of(TREE "/home/d/sparse").st_blocks, <, 1000);
        g_assert_true(S_ISCHR(stat_of(HOST "/back/null").st_mode));
        assert_no_siblings(fixture);
        terminate(fixture->client, "box");
}

/* Ids are the same persons on both sides. Whom the container doesn't know is its root. */
static void test_copy_translates_ids(Fixture *fixture)
{
        make_tree(fixture, 100000);
        make_many_kinds(fixture);
        g_free(host(fixture,
                    "chown -R 100000:100000 " HOST "/d; chown 100007:100008 " HOST "/d/f; chmod 4755 " HOST
                    "/d/f; touch -d 2001-02-03 " HOST "/d/f; echo x >" HOST "/roots; chmod 4755 " HOST "/roots"));
        create(fixture->client, "box", "exec sleep 100", mapped_tree);
        transfer(fixture->client, "CopyToContainer", HOST "/d", "/home/d", NULL);
        transfer(fixture->client, "CopyToContainer", HOST "/roots", "/home/roots", NULL);
        g_autofree char *out = inside(fixture, "stat -c %u:%g:%a /home/d/f /home/roots");
        g_assert_cmpstr(out, ==, "7:8:4755\n0:0:755\n");
        transfer(fixture->client, "CopyFromContainer", "/home/d", HOST "/back", NULL);
        g_autofree char *before = description_of(fixture, HOST "/d");
        g_autofree char *after = description_of(fixture, HOST "/back");
        g_assert_cmpstr(after, ==, before);
        terminate(fixture->client, "box");
}

static void test_copy_to_existing(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo new >" HOST "/f; mkdir " HOST "/d; echo new >" HOST "/d/f; echo old >" TREE
                             "/home/f; mkdir -p " TREE "/home/d/deep; echo old >" TREE "/home/d/deep/f"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        assert_transfer_fails(fixture->client, "CopyToContainer", HOST "/f", "/home/f", g_strerror(EEXIST));
        assert_transfer_fails(fixture->client, "CopyToContainer", HOST "/f", "/home/d", g_strerror(EEXIST));
        assert_transfer_fails(fixture->client, "CopyToContainer", HOST "/f", "/", g_strerror(EEXIST));
        assert_content(TREE "/home/f", "old\n");
        transfer(fixture->client, "CopyToContainer", HOST "/f", "/home/f", "{'Replace': <true>}");
        transfer(fixture->client, "CopyToContainer", HOST "/d", "/home/d", "{'Replace': <true>}");
        assert_content(TREE "/home/f", "new\n");
        assert_content(TREE "/home/d/f", "new\n");
        g_assert_false(exists(TREE "/home/d/deep"));
        transfer(fixture->client, "CopyToContainer", HOST "/f", "/home/d", "{'Replace': <true>}");
        assert_content(TREE "/home/d", "new\n");
        assert_no_siblings(fixture);
        terminate(fixture->client, "box");
}

static void test_copy_options(Fixture *fixture)
{
        static const char *const bad[] = {"{'Rooot': <true>}", "{'Replace': <'yes'>}", "{'replace': <true>}"};

        make_tree(fixture, 0);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
                g_free(manager_refuses(fixture->client, "InvalidOption", "CopyToContainer", "(sss@a{sv})", "box", HOST,
                                       "/home/x", options(bad[i])));
        terminate(fixture->client, "box");
}

/* Followed, a link leads to what it leads to on its own side; in a circle it leads to an error. */
static void test_copy_follows(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo host >" HOST "/f; mkdir " TREE "/home/d; cd " TREE "/home/d; echo in >" TREE
                             "/etc/f; ln -s /etc/f l; ln -s ../d/l m; mkdir " TREE "/home/circle; ln -s . " TREE
                             "/home/circle/again"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        transfer(fixture->client, "CopyFromContainer", "/home/d", HOST "/d", "{'Follow': <true>}");
        assert_content(HOST "/d/l", "in\n");
        g_assert_true(S_ISREG(stat_of(HOST "/d/m").st_mode));
        g_free(transfer_fails(fixture->client, "CopyFromContainer", "/home/circle", HOST "/c", "{'Follow': <true>}"));
        g_assert_false(exists(HOST "/c"));
        assert_no_siblings(fixture);
        terminate(fixture->client, "box");
}

/* The copy is made beside its source's content, and would be found there again and again. */
static void test_copy_into_itself(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo x >" TREE "/home/f"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        transfer(fixture->client, "CopyToContainer", TREE "/home", "/home/copy", NULL);
        g_autofree char *found = host(fixture, "find " TREE "/home -type f | sort");
        g_assert_cmpstr(found, ==, TREE "/home/copy/f\n" TREE "/home/f\n");
        terminate(fixture->client, "box");
}

/* On the host the owner of a confined container is nobody but the owner. */
static void test_copy_as_owner(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_tree(fixture, ALICE);
        g_free(host(fixture,
                    "echo secret >" HOST "/secret; chmod 600 " HOST "/secret; mkdir -m 700 " HOST "/closed; "
                    "touch " HOST "/closed/f; echo hers >" HOST "/f; mkdir " HOST "/hers; chown %u " HOST "/f " HOST
                    "/hers; cp /usr/bin/true " TREE "/home/suid; chmod 4755 " TREE "/home/suid; echo x >" TREE
                    "/home/other; chown %u " TREE "/home/other " TREE "/home/suid; chmod 4755 " TREE "/home/suid",
                    ALICE, ALICE_IDS + 5));
        create(alice, "box", "exec sleep 100", own_tree);
        transfer(alice, "CopyToContainer", HOST "/f", "/home/f", NULL);
        g_assert_cmpuint(stat_of(TREE "/home/f").st_uid, ==, ALICE);
        assert_transfer_fails(alice, "CopyToContainer", HOST "/secret", "/home/s", g_strerror(EACCES));
        assert_transfer_fails(alice, "CopyToContainer", HOST "/closed/f", "/home/s", g_strerror(EACCES));
        assert_transfer_fails(alice, "CopyToContainer", HOST "/closed/g", "/home/s", g_strerror(EACCES));
        assert_transfer_fails(alice, "CopyFromContainer", "/home/f", HOST "/x", g_strerror(EACCES));
        assert_transfer_fails(alice, "CopyFromContainer", "/home/f", "/etc/cron.d/x", g_strerror(EACCES));
        transfer(alice, "CopyFromContainer", "/home/other", HOST "/hers/other", NULL);
        transfer(alice, "CopyFromContainer", "/home/suid", HOST "/hers/suid", NULL);
        g_assert_cmpuint(stat_of(HOST "/hers/other").st_uid, ==, ALICE);
        g_assert_cmpuint(stat_of(HOST "/hers/suid").st_mode, ==, S_IFREG | 0755);
        assert_no_siblings(fixture);
        terminate(alice, "box");
}

/* What becomes a secret when it is in a container: to be root of that gives no right to read it. */
static void test_copy_of_bound_secret(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE);

        make_tree(fixture, ALICE);
        g_free(host(fixture,
                    "echo secret >" HOST "/secret; mkdir " HOST "/hers; chown %u " HOST "/hers; touch " TREE
                    "/s; chown %u " TREE "/s",
                    ALICE, ALICE));
        create(alice, "box", "exec sleep 100",
               "{'Root': <'" TREE "'>, 'Mounts': <[('bind-ro', ['/usr', '/usr']), ('bind', ['" HOST
               "/secret', '/s'])]>}");
        g_free(host(fixture, "chmod 600 " HOST "/secret"));
        assert_transfer_fails(alice, "CopyFromContainer", "/s", HOST "/hers/s", g_strerror(EACCES));
        assert_transfer_fails(fixture->client, "CopyFromContainer", "/s", HOST "/s", g_strerror(EACCES));
        terminate(alice, "box");
}

/* A device that a container shows may be made up, and would be real outside. */
static void test_copy_of_device(Fixture *fixture)
{
        make_tree(fixture, 100000);
        g_free(host(fixture, "mknod " TREE "/home/mem c 1 1; chmod 666 " TREE "/home/mem"));
        create(fixture->client, "box", "exec sleep 100", mapped_tree);
        assert_transfer_fails(fixture->client, "CopyFromContainer", "/home/mem", HOST "/mem", g_strerror(EPERM));
        g_assert_false(exists(HOST "/mem"));
        terminate(fixture->client, "box");
}

/* A9: links in the tree that name a file of the host, and one that the kernel would follow into another process. */
static void test_copy_through_links(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture,
                    "echo host >" HOST "/canary; cd " TREE "/home; ln -s " HOST " absolute; ln -s ../../../../.." HOST
                    " relative; ln -s /proc/1/root" HOST " magic; ln -s /proc/self/cwd" HOST " own; "
                    "echo new >" TREE "/f"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        static const char *const links[] = {"absolute", "relative", "magic", "own"};
        for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
                g_autofree char *in = g_strdup_printf("/home/%s/canary", links[i]);
                g_autofree char *link = g_strdup_printf("/home/%s", links[i]);
                g_free(transfer_fails(fixture->client, "CopyFromContainer", in, HOST "/stolen", NULL));
                g_free(transfer_fails(fixture->client, "CopyFromContainer", link, HOST "/stolen",
                                      "{'Follow': <true>}"));
                g_free(transfer_fails(fixture->client, "CopyToContainer", TREE "/f", in, "{'Replace': <true>}"));
                g_assert_false(exists(HOST "/stolen"));
                assert_content(HOST "/canary", "host\n");
        }
        terminate(fixture->client, "box");
}

/* Swaps a directory of the tree and a link that names the host's, until it is killed. */
static pid_t begin_exchanging(const char *one, const char *other)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        while (pid == 0) {
                renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
                sched_yield();
        }
        return pid;
}

/* A9: the race that broke docker cp. Whatever wins, the host's file is neither read nor written. */
static void test_exchange_race(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "echo host >" HOST "/f; echo new >/run/test/new; mkdir -p " TREE
                             "/home/a/deep; echo in >" TREE "/home/a/f; ln -s " HOST " " TREE "/home/b"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        pid_t exchanger = begin_exchanging(TREE "/home/a", TREE "/home/b");
        g_hash_table_add(fixture->expected, GINT_TO_POINTER(exchanger));
        gint64 end = g_get_monotonic_time() + 1500 * G_TIME_SPAN_MILLISECOND;
        guint n_copied = 0;
        while (g_get_monotonic_time() < end) {
                GVariant *copy = g_variant_new("(sss@a{sv})", "box", "/home/a/f", "/run/test/got",
                                               options("{'Replace': <true>}"));
                if (!*outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CopyFromContainer", copy)) {
                        assert_content("/run/test/got", "in\n");
                        n_copied++;
                }
                copy = g_variant_new("(sss@a{sv})", "box", "/run/test/new", "/home/a/new",
                                     options("{'Replace': <true>}"));
                outcome(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer", copy);
                g_assert_false(exists(HOST "/new"));
        }
        kill(exchanger, SIGKILL);
        waitpid(exchanger, NULL, 0);
        g_test_message("%u copies came through", n_copied);
        assert_content(HOST "/f", "host\n");
        terminate(fixture->client, "box");
}

/* A disk that is full halfway: what had the name before has it still, and nothing else is left there. */
static void test_copy_to_full_disk(Fixture *fixture)
{
        make_tree(fixture, 0);
        g_free(host(fixture, "mkdir " HOST "/d " HOST "/small; mount -t tmpfs -o size=1m none " HOST "/small; "
                             "head -c 4M /dev/zero | tr '\\0' x >" HOST "/d/f; mkdir " HOST "/small/was; "
                             "echo old >" HOST "/small/was/f; echo old >" HOST "/small/file"));
        create(fixture->client, "box", "exec sleep 100",
               "{'Root': <'" TREE "'>, 'Mounts': <[('bind-ro', ['/usr', '/usr']), ('bind', ['" HOST
               "/small', '/tmp'])]>}");
        assert_transfer_fails(fixture->client, "CopyToContainer", HOST "/d", "/tmp/new", g_strerror(ENOSPC));
        g_autofree char *was = transfer_fails(fixture->client, "CopyToContainer", HOST "/d", "/tmp/was",
                                              "{'Replace': <true>}");
        g_assert_nonnull(strstr(was, g_strerror(ENOSPC)));
        g_free(transfer_fails(fixture->client, "CopyToContainer", HOST "/d/f", "/tmp/file", "{'Replace': <true>}"));
        g_free(transfer_fails(fixture->client, "CopyFromContainer", "/tmp", HOST "/small/x/y", NULL));
        assert_content(HOST "/small/was/f", "old\n");
        assert_content(HOST "/small/file", "old\n");
        g_autofree char *left = host(fixture, "cd " HOST "/small && find . | sort | tr '\\n' ' '");
        g_assert_cmpstr(left, ==, ". ./file ./was ./was/f ");
        terminate(fixture->client, "box");
        g_free(host(fixture, "umount " HOST "/small"));
}

/* ---- progress ---- */

/* What CopyProgress has said, to one client. */
typedef struct Seen {
        guint n;
        guint64 bytes, total_bytes, files, total_files;
        gboolean went_back;
} Seen;

static void on_progress(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                        const char *name, GVariant *parameters, gpointer userdata)
{
        const char *source, *destination;
        Seen *seen = userdata, now = *seen;

        (void)connection, (void)sender, (void)path, (void)interface, (void)name;
        g_variant_get(parameters, "(&s&stttt)", &source, &destination, &now.bytes, &now.total_bytes, &now.files,
                      &now.total_files);
        g_assert_cmpstr(source, ==, HOST "/many");
        g_assert_cmpstr(destination, ==, "/home/many");
        now.n++;
        now.went_back |= now.bytes < seen->bytes || now.files < seen->files;
        *seen = now;
}

static guint watch_progress(Client *client, Seen *seen)
{
        g_autofree char *path = container_path("box");

        return g_dbus_connection_signal_subscribe(client->connection, client->destination, CONTAINER_INTERFACE,
                                                  "CopyProgress", path, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_progress,
                                                  seen, NULL);
}

/* Both look; one of them copies. */
static void test_progress(Fixture *fixture)
{
        g_autoptr(Client) other = fixture->transport == ON_BUS ? client_new(fixture, 0) : NULL;
        g_auto(Pending) silent = {}, shown = {};
        Seen mine = {}, others = {};

        make_tree(fixture, 0);
        g_free(host(fixture,
                    "mkdir " HOST "/many; cd " HOST "/many; seq -f f%%.0f 1 2000 | xargs touch; echo 12345 >f1; "
                    "truncate -s 1M sparse; ln -s f1 link"));
        create(fixture->client, "box", "exec sleep 100", own_tree);
        guint subscription = watch_progress(fixture->client, &mine);
        if (other)
                watch_progress(other, &others);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                          g_variant_new("(sss@a{sv})", "box", HOST "/many", "/home/many", options(NULL)), &silent);
        await(silent.is_done);
        g_assert_no_error(silent.error);
        g_assert_cmpuint(mine.n, ==, 0);
        client_call_later(fixture->client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                          g_variant_new("(sss@a{sv})", "box", HOST "/many", "/home/many",
                                        options("{'Progress': <true>, 'Replace': <true>}")),
                          &shown);
        await(shown.is_done);
        g_assert_no_error(shown.error);
        g_assert_cmpuint(mine.n, >, 0);
        g_assert_false(mine.went_back);
        g_assert_cmpuint(mine.total_bytes, ==, 6 + 1024 * 1024);
        g_assert_cmpuint(mine.bytes, ==, mine.total_bytes);
        g_assert_cmpuint(mine.total_files, ==, 2003);
        g_assert_cmpuint(mine.files, ==, mine.total_files);
        g_assert_cmpuint(others.n, ==, 0);
        g_dbus_connection_signal_unsubscribe(fixture->client->connection, subscription);
        terminate(fixture->client, "box");
}

/* ---- an end before its time ---- */

static void make_many_files(Fixture *fixture)
{
        g_free(host(fixture, "mkdir " HOST "/many; cd " HOST "/many; seq -f f%%.0f 1 60000 | xargs touch"));
}

static char *find_sibling(void)
{
        g_autoptr(GDir) directory = g_dir_open(TREE "/home", 0, NULL);
        const char *entry;

        while ((entry = g_dir_read_name(directory)))
                if (g_str_has_prefix(entry, ".pflask-copy-"))
                        return g_build_filename(TREE "/home", entry, NULL);
        return NULL;
}

/* Until a copy is under way that takes a while. */
static void begin_long_copy(Client *client, Pending *pending)
{
        g_autofree char *sibling = NULL;

        client_call_later(client, MANAGER_PATH, MANAGER_INTERFACE, "CopyToContainer",
                          g_variant_new("(sss@a{sv})", "box", HOST "/many", "/home/many", options(NULL)), pending);
        g_dbus_connection_flush_sync(client->connection, NULL, NULL);
        while (!(sibling = find_sibling()))
                g_usleep(1000);
}

static void await_nothing_copied(void)
{
        gint64 deadline = g_get_monotonic_time() + 10 * G_TIME_SPAN_SECOND;
        char *sibling;

        while ((sibling = find_sibling()) && g_get_monotonic_time() < deadline) {
                g_free(sibling);
                g_usleep(10000);
        }
        g_assert_null(sibling);
        g_assert_false(exists(TREE "/home/many"));
}

static void test_caller_leaves(Fixture *fixture)
{
        g_autoptr(Client) other = client_new(fixture, 0);
        Pending pending = {};

        make_tree(fixture, 0);
        make_many_files(fixture);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        begin_long_copy(other, &pending);
        g_dbus_connection_close_sync(other->connection, NULL, NULL);
        await(pending.is_done);
        pending_clear(&pending);
        await_nothing_copied();
        terminate(fixture->client, "box");
}

static void test_manager_dies(Fixture *fixture)
{
        Pending pending = {};

        make_tree(fixture, 0);
        make_many_files(fixture);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        begin_long_copy(fixture->client, &pending);
        fixture_stop_manager(fixture, SIGKILL);
        await(pending.is_done);
        pending_clear(&pending);
        await_nothing_copied();
        fixture_start_manager(fixture);
        terminate(fixture->client, "box");
}

static void test_container_ends(Fixture *fixture)
{
        g_auto(Pending) pending = {};

        make_tree(fixture, 0);
        make_many_files(fixture);
        create(fixture->client, "box", "exec sleep 100", own_tree);
        begin_long_copy(fixture->client, &pending);
        g_variant_unref(manager_call(fixture->client, "TerminateContainer", "(s)", "box"));
        await(pending.is_done);
        g_assert_cmpstr(client_error_name(pending.error), ==, ERROR_PREFIX "NotRunning");
        wait_for(fixture->client, "box", "killed", SIGKILL);
        await_nothing_copied();
}

/* ---- who may ---- */

/* A15, A18 */
static void test_strangers(Fixture *fixture)
{
        g_autoptr(Client) alice = client_new(fixture, ALICE), carol = client_new(fixture, CAROL);

        make_tree(fixture, ALICE);
        create(alice, "box", "exec sleep 100", own_tree);
        g_free(manager_refuses(carol, INTERACTIVE, "OpenContainerRootDirectory", "(s)", "box"));
        g_free(manager_refuses(carol, INTERACTIVE, "GetContainerAddresses", "(s)", "box"));
        g_free(manager_refuses(carol, INTERACTIVE, "GetContainerOSRelease", "(s)", "box"));
        g_free(manager_refuses(carol, INTERACTIVE, "BindMountContainer", "(sssbb)", "box", "/", "/", FALSE, FALSE));
        g_free(manager_refuses(carol, INTERACTIVE, "CopyToContainer", "(sss@a{sv})", "box", "/etc", "/x",
                               options(NULL)));
        g_free(manager_refuses(carol, INTERACTIVE, "CopyFromContainer", "(sss@a{sv})", "box", "/etc", "/x",
                               options(NULL)));
        terminate(alice, "box");
}

/* A3: who looks into a container is never seen there. */
static void test_visits_are_not_seen(Fixture *fixture)
{
        make_tree(fixture, 100000);
        create(fixture->client, "box",
               "while :; do for p in /proc/[0-9]*; do case $p in /proc/1) ;; *) echo $p >>/home/seen; esac; done; done",
               mapped_tree);
        for (guint i = 0; i < rounds(200); i++)
                g_variant_unref(manager_call(fixture->client, "GetContainerOSRelease", "(s)", "box"));
        g_assert_false(exists(TREE "/home/seen"));
        terminate(fixture->client, "box");
}

static const Test tests[] = {
        TEST("/transfer/root-directory-is-open-for-reading", test_root_directory, ON_ALL),
        {"/transfer/root-directory-of-owner", test_root_directory_of_owner, ON_BUS | WITH_POLKIT, rules, NULL},
        TEST("/transfer/A18-setuid-through-descriptor", test_setuid_through_descriptor, ON_BUS),
        TEST("/transfer/addresses-of-every-interface", test_addresses, ON_BUS),
        TEST("/transfer/no-addresses-of-the-host", test_no_private_network, ON_ALL),
        TEST("/transfer/A17-leader-goes-to-the-hosts-network", test_leader_goes_to_hosts_network, ON_BUS),
        TEST("/transfer/os-release", test_os_release, ON_ALL),
        TEST("/transfer/A15-hostile-os-release", test_hostile_os_release, ON_BUS),
        TEST("/transfer/A9-os-release-is-a-link", test_os_release_link, ON_BUS),
        TEST("/transfer/bind", test_bind, ON_ALL),
        TEST("/transfer/bind-says-why-not", test_bind_refusals, ON_ALL),
        TEST("/transfer/bind-in-a-user-namespace-is-locked", test_bind_in_user_namespace, ON_BUS),
        {"/transfer/mounts-in-a-user-namespace-are-locked", test_mounts_are_locked, ON_BUS | WITH_POLKIT, rules, NULL},
        {"/transfer/the-hosts-tree-in-a-user-namespace-is-locked", test_hosts_tree_is_locked, ON_BUS | WITH_POLKIT,
         rules, NULL},
        TEST("/transfer/bind-of-nobody-is-an-error", test_bind_of_nobody, ON_BUS),
        {"/transfer/bind-with-the-owners-authority", test_bind_as_owner, ON_BUS | WITH_POLKIT, rules, NULL},
        TEST("/transfer/A6-bind-through-a-link", test_bind_through_link, ON_BUS),
        TEST("/transfer/copy-there-and-back", test_copy_there_and_back, ON_ALL),
        TEST("/transfer/copy-translates-ids", test_copy_translates_ids, ON_BUS),
        TEST("/transfer/copy-replaces-only-when-asked", test_copy_to_existing, ON_BUS),
        TEST("/transfer/copy-refuses-options", test_copy_options, ON_BUS),
        TEST("/transfer/copy-follows-links-on-their-side", test_copy_follows, ON_BUS),
        TEST("/transfer/copy-into-itself-ends", test_copy_into_itself, ON_BUS),
        {"/transfer/copy-with-the-owners-authority", test_copy_as_owner, ON_BUS | WITH_POLKIT, rules, NULL},
        {"/transfer/copy-of-a-secret-that-was-bound", test_copy_of_bound_secret, ON_BUS | WITH_POLKIT, rules, NULL},
        TEST("/transfer/copy-of-a-device-that-was-made-up", test_copy_of_device, ON_BUS),
        TEST("/transfer/A9-copy-through-links", test_copy_through_links, ON_BUS),
        TEST("/transfer/A9-exchange-race", test_exchange_race, ON_BUS),
        TEST("/transfer/copy-to-a-full-disk-leaves-nothing", test_copy_to_full_disk, ON_ALL),
        TEST("/transfer/copy-shows-its-caller-how-far-it-is", test_progress, ON_ALL),
        TEST("/transfer/copy-ends-with-its-caller", test_caller_leaves, ON_BUS),
        TEST("/transfer/copy-ends-with-its-manager", test_manager_dies, ON_BUS),
        TEST("/transfer/copy-ends-with-its-container", test_container_ends, ON_BUS),
        {"/transfer/A15-strangers-get-nothing", test_strangers, ON_BUS | WITH_POLKIT, rules, NULL},
        TEST("/transfer/A3-visits-are-not-seen", test_visits_are_not_seen, ON_BUS),
};

int main(int argc, char **argv)
{
        return test_program(argc, argv, tests, G_N_ELEMENTS(tests));
}
