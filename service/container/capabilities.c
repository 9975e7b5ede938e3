/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/capabilities.h"

#include <cap-ng.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/macros.h"

enum { CAPABILITIES_MAX = 64 };

/* ---- words ---- */

static int word_invalid(const char *word, const char *why, Failure *failure)
{
        return failure_set(failure, -EINVAL, FAILURE_INVALID_OPTION, "option 'Capabilities': '%s' %s", word, why);
}

static int word_apply(const char *word, Capabilities *capabilities, Failure *failure)
{
        const char *name = word + (*word == '+' || *word == '-');

        if (strcasecmp(name, "all") == 0)
                return word_invalid(word, "is allowed only as the first", failure);
        if (strncasecmp(name, "cap_", 4) == 0)
                name += 4;
        int number = capng_name_to_capability(name);
        if (number < 0 || number >= CAPABILITIES_MAX)
                return word_invalid(word, "is not a capability", failure);
        uint64_t bit = UINT64_C(1) << number;
        if (*word == '-') {
                capabilities->limit &= ~bit;
                capabilities->named &= ~bit;
        } else {
                capabilities->limit |= bit;
                capabilities->named |= bit;
        }
        return 0;
}

int capabilities_read(char *const *words, Capabilities *ret, Failure *failure)
{
        Capabilities capabilities = {.limit = UINT64_MAX};

        capabilities.is_given = words && *words;
        if (capabilities.is_given) {
                bool is_none = strcasecmp(*words, "-all") == 0;
                capabilities.is_all = strcasecmp(*words, "all") == 0 || strcasecmp(*words, "+all") == 0;
                if (is_none)
                        capabilities.limit = 0;
                if (is_none || capabilities.is_all)
                        words++;
        }
        for (; words && *words; words++) {
                int r = word_apply(*words, &capabilities, failure);
                if (r < 0)
                        return r;
        }
        *ret = capabilities;
        return 0;
}

/* ---- the sets of the calling process ---- */

static int sets_get(CapabilitySets *ret, uint64_t *ret_effective)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        ret->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
        ret->inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
        *ret_effective = (uint64_t)data[1].effective << 32 | data[0].effective;
        return 0;
}

/* The effective set becomes the permitted one. */
static int sets_set(const CapabilitySets *sets)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        for (unsigned i = 0; i < ELEMENTS(data); i++) {
                data[i].permitted = data[i].effective = (uint32_t)(sets->permitted >> (32 * i));
                data[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
        }
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int capabilities_keep(bool keep)
{
        return prctl(PR_SET_KEEPCAPS, keep ? 1L : 0L, 0L, 0L, 0L) < 0 ? -errno : 0;
}

int capabilities_raise(void)
{
        CapabilitySets sets = {};
        uint64_t effective = 0;
        int r = sets_get(&sets, &effective);

        return r < 0 ? r : sets_set(&sets);
}

/* Takes away what isn't in @limit. The kernel knows where its capabilities end: prctl(2). */
static int bounding_limit(uint64_t limit)
{
        for (int number = 0; number < CAPABILITIES_MAX; number++) {
                int has = prctl(PR_CAPBSET_READ, (long)number, 0L, 0L, 0L);
                if (has < 0)
                        return errno == EINVAL ? 0 : -errno;
                if (!has || limit & UINT64_C(1) << number)
                        continue;
                if (prctl(PR_CAPBSET_DROP, (long)number, 0L, 0L, 0L) < 0)
                        return -errno;
        }
        return 0;
}

static int ambient_raise(uint64_t set)
{
        for (int number = 0; number < CAPABILITIES_MAX; number++)
                if (set & UINT64_C(1) << number &&
                    prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)number, 0L, 0L) < 0)
                        return -errno;
        return 0;
}

int capabilities_begin(const Capabilities *capabilities, bool is_root, CapabilitySets *ret, Failure *failure)
{
        CapabilitySets sets = {};
        uint64_t effective = 0;
        int r = sets_get(&sets, &effective);

        if (r < 0)
                return failure_step(failure, r, "read", "the capabilities", NULL);
        uint64_t missing = capabilities->named & ~sets.permitted;
        if (missing) {
                const char *name = capng_capability_to_name((unsigned)__builtin_ctzll(missing));
                return failure_step(failure, -EPERM, "give capability", name ?: "that has no name", NULL);
        }
        r = bounding_limit(capabilities->limit);
        if (r < 0)
                return failure_step(failure, r, "limit", "the capabilities", NULL);
        if (is_root)
                *ret = (CapabilitySets){.permitted = sets.permitted & capabilities->limit};
        else if (capabilities->is_all)
                ret->permitted = ret->inheritable = sets.permitted & capabilities->limit;
        else
                ret->permitted = ret->inheritable = capabilities->named;
        r = capabilities_keep(true);
        return r < 0 ? failure_step(failure, r, "keep", "the capabilities", NULL) : 0;
}

int capabilities_finish(const CapabilitySets *sets, Failure *failure)
{
        CapabilitySets actual = {};
        uint64_t effective = 0;
        int r = capabilities_keep(false);

        if (r >= 0 && prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
                r = -errno;
        if (r >= 0)
                r = sets_set(sets);
        if (r >= 0)
                r = ambient_raise(sets->inheritable);
        if (r >= 0)
                r = sets_get(&actual, &effective);
        if (r >= 0 && (actual.permitted != sets->permitted || effective != sets->permitted ||
                       actual.inheritable != sets->inheritable))
                r = -EPERM;
        return r < 0 ? failure_step(failure, r, "set", "the capabilities", NULL) : 0;
}
