/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/table.h"

#include <dlfcn.h>
#include <libsmartcols/libsmartcols.h>
#include <stdint.h>
#include <unistd.h>

#include "cli/colour.h"

#define FUNCTIONS(F)                     \
        F(scols_new_table)               \
        F(scols_unref_table)             \
        F(scols_table_new_column)        \
        F(scols_table_new_line)          \
        F(scols_line_set_data)           \
        F(scols_line_set_color)          \
        F(scols_column_get_header)       \
        F(scols_cell_set_color)          \
        F(scols_table_enable_colors)     \
        F(scols_table_enable_noheadings) \
        F(scols_print_table)             \
        F(scols_table_set_termforce)

struct Table {
        void *library;
        struct libscols_table *table;
        size_t n_columns;
#define FUNCTION_MEMBER(name) __typeof__(&(name)) name;
        FUNCTIONS(FUNCTION_MEMBER)
};

static int table_load(Table *table)
{
        table->library = dlopen("libsmartcols.so.1", RTLD_NOW | RTLD_LOCAL);
        if (!table->library)
                return -ENOSYS;
#define FUNCTION_LOAD(name)                                                             \
        table->name = (__typeof__(table->name))(uintptr_t)dlsym(table->library, #name); \
        if (!table->name)                                                               \
                return -ENOSYS;
        FUNCTIONS(FUNCTION_LOAD)
        return 0;
}

int table_new(const TableColumn *columns, size_t n, bool has_header, Table **ret)
{
        _cleanup_(table_freep) Table *table = calloc(1, sizeof(*table));

        if (!table)
                return -ENOMEM;
        int r = table_load(table);
        if (r < 0)
                return r;
        table->table = table->scols_new_table();
        if (!table->table)
                return -ENOMEM;
        table->n_columns = n;
        for (size_t i = 0; i < n; i++) {
                struct libscols_column *column = table->scols_table_new_column(
                        table->table, columns[i].title, 0, columns[i].is_number ? SCOLS_FL_RIGHT : 0);
                if (!column || table->scols_cell_set_color(table->scols_column_get_header(column), COLOUR_BOLD) < 0)
                        return -ENOMEM;
        }
        table->scols_table_enable_noheadings(table->table, !has_header);
        table->scols_table_enable_colors(table->table, colour_is_wanted());
        /* Whole cells for a program that reads them: nothing is cut to a width that isn't there. */
        if (!isatty(STDOUT_FILENO))
                table->scols_table_set_termforce(table->table, SCOLS_TERMFORCE_NEVER);
        *ret = TAKE_PTR(table);
        return 0;
}

Table *table_free(Table *table)
{
        if (!table)
                return NULL;
        if (table->table)
                table->scols_unref_table(table->table);
        if (table->library)
                dlclose(table->library);
        free(table);
        return NULL;
}

int table_add(Table *table, const char *const *cells, const char *colour)
{
        struct libscols_line *line = table->scols_table_new_line(table->table, NULL);

        for (size_t i = 0; line && i < table->n_columns; i++)
                if (table->scols_line_set_data(line, i, cells[i]) < 0)
                        return -ENOMEM;
        return line && table->scols_line_set_color(line, colour) >= 0 ? 0 : -ENOMEM;
}

int table_print(Table *table)
{
        return table->scols_print_table(table->table);
}
