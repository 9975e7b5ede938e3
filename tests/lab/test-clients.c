/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scope and machine, each alone, against the real PID 1 and the real machined
 *
 * Runs in the lab, as root, with the manager's rooms linked in and no manager. Processes of the test's own stand in
 * for supervisor and leader.
 */
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "common/error.h"
#include "manager/machined.h"
#include "manager/scope.h"

#define SYSTEMD  "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
#define MACHINED "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"

typedef struct Fixture {
        sd_event *event;
        sd_bus *bus;
        sd_bus_slot *units, *machines;
        pid_t supervisor, leader;
        bool is_done;
        int r;
        char *sentence;
} Fixture;

/* ---- the fixture ---- */

static pid_t start_process(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                for (;;)
                        pause();
        }
        g_assert_cmpint(pid, >, 0);
        return pid;
}

static void end_process(pid_t *pid)
{
        if (*pid <= 0)
                return;
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        *pid = 0;
}

/* Only to be woken: what is true is asked for. */
static int woken(sd_bus_message *message _unused_, void *userdata _unused_, sd_bus_error *error _unused_)
{
        return 0;
}

static void set_up(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(sd_event_new(&fixture->event), >=, 0);
        g_assert_cmpint(sd_bus_open_system(&fixture->bus), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(fixture->bus, fixture->event, 0), >=, 0);
        g_assert_cmpint(sd_bus_call_method(fixture->bus, SYSTEMD, "Subscribe", NULL, NULL, ""), >=, 0);
        sd_bus_match_signal(fixture->bus, &fixture->units, SYSTEMD, "UnitRemoved", woken, NULL);
        sd_bus_match_signal(fixture->bus, &fixture->machines, MACHINED, "MachineRemoved", woken, NULL);
        fixture->supervisor = start_process();
        fixture->leader = start_process();
}

/* Is anything of systemd's left: loaded, active or failed. */
static bool has_unit(Fixture *fixture, const char *unit)
{
        return sd_bus_call_method(fixture->bus, SYSTEMD, "GetUnit", NULL, NULL, "s", unit) >= 0;
}

static bool has_machine(Fixture *fixture, const char *name)
{
        return sd_bus_call_method(fixture->bus, MACHINED, "GetMachine", NULL, NULL, "s", name) >= 0;
}

static void tear_down(Fixture *fixture, gconstpointer data _unused_)
{
        end_process(&fixture->leader);
        end_process(&fixture->supervisor);
        while (has_unit(fixture, "pflask-lab.scope"))
                g_assert_cmpint(sd_event_run(fixture->event, 5000000), >, 0);
        while (has_machine(fixture, "lab"))
                g_assert_cmpint(sd_event_run(fixture->event, 5000000), >, 0);
        g_free(fixture->sentence);
        sd_bus_slot_unref(fixture->units);
        sd_bus_slot_unref(fixture->machines);
        sd_bus_flush_close_unref(fixture->bus);
        sd_event_unref(fixture->event);
}

static void done(void *userdata, int r, const sd_bus_error *error)
{
        Fixture *fixture = userdata;

        g_assert_false(fixture->is_done);
        fixture->is_done = true;
        fixture->r = r;
        g_free(fixture->sentence);
        fixture->sentence = g_strdup(error ? error->message : NULL);
        g_assert_true((r < 0) == (error != NULL));
        if (error)
                g_test_message("%s", error->message);
}

static int wait_until_done(Fixture *fixture)
{
        while (!fixture->is_done)
                g_assert_cmpint(sd_event_run(fixture->event, 30000000), >, 0);
        fixture->is_done = false;
        return fixture->r;
}

/* ---- scope ---- */

static Scope *begin_scope(Fixture *fixture, const ScopeInput *options)
{
        ScopeInput input = *options;
        Scope *scope;

        input.name = "lab";
        input.supervisor = fixture->supervisor;
        input.leader = fixture->leader;
        g_assert_cmpint(scope_start(fixture->bus, &input, done, fixture, &scope, NULL), ==, 0);
        return scope;
}

