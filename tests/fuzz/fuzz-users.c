/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users of a tree. The input: a line with who is looked up, the tree's passwd, a line "--", the tree's group. The tree
 * may be hostile; whoever is found there must be somebody whom the system calls take.
 */
#include <stdbool.h>
#include <string.h>

#include "container/users.h"
#include "fuzz.h"

static void check_user(const User *user)
{
        bool has_gid = false;

        fuzz_check(user->uid != (uid_t)-1 && user->gid != (gid_t)-1);
        fuzz_check(user->home[0] == '/' && user->shell[0] == '/');
        fuzz_check(!user->name || (*user->name && !strpbrk(user->name, ":\n/ ")));
        for (size_t i = 0; i < user->n_groups; i++) {
                fuzz_check(user->groups[i] != (gid_t)-1);
                fuzz_check(i == 0 || user->groups[i - 1] < user->groups[i]);
                has_gid = has_gid || user->groups[i] == user->gid;
        }
        fuzz_check(has_gid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char separator[] = "\n--\n";
        _cleanup_(user_freep) User *user = NULL;
        Input input = input_of(data, size);
        _cleanup_(freep) char *name = input_line(&input);
        Failure failure = {};

        if (!name)
                return 0;
        size_t left = (size_t)(input.end - input.next);
        const char *cut = memmem(input.next, left, separator, strlen(separator));
        const char *group = cut ? cut + strlen(separator) : input.end;
        fuzz_put("etc/passwd", input.next, (size_t)((cut ? cut + 1 : input.end) - input.next));
        fuzz_put("etc/group", group, (size_t)(input.end - group));
        int r = user_lookup_beneath(fuzz_directory(), name, &user, &failure);
        if (r == 0) {
                check_user(user);
                return 0;
        }
        fuzz_check(!user && failure.code == r && *failure.sentence);
        return 0;
}
