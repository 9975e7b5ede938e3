/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/users.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/path.h"

enum { FILE_MAX_BYTES = 1024 * 1024, NAME_MAX_BYTES = 256, PASSWD_FIELDS = 7, GROUP_FIELDS = 4 };

User *user_free(User *user)
{
        int saved = errno;

        if (!user)
                return NULL;
        free(user->groups);
        free(user->name);
        free(user->home);
        free(user->shell);
        free(user);
        errno = saved;
        return NULL;
}

static int user_missing(const char *name, Failure *failure)
{
        return failure_set(failure, -ENOENT, FAILURE_NO_SUCH_USER, "there is no user '%s'", name);
}

static bool is_number(const char *text)
{
        return *text && strspn(text, "0123456789") == strlen(text);
}

/* An id is 32 bits wide, and the highest stands for "no id" in every system call. */
static bool id_parse(const char *text, uint32_t *ret)
{
        uint64_t id = 0;

        if (!is_number(text))
                return false;
        for (; *text; text++) {
                id = id * 10 + (uint64_t)(*text - '0');
                if (id >= UINT32_MAX)
                        return false;
        }
        *ret = (uint32_t)id;
        return true;
}

/* What can be looked up: neither a number, nor what NIS or a shell would take for something else. */
static bool is_user_name(const char *name)
{
        size_t length = strlen(name);

        if (length < 1 || length > NAME_MAX_BYTES || is_number(name) || strchr("+-~", name[0]))
                return false;
        for (const char *c = name; *c; c++)
                if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr(":,/", *c))
                        return false;
        return true;
}

/* ---- the user to be ---- */

static int user_add_group(User *user, gid_t gid)
{
        gid_t *larger;

        if (user->n_groups >= NGROUPS_MAX)
                return -E2BIG;
        /* Doubled at each power of two: the file may be hostile, and a million bytes of it are many groups. */
        if ((user->n_groups & (user->n_groups - 1)) == 0) {
                larger = reallocarray(user->groups, user->n_groups ? user->n_groups * 2 : 1, sizeof(gid_t));
                if (!larger)
                        return -ENOMEM;
                user->groups = larger;
        }
        user->groups[user->n_groups++] = gid;
        return 0;
}

static int group_compare(const void *one, const void *other)
{
        const gid_t *a = one, *b = other;

        return (*a > *b) - (*a < *b);
}

static void user_sort_groups(User *user)
{
        size_t n = 0;

        qsort(user->groups, user->n_groups, sizeof(gid_t), group_compare);
        for (size_t i = 0; i < user->n_groups; i++)
                if (n == 0 || user->groups[n - 1] != user->groups[i])
                        user->groups[n++] = user->groups[i];
        user->n_groups = n;
}

static const char *or_default(const char *path, const char *otherwise)
{
        return path[0] == '/' ? path : otherwise;
}

/* @name may be NULL. */
static int user_new(const char *name, uid_t uid, gid_t gid, const char *home, const char *shell, User **ret)
{
        _cleanup_(user_freep) User *user = calloc(1, sizeof(*user));

        if (!user)
                return -ENOMEM;
        user->uid = uid;
        user->gid = gid;
        user->name = name ? strdup(name) : NULL;
        user->home = strdup(or_default(home, uid == 0 ? "/root" : "/"));
        user->shell = strdup(or_default(shell, "/bin/sh"));
        if ((name && !user->name) || !user->home || !user->shell || user_add_group(user, gid) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(user);
        return 0;
}

/* Somebody no entry knows: the gid is one that is mapped wherever the uid is. */
static int user_new_unknown(uid_t uid, User **ret)
{
        return user_new(uid == 0 ? "root" : NULL, uid, uid, "", "", ret);
}

/* ---- the files of a tree ---- */

/* The lines of a file, taken one by one; a line with a NUL in it is none. */
typedef struct Lines {
        char *next;
        char *end;
} Lines;

static char *lines_take(Lines *lines)
{
        while (lines->next < lines->end) {
                char *line = lines->next;
                char *stop = memchr(line, '\n', (size_t)(lines->end - line)) ?: lines->end;
                *stop = '\0';
                lines->next = stop + 1;
                if (strlen(line) == (size_t)(stop - line))
                        return line;
        }
        return NULL;
}

/* Cuts a line at its colons. Return: whether it has just @n fields. */
static bool line_split(char *line, char **fields, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!line)
                        return false;
                fields[i] = strsep(&line, ":");
        }
        return !line;
}

