/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/vacancy.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/names.h"

/* A supervisor that has lost its manager goes at once; but a set-up may be in the middle of something. */
#define PATIENCE_USEC (UINT64_C(2) * 1000000)

struct Vacancy {
        LIST_ENTRY(Vacancy) others;
        Manager *manager;
        VacancyLook look;
        void *userdata;
        sd_event_source *turn; /* to look, from the loop */
        sd_event_source *deadline;
};

void vacancies_look(Manager *manager)
{
        Vacancy *vacancy;

        LIST_FOREACH(vacancy, &manager->vacancies, others)
                sd_event_source_set_enabled(vacancy->turn, SD_EVENT_ONESHOT);
}

/* ---- the register: the end of each name's use is the removal of its directory ---- */

static int vacancies_removed(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata)
{
        char which[4096]; /* whichever: they are looked for by name */

        while (read(fd, which, sizeof(which)) > 0)
                ;
        vacancies_look(userdata);
        return 0;
}

/*
 * By an inotify(7) of our own, as sd-event 252 goes round without end when a source is freed for which one of its
 * events is pending. Without it (there are fs.inotify.max_user_instances) names are looked at less often.
 */
static void vacancies_watch(Manager *manager)
{
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        if (fd < 0)
                return;
        if (inotify_add_watch(fd, CONTAINERS_DIRECTORY, IN_DELETE | IN_ONLYDIR) < 0 ||
            sd_event_add_io(manager->event, &manager->removals, fd, EPOLLIN, vacancies_removed, manager) < 0 ||
            sd_event_source_set_io_fd_own(manager->removals, true) < 0) {
                manager->removals = sd_event_source_disable_unref(manager->removals);
                fd_close(fd);
        }
}

/* ---- one of them ---- */

static int vacancy_turn(sd_event_source *source _unused_, void *userdata)
{
        const Vacancy *vacancy = userdata;

        vacancy->look(vacancy->userdata, false);
        return 0;
}

static int vacancy_late(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        const Vacancy *vacancy = userdata;

        vacancy->look(vacancy->userdata, true);
        return 0;
}

int vacancy_await(Manager *manager, VacancyLook look, void *userdata, Vacancy **ret)
{
        Vacancy *vacancy = calloc(1, sizeof(*vacancy));

        if (!vacancy)
                return -ENOMEM;
        *vacancy = (Vacancy){.manager = manager, .look = look, .userdata = userdata};
        LIST_INSERT_HEAD(&manager->vacancies, vacancy, others);
        if (!manager->removals)
                vacancies_watch(manager);
        int r = sd_event_add_time_relative(manager->event, &vacancy->deadline, CLOCK_MONOTONIC, PATIENCE_USEC, 0,
                                           vacancy_late, vacancy);
        if (r >= 0)
                r = sd_event_add_defer(manager->event, &vacancy->turn, vacancy_turn, vacancy);
        if (r < 0) {
                vacancy_free(vacancy);
                return r;
        }
        *ret = vacancy;
        return 0;
}

Vacancy *vacancy_free(Vacancy *vacancy)
{
        if (!vacancy)
                return NULL;
        LIST_REMOVE(vacancy, others);
        if (LIST_EMPTY(&vacancy->manager->vacancies))
                vacancy->manager->removals = sd_event_source_disable_unref(vacancy->manager->removals);
        sd_event_source_disable_unref(vacancy->turn);
        sd_event_source_disable_unref(vacancy->deadline);
        free(vacancy);
        return NULL;
}
