/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed, and what the service is asked for because of it: the grammar of pflask(1), old and new. */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include "cli/progress.h"
#include "cli/property.h"
#include "cli/run-options.h"
#include "cli/text.h"
#include "common/fd.h"
#include "common/macros.h"

typedef struct Line {
        RunOptions options;
        int first; /* operand, or -errno */
        char **words;
        int n_words;
        sd_bus_error error;
} Line;

static void line_clear(Line *line)
{
        run_options_clear(&line->options);
        g_strfreev(line->words);
        sd_bus_error_free(&line->error);
}

/* Reads a command line whose words stand between bars, as a shell would have handed it over. */
static void line_read(Line *line, bool is_bare, const char *words)
{
        const Option *rows;
        size_t n = is_bare ? run_options_bare(&rows) : run_options_verb(&rows);

        *line = (Line){.words = g_strsplit(words, "|", -1)};
        line->n_words = (int)g_strv_length(line->words);
        line->first = options_read(rows, n, OPERANDS_LAST, line->n_words, line->words, &line->options, &line->error);
        run_options_spec(&line->options);
}

static void letters_mean_what_they_did(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true,
                  "pflask|-r|/root|-w|-m|tmp:/a|-n|-u|app|-e|0:100000:65536|-b|-all,+net_raw|-g|memory,cpu|-t|box|-c|"
                  "/there|-s|A=1|-k|-d|-U|-M|-N|-I|-H|-P|ls|-l");
        const Spec *spec = line.options.spec;

        g_assert_cmpint(line.first, ==, line.n_words - 2);
        g_assert_cmpstr(spec->root_path, ==, "/root");
        g_assert_true(spec->ephemeral);
        g_assert_cmpuint(spec->n_mounts, ==, 1);
        g_assert_true(spec->private_network);
        g_assert_cmpuint(spec->n_interfaces, ==, 0);
        g_assert_cmpstr(spec->user, ==, "app");
        g_assert_cmpuint(spec->user_maps[0].host, ==, 100000);
        g_assert_cmpstr(spec->capabilities[0], ==, "-all");
        g_assert_cmpstr(spec->capabilities[1], ==, "+net_raw");
        g_assert_cmpstr(spec->cgroups[1], ==, "cpu");
        g_assert_cmpstr(spec->hostname, ==, "box");
        g_assert_cmpstr(spec->working_directory, ==, "/there");
        g_assert_cmpstr(line.options.environment[0], ==, "A=1");
        g_assert_true(line.options.keeps_environment);
        g_assert_true(line.options.is_detached);
        g_assert_cmphex(spec->shared_namespaces, ==,
                        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID);
}

static void the_letter_t_is_a_hostname_or_a_pty(void)
{
        static const struct {
                const char *words;
                bool is_bare;
                const char *hostname;
                PtyMode pty;
                int first;
        } rows[] = {
                {"pflask|-t|box|ls", true, "box", PTY_AUTO, 3},
                {"pflask|-tbox|ls", true, "box", PTY_AUTO, 2},
                {"pflask|-t|--|ls", true, NULL, PTY_YES, 3},
                {"pflask|-t", true, NULL, PTY_YES, 2},
                {"pflask|-t|--name=x|ls", true, NULL, PTY_YES, 3},
                {"pflask|-dt|--|ls", true, NULL, PTY_YES, 3},
                {"pflask|--tty|ls", true, NULL, PTY_YES, 2},
                {"pflask|-T|ls", true, NULL, PTY_NO, 2},
                {"pflask|--no-tty|--hostname=box", true, "box", PTY_NO, 3},
                {"pflask|-t|box|ls", false, NULL, PTY_YES, 2},
                {"pflask|-t|--hostname=box|ls", false, "box", PTY_YES, 3},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                _cleanup_(line_clear) Line line = {};
                line_read(&line, rows[i].is_bare, rows[i].words);
                g_assert_cmpint(line.first, ==, rows[i].first);
                g_assert_cmpstr(line.options.spec->hostname, ==, rows[i].hostname);
                g_assert_cmpint(line.options.pty, ==, rows[i].pty);
        }
}

