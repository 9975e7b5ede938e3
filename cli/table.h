/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table
 *
 * Columns for a person, by libsmartcols. The library is loaded when the first table is made: a command that is run in a
 * container doesn't wait for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

typedef struct Table Table;

typedef struct TableColumn {
        const char *title;
        bool is_number; /* to the right */
} TableColumn;

/** table_new() - Return: 0; -ENOSYS without the library; -ENOMEM. */
int table_new(const TableColumn *columns, size_t n, bool has_header, Table **ret);

/** table_free() - takes NULL. Return: NULL. */
Table *table_free(Table *table);
DEFINE_CLEANUP(Table, table_free)

/**
 * table_add() - a row
 * @cells:   as many as there are columns, copied
 * @colour:  of the whole row, cli/colour.h; NULL: as it is
 *
 * Return: 0; -ENOMEM.
 */
int table_add(Table *table, const char *const *cells, const char *colour);

/** table_print() - to standard output. Return: 0; -errno. */
int table_print(Table *table);
