/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/caller.h"

#include <poll.h>
#include <search.h>
#include <string.h>

#include "common/error.h"
#include "manager/call.h"

struct Callers {
        Manager *manager;
        sd_bus_slot *leaving;
        sd_bus_slot *calling;
        void *by_name; /* tsearch(3) */
        void *quotas;  /* the same, by uid */
        unsigned n_calls;
};

static int caller_compare(const void *one, const void *other)
{
        return strcmp(((const Caller *)one)->name, ((const Caller *)other)->name);
}

static int quota_compare(const void *one, const void *other)
{
        uid_t first = ((const Quota *)one)->uid, second = ((const Quota *)other)->uid;

        return (first > second) - (first < second);
}

/* Of a uid it goes with the last connection. */
static void caller_leave_quota(Caller *caller)
{
        Quota *quota = caller->quota;

        if (--quota->n_connections > 0 || !quota->is_known)
                return;
        tdelete(quota, &caller->callers->quotas, quota_compare);
        free(quota);
}

static int caller_join_quota(Caller *caller)
{
        Quota key = {.uid = caller->uid};
        Quota **found = tfind(&key, &caller->callers->quotas, quota_compare);
        Quota *quota = found ? *found : calloc(1, sizeof(*quota));

        if (!quota)
                return -ENOMEM;
        quota->uid = caller->uid;
        quota->is_known = true;
        if (!found && !tsearch(quota, &caller->callers->quotas, quota_compare)) {
                free(quota);
                return -ENOMEM;
        }
        quota_move(quota, &caller->own);
        caller->quota = quota;
        return 0;
}

static Caller *caller_free(Caller *caller)
{
        if (!caller)
                return NULL;
        tdelete(caller, &caller->callers->by_name, caller_compare);
        while (!TAILQ_EMPTY(&caller->calls))
                call_free(TAILQ_FIRST(&caller->calls));
        delivery_done(&caller->delivery);
        caller_leave_quota(caller);
        sd_bus_slot_unref(caller->query);
        account_query_free(caller->account_query);
        account_free(caller->account);
        free(caller->name);
        free(caller);
        return NULL;
}

static Caller *caller_find(Callers *callers, const char *name)
{
        Caller key = {.name = (char *)(uintptr_t)name};
        Caller **found = tfind(&key, &callers->by_name, caller_compare);

        return found ? *found : NULL;
}

/* What a peer calls itself counts for nothing. */
static const char *caller_key(const Callers *callers, sd_bus_message *message)
{
        sd_bus *bus = sd_bus_message_get_bus(message);
        const char *description = NULL;

        if (bus == callers->manager->bus && !callers->manager->is_direct)
                return sd_bus_message_get_sender(message) ?: "";
        sd_bus_get_description(bus, &description);
        return description ?: "";
}

void callers_leave(Callers *callers, sd_bus *peer)
{
        const char *description = NULL;

        sd_bus_get_description(peer, &description);
        Caller *caller = caller_find(callers, description ?: "");
        if (caller)
                caller_free(caller);
}

bool caller_is_there(const Caller *caller)
{
        struct pollfd end = {.fd = sd_bus_get_fd(caller->peer), .events = POLLRDHUP};

        return end.fd >= 0 && poll(&end, 1, 0) == 0;
}

/* A unique name has left the bus (its new owner is nobody): what was begun for it ends here. */
static int caller_left(sd_bus_message *message, void *userdata, sd_bus_error *error _unused_)
{
        Callers *callers = userdata;
        const char *name;

        /* sd-bus lets the signal of a stranger through, whom it cannot tell from the owner of a well-known name. */
        if (strcmp(sd_bus_message_get_sender(message) ?: "", "org.freedesktop.DBus") != 0 ||
            sd_bus_message_read(message, "s", &name) < 0)
                return 0;
        Caller *caller = caller_find(callers, name);
        if (caller)
                caller_free(caller);
        manager_touch(callers->manager);
        return 0;
}

