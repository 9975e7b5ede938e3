/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "common/error.h"
#include "common/fd.h"

enum { FILE_MAX_BYTES = 64 * 1024, COMMAND_MAX_BYTES = 4096 };

void processes_done(Processes *processes)
{
        for (size_t i = 0; i < processes->n; i++) {
                free(processes->list[i].cgroup);
                free(processes->list[i].command);
        }
        free(processes->list);
        *processes = (Processes){};
}

/* ---- one process ---- */

/* Reads a file of a process. Return: its text, the caller's; NULL. */
static char *process_file(pid_t pid, const char *file)
{
        char path[64], *text;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
        return fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, &text, NULL) < 0 ? NULL : text;
}

/* Parent and number of threads: proc(5); before them is a name that may have anything in it. */
static bool process_read_stat(Process *process)
{
        _cleanup_(freep) char *stat = process_file(process->pid, "stat");
        const char *behind = stat ? strrchr(stat, ')') : NULL;
        int parent;

        if (!behind || sscanf(behind, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u",
                              &parent, &process->threads) != 2)
                return false;
        process->parent = parent;
        return true;
}

/* The words that it was started with, as one line. It may have written there what it likes. */
static char *process_command(pid_t pid)
{
        char path[64], bytes[COMMAND_MAX_BYTES];

        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes) - 1);
        while (n > 0 && bytes[n - 1] == '\0')
                n--;
        for (ssize_t i = 0; i < n; i++)
                bytes[i] = bytes[i] ?: ' ';
        bytes[n > 0 ? n : 0] = '\0';
        if (n > 0)
                return error_escape(bytes);
        _cleanup_(freep) char *name = process_file(pid, "comm");
        snprintf(bytes, sizeof(bytes), "[%.*s]", name ? (int)strcspn(name, "\n") : 0, name ?: "");
        return error_escape(bytes);
}

/* Where the path of a cgroup leaves that of the container's own, which is the scope's part, or made for it. */
static const char *path_beneath(const char *path, const char *name)
{
        static const char *const endings[] = {".scope/payload", ".scope", ""};
        char own[NAME_MAX];

        for (unsigned i = 0; i < ELEMENTS(endings); i++) {
                size_t n = (size_t)snprintf(own, sizeof(own), "/pflask-%s%s", name, endings[i]);
                const char *at = strstr(path, own);
                if (at && (at[n] == '/' || at[n] == '\0'))
                        return at + n + (at[n] == '/');
        }
        return "";
}

static char *process_cgroup(pid_t pid, const char *name)
{
        _cleanup_(freep) char *lines = process_file(pid, "cgroup");
        char *line = !lines ? NULL : strncmp(lines, "0::", 3) == 0 ? lines : strstr(lines, "\n0::");

        if (!line)
                return strdup("");
        line += strspn(line, "\n");
        line[strcspn(line, "\n")] = '\0';
        return error_escape(path_beneath(line, name));
}

/* ---- all of them ---- */

static int processes_add(Processes *processes, const Process *process)
{
        if ((processes->n & (processes->n - 1)) == 0) {
                Process *larger = reallocarray(processes->list, processes->n ? processes->n * 2 : 1, sizeof(Process));
                if (!larger)
                        return -ENOMEM;
                processes->list = larger;
        }
        processes->list[processes->n++] = *process;
        return 0;
}

static int process_compare(const void *one, const void *other)
{
        const Process *a = one, *b = other;

        return (a->pid > b->pid) - (a->pid < b->pid);
}

static Process *processes_find(const Processes *processes, pid_t pid)
{
        const Process key = {.pid = pid};

        return processes->n ? bsearch(&key, processes->list, processes->n, sizeof(key), process_compare) : NULL;
}