/* Reads etc/@name of the tree. Return: 1; 0 when it isn't there; -errno. */
static int tree_read(int root, const char *name, char **ret, Lines *ret_lines, Failure *failure)
{
        char path[32];
        const char *last;
        size_t bytes;

        snprintf(path, sizeof(path), "/etc/%s", name);
        _cleanup_(fd_closep) int directory = path_open_parent(root, path, 0, &last);
        int r = directory < 0 ? directory : fd_read_file(directory, last, FILE_MAX_BYTES, ret, &bytes);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return failure_step(failure, r, "read", path, NULL);
        *ret_lines = (Lines){.next = *ret, .end = *ret + bytes};
        return 1;
}

/* Finds an entry by @name, or by @uid when @name is NULL. Return: 1; 0 when there is none; -errno. */
static int passwd_find(int root, const char *name, uid_t uid, User **ret, Failure *failure)
{
        _cleanup_(freep) char *content = NULL;
        char *line, *fields[PASSWD_FIELDS];
        uint32_t entry_uid, entry_gid;
        Lines lines;

        int r = tree_read(root, "passwd", &content, &lines, failure);
        if (r <= 0)
                return r;
        while ((line = lines_take(&lines))) {
                if (!line_split(line, fields, ELEMENTS(fields)) || !is_user_name(fields[0]))
                        continue;
                if (!id_parse(fields[2], &entry_uid) || !id_parse(fields[3], &entry_gid))
                        continue;
                if (name ? strcmp(fields[0], name) != 0 : entry_uid != uid)
                        continue;
                r = user_new(fields[0], entry_uid, entry_gid, fields[5], fields[6], ret);
                return r < 0 ? failure_step(failure, r, "look up", "user", name) : 1;
        }
        return 0;
}

static bool members_contain(char *members, const char *name)
{
        char *member;

        while ((member = strsep(&members, ",")))
                if (strcmp(member, name) == 0)
                        return true;
        return false;
}

static int group_collect(int root, User *user, Failure *failure)
{
        _cleanup_(freep) char *content = NULL;
        char *line, *fields[GROUP_FIELDS];
        uint32_t gid;
        Lines lines;

        int r = tree_read(root, "group", &content, &lines, failure);
        if (r <= 0)
                return r;
        while ((line = lines_take(&lines))) {
                if (!line_split(line, fields, ELEMENTS(fields)) || !id_parse(fields[2], &gid))
                        continue;
                if (!members_contain(fields[3], user->name))
                        continue;
                r = user_add_group(user, gid);
                if (r < 0)
                        return failure_step(failure, r, "collect the groups of", user->name, NULL);
        }
        user_sort_groups(user);
        return 0;
}

int user_lookup_beneath(int root, const char *name, User **ret, Failure *failure)
{
        _cleanup_(user_freep) User *user = NULL;
        bool is_uid = is_number(name), is_root = strcmp(name, "root") == 0;
        uint32_t uid = 0;

        if (is_uid ? !id_parse(name, &uid) : !is_user_name(name))
                return user_missing(name, failure);
        int r = passwd_find(root, is_uid ? NULL : name, uid, &user, failure);
        if (r == 0 && !is_uid && !is_root)
                return user_missing(name, failure);
        if (r == 0) {
                r = user_new_unknown(uid, &user);
                if (r < 0)
                        return failure_step(failure, r, "look up", "user", name);
        }
        if (r >= 0 && user->name)
                r = group_collect(root, user, failure);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(user);
        return 0;
}