static void mounts_are_split_at_colons_that_are_not_escaped(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true,
                  "pflask|--mount=bind:/a\\:b:/c|--mount=bind-ro:rel:/d|--mount=overlay:/u:/o:/w|--mount=tmp:/t\\:|"
                  "--mount=bind:/x\\y:/z");
        const Spec *spec = line.options.spec;
        g_autofree char *here = g_get_current_dir();
        g_autofree char *relative = g_build_filename(here, "rel", NULL);

        g_assert_cmpint(line.first, >, 0);
        g_assert_cmpuint(spec->n_mounts, ==, 5);
        g_assert_cmpint(spec->mounts[0].kind, ==, MOUNT_BIND);
        g_assert_cmpstr(spec->mounts[0].source, ==, "/a:b");
        g_assert_cmpstr(spec->mounts[0].destination, ==, "/c");
        g_assert_cmpint(spec->mounts[1].kind, ==, MOUNT_BIND_READ_ONLY);
        g_assert_cmpstr(spec->mounts[1].source, ==, relative);
        g_assert_cmpint(spec->mounts[2].kind, ==, MOUNT_OVERLAY);
        g_assert_cmpstr(spec->mounts[2].source, ==, "/u");
        g_assert_cmpstr(spec->mounts[2].destination, ==, "/o");
        g_assert_cmpstr(spec->mounts[2].work, ==, "/w");
        g_assert_cmpint(spec->mounts[3].kind, ==, MOUNT_TMP);
        g_assert_null(spec->mounts[3].source);
        g_assert_cmpstr(spec->mounts[3].destination, ==, "/t:");
        g_assert_cmpstr(spec->mounts[4].source, ==, "/x\\y");
}

static void interfaces_are_moved_or_made(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true,
                  "pflask|--netif=vxlan0:eth0|--netif=macvlan:eth0:a|--netif=ipvlan:eth0:b|-nveth:out:in|--|ls");
        const Spec *spec = line.options.spec;

        g_assert_cmpint(line.first, ==, 6);
        g_assert_cmpuint(spec->n_interfaces, ==, 4);
        g_assert_cmpint(spec->interfaces[0].kind, ==, INTERFACE_MOVE);
        g_assert_cmpstr(spec->interfaces[0].outside, ==, "vxlan0");
        g_assert_cmpstr(spec->interfaces[0].inside, ==, "eth0");
        g_assert_cmpint(spec->interfaces[1].kind, ==, INTERFACE_MACVLAN);
        g_assert_cmpint(spec->interfaces[2].kind, ==, INTERFACE_IPVLAN);
        g_assert_cmpint(spec->interfaces[3].kind, ==, INTERFACE_VETH);
        g_assert_cmpstr(spec->interfaces[3].inside, ==, "in");
}

static void the_netif_letter_never_takes_the_command(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true, "pflask|-n|ip|link");
        g_assert_cmpint(line.first, ==, 2);
        g_assert_true(line.options.spec->private_network);
}

static void assignments_are_split_at_commas_that_are_not_escaped(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true, "pflask|-s|A=1,B=2\\,3|--setenv=C=|-s|D=x=y");
        g_assert_cmpuint(strings_count(line.options.environment), ==, 4);
        g_assert_cmpstr(line.options.environment[1], ==, "B=2,3");
        g_assert_cmpstr(line.options.environment[2], ==, "C=");
        g_assert_cmpstr(line.options.environment[3], ==, "D=x=y");
}

static void limits_have_two_sides(void)
{
        _cleanup_(line_clear) Line line = {};

        line_read(&line, true, "pflask|--rlimit=NOFILE=1024:4096|--rlimit=memlock=64K|--rlimit=CORE=0:infinity");
        const Spec *spec = line.options.spec;

        g_assert_cmpuint(spec->n_limits, ==, 3);
        g_assert_cmpuint(spec->limits[0].soft, ==, 1024);
        g_assert_cmpuint(spec->limits[0].hard, ==, 4096);
        g_assert_cmpuint(spec->limits[1].soft, ==, 65536);
        g_assert_cmpuint(spec->limits[1].hard, ==, 65536);
        g_assert_cmpuint(spec->limits[2].hard, ==, UINT64_MAX);
}