static int make_scope(Fixture *fixture, const ScopeInput *options)
{
        _cleanup_(scope_freep) Scope *scope _unused_ = begin_scope(fixture, options);

        return wait_until_done(fixture);
}

static char *property_of_scope(const char *property)
{
        _cleanup_(freep) char *command = NULL;
        char *value;

        g_assert_cmpint(asprintf(&command, "systemctl show --value -p %s pflask-lab.scope", property), >, 0);
        g_assert_true(g_spawn_command_line_sync(command, &value, NULL, NULL, NULL));
        return g_strchomp(value);
}

static void assert_property(const char *property, const char *expected)
{
        g_autofree char *value = property_of_scope(property);

        g_assert_cmpstr(value, ==, expected);
}

static void assert_cgroup(pid_t pid, const char *expected)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", pid);
        g_autofree char *content = NULL;

        g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
        g_assert_true(g_str_has_suffix(g_strchomp(content), expected));
}

static void test_scope_has_both(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_true(scope_is_available(fixture->bus));
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        assert_cgroup(fixture->supervisor, "0::/machine.slice/pflask-lab.scope");
        assert_cgroup(fixture->leader, "0::/machine.slice/pflask-lab.scope");
        assert_property("Delegate", "yes");
        assert_property("Description", "Container lab");
}

static void test_scope_confined(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){.owner = 1000, .is_confined = true}), ==, 0);
        assert_cgroup(fixture->leader, "0::/user.slice/user-1000.slice/pflask-lab.scope");
}

static void test_scope_properties(Fixture *fixture, gconstpointer data _unused_)
{
        uint8_t cpus[] = {1};
        const Property properties[] = {
                {.name = "MemoryMax", .number = 64 << 20},
                {.name = "TasksMax", .number = UINT64_MAX},
                {.name = "CPUQuotaPerSecUSec", .number = 500000},
                {.name = "AllowedCPUs", .bytes = cpus, .n_bytes = sizeof(cpus)},
        };
        const ScopeInput input = {.properties = properties, .n_properties = ELEMENTS(properties)};

        g_assert_cmpint(make_scope(fixture, &input), ==, 0);
        assert_property("MemoryMax", "67108864");
        assert_property("TasksMax", "infinity");
        assert_property("CPUQuotaPerSecUSec", "500ms");
        assert_property("AllowedCPUs", "0");
}

static void test_scope_refused(Fixture *fixture, gconstpointer data _unused_)
{
        const Property property = {.name = "CPUWeight", .number = 10000000};

        g_assert_cmpint(make_scope(fixture, &(ScopeInput){.properties = &property, .n_properties = 1}), <, 0);
        g_assert_true(g_str_has_prefix(fixture->sentence, "cannot start unit pflask-lab.scope: "));
        g_assert_nonnull(strstr(fixture->sentence, "CPUWeight"));
        g_assert_false(has_unit(fixture, "pflask-lab.scope"));
}

static void test_scope_of_the_dead(Fixture *fixture, gconstpointer data _unused_)
{
        pid_t leader = fixture->leader, supervisor = fixture->supervisor;

        end_process(&fixture->leader);
        end_process(&fixture->supervisor);
        fixture->leader = leader;
        fixture->supervisor = supervisor;
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), <, 0);
        fixture->leader = fixture->supervisor = 0;
}

static void test_scope_remains(Fixture *fixture, gconstpointer data _unused_)
{
        pid_t old_leader = fixture->leader, old_supervisor = fixture->supervisor;
        siginfo_t end;

        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        fixture->leader = start_process();
        fixture->supervisor = start_process();
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        assert_cgroup(fixture->leader, "/pflask-lab.scope");
        g_assert_cmpint(waitid(P_PID, (id_t)old_leader, &end, WEXITED), ==, 0);
        g_assert_cmpint(waitid(P_PID, (id_t)old_supervisor, &end, WEXITED), ==, 0);
}

