/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"
#include "common/process.h"

enum { FILE_MAX_BYTES = 4 * 1024 * 1024, DEPTH_MAX = 64, ROUNDS_MAX = 100 };

/* Stands in the option for the unified hierarchy itself, whichever controllers it has. */
#define UNIFIED "unified"

/* The container's cgroup in one hierarchy. */
typedef struct Place {
        int parent;    /* the supervisor's own cgroup there */
        int directory; /* the container's */
        char *line;    /* what /proc/PID/cgroup says of a process in it; beneath it a slash follows */
        bool is_unified;
} Place;

struct Cgroup {
        char *name; /* of the directories */
        Place *places;
        size_t n_places;
};

static void place_done(Place *place)
{
        fd_close(place->parent);
        fd_close(place->directory);
        freep(&place->line);
}

Cgroup *cgroup_free(Cgroup *cgroup)
{
        int saved = errno;

        if (!cgroup)
                return NULL;
        for (size_t i = 0; i < cgroup->n_places; i++)
                place_done(&cgroup->places[i]);
        free(cgroup->places);
        free(cgroup->name);
        free(cgroup);
        errno = saved;
        return NULL;
}

/* The place by which the container's processes are found: the unified hierarchy can do more. */
static const Place *cgroup_place(const Cgroup *cgroup)
{
        for (size_t i = 0; i < cgroup->n_places; i++)
                if (cgroup->places[i].is_unified)
                        return &cgroup->places[i];
        return &cgroup->places[0];
}

int cgroup_unified(const Cgroup *cgroup)
{
        const Place *place = cgroup_place(cgroup);

        return place->is_unified ? place->directory : -EBADF;
}

/* ---- where the hierarchies are ---- */

static bool list_contains(const char *list, const char *separators, const char *word)
{
        size_t length = strlen(word);

        for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
                size_t next = strcspn(list, separators);
                if (next == length && strncmp(list, word, length) == 0)
                        return true;
                list += next;
        }
        return false;
}

/* proc(5): blanks and the like are written \040 there. */
static void unescape(char *text)
{
        char *to = text;

        for (; *text; text++) {
                if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
                        *to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
                        text += 3;
                } else {
                        *to++ = *text;
                }
        }
        *to = '\0';
}

/* A line of /proc/PID/mountinfo, cut up: proc(5). */
typedef struct MountLine {
        char *root;  /* within its file system */
        char *point; /* where it is mounted */
        char *type;
        char *options; /* of the file system: of version 1 its controllers are among them */
} MountLine;

static bool mount_line_split(char *line, MountLine *ret)
{
        char *tail = strstr(line, " - ");

        if (!tail)
                return false;
        *tail = '\0';
        tail += strlen(" - ");
        for (unsigned field = 0; field < 3; field++)
                strsep(&line, " ");
        ret->root = strsep(&line, " ");
        ret->point = strsep(&line, " ");
        ret->type = strsep(&tail, " ");
        strsep(&tail, " ");
        ret->options = tail;
        if (!ret->root || !ret->point || !ret->type || !ret->options)
                return false;
        unescape(ret->root);
        unescape(ret->point);
        return true;
}

/* Finds in @mountinfo, which it cuts up, the mount of a controller's hierarchy; "" stands for the unified one. */
static bool mount_find(char *mountinfo, const char *controller, MountLine *ret)
{
        for (char *line; (line = strsep(&mountinfo, "\n"));) {
                if (!mount_line_split(line, ret))
                        continue;
                if (*controller == '\0' && strcmp(ret->type, "cgroup2") == 0)
                        return true;
                if (strcmp(ret->type, "cgroup") == 0 && list_contains(ret->options, ",", controller))
                        return true;
        }
        return false;
}

/* Finds in /proc/PID/cgroup the line of a controller's hierarchy, and in it the path: cgroups(7). */
static char *membership_find(char *memberships, const char *controller, char **ret_path)
{
        for (char *line; (line = strsep(&memberships, "\n"));) {
                char *controllers = strchr(line, ':');
                char *path = controllers ? strchr(controllers + 1, ':') : NULL;
                if (!path)
                        continue;
                *path = '\0';
                bool is_it = *controller ? list_contains(controllers + 1, ",", controller) : controllers[1] == '\0';
                *path = ':';
                *ret_path = path + 1;
                if (is_it)
                        return line;
        }
        return NULL;
}

