/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pflask-manager: the program around a Manager
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/error.h"
#include "common/fd.h"
#include "config.h"
#include "manager/configuration.h"
#include "manager/log.h"
#include "manager/manager.h"

typedef struct Arguments {
        int direct;                                     /* socket of the one peer; -EBADF: the system bus */
        long idle_seconds, start_seconds, stop_seconds; /* -1: not given */
} Arguments;

static int usage(FILE *stream, int status)
{
        fputs("pflask-manager [OPTIONS]\n\n"
              "Makes and keeps containers for the clients of the system bus.\n\n"
              "  --direct=FD            serve one peer over this socket instead of the bus\n"
              "  --exit-idle-time=SEC   leave when nothing was to do for so long; 0: never\n"
              "                         (30 when the bus or systemd started it, else never)\n"
              "  --start-timeout=SEC    give a container up that does not run so long after it was asked for;\n"
              "                         0: never (90)\n"
              "  --stop-timeout=SEC     kill a container that is still there so long after it was asked\n"
              "                         to power off or reboot (90)\n"
              "  -h, --help             this text\n"
              "      --version          the version\n",
              stream);
        return status;
}

static int parse_number(const char *text, long *ret)
{
        char *end;

        errno = 0;
        long number = strtol(text, &end, 10);
        if (errno || end == text || *end || number < 0 || number > INT32_MAX) {
                fprintf(stderr, "pflask-manager: '%s' is not a number\n", text);
                return -EINVAL;
        }
        *ret = number;
        return 0;
}

/* Return: 1 to go on; 0 when the answer was printed; -errno. */
static int parse_arguments(int argc, char **argv, Arguments *arguments)
{
        static const struct option options[] = {
                {"direct", required_argument, NULL, 'd'},
                {"exit-idle-time", required_argument, NULL, 'i'},
                {"start-timeout", required_argument, NULL, 'b'},
                {"stop-timeout", required_argument, NULL, 's'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'v'},
                {},
        };
        long number;
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (option) {
                case 'd':
                        if (parse_number(optarg, &number) < 0)
                                return -EINVAL;
                        arguments->direct = (int)number;
                        break;
                case 'i':
                        if (parse_number(optarg, &arguments->idle_seconds) < 0)
                                return -EINVAL;
                        break;
                case 'b':
                        if (parse_number(optarg, &arguments->start_seconds) < 0)
                                return -EINVAL;
                        break;
                case 's':
                        if (parse_number(optarg, &arguments->stop_seconds) < 0)
                                return -EINVAL;
                        break;
                case 'h':
                        return usage(stdout, 0);
                case 'v':
                        puts("pflask-manager " PROJECT_VERSION);
                        return 0;
                default:
                        return usage(stderr, -EINVAL);
                }
        }
        return optind < argc ? usage(stderr, -EINVAL) : 1;
}

/* Only who was started on demand will be started again on demand. */
static uint64_t idle_usec(const Arguments *arguments, const Config *config)
{
        if (arguments->idle_seconds >= 0)
                return (uint64_t)arguments->idle_seconds * 1000000;
        if (arguments->direct >= 0 || config->idle_usec == CONFIG_INFINITY)
                return 0;
        return getenv("DBUS_STARTER_ADDRESS") || getenv("NOTIFY_SOCKET") ? config->idle_usec : 0;
}

static uint64_t start_usec(const Arguments *arguments, const Config *config)
{
        if (arguments->start_seconds >= 0)
                return (uint64_t)arguments->start_seconds * 1000000;
        return config->start_usec == CONFIG_INFINITY ? 0 : config->start_usec;
}

/* What was said on the command line counts more than what is written. */
static void configure(Manager *manager, const Arguments *arguments)
{
        Config config;

        config_init(&config);
        config_load(&config, config_directories, log_ignored);
        manager->max_containers_per_user = config.max_containers_per_user;
        manager->idle_usec = idle_usec(arguments, &config);
        manager->start_usec = start_usec(arguments, &config);
        manager->stop_usec = arguments->stop_seconds >= 0 ? (uint64_t)arguments->stop_seconds * 1000000
                                                          : config.stop_usec;
}

/* A container takes three descriptors. The soft limit is for programs that use select(2), which we don't. */
static void raise_descriptor_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(const Arguments *arguments)
{
        _cleanup_(manager_freep) Manager *manager = NULL;
        sigset_t handled;

        sigemptyset(&handled);
        sigaddset(&handled, SIGTERM);
        sigaddset(&handled, SIGINT);
        sigprocmask(SIG_BLOCK, &handled, NULL);
        signal(SIGPIPE, SIG_IGN);
        raise_descriptor_limit();
        int r = manager_new(&manager);
        if (r < 0)
                return r;
        sd_event_add_signal(manager->event, NULL, SIGTERM, NULL, NULL);
        sd_event_add_signal(manager->event, NULL, SIGINT, NULL, NULL);
        sd_event_set_watchdog(manager->event, true);
        configure(manager, arguments);
        /* The signals of our peer's terminal are not for us: its end is, which the socket tells. */
        if (arguments->direct >= 0)
                setsid();
        r = arguments->direct >= 0 ? manager_serve_peer(manager, arguments->direct) : manager_connect(manager);
        if (r < 0)
                return r;
        r = sd_event_loop(manager->event);
        sd_notify(false, "STOPPING=1");
        return r;
}

int main(int argc, char **argv)
{
        Arguments arguments = {.direct = -EBADF, .idle_seconds = -1, .start_seconds = -1, .stop_seconds = -1};
        int r = parse_arguments(argc, argv, &arguments);

        if (r <= 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (geteuid() != 0) {
                fputs("pflask-manager: only root can make containers for others\n", stderr);
                return EXIT_FAILURE;
        }
        errors_register();
        umask(022);
        return run(&arguments) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