static void test_scope_name_at_once(Fixture *fixture, gconstpointer data _unused_)
{
        for (unsigned i = 0; i < 50; i++) {
                g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
                end_process(&fixture->leader);
                end_process(&fixture->supervisor);
                fixture->leader = start_process();
                fixture->supervisor = start_process();
        }
}

static void test_scope_freed_early(Fixture *fixture, gconstpointer data _unused_)
{
        scope_free(begin_scope(fixture, &(ScopeInput){}));
        end_process(&fixture->leader);
        end_process(&fixture->supervisor);
        g_assert_cmpint(sd_bus_call_method(fixture->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                           "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, ""),
                        >=, 0);
        g_assert_false(fixture->is_done);
}

static void test_scope_reload(Fixture *fixture, gconstpointer data _unused_)
{
        _cleanup_(scope_freep) Scope *scope _unused_ = begin_scope(fixture, &(ScopeInput){});

        g_assert_cmpint(system("systemctl daemon-reload"), ==, 0);
        g_assert_cmpint(wait_until_done(fixture), ==, 0);
        assert_cgroup(fixture->leader, "/pflask-lab.scope");
}

/* ---- machine ---- */

static Registration *begin_machine(Fixture *fixture, RegisterMode mode)
{
        static const int32_t interfaces[] = {1};
        const MachineInput input = {
                .name = "lab",
                .id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 10, 11, 12, 13, 14, 15, 16, 17, 20),
                .leader = fixture->leader,
                .interfaces = interfaces,
                .n_interfaces = ELEMENTS(interfaces),
                .mode = mode,
        };
        Registration *registration;

        g_assert_cmpint(machine_register(fixture->bus, &input, done, fixture, &registration, NULL), ==, 0);
        return registration;
}

static int make_machine(Fixture *fixture, RegisterMode mode)
{
        _cleanup_(registration_freep) Registration *registration _unused_ = begin_machine(fixture, mode);

        return wait_until_done(fixture);
}

static void assert_shown(const char *expected)
{
        g_autofree char *shown = NULL;

        g_assert_true(g_spawn_command_line_sync("machinectl show lab", &shown, NULL, NULL, NULL));
        if (!strstr(shown, expected))
                g_test_message("%s", shown);
        g_assert_nonnull(strstr(shown, expected));
}

static void assert_leader(pid_t pid)
{
        g_autofree char *line = g_strdup_printf("\nLeader=%d\n", pid);

        assert_shown(line);
}

static void test_machine_listed(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_YES), ==, 1);
        assert_leader(fixture->leader);
        assert_shown("\nId=01020304050607101112131415161720\n");
        assert_shown("\nClass=container\n");
        assert_shown("\nService=pflask\n");
        assert_shown("\nUnit=pflask-lab.scope\n");
        g_assert_cmpint(system("busctl get-property org.freedesktop.machine1 /org/freedesktop/machine1/machine/lab"
                               " org.freedesktop.machine1.Machine NetworkInterfaces | grep -qx 'ai 1 1'"),
                        ==, 0);
        machine_unregister(fixture->bus, "lab");
        g_assert_false(has_machine(fixture, "lab"));
        assert_cgroup(fixture->leader, "/pflask-lab.scope");
}

static void test_machine_again(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        for (unsigned i = 0; i < 50; i++) {
                g_assert_cmpint(make_machine(fixture, i % 2 ? REGISTER_YES : REGISTER_AUTO), ==, 1);
                assert_leader(fixture->leader);
                pid_t old = fixture->leader;
                fixture->leader = start_process();
                g_autofree char *move = g_strdup_printf(
                        "/bin/sh -c 'echo %d >/sys/fs/cgroup/machine.slice/pflask-lab.scope/cgroup.procs'",
                        fixture->leader);
                g_assert_true(g_spawn_command_line_sync(move, NULL, NULL, NULL, NULL));
                end_process(&old);
        }
}