/* The part of @path that lies beneath @root, or NULL when it doesn't. */
static const char *path_beneath(const char *path, const char *root)
{
        size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);

        if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
                return NULL;
        return path[length] ? path + length : "/";
}

/*
 * Opens the cgroup of a process in the hierarchy of @controller ("": the unified one).
 * @process:   its directory in /proc
 * @ret_line:  what is said of it in /proc/PID/cgroup, the caller's; or NULL
 *
 * Return: 1; 0 when there is no such hierarchy, or its mount doesn't show that cgroup; -errno.
 */
static int membership_open(const char *process, const char *controller, int *ret_directory, char **ret_line)
{
        _cleanup_(freep) char *memberships = NULL, *mountinfo = NULL;
        char file[64], *path;
        MountLine mount;

        snprintf(file, sizeof(file), "/proc/%s/cgroup", process);
        int r = fd_read_file(AT_FDCWD, file, FILE_MAX_BYTES, &memberships, NULL);
        if (r >= 0)
                r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", FILE_MAX_BYTES, &mountinfo, NULL);
        if (r < 0)
                return r;
        const char *line = membership_find(memberships, controller, &path);
        if (!line || !mount_find(mountinfo, controller, &mount))
                return 0;
        const char *beneath = path_beneath(path, mount.root);
        if (!beneath)
                return 0;
        _cleanup_(fd_closep) int top = open(mount.point, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;
        _cleanup_(fd_closep) int directory = path_open(top, beneath, O_PATH | O_DIRECTORY);
        if (directory < 0)
                return directory;
        if (ret_line && !(*ret_line = strdup(line)))
                return -ENOMEM;
        *ret_directory = TAKE_FD(directory);
        return 1;
}

/* Where a cgroup @name is to be: in the calling process's own. Return: as membership_open(). */
static int place_open(const char *controller, const char *name, Place *ret)
{
        Place place = {.directory = -EBADF, .is_unified = !*controller};
        _cleanup_(freep) char *line = NULL;

        int r = membership_open("self", controller, &place.parent, &line);
        if (r <= 0)
                return r;
        if (asprintf(&place.line, "%s%s%s", line, line[strlen(line) - 1] == '/' ? "" : "/", name) < 0) {
                fd_close(place.parent);
                return -ENOMEM;
        }
        *ret = place;
        return 1;
}

/* Return: 1; 0; -errno. */
static int process_is_beside(const char *process)
{
        _cleanup_(freep) char *its = NULL, *ours = NULL;
        char file[64];

        snprintf(file, sizeof(file), "/proc/%s/cgroup", process);
        int r = fd_read_file(AT_FDCWD, file, FILE_MAX_BYTES, &its, NULL);
        if (r >= 0)
                r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", FILE_MAX_BYTES, &ours, NULL);
        return r < 0 ? r : strcmp(its, ours) == 0;
}

int cgroup_open_of(pid_t pid)
{
        char process[16];
        int directory;

        snprintf(process, sizeof(process), "%d", (int)pid);
        int r = process_is_beside(process);
        if (r != 0)
                return r < 0 ? r : -EALREADY;
        r = membership_open(process, "", &directory, NULL);
        return r < 0 ? r : r == 0 ? -EOPNOTSUPP : directory;
}

int cgroup_open_counting(pid_t pid)
{
        char process[16] = "self";
        int directory;

        if (pid > 0)
                snprintf(process, sizeof(process), "%d", (int)pid);
        int r = membership_open(process, "pids", &directory, NULL);
        if (r == 0)
                r = membership_open(process, "", &directory, NULL);
        return r < 0 ? r : r == 0 ? -EOPNOTSUPP : directory;
}

/* ---- directories ---- */

/* Opens for reading what the directory behind @directory has in it. */
static DIR *directory_list(int directory)
{
        int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = fd < 0 ? NULL : fdopendir(fd);

        if (!list)
                fd_close(fd);
        return list;
}

static void directory_closep(DIR **list)
{
        if (*list)
                closedir(*list);
}

/* The next directory in @list, or NULL. */
static const char *directory_next(DIR *list)
{
        for (struct dirent *entry; (entry = readdir(list));)
                if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        return entry->d_name;
        return NULL;
}

/* Fills the name of some directory in it. Return: 1; 0 when there is none; -errno. */
static int directory_first(int directory, char ret[static NAME_MAX + 1])
{
        _cleanup_(directory_closep) DIR *list = directory_list(directory);

        if (!list)
                return -errno;
        const char *name = directory_next(list);
        if (name)
                snprintf(ret, NAME_MAX + 1, "%s", name);
        return !!name;
}

/* Down to a cgroup that has no children, and up again, with one descriptor, however deep they are nested. */
int cgroup_remove_tree(int parent, const char *name)
{
        _cleanup_(fd_closep) int here = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char child[NAME_MAX + 1];
        bool has_climbed = false;

        if (here < 0)
                return -errno;
        for (unsigned depth = 0;;) {
                int has_child = 1;
                if (depth == 0)
                        snprintf(child, sizeof(child), "%s", name);
                else
                        has_child = directory_first(here, child);
                if (has_child < 0)
                        return has_child;
                if (has_child && (unlinkat(here, child, AT_REMOVEDIR) == 0 || errno == ENOENT)) {
                        if (depth == 0)
                                return 0;
                        has_climbed = false;
                        continue;
                }
                /* What is still busy when nothing is beneath it has processes. */
                if (has_child && ((errno != EBUSY && errno != ENOTEMPTY) || has_climbed))
                        return -errno;
                int next = openat(here, has_child ? child : "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (next < 0)
                        return -errno;
                fd_close(here);
                here = next;
                has_climbed = !has_child;
                depth += has_child ? 1 : -1U;
        }
}

/* ---- making ---- */

static int file_write(int directory, const char *name, const char *text)
{
        _cleanup_(fd_closep) int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

/*
 * A new cgroup of cpuset, version 1, has neither processors nor memory, and so takes no process: cpuset(7). Hierarchies
 * without cpuset have no such files.
 */
static int cpuset_inherit(const Place *place)
{
        static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};

        for (unsigned i = 0; i < ELEMENTS(files); i++) {
                _cleanup_(freep) char *value = NULL;
                int r = fd_read_file(place->parent, files[i], FILE_MAX_BYTES, &value, NULL);
                if (r == -ENOENT)
                        return 0;
                if (r >= 0)
                        r = file_write(place->directory, files[i], value);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Makes the directory. One that is there already is of a container that is gone, or else it has processes. */
static int place_make(Place *place, const char *name)
{
        int r = mkdirat(place->parent, name, 0755) < 0 ? -errno : 0;

        if (r == -EEXIST) {
                r = cgroup_remove_tree(place->parent, name);
                if (r >= 0)
                        r = mkdirat(place->parent, name, 0755) < 0 ? -errno : 0;
        }
        if (r < 0)
                return r;
        place->directory = openat(place->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = place->directory < 0 ? -errno : 0;
        if (r >= 0 && !place->is_unified)
                r = cpuset_inherit(place);
        if (r < 0)
                unlinkat(place->parent, name, AT_REMOVEDIR);
        return r;
}

/* Adds a place and makes its directory; it is the cgroup's from here, also after a failure. */
static int cgroup_add_place(Cgroup *cgroup, Place *place)
{
        Place *larger = reallocarray(cgroup->places, cgroup->n_places + 1, sizeof(*larger));

        if (!larger) {
                place_done(place);
                return -ENOMEM;
        }
        cgroup->places = larger;
        int r = place_make(place, cgroup->name);
        if (r < 0) {
                place_done(place);
                return r;
        }
        cgroup->places[cgroup->n_places++] = *place;
        return 0;
}

static bool cgroup_has_place(const Cgroup *cgroup, const Place *place)
{
        for (size_t i = 0; i < cgroup->n_places; i++)
                if (strcmp(cgroup->places[i].line, place->line) == 0)
                        return true;
        return false;
}

static int controller_unknown(const char *controller, Failure *failure)
{
        return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION,
                           "option 'Cgroups': there is no cgroup controller '%s' here", controller);
}

/* Lets the children of the supervisor's own cgroup have the controller. */
static int controller_enable(int parent, const char *controller, Failure *failure)
{
        _cleanup_(freep) char *available = NULL, *enabled = NULL, *order = NULL;

        int r = fd_read_file(parent, "cgroup.controllers", FILE_MAX_BYTES, &available, NULL);
        if (r >= 0)
                r = fd_read_file(parent, "cgroup.subtree_control", FILE_MAX_BYTES, &enabled, NULL);
        if (r < 0)
                return failure_step(failure, r, "read", "the cgroup controllers", NULL);
        if (!list_contains(available, " \n", controller))
                return controller_unknown(controller, failure);
        if (list_contains(enabled, " \n", controller))
                return 0;
        r = asprintf(&order, "+%s", controller) < 0 ? -ENOMEM : 0;
        if (r < 0)
                order = NULL;
        else
                r = file_write(parent, "cgroup.subtree_control", order);
        /* EBUSY: a cgroup with processes can't share its resources out, except at the top: cgroups(7). */
        return r < 0 ? failure_step(failure, r, "enable cgroup controller", controller, "the supervisor's own cgroup")
                     : 0;
}

static int cgroup_add_controller(Cgroup *cgroup, const char *controller, Failure *failure)
{
        bool is_hierarchy = strcmp(controller, UNIFIED) == 0;
        Place place;

        int r = is_hierarchy ? 0 : place_open(controller, cgroup->name, &place);
        if (r == 0)
                r = place_open("", cgroup->name, &place);
        if (r < 0)
                return failure_step(failure, r, "find the cgroup hierarchy of", controller, NULL);
        if (r == 0)
                return controller_unknown(controller, failure);
        r = place.is_unified && !is_hierarchy ? controller_enable(place.parent, controller, failure) : 0;
        if (r < 0 || cgroup_has_place(cgroup, &place)) {
                place_done(&place);
                return r;
        }
        r = cgroup_add_place(cgroup, &place);
        return r < 0 ? failure_step(failure, r, "make cgroup", cgroup->name, controller) : 0;
}

static Cgroup *cgroup_new(const char *name)
{
        Cgroup *cgroup = calloc(1, sizeof(*cgroup));

        if (cgroup && asprintf(&cgroup->name, "pflask-%s", name) < 0) {
                free(cgroup);
                return NULL;
        }
        return cgroup;
}

int cgroup_create(const Spec *spec, const char *name, Cgroup **ret, Failure *failure)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = NULL;

        if (!spec->cgroups || !spec->cgroups[0]) {
                *ret = NULL;
                return 0;
        }
        cgroup = cgroup_new(name);
        if (!cgroup)
                return failure_step(failure, -ENOMEM, "make", "cgroups", NULL);
        for (char **controller = spec->cgroups; *controller; controller++) {
                int r = cgroup_add_controller(cgroup, *controller, failure);
                if (r < 0) {
                        cgroup_remove(cgroup, 0);
                        return r;
                }
        }
        *ret = TAKE_PTR(cgroup);
        return 0;
}

/* Opens the unified hierarchy, or else the first one of version 1 that is mounted. Return: 1; 0; -errno. */
static int place_open_any(const char *name, Place *ret)
{
        _cleanup_(freep) char *memberships = NULL;
        int r = place_open("", name, ret);

        if (r != 0)
                return r;
        r = fd_read_file(AT_FDCWD, "/proc/self/cgroup", FILE_MAX_BYTES, &memberships, NULL);
        char *rest = memberships;
        for (char *line; r == 0 && (line = strsep(&rest, "\n")) && *line;) {
                strsep(&line, ":");
                char *controllers = strsep(&line, ":");
                char *first = strsep(&controllers, ",");
                if (first && *first)
                        r = place_open(first, name, ret);
        }
        return r;
}

int cgroup_create_tracking(const char *name, Cgroup **ret, Failure *failure)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = cgroup_new(name);
        Place place;

        if (!cgroup)
                return failure_step(failure, -ENOMEM, "make", "cgroup", NULL);
        int r = place_open_any(cgroup->name, &place);
        if (r == 0)
                return failure_set(failure, -EOPNOTSUPP, FAILURE_NOT_SUPPORTED,
                                   "a container that shares the pid namespace needs a cgroup, and no cgroup "
                                   "hierarchy is mounted here");
        if (r > 0)
                r = cgroup_add_place(cgroup, &place);
        if (r < 0)
                return failure_step(failure, r, "make cgroup", cgroup->name, NULL);
        *ret = TAKE_PTR(cgroup);
        return 0;
}

static int cgroup_enter(const Cgroup *cgroup, pid_t pid, bool is_joining, Failure *failure)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", pid);
        for (size_t i = 0; i < cgroup->n_places; i++) {
                if (is_joining && cgroup->places[i].is_unified)
                        continue;
                int r = file_write(cgroup->places[i].directory, "cgroup.procs", text);
                if (r < 0)
                        return failure_step(failure, r, "move a process into", "cgroup", cgroup->places[i].line);
        }
        return 0;
}

int cgroup_add(const Cgroup *cgroup, pid_t pid, Failure *failure)
{
        return cgroup_enter(cgroup, pid, false, failure);
}

int cgroup_add_joining(const Cgroup *cgroup, pid_t pid, Failure *failure)
{
        return cgroup_enter(cgroup, pid, true, failure);
}

/* ---- who is in it ---- */

typedef struct Pids {
        pid_t *pids;
        size_t n;
} Pids;

static int pids_add(Pids *list, pid_t pid)
{
        if ((list->n & (list->n - 1)) == 0) {
                pid_t *larger = reallocarray(list->pids, list->n ? list->n * 2 : 1, sizeof(pid_t));
                if (!larger)
                        return -ENOMEM;
                list->pids = larger;
        }
        list->pids[list->n++] = pid;
        return 0;
}

static void pids_done(Pids *list)
{
        freep(&list->pids);
        *list = (Pids){};
}

static int pid_compare(const void *one, const void *other)
{
        const pid_t *a = one, *b = other;

        return (*a > *b) - (*a < *b);
}

static void pids_sort(Pids *list)
{
        if (list->n > 0)
                qsort(list->pids, list->n, sizeof(pid_t), pid_compare);
}

static bool pids_contain(const Pids *list, pid_t pid)
{
        return list->n > 0 && bsearch(&pid, list->pids, list->n, sizeof(pid_t), pid_compare);
}

/* Adds the processes of one cgroup. A removed cgroup has none, nor has a threaded one: its domain lists them. */
static int pids_read(int directory, Pids *list)
{
        _cleanup_(freep) char *text = NULL;
        int r = fd_read_file(directory, "cgroup.procs", FILE_MAX_BYTES, &text, NULL);

        if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
                return 0;
        char *rest = text;
        for (char *line; r >= 0 && (line = strsep(&rest, "\n")) && *line;) {
                pid_t pid = atoi(line);
                if (pid > 0) /* 0 stands for one in a pid namespace that we don't see */
                        r = pids_add(list, pid);
        }
        return r;
}

/* Adds the processes of a cgroup and of those beneath it, which the container may have made. */
static int pids_collect(int directory, unsigned depth, Pids *list)
{
        int r = pids_read(directory, list);

        if (r < 0)
                return r;
        if (depth >= DEPTH_MAX)
                return -ELOOP;
        _cleanup_(directory_closep) DIR *children = directory_list(directory);
        if (!children)
                return errno == ENOENT ? 0 : -errno;
        for (const char *name; (name = directory_next(children));) {
                _cleanup_(fd_closep) int child = openat(directory, name,
                                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                r = child < 0 ? -errno : pids_collect(child, depth + 1, list);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return 0;
}

static int place_pids(const Place *place, Pids *ret)
{
        pids_done(ret);
        int r = pids_collect(place->directory, 0, ret);
        pids_sort(ret);
        return r;
}

/* Is @pid in the cgroup or beneath it now. */
static bool place_has(const Place *place, pid_t pid)
{
        _cleanup_(freep) char *memberships = NULL;
        size_t length = strlen(place->line);
        char path[32];

        snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
        if (fd_read_file(AT_FDCWD, path, FILE_MAX_BYTES, &memberships, NULL) < 0)
                return false;
        char *rest = memberships;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (strncmp(line, place->line, length) == 0 && (line[length] == '\0' || line[length] == '/'))
                        return true;
        return false;
}

/* Signals one process, if it is still the one that was listed: what was read of a number is true of its pidfd. */
static void place_signal_one(const Place *place, pid_t pid, int signal)
{
        _cleanup_(fd_closep) int pidfd = pidfd_open(pid, 0);

        if (pidfd >= 0 && place_has(place, pid))
                process_signal(pidfd, signal);
}

/* Signals those of @now that @seen hasn't, and adds them. Return: 1 when there were any; 0; -errno. */
static int place_signal_new(const Place *place, const Pids *now, Pids *seen, int signal)
{
        const size_t n_before = seen->n;

        for (size_t i = 0; i < now->n; i++) {
                const Pids before = {.pids = seen->pids, .n = n_before};
                if (pids_contain(&before, now->pids[i]))
                        continue;
                place_signal_one(place, now->pids[i], signal);
                int r = pids_add(seen, now->pids[i]);
                if (r < 0)
                        return r;
        }
        if (seen->n == n_before)
                return 0;
        pids_sort(seen);
        return 1;
}

int cgroup_signal(const Cgroup *cgroup, int signal)
{
        const Place *place = cgroup_place(cgroup);
        _cleanup_(pids_done) Pids seen = {}, now = {};

        for (unsigned round = 0; round < ROUNDS_MAX; round++) {
                int r = place_pids(place, &now);
                if (r >= 0)
                        r = place_signal_new(place, &now, &seen, signal);
                if (r < 0)
                        return r;
                if (r == 0)
                        return seen.n > 0 ? 0 : -ESRCH;
        }
        return -EAGAIN;
}

/* ---- the end of it ---- */

int cgroup_kill(const Cgroup *cgroup)
{
        const Place *place = cgroup_place(cgroup);
        int r = place->is_unified ? file_write(place->directory, "cgroup.kill", "1") : cgroup_signal(cgroup, SIGKILL);

        return r == -ESRCH || r == -ENODEV || r == -ENOENT ? 0 : r; /* it is empty, or has been removed */
}

static int64_t now_msec(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until each of the processes has ended. Return: 0; -EBUSY when the time is over. */
static int pids_wait(const Pids *list, int64_t deadline)
{
        for (size_t i = 0; i < list->n; i++) {
                _cleanup_(fd_closep) int pidfd = pidfd_open(list->pids[i], 0);
                struct pollfd ended = {.fd = pidfd, .events = POLLIN};
                int64_t left = deadline - now_msec();
                if (pidfd >= 0 && poll(&ended, 1, left > 0 ? (int)left : 0) == 0)
                        return -EBUSY;
        }
        return 0;
}

/* Without cgroup.kill: kills what is found until nothing is. */
static int place_empty_by_pids(const Place *place, const Cgroup *cgroup, int64_t deadline)
{
        _cleanup_(pids_done) Pids list = {};

        for (;;) {
                int r = place_pids(place, &list);
                if (r < 0 || list.n == 0)
                        return r;
                r = cgroup_signal(cgroup, SIGKILL);
                if (r < 0 && r != -EAGAIN && r != -ESRCH)
                        return r;
                r = pids_wait(&list, deadline);
                if (r < 0)
                        return r;
        }
}

/* Waits until the kernel says that nothing lives in it or beneath it, however deep: cgroups(7), cgroup.events. */
static int place_wait(const Place *place, int64_t deadline)
{
        _cleanup_(fd_closep) int events = openat(place->directory, "cgroup.events", O_RDONLY | O_CLOEXEC);
        struct pollfd change = {.fd = events, .events = POLLPRI};

        if (events < 0)
                return -errno;
        for (;;) {
                char text[256];
                ssize_t n = pread(events, text, sizeof(text) - 1, 0);
                if (n < 0)
                        return -errno;
                text[n] = '\0';
                if (strstr(text, "populated 0"))
                        return 0;
                int64_t left = deadline - now_msec();
                if (left <= 0)
                        return -EBUSY;
                poll(&change, 1, (int)left);
        }
}

/* Kills what is in it, and waits until nothing is. */
static int cgroup_empty(const Cgroup *cgroup, int64_t deadline)
{
        const Place *place = cgroup_place(cgroup);
        int r = place->is_unified ? file_write(place->directory, "cgroup.kill", "1") : -EOPNOTSUPP;

        if (r >= 0)
                r = place_wait(place, deadline);
        else if (r == -EOPNOTSUPP)
                r = place_empty_by_pids(place, cgroup, deadline);
        return r == -ENODEV || r == -ENOENT ? 0 : r; /* it has been removed */
}

int cgroup_remove(Cgroup *cgroup, int timeout_msec)
{
        int result = 0;

        if (cgroup->n_places == 0)
                return 0;
        int r = cgroup_empty(cgroup, now_msec() + timeout_msec);
        if (r < 0)
                return r;
        for (size_t i = 0; i < cgroup->n_places; i++) {
                r = cgroup_remove_tree(cgroup->places[i].parent, cgroup->name);
                if (r < 0 && result == 0)
                        result = r;
        }
        return result;
}

/* ---- of a container whose owner is dead ---- */

/* The one by which it is emptied comes first. */
char *cgroup_lines(const Cgroup *cgroup, size_t max)
{
        const Place *first = cgroup_place(cgroup);
        size_t length = strlen(first->line);
        char *lines = length <= max ? malloc(max + 1) : NULL;

        if (!lines)
                return NULL;
        memcpy(lines, first->line, length + 1);
        for (size_t i = 0; i < cgroup->n_places; i++) {
                const Place *place = &cgroup->places[i];
                if (place == first || length + 1 + strlen(place->line) > max)
                        continue;
                lines[length++] = '\n';
                strcpy(lines + length, place->line);
                length += strlen(place->line);
        }
        return lines;
}

/* Opens the cgroup that has, or had, the one that the line ends with. Return: as membership_open(). */
static int left_open_parent(char *line, char *last, int *ret)
{
        _cleanup_(freep) char *mountinfo = NULL;
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        MountLine mount;

        if (!path || path >= last)
                return -EINVAL;
        *path++ = '\0';
        *last = '\0';
        controllers++;
        controllers[strcspn(controllers, ",")] = '\0';
        int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", FILE_MAX_BYTES, &mountinfo, NULL);
        if (r < 0 || !mount_find(mountinfo, controllers, &mount))
                return r < 0 ? r : 0;
        const char *beneath = path_beneath(*path ? path : "/", mount.root);
        if (!beneath)
                return 0;
        _cleanup_(fd_closep) int top = open(mount.point, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;
        int parent = path_open(top, beneath, O_PATH | O_DIRECTORY);
        if (parent < 0)
                return parent == -ENOENT ? 0 : parent;
        *ret = parent;
        return 1;
}

static int left_remove(const char *line, const char *name, int timeout_msec)
{
        _cleanup_(cgroup_freep) Cgroup *cgroup = cgroup_new(name);
        _cleanup_(freep) char *copy = strdup(line), *whole = strdup(line);
        Place place = {.parent = -EBADF, .directory = -EBADF};

        if (!cgroup || !copy || !whole)
                return -ENOMEM;
        char *last = strrchr(copy, '/');
        if (!last || strcmp(last + 1, cgroup->name) != 0)
                return -EINVAL;
        place.is_unified = strncmp(copy, "0::", 3) == 0;
        int r = left_open_parent(copy, last, &place.parent);
        if (r <= 0)
                return r;
        place.line = TAKE_PTR(whole);
        cgroup->places = calloc(1, sizeof(place));
        place.directory = openat(place.parent, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = !cgroup->places ? -ENOMEM : place.directory < 0 ? -errno : 0;
        if (r < 0) {
                place_done(&place);
                return r == -ENOENT ? 0 : r;
        }
        cgroup->places[cgroup->n_places++] = place;
        return cgroup_remove(cgroup, timeout_msec);
}

int cgroup_remove_left(const char *lines, const char *name, int timeout_msec)
{
        _cleanup_(freep) char *copy = strdup(lines);
        char *rest = copy;
        int result = 0;

        if (!copy)
                return -ENOMEM;
        for (const char *line; (line = strsep(&rest, "\n"));) {
                int r = left_remove(line, name, timeout_msec);
                if (r < 0 && result == 0)
                        result = r;
        }
        return result;
}