static int caller_new(Callers *callers, const char *name, Caller **ret)
{
        Caller *caller = calloc(1, sizeof(*caller));

        if (!caller)
                return -ENOMEM;
        caller->callers = callers;
        caller->quota = &caller->own;
        caller->own.n_connections = 1;
        caller->delivery.caller = caller;
        TAILQ_INIT(&caller->calls);
        caller->name = strdup(name);
        if (!caller->name || !tsearch(caller, &callers->by_name, caller_compare)) {
                free(caller->name);
                free(caller);
                return -ENOMEM;
        }
        *ret = caller;
        return 0;
}

/* Every call comes by here, also those that sd-bus answers itself. */
static int caller_calls(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        const char *name = sd_bus_message_get_sender(message);
        Callers *callers = userdata;
        int r = 0;

        if (!name || !sd_bus_message_is_method_call(message, NULL, NULL) ||
            sd_bus_message_get_expect_reply(message) <= 0)
                return 0;
        Caller *caller = caller_find(callers, name);
        if (!caller)
                r = caller_new(callers, name, &caller);
        if (r >= 0)
                r = delivery_admit(&caller->delivery, message, error);
        return r < 0 ? r : !r; /* for 1, nobody else looks at it */
}

int callers_new(Manager *manager, Callers **ret)
{
        Callers *callers = calloc(1, sizeof(*callers));

        if (!callers)
                return -ENOMEM;
        callers->manager = manager;
        if (!manager->is_direct) {
                /* One match for every name that leaves: before the first question, so no leaving is missed. */
                int r = sd_bus_add_match_async(manager->bus, &callers->leaving,
                                               "type='signal',sender='org.freedesktop.DBus',"
                                               "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                                               "member='NameOwnerChanged',arg2=''",
                                               caller_left, NULL, callers);
                if (r >= 0)
                        r = sd_bus_add_filter(manager->bus, &callers->calling, caller_calls, callers);
                if (r < 0) {
                        callers_free(callers);
                        return r;
                }
        }
        *ret = callers;
        return 0;
}

Callers *callers_free(Callers *callers)
{
        if (!callers)
                return NULL;
        while (callers->by_name) /* a node begins with what is in it: tsearch(3) */
                caller_free(*(Caller **)callers->by_name);
        sd_bus_slot_unref(callers->leaving);
        sd_bus_slot_unref(callers->calling);
        free(callers);
        return NULL;
}

static void caller_answer_all(Caller *caller, int r, const sd_bus_error *error)
{
        while (!TAILQ_EMPTY(&caller->calls))
                call_reply_error(TAILQ_FIRST(&caller->calls), r, error);
}

static int caller_read_credentials(Caller *caller, sd_bus_message *reply)
{
        bool has_uid = false;
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                const char *key;
                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0) {
                        r = sd_bus_message_read(reply, "v", "u", &caller->uid);
                        has_uid = r >= 0;
                } else if (strcmp(key, "ProcessID") == 0) {
                        r = sd_bus_message_read(reply, "v", "u", &caller->pid);
                } else {
                        r = sd_bus_message_skip(reply, "v");
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
                return r;
        return has_uid ? 0 : -EACCES;
}

static void caller_dispatch_again(Caller *caller)
{
        Call *call, *next;

        for (call = TAILQ_FIRST(&caller->calls); call; call = next) {
                next = TAILQ_NEXT(call, others);
                if (call->is_parked)
                        call_again(call);
        }
}

/* With its uid it may turn out that other connections of that have taken the place. */
static void caller_refuse_excess(Caller *caller)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Call *last;

        while ((last = TAILQ_LAST(&caller->calls, CallList)) && quota_check(caller->quota, 0, 0, &error) < 0) {
                call_reply_error(last, -EDQUOT, &error);
                sd_bus_error_free(&error);
        }
}

/* What the bus vouches for: taken at connect time from the socket, so no later exec or setuid changes it. */
static int caller_identified(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Caller *caller = userdata;

        caller->query = sd_bus_slot_unref(caller->query);
        if (sd_bus_message_is_method_error(reply, NULL)) {
                caller_answer_all(caller, -EACCES, NULL);
                caller_release(caller);
                return 0;
        }
        int r = caller_read_credentials(caller, reply);
        if (r >= 0)
                r = caller_join_quota(caller);
        if (r < 0) {
                caller_answer_all(caller, r, NULL);
                caller_release(caller);
                return 0;
        }
        caller->is_known = true;
        caller_refuse_excess(caller);
        caller_dispatch_again(caller);
        return 0;
}