/* ---- the host's own database ---- */

/* Fills @entry, whose strings lie in @buffer. Return: 1; 0 when there is none; -errno. */
static int host_passwd(const char *name, uid_t uid, struct passwd *entry, char **buffer)
{
        struct passwd *found = NULL;
        int r = ERANGE;

        for (size_t bytes = 1024; r == ERANGE && bytes <= FILE_MAX_BYTES; bytes *= 4) {
                freep(buffer);
                *buffer = malloc(bytes);
                if (!*buffer)
                        return -ENOMEM;
                r = name ? getpwnam_r(name, entry, *buffer, bytes, &found)
                         : getpwuid_r(uid, entry, *buffer, bytes, &found);
        }
        if (found)
                return 1;
        /* Some NSS modules answer so when there is no such user, or no such module: getpwnam(3). */
        if (r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM)
                return 0;
        return -r;
}

static int host_groups(User *user)
{
        int n = 32;

        for (int attempt = 0; attempt < 4; attempt++) {
                gid_t *larger = reallocarray(user->groups, (size_t)n, sizeof(gid_t));
                if (!larger)
                        return -ENOMEM;
                user->groups = larger;
                if (getgrouplist(user->name, user->gid, user->groups, &n) >= 0) {
                        user->n_groups = (size_t)n;
                        user_sort_groups(user);
                        return 0;
                }
        }
        return -E2BIG;
}

int user_lookup_host(const char *name, User **ret, Failure *failure)
{
        _cleanup_(user_freep) User *user = NULL;
        _cleanup_(freep) char *buffer = NULL;
        bool is_uid = is_number(name);
        struct passwd entry;
        uint32_t uid = 0;

        if (is_uid ? !id_parse(name, &uid) : !is_user_name(name))
                return user_missing(name, failure);
        int r = host_passwd(is_uid ? NULL : name, uid, &entry, &buffer);
        if (r == 0 && !is_uid)
                return user_missing(name, failure);
        if (r == 0)
                r = user_new_unknown(uid, &user);
        else if (r > 0)
                r = user_new(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell, &user);
        if (r >= 0 && user->name)
                r = host_groups(user);
        if (r < 0)
                return failure_step(failure, r, "look up", "user", name);
        *ret = TAKE_PTR(user);
        return 0;
}

/* ---- packed ---- */

int user_pack(const User *user, char packed[static USER_PACKED_SIZE])
{
        const char *words[] = {user->name ?: "", user->home ?: "", user->shell ?: ""};
        char *at = packed;

        for (unsigned i = 0; i < ELEMENTS(words); i++) {
                size_t bytes = strlen(words[i]) + 1, left = (size_t)(packed + USER_PACKED_SIZE - at);
                if (bytes > left)
                        return -ENAMETOOLONG;
                at = mempcpy(at, words[i], bytes);
        }
        return 0;
}

/* The word at *@at, which is moved behind it. Return: NULL at @end. */
static const char *packed_next(const char **at, const char *end)
{
        const char *word = *at, *nul = memchr(word, '\0', (size_t)(end - word));

        if (!nul)
                return NULL;
        *at = nul + 1;
        return word;
}

int user_unpack(const char packed[static USER_PACKED_SIZE], User **ret)
{
        const char *at = packed, *end = packed + USER_PACKED_SIZE;
        _cleanup_(user_freep) User *user = calloc(1, sizeof(*user));

        if (!user)
                return -ENOMEM;
        char **places[] = {&user->name, &user->home, &user->shell};
        for (unsigned i = 0; i < ELEMENTS(places); i++) {
                const char *word = packed_next(&at, end);
                if (!word)
                        return -EBADMSG;
                if (*word && !(*places[i] = strdup(word)))
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(user);
        return 0;
}