static void properties_are_spelled_as_systemd_does(void)
{
        static const struct {
                const char *text, *name;
                int r;
                uint64_t number;
        } rows[] = {
                {"MemoryMax=64M", "MemoryMax", 0, 64 << 20},
                {"MemoryMax=infinity", "MemoryMax", 0, UINT64_MAX},
                {"MemoryHigh=1024", "MemoryHigh", 0, 1024},
                {"TasksMax=100", "TasksMax", 0, 100},
                {"CPUQuota=20%", "CPUQuotaPerSecUSec", 0, 200000},
                {"CPUQuota=250%", "CPUQuotaPerSecUSec", 0, 2500000},
                {"CPUWeight=10000", "CPUWeight", 0, 10000},
                {"CPUWeight=10001", NULL, -ERANGE, 0},
                {"CPUWeight=0", NULL, -ERANGE, 0},
                {"CPUQuota=20", NULL, -EINVAL, 0},
                {"MemoryMax=64X", NULL, -EINVAL, 0},
                {"MemoryMax=-1", NULL, -EINVAL, 0},
                {"MemoryMax=99999999999E", NULL, -ERANGE, 0},
                {"MemoryMax", NULL, -EINVAL, 0},
                {"ExecStart=/bin/sh", NULL, -ENOENT, 0},
                {"memorymax=1", NULL, -ENOENT, 0},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                Property property = {};
                g_assert_cmpint(property_parse(rows[i].text, &property), ==, rows[i].r);
                g_assert_cmpstr(property.name, ==, rows[i].name);
                g_assert_cmpuint(property.number, ==, rows[i].number);
        }
}

static void cpus_become_a_mask(void)
{
        Property property = {};

        g_assert_cmpint(property_parse("AllowedCPUs=0-3,9", &property), ==, 0);
        g_assert_cmpmem(property.bytes, property.n_bytes, "\x0f\x02", 2);
        free(property.bytes);
        g_assert_cmpint(property_parse("AllowedCPUs=3-0", &property), ==, -ERANGE);
        g_assert_cmpint(property_parse("AllowedCPUs=1-2-3", &property), ==, -EINVAL);
        g_assert_cmpint(property_parse("AllowedCPUs=99999", &property), ==, -ERANGE);
        g_assert_cmpint(property_parse("AllowedCPUs=", &property), ==, -EINVAL);
}