/* A peer: what the kernel says of the socket's other end. */
static int caller_identify_peer(Caller *caller, sd_bus *bus)
{
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *credentials = NULL;
        int r = sd_bus_get_owner_creds(bus, SD_BUS_CREDS_EUID | SD_BUS_CREDS_PID, &credentials);

        if (r >= 0)
                r = sd_bus_creds_get_euid(credentials, &caller->uid);
        if (r >= 0)
                r = sd_bus_creds_get_pid(credentials, &caller->pid);
        if (r >= 0)
                r = caller_join_quota(caller);
        caller->peer = bus;
        caller->is_known = r >= 0;
        return r < 0 ? r : 1;
}

int caller_of(Callers *callers, sd_bus_message *message, Caller **ret)
{
        const Manager *manager = callers->manager;
        const char *name = caller_key(callers, message);
        sd_bus *bus = sd_bus_message_get_bus(message);
        Caller *caller = caller_find(callers, name);
        int r = 0;

        if (!caller) {
                r = caller_new(callers, name, &caller);
                if (r < 0)
                        return r;
        }
        *ret = caller;
        if (caller->is_known)
                return 1;
        if (bus != manager->bus || manager->is_direct)
                return caller_identify_peer(caller, bus);
        if (!caller->query)
                r = sd_bus_call_method_async(bus, &caller->query, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                             "org.freedesktop.DBus", "GetConnectionCredentials", caller_identified,
                                             caller, "s", name);
        if (r < 0)
                caller_release(caller);
        return r < 0 ? r : 0;
}

static void caller_account_found(void *userdata, int r, Account *account)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Caller *caller = userdata;
        Call *call, *next;

        caller->account_query = account_query_free(caller->account_query);
        caller->account = account;
        if (account) {
                caller_dispatch_again(caller);
                return;
        }
        error_set(&error, SD_BUS_ERROR_ACCESS_DENIED, "the user database says nothing of user %u: %s",
                  (unsigned)caller->uid, strerror(-r));
        for (call = TAILQ_FIRST(&caller->calls); call; call = next) {
                next = TAILQ_NEXT(call, others);
                if (call->is_parked)
                        call_reply_error(call, r, &error);
        }
}

int caller_account(Caller *caller)
{
        if (caller->account)
                return 1;
        if (caller->account_query)
                return 0;
        return account_ask(caller->callers->manager, caller->uid, caller_account_found, caller, &caller->account_query);
}

typedef struct ClaimSearch {
        const char *name;
        Call *found;
} ClaimSearch;

static void claim_search(const void *node, VISIT visit, void *closure)
{
        const Caller *caller = *(Caller *const *)node;
        ClaimSearch *search = closure;
        Call *call;

        if ((visit != preorder && visit != leaf) || !caller->is_known || caller->uid == 0)
                return;
        TAILQ_FOREACH(call, &caller->calls, others)
                if (call->claim && !call->creation && strcmp(call->claim->name, search->name) == 0)
                        search->found = call;
}

Call *callers_find_claim(const Callers *callers, const char *name)
{
        ClaimSearch search = {.name = name};

        twalk_r(callers->by_name, claim_search, &search);
        return search.found;
}

void caller_release(Caller *caller)
{
        if (TAILQ_EMPTY(&caller->calls) && !caller->is_known && caller->delivery.bytes_sent == 0)
                caller_free(caller);
}

const char *caller_name(const Caller *caller)
{
        if (caller->is_known && caller->uid == 0)
                return "root";
        return caller->account ? caller->account->name : "";
}

void caller_add(Caller *caller, Call *call)
{
        TAILQ_INSERT_TAIL(&caller->calls, call, others);
        caller->quota->bytes += call->bytes;
        caller->quota->n_calls++;
        caller->callers->n_calls++;
}

void caller_remove(Caller *caller, Call *call)
{
        TAILQ_REMOVE(&caller->calls, call, others);
        caller->quota->bytes -= call->bytes;
        caller->quota->n_calls--;
        caller->quota->n_names -= call->claim != NULL;
        caller->callers->n_calls--;
}

Manager *callers_manager(const Callers *callers)
{
        return callers->manager;
}

bool callers_are_idle(const Callers *callers)
{
        return callers->n_calls == 0;
}