/* All that the host has, by pid, with their parents. */
static int processes_read_all(Processes *ret)
{
        DIR *proc = opendir("/proc");
        int r = proc ? 0 : -errno;

        for (struct dirent *entry; r >= 0 && (entry = readdir(proc));) {
                Process process = {};
                uint64_t pid;
                if (text_to_number(entry->d_name, INT32_MAX, &pid) < 0)
                        continue;
                process.pid = (pid_t)pid;
                if (process_read_stat(&process))
                        r = processes_add(ret, &process);
        }
        if (proc)
                closedir(proc);
        if (ret->n > 0)
                qsort(ret->list, ret->n, sizeof(*ret->list), process_compare);
        return r;
}

/* Does it descend from @ancestor. Nobody's parents are more than there are processes. */
static bool process_descends(const Processes *all, const Process *process, pid_t ancestor)
{
        for (size_t depth = 0; process && depth < all->n; depth++) {
                if (process->parent == ancestor)
                        return true;
                process = processes_find(all, process->parent);
        }
        return false;
}

int processes_read(const char *name, pid_t supervisor, pid_t leader, Processes *ret)
{
        _cleanup_(processes_done) Processes all = {}, found = {};

        int r = processes_read_all(&all);
        if (r < 0)
                return r;
        const Process *first = processes_find(&all, leader);
        if (supervisor <= 0 || !first || first->parent != supervisor)
                return 0;
        for (size_t i = 0; i < all.n; i++) {
                Process process = all.list[i];
                if (!process_descends(&all, &all.list[i], supervisor))
                        continue;
                process.cgroup = process_cgroup(process.pid, name);
                process.command = process_command(process.pid);
                found.threads += process.threads;
                r = processes_add(&found, &process);
                if (r < 0 || !process.cgroup || !process.command)
                        return -ENOMEM;
        }
        *ret = found;
        found = (Processes){};
        return 0;
}

/* ---- a tree ---- */

/* What is printed: a line for each, with those beneath it further to the right. */
typedef struct Tree {
        const Processes *processes;
        unsigned columns;
        unsigned column; /* where the present depth begins */
        bool is_first;   /* the line stands behind a title */
        bool is_utf8;
        char indent[512]; /* what stands before the present depth's lines */
} Tree;

/* Cuts a line at its last column: in UTF-8 no byte that begins a character has the bits 10 in front. */
static int line_length(const char *text, unsigned columns)
{
        size_t n = 0;

        for (; text[n]; n++)
                if (((unsigned char)text[n] & 0xc0) != 0x80 && columns-- == 0)
                        break;
        return (int)n;
}

static void tree_line(Tree *tree, bool is_last, const char *text)
{
        static const char *const glyphs[2][2] = {{"|-", "`-"}, {"├─", "└─"}};
        unsigned used = tree->column + 2;
        unsigned left = tree->columns == 0 ? UINT_MAX : tree->columns > used ? tree->columns - used : 1;

        printf("%s%s%.*s\n", tree->is_first ? "" : tree->indent, glyphs[tree->is_utf8][is_last],
               line_length(text, left), text);
        tree->is_first = false;
}

static void tree_line_process(Tree *tree, bool is_last, const Process *process)
{
        _cleanup_(freep) char *text = NULL;

        if (asprintf(&text, "%d %s", (int)process->pid, process->command) < 0)
                text = NULL;
        tree_line(tree, is_last, text ?: process->command);
}

/* Return: what tree_ascend() wants; 0 when it is deep enough. */
static size_t tree_descend(Tree *tree, bool is_last)
{
        size_t length = strlen(tree->indent);

        if (length + sizeof("│ ") > sizeof(tree->indent))
                return 0;
        strcpy(tree->indent + length, is_last ? "  " : tree->is_utf8 ? "│ " : "| ");
        tree->column += 2;
        return length + 1;
}

static void tree_ascend(Tree *tree, size_t descended)
{
        tree->indent[descended - 1] = '\0';
        tree->column -= 2;
}

/* ---- by cgroups ---- */