static void what_is_wrong_is_refused_by_name(void)
{
        static const struct {
                const char *words, *expected;
        } rows[] = {
                {"pflask|--mount=bnd:/a:/b", "--mount"},
                {"pflask|--mount=bind-foo:/a:/b", "--mount"},
                {"pflask|--mount=bind:/a", "--mount"},
                {"pflask|--mount=tmp:/a:/b", "--mount"},
                {"pflask|--mount=", "--mount"},
                {"pflask|--netif=eth0", "--netif"},
                {"pflask|--netif=vlan:a:b", "--netif"},
                {"pflask|--netif=a:b:c:d", "--netif"},
                {"pflask|-e|0:1", "--user-map"},
                {"pflask|-e|0:1:x", "--user-map"},
                {"pflask|-e|0:1:4294967296", "--user-map"},
                {"pflask|-e|-1:1:1", "--user-map"},
                {"pflask|-s|A", "--setenv"},
                {"pflask|-s|=1", "--setenv"},
                {"pflask|-s|A=1,", "--setenv"},
                {"pflask|--rlimit=NOFILES=1", "NOFILES"},
                {"pflask|--rlimit=NOFILE", "--rlimit"},
                {"pflask|--rlimit=NOFILE=1:2:3", "--rlimit"},
                {"pflask|--property=Slice=x", "--property"},
                {"pflask|--stop-signal=NOPE", "NOPE"},
                {"pflask|--register=perhaps", "--register"},
                {"pflask|--caps=a,,b", "--caps"},
                {"pflask|--chroot=", "--chroot"},
                {"pflask|--rooot=/", "--rooot"},
                {"pflask|-Z", "-Z"},
                {"pflask|--name", "--name"},
                {"pflask|--detach=yes", "--detach"},
                {"pflask|--hostname=\xff", "--hostname"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                _cleanup_(line_clear) Line line = {};
                line_read(&line, true, rows[i].words);
                g_assert_cmpint(line.first, <, 0);
                g_assert_nonnull(line.error.message);
                if (!strstr(line.error.message, rows[i].expected))
                        g_error("%s: '%s' isn't named in '%s'", rows[i].words, rows[i].expected, line.error.message);
        }
}

static void signals_have_names_and_numbers(void)
{
        g_assert_cmpint(text_to_signal("TERM"), ==, SIGTERM);
        g_assert_cmpint(text_to_signal("SIGKILL"), ==, SIGKILL);
        g_assert_cmpint(text_to_signal("15"), ==, 15);
        g_assert_cmpint(text_to_signal("RTMIN+4"), ==, SIGRTMIN + 4);
        g_assert_cmpint(text_to_signal("SIGRTMAX-1"), ==, SIGRTMAX - 1);
        g_assert_cmpint(text_to_signal("0"), ==, -EINVAL);
        g_assert_cmpint(text_to_signal("65"), ==, -EINVAL);
        g_assert_cmpint(text_to_signal("RTMIN+40"), ==, -EINVAL);
        g_assert_cmpint(text_to_signal("term"), ==, -EINVAL);
        g_assert_cmpint(text_to_signal(""), ==, -EINVAL);
}

static void only_utf8_crosses_the_bus(void)
{
        static const char *const good[] = {"", "a\n", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
        static const char *const bad[] = {"\xff",         "\xc3",         "\xc0\xaf",
                                          "\xed\xa0\x80", "\xe0\x80\xaf", "\xf4\x90\x80\x80"};

        for (unsigned i = 0; i < ELEMENTS(good); i++)
                g_assert_true(text_is_utf8(good[i]));
        for (unsigned i = 0; i < ELEMENTS(bad); i++)
                g_assert_false(text_is_utf8(bad[i]));
}

/* The bytes of one character by the scheme of UTF-8, whether or not it is one. */
static void text_of(uint32_t point, char text[static 5])
{
        static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
        size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

        text[n] = '\0';
        for (size_t i = n - 1; i > 0; i--, point >>= 6)
                text[i] = (char)(0x80 | (point & 0x3f));
        text[0] = (char)(marks[n] | point);
}

static void what_is_utf8_is_what_the_bus_library_takes(void)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        char text[5];
        int pair[2];

        /* A connection makes messages once it is being set up. */
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), ==, 0);
        _cleanup_(fd_closep) _unused_ int peer = pair[1];
        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, pair[0], pair[0]), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        for (uint32_t point = 1; point < 0x200000; point++) {
                if (point > 0x10000 && (point & 0xffff) == 0x100) /* the planes above differ at their ends alone */
                        point += 0xfe00;
                if (!message || point % 0x1000 == 1) { /* small messages */
                        message = sd_bus_message_unref(message);
                        g_assert_cmpint(sd_bus_message_new_signal(bus, &message, "/", "a.b", "c"), >=, 0);
                }
                text_of(point, text);
                bool is_taken = sd_bus_message_append_basic(message, 's', text) >= 0;
                if (is_taken != text_is_utf8(text))
                        g_error("U+%04X: the library %s it", point, is_taken ? "takes" : "refuses");
        }
}

static void figures_are_short_and_true(void)
{
        static const struct {
                Figure (*format)(uint64_t);
                uint64_t figure;
                const char *text;
        } rows[] = {
                {text_from_size, 0, "0B"},
                {text_from_size, 1023, "1023B"},
                {text_from_size, 1024, "1K"},
                {text_from_size, 1536, "1.5K"},
                {text_from_size, 1048575, "1023.9K"},
                {text_from_size, 64 << 20, "64M"},
                {text_from_size, UINT64_MAX, "15.9E"},
                {text_from_duration, 999, "0ms"},
                {text_from_duration, 999999, "999ms"},
                {text_from_duration, 1000000, "1.00s"},
                {text_from_duration, 59999999, "59.99s"},
                {text_from_duration, 60000000, "1min 0s"},
                {text_from_duration, 3659000000, "1h 0min"},
                {text_from_duration, 90000000000, "1d 1h"},
                {text_from_duration, UINT64_MAX, "213503982d 8h"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++)
                g_assert_cmpstr(rows[i].format(rows[i].figure).text, ==, rows[i].text);
}

static void progress_fits_the_terminal(void)
{
        static const struct {
                Mark mark;
                unsigned columns;
                const char *line;
        } rows[] = {
                {{0, 1024, 0, 1}, 79, "  0% [................................................] 0B of 1K, 0 of 1 files"},
                {{512, 1024, 0, 1}, 50, " 50% [########.........] 512B of 1K, 0 of 1 files"},
                {{512, 1024, 0, 1}, 40, " 50% 512B of 1K, 0 of 1 files"},
                {{512, 1024, 0, 1}, 12, " 50% 512B of"},
                {{512, 1024, 0, 1}, 1, " 50% "},
                {{0, 0, 1, 3}, 12, " 33% 0B of 0"},
                {{0, 0, 0, 0}, 12, "100% 0B of 0"},
                {{2000, 1000, 9, 3}, 12, "100% 1.9K of"},
                {{UINT64_MAX - 1, UINT64_MAX, 0, UINT64_MAX}, 12, "100% 15.9E o"},
        };

        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                _cleanup_(freep) char *line = NULL;
                g_assert_cmpint(progress_format(&rows[i].mark, rows[i].columns, &line), ==, 0);
                g_assert_cmpstr(line, ==, rows[i].line);
        }
}

