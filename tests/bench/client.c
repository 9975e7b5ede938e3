/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-client ROOT bus|socket: what the service itself needs for a container, as a client sees it that is connected
 *
 * For each line of standard input a container is run. A line of output holds the microseconds from RunContainer to its
 * reply, and from the end of the command's standard input, which ends it, to the answer of WaitContainer.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "bench.h"
#include "common/macros.h"
#include "common/names.h"

typedef struct Bench {
        sd_bus *bus;
        const char *service; /* NULL: at the other end of a socket */
        const char *root;
        bool is_answered;
} Bench;

static int append_run(const Bench *bench, sd_bus_message *call, const Cat *cat)
{
        int r = sd_bus_message_append(call, "sas", "", 1, "/bin/cat");

        if (r >= 0)
                r = sd_bus_message_append(call, "a{sv}", 6, "Root", "s", bench->root, "Register", "s", "no", "Terminal",
                                          "b", 0, "Stdin", "h", cat->input[0], "Stdout", "h", cat->output[1], "Stderr",
                                          "h", STDERR_FILENO);
        return r;
}

static int answered(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Bench *bench = userdata;

        bench->is_answered = !sd_bus_message_is_method_error(reply, NULL);
        return bench->is_answered ? 0 : -EIO;
}

/* Waits until WaitContainer has been sent, lets the command end, and waits for the answer. */
static int wait_for(Bench *bench, const char *name, const Cat *cat, uint64_t *ret_usec)
{
        int r = sd_bus_call_method_async(bench->bus, NULL, bench->service, MANAGER_PATH, MANAGER_INTERFACE,
                                         "WaitContainer", answered, bench, "s", name);

        if (r >= 0)
                r = sd_bus_flush(bench->bus);
        /* The manager has it when it has answered a later call. */
        if (r >= 0)
                r = sd_bus_call_method(bench->bus, bench->service, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping",
                                       NULL, NULL, NULL);
        if (r >= 0 && cat_await(cat) < 0)
                r = -EIO;
        if (r < 0)
                return r;
        bench->is_answered = false;
        uint64_t begin = now_usec();
        cat_end(cat);
        while (r >= 0 && !bench->is_answered) {
                r = sd_bus_process(bench->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bench->bus, UINT64_MAX);
        }
        *ret_usec = now_usec() - begin;
        return r;
}

static int round_trip(Bench *bench, uint64_t *ret_run_usec, uint64_t *ret_end_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *name;
        Cat cat;

        if (cat_open(&cat) < 0)
                return -errno;
        uint64_t begin = now_usec();
        int r = sd_bus_message_new_method_call(bench->bus, &call, bench->service, MANAGER_PATH, MANAGER_INTERFACE,
                                               "RunContainer");
        if (r >= 0)
                r = append_run(bench, call, &cat);
        if (r >= 0)
                r = sd_bus_call(bench->bus, call, 0, &error, &reply);
        *ret_run_usec = now_usec() - begin;
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0)
                r = wait_for(bench, name, &cat, ret_end_usec);
        if (r < 0)
                fprintf(stderr, "bench-client: %s\n", error.message ?: strerror(-r));
        close(cat.output[0]);
        return r;
}

static int connect_to(Bench *bench, const char *way)
{
        if (strcmp(way, "socket") != 0) {
                bench->service = MANAGER_BUS_NAME;
                return sd_bus_open_system(&bench->bus);
        }
        int r = sd_bus_new(&bench->bus);
        if (r >= 0)
                r = sd_bus_set_address(bench->bus, PRIVATE_ADDRESS);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bench->bus, true);
        return r < 0 ? r : sd_bus_start(bench->bus);
}

int main(int argc, char **argv)
{
        char line[16];

        if (argc != 3) {
                fputs("bench-client ROOT bus|socket\n", stderr);
                return EXIT_FAILURE;
        }
        Bench bench = {.root = argv[1]};
        int r = connect_to(&bench, argv[2]);
        while (r >= 0 && fgets(line, sizeof(line), stdin)) {
                uint64_t run_usec = 0, end_usec = 0;
                r = round_trip(&bench, &run_usec, &end_usec);
                if (r >= 0)
                        printf("%llu %llu\n", (unsigned long long)run_usec, (unsigned long long)end_usec);
                fflush(stdout);
        }
        sd_bus_flush_close_unref(bench.bus);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