static void test_machine_of_others(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        g_assert_cmpint(sd_bus_call_method(fixture->bus, MACHINED, "RegisterMachine", NULL, NULL, "sayssus", "lab", 0,
                                           "other", "container", fixture->supervisor, ""),
                        >=, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_AUTO), ==, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_YES), <, 0);
        g_assert_cmpstr(fixture->sentence, ==,
                        "cannot register container 'lab' with systemd-machined: somebody else's machine has that name");
        assert_shown("\nService=other\n");
}

static void test_machine_refused(Fixture *fixture, gconstpointer data _unused_)
{
        pid_t leader = fixture->leader;

        end_process(&fixture->leader);
        fixture->leader = leader;
        g_assert_cmpint(make_machine(fixture, REGISTER_AUTO), ==, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_YES), <, 0);
        g_assert_true(g_str_has_prefix(fixture->sentence, "cannot register container 'lab' with systemd-machined: "));
        fixture->leader = 0;
}

static void test_machine_slow(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        g_assert_false(has_machine(fixture, "lab")); /* and now it is there to be stopped */
        g_assert_cmpint(system("systemctl kill --signal=STOP systemd-machined"), ==, 0);
        gint64 start = g_get_monotonic_time();
        g_assert_cmpint(make_machine(fixture, REGISTER_AUTO), ==, 0);
        g_assert_cmpint(g_get_monotonic_time() - start, <, 6 * G_USEC_PER_SEC);
        g_assert_cmpint(system("systemctl kill --signal=CONT systemd-machined"), ==, 0);
        while (has_machine(fixture, "lab")) /* it does as it was asked, and is then told to forget it */
                g_assert_cmpint(sd_event_run(fixture->event, 5000000), >, 0);
        assert_cgroup(fixture->leader, "/pflask-lab.scope");
}

static void test_machine_freed_early(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        registration_free(begin_machine(fixture, REGISTER_YES));
}

static void test_machine_missing(Fixture *fixture, gconstpointer data _unused_)
{
        g_assert_cmpint(make_scope(fixture, &(ScopeInput){}), ==, 0);
        g_assert_cmpint(system("systemctl mask --quiet --runtime --now systemd-machined dbus-org.freedesktop.machine1"),
                        ==, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_AUTO), ==, 0);
        g_assert_cmpint(make_machine(fixture, REGISTER_YES), <, 0);
        g_assert_cmpint(system("systemctl unmask --quiet --runtime systemd-machined dbus-org.freedesktop.machine1"), ==,
                        0);
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
        g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
        errors_register();
        g_test_init(&argc, &argv, NULL);
        add("/scope/has-supervisor-and-leader", test_scope_has_both);
        add("/scope/of-a-confined-owner-is-in-the-owners-slice", test_scope_confined);
        add("/scope/properties-are-those-asked-for", test_scope_properties);
        add("/scope/refusal-says-unit-and-reason", test_scope_refused);
        add("/scope/of-dead-processes-fails", test_scope_of_the_dead);
        add("/scope/remains-of-the-name-are-ended", test_scope_remains);
        add("/scope/same-name-starts-at-once", test_scope_name_at_once);
        add("/scope/freed-early-leaves-nothing", test_scope_freed_early);
        add("/scope/outlasts-a-reload", test_scope_reload);
        add("/machine/is-listed-as-nspawns-are", test_machine_listed);
        add("/machine/new-leader-takes-the-place-of-the-old", test_machine_again);
        add("/machine/of-others-is-left-alone", test_machine_of_others);
        add("/machine/refusal-says-who-and-why", test_machine_refused);
        add("/machine/slow-machined-is-not-waited-for", test_machine_slow);
        add("/machine/freed-early-leaves-nothing", test_machine_freed_early);
        add("/machine/missing-machined-is-no-or-an-error", test_machine_missing);
        return g_test_run();
}