static void the_environment_is_ours_only_here_and_without_a_root(void)
{
        char *const command[] = {NULL};
        static const struct {
                const char *words;
                bool is_bare, has_ours, has_directory;
        } rows[] = {
                {"pflask", true, true, true},
                {"pflask|-r|/tmp", true, false, false},
                {"pflask|-r|/tmp|-k", true, true, false},
                {"pflask|--host=far", true, false, false},
                {"pflask|-H", true, true, true},
                {"pflask|-H|far", false, false, false},
                {"pflask|-M|box", false, false, false},
        };

        g_setenv("PFLASK_TEST_MARK", "1", TRUE);
        g_setenv("TERM", "vt100", TRUE);
        for (unsigned i = 0; i < ELEMENTS(rows); i++) {
                _cleanup_(line_clear) Line line = {};
                line_read(&line, rows[i].is_bare, rows[i].words);
                g_assert_cmpint(run_options_complete(&line.options, command, &line.error), ==, 0);
                const Spec *spec = line.options.spec;
                const char *const *environment = (const char *const *)spec->environment;
                g_assert_true(g_strv_contains(environment, "PFLASK_TEST_MARK=1") == rows[i].has_ours);
                g_assert_true(g_strv_contains(environment, "TERM=vt100"));
                g_assert_true(!spec->working_directory == !rows[i].has_directory);
                g_assert_cmpstr(spec->command[0], ==, "/bin/bash");
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/letters-mean-what-they-did", letters_mean_what_they_did);
        g_test_add_func("/cli/letter-t-is-a-hostname-or-a-pty", the_letter_t_is_a_hostname_or_a_pty);
        g_test_add_func("/cli/mounts-are-split-at-colons", mounts_are_split_at_colons_that_are_not_escaped);
        g_test_add_func("/cli/interfaces-are-moved-or-made", interfaces_are_moved_or_made);
        g_test_add_func("/cli/netif-never-takes-the-command", the_netif_letter_never_takes_the_command);
        g_test_add_func("/cli/assignments-are-split-at-commas", assignments_are_split_at_commas_that_are_not_escaped);
        g_test_add_func("/cli/limits-have-two-sides", limits_have_two_sides);
        g_test_add_func("/cli/properties-are-spelled-as-systemd-does", properties_are_spelled_as_systemd_does);
        g_test_add_func("/cli/cpus-become-a-mask", cpus_become_a_mask);
        g_test_add_func("/cli/what-is-wrong-is-refused-by-name", what_is_wrong_is_refused_by_name);
        g_test_add_func("/cli/signals-have-names-and-numbers", signals_have_names_and_numbers);
        g_test_add_func("/cli/only-utf8-crosses-the-bus", only_utf8_crosses_the_bus);
        g_test_add_func("/cli/utf8-is-what-the-bus-library-takes", what_is_utf8_is_what_the_bus_library_takes);
        g_test_add_func("/cli/figures-are-short-and-true", figures_are_short_and_true);
        g_test_add_func("/cli/progress-fits-the-terminal", progress_fits_the_terminal);
        g_test_add_func("/cli/environment-is-ours-only-here-and-without-a-root",
                        the_environment_is_ours_only_here_and_without_a_root);
        return g_test_run();
}