/* What is beneath a cgroup follows upon it, so the slash comes before any other character. */
static int cgroup_order(char c)
{
        return c == '\0' ? -2 : c == '/' ? -1 : (unsigned char)c;
}

static int cgroup_compare(const void *one, const void *other)
{
        const Process *a = *(Process *const *)one, *b = *(Process *const *)other;
        size_t at = 0;

        while (a->cgroup[at] && a->cgroup[at] == b->cgroup[at])
                at++;
        int from_a = cgroup_order(a->cgroup[at]), from_b = cgroup_order(b->cgroup[at]);
        return from_a == from_b ? process_compare(a, b) : from_a - from_b;
}

/* How many of those in @list are in the same cgroup as the first, or beneath it; @offset: where its name begins. */
static size_t cgroup_count(Process *const *list, size_t n, size_t offset, size_t length)
{
        size_t i = 1;

        while (i < n && strncmp(list[i]->cgroup + offset, list[0]->cgroup + offset, length) == 0 &&
               (list[i]->cgroup[offset + length] == '/' || list[i]->cgroup[offset + length] == '\0'))
                i++;
        return i;
}

/* Those in one cgroup, whose path ends at @offset, and then those in each that is beneath it. */
static void tree_cgroup(Tree *tree, Process *const *list, size_t n, size_t offset)
{
        for (size_t i = 0; i < n;) {
                size_t from = offset + (list[i]->cgroup[offset] == '/');
                size_t length = strcspn(list[i]->cgroup + from, "/");
                size_t n_within = length == 0 ? 1 : cgroup_count(list + i, n - i, from, length);
                bool is_last = i + n_within == n;
                if (length == 0) {
                        tree_line_process(tree, is_last, list[i]);
                } else {
                        _cleanup_(freep) char *cgroup = strndup(list[i]->cgroup + from, length);
                        tree_line(tree, is_last, cgroup ?: "");
                        size_t descended = tree_descend(tree, is_last);
                        if (descended)
                                tree_cgroup(tree, list + i, n_within, from + length);
                        if (descended)
                                tree_ascend(tree, descended);
                }
                i += n_within;
        }
}

static void tree_cgroups(Tree *tree)
{
        const Processes *processes = tree->processes;
        _cleanup_(freep) Process **list = calloc(processes->n, sizeof(*list));

        for (size_t i = 0; list && i < processes->n; i++)
                list[i] = &processes->list[i];
        if (!list)
                return;
        qsort(list, processes->n, sizeof(*list), cgroup_compare);
        tree_cgroup(tree, list, processes->n, 0);
}

/* ---- by parents ---- */

static bool is_child(const Processes *processes, const Process *process, pid_t parent)
{
        return parent ? process->parent == parent : !processes_find(processes, process->parent);
}

/* The children of @parent; 0: those whose parent isn't among us. */
static void tree_children(Tree *tree, pid_t parent)
{
        const Processes *processes = tree->processes;
        const Process *next, *end = processes->list + processes->n;

        for (const Process *process = processes->list; process < end; process = next) {
                next = process + 1;
                if (!is_child(processes, process, parent))
                        continue;
                while (next < end && !is_child(processes, next, parent))
                        next++;
                tree_line_process(tree, next == end, process);
                size_t descended = tree_descend(tree, next == end);
                if (descended) {
                        tree_children(tree, process->pid);
                        tree_ascend(tree, descended);
                }
        }
}

void processes_print(const Processes *processes, unsigned margin, unsigned columns)
{
        Tree tree = {.processes = processes, .columns = columns, .column = margin, .is_first = true};
        bool has_cgroups = false;

        setlocale(LC_CTYPE, "");
        tree.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        snprintf(tree.indent, sizeof(tree.indent), "%*s", (int)margin, "");
        for (size_t i = 0; i < processes->n; i++)
                has_cgroups |= *processes->list[i].cgroup != '\0';
        if (has_cgroups)
                tree_cgroups(&tree);
        else
                tree_children(&tree, 0);
}
