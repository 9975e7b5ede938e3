/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vacancy
 *
 * Waiting for a name that somebody has, and no container that can be seen: a supervisor that is about to end has it,
 * or one whose manager has died in the middle of a creation, or another manager that is just making its container. It
 * comes free, or the container appears; or neither happens in a while, and then whoever has it is taken at its word.
 */
#pragma once

#include <stdbool.h>

#include "manager/manager.h"

typedef struct Vacancy Vacancy;

/**
 * VacancyLook - something has happened to the name, or to another: look again
 * @is_late:  it has been long enough
 *
 * Called from the loop, for the first time at once, since it may have happened before anybody listened; until the
 * vacancy is freed, which may be here.
 */
typedef void (*VacancyLook)(void *userdata, bool is_late);

/** vacancy_await() - begin to wait. Return: 0; -errno. */
int vacancy_await(Manager *manager, VacancyLook look, void *userdata, Vacancy **ret);

/** vacancy_free() - takes NULL. Return: NULL. */
Vacancy *vacancy_free(Vacancy *vacancy);

/** vacancies_look() - a container has appeared, or has turned out not to be one yet */
void vacancies_look(Manager *manager);
