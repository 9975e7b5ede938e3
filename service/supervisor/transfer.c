/* SPDX-License-Identifier: BSD-2-Clause */
#include "supervisor/transfer.h"

#include <sched.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/error.h"
#include "common/fd.h"
#include "common/names.h"
#include "container/addresses.h"
#include "container/bind.h"
#include "container/copy.h"
#include "container/os-release.h"
#include "container/visit.h"
#include "supervisor/supervisor.h"

enum {
        TRANSFERS_MAX = 16,       /* of one container at once */
        SHORT_USEC = 5 * 1000000, /* for what takes no time */
        LONG_USEC = 30 * 1000000, /* for what may have to wait for a disk */
        UNDO_USEC = 10 * 1000000, /* to end and undo, when it isn't wanted any more */
};

typedef struct Row Row;

struct Transfer {
        TAILQ_ENTRY(Transfer) others;
        Supervisor *supervisor;
        const Row *row;
        sd_bus_message *call; /* NULL: nobody waits any more */
        Visit *visit;
        sd_event_source *source;
        sd_event_source *timer;
        int stopped; /* -errno: why it ends before its time; 0: it doesn't */
};

struct Row {
        const char *what;    /* cannot WHAT container: ... */
        uint64_t limit_usec; /* 0: as long as it takes */
        /* Reads the arguments of the call and sends the visit. */
        int (*begin)(Transfer *transfer, const VisitPlace *place, Failure *failure);
        /* Fills the reply with what was fetched. */
        int (*answer)(int fetched, sd_bus_message *reply);
};

/* ---- what each kind does ---- */

static int root_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        return visit_begin((const visit_run_t[]){visit_root}, 1, place, &transfer->visit, failure);
}

static int root_answer(int fetched, sd_bus_message *reply)
{
        return sd_bus_message_append(reply, "h", fetched);
}

static int addresses_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        if (!(spec_clone_flags(place->spec) & CLONE_NEWNET))
                return failure_set(failure, -ENETUNREACH, FAILURE_NO_PRIVATE_NETWORK,
                                   "the container shares the host's network");
        return visit_begin((const visit_run_t[]){addresses_visit}, 1, place, &transfer->visit, failure);
}

static int address_append(const Address *address, sd_bus_message *reply)
{
        int r = sd_bus_message_open_container(reply, 'r', "iay");

        if (r >= 0)
                r = sd_bus_message_append(reply, "i", address->family);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', address->bytes, address->length);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int addresses_answer(int fetched, sd_bus_message *reply)
{
        _cleanup_(freep) char *content = NULL;
        Address address;
        size_t bytes;

        int r = fd_read_whole(fetched, ADDRESSES_MAX * sizeof(Address), &content, &bytes);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(iay)");
        for (size_t i = 0; r >= 0 && i + sizeof(Address) <= bytes; i += sizeof(Address)) {
                memcpy(&address, content + i, sizeof(address));
                r = address.length <= sizeof(address.bytes) ? address_append(&address, reply) : -EBADMSG;
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int os_release_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        return visit_begin((const visit_run_t[]){os_release_visit}, 1, place, &transfer->visit, failure);
}

/* The bus refuses what isn't UTF-8: -EINVAL. */
static int os_release_answer(int fetched, sd_bus_message *reply)
{
        _cleanup_(freep) char *content = NULL;
        size_t bytes;

        int r = fd_read_whole(fetched, 2 * OS_RELEASE_MAX_BYTES, &content, &bytes);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (size_t i = 0; r >= 0 && i < bytes;) {
                const char *key = content + i;
                i += strlen(key) + 1;
                const char *value = i < bytes ? content + i : "";
                i += strlen(value) + 1;
                r = sd_bus_message_append(reply, "{ss}", key, value);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* "(uu)aub", whose authority counts on the host; the groups are borrowed from the call. */
static int identity_read(sd_bus_message *call, Identity *ret)
{
        uint32_t uid, gid;
        const void *groups;
        size_t bytes;
        int is_confined;

        int r = sd_bus_message_read(call, "(uu)", &uid, &gid);
        if (r >= 0)
                r = sd_bus_message_read_array(call, 'u', &groups, &bytes);
        if (r >= 0)
                r = sd_bus_message_read(call, "b", &is_confined);
        if (r < 0)
                return r;
        *ret = (Identity){
                .uid = uid,
                .gid = gid,
                .groups = (gid_t *)(uintptr_t)groups,
                .n_groups = bytes / sizeof(gid_t),
                .is_confined = is_confined,
        };
        return 0;
}

static int bind_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        BindInput input = {.place = *place};
        int is_read_only, makes_destination;

        if (!(spec_clone_flags(place->spec) & CLONE_NEWNS))
                return failure_set(failure, -EOPNOTSUPP, FAILURE_NOT_SUPPORTED,
                                   "the container shares the host's mounts");
        int r = sd_bus_message_read(transfer->call, "ssbb", &input.source, &input.destination, &is_read_only,
                                    &makes_destination);
        if (r >= 0)
                r = identity_read(transfer->call, &input.caller);
        if (r < 0)
                return r;
        input.is_read_only = is_read_only;
        input.makes_destination = makes_destination;
        return visit_begin((const visit_run_t[]){bind_visit}, 1, &input, &transfer->visit, failure);
}

static int copy_begin_in(Transfer *transfer, const VisitPlace *place, CopyDirection direction, Failure *failure)
{
        CopyInput input = {.place = *place, .direction = direction};
        int replaces, follows, tells;

        int r = sd_bus_message_read(transfer->call, "ssbbb", &input.source, &input.destination, &replaces, &follows,
                                    &tells);
        if (r >= 0)
                r = identity_read(transfer->call, &input.caller);
        if (r < 0)
                return r;
        input.replaces = replaces;
        input.follows = follows;
        input.tells = tells;
        return copy_begin(&input, &transfer->visit, failure);
}

static int copy_to_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        return copy_begin_in(transfer, place, COPY_TO_CONTAINER, failure);
}

static int copy_from_begin(Transfer *transfer, const VisitPlace *place, Failure *failure)
{
        return copy_begin_in(transfer, place, COPY_FROM_CONTAINER, failure);
}

static const Row rows[] = {
        [TRANSFER_ROOT] = {"open the root directory of", SHORT_USEC, root_begin, root_answer},
        [TRANSFER_ADDRESSES] = {"read the addresses of", SHORT_USEC, addresses_begin, addresses_answer},
        [TRANSFER_OS_RELEASE] = {"read the os-release of", SHORT_USEC, os_release_begin, os_release_answer},
        [TRANSFER_BIND] = {"bind into", LONG_USEC, bind_begin, NULL},
        [TRANSFER_COPY_TO] = {"copy to", 0, copy_to_begin, NULL},
        [TRANSFER_COPY_FROM] = {"copy from", 0, copy_from_begin, NULL},
};

/* ---- its life ---- */

static Transfer *transfer_free(Transfer *transfer)
{
        if (!transfer)
                return NULL;
        TAILQ_REMOVE(&transfer->supervisor->transfers, transfer, others);
        transfer->supervisor->n_transfers--;
        sd_bus_message_unref(transfer->call);
        sd_event_source_disable_unref(transfer->source);
        sd_event_source_disable_unref(transfer->timer);
        visit_free(transfer->visit);
        free(transfer);
        return NULL;
}

static int transfer_reply(const Transfer *transfer)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(transfer->call, &reply);
        if (r >= 0 && transfer->row->answer)
                r = transfer->visit->answer >= 0 ? transfer->row->answer(transfer->visit->answer, reply) : -EPROTO;
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void transfer_fail(const Transfer *transfer, int r, const Failure *failure)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *name = transfer->supervisor->record.name;

        if (transfer->stopped == -EHOSTDOWN)
                error_set(&error, ERROR_NOT_RUNNING, "container '%s' has ended", name);
        else if (transfer->stopped < 0)
                error_step(&error, transfer->stopped, transfer->row->what, name, NULL);
        else if (failure->code < 0)
                failure_to_bus_error(failure, &error);
        else
                error_step(&error, r, transfer->row->what, name, NULL);
        sd_bus_reply_method_error(transfer->call, &error);
}

/* To the manager that asked, and no other; it knows the call by its cookie. */
static void transfer_show_progress(const Transfer *transfer)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        const VisitWork *done = &transfer->visit->done, *total = &transfer->visit->total;
        sd_bus *bus = sd_bus_message_get_bus(transfer->call);
        uint64_t cookie;

        int r = sd_bus_message_get_cookie(transfer->call, &cookie);
        if (r >= 0)
                r = sd_bus_message_new_signal(bus, &signal, SUPERVISOR_PATH, SUPERVISOR_INTERFACE, "CopyProgress");
        if (r >= 0)
                r = sd_bus_message_append(signal, "ttttt", cookie, done->bytes, total->bytes, done->files,
                                          total->files);
        if (r >= 0)
                sd_bus_send(bus, signal, NULL);
}

static int transfer_told(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata)
{
        Transfer *transfer = userdata;
        Failure failure = {};

        int r = visit_read(transfer->visit, &failure);
        if (r == VISIT_ADVANCED && transfer->call)
                transfer_show_progress(transfer);
        if (r == VISIT_UNDER_WAY || r == VISIT_ADVANCED)
                return 0;
        if (r >= 0 && transfer->call)
                r = transfer_reply(transfer);
        if (r < 0 && transfer->call)
                transfer_fail(transfer, r, &failure);
        transfer_free(transfer);
        return 0;
}

static int transfer_gave_up(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        Transfer *transfer = userdata;

        visit_kill(transfer->visit);
        if (transfer->call)
                transfer_fail(transfer, transfer->stopped, &(Failure){});
        transfer_free(transfer);
        return 0;
}

static int transfer_set_timer(Transfer *transfer, uint64_t usec, sd_event_time_handler_t handler)
{
        transfer->timer = sd_event_source_disable_unref(transfer->timer);
        return sd_event_add_time_relative(transfer->supervisor->event, &transfer->timer, CLOCK_BOOTTIME, usec, 0,
                                          handler, transfer);
}

/* It is told to end, and has a while for that. */
static void transfer_stop(Transfer *transfer, int reason)
{
        if (transfer->stopped < 0)
                return;
        transfer->stopped = reason;
        visit_cancel(transfer->visit);
        if (transfer_set_timer(transfer, UNDO_USEC, transfer_gave_up) < 0)
                transfer_gave_up(NULL, 0, transfer);
}

static int transfer_out_of_time(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata)
{
        transfer_stop(userdata, -ETIMEDOUT);
        return 0;
}

static int transfer_new(Supervisor *supervisor, sd_bus_message *call, TransferKind kind, Transfer **ret)
{
        Transfer *transfer = calloc(1, sizeof(*transfer));

        if (!transfer)
                return -ENOMEM;
        *transfer = (Transfer){.supervisor = supervisor, .row = &rows[kind], .call = sd_bus_message_ref(call)};
        TAILQ_INSERT_TAIL(&supervisor->transfers, transfer, others);
        supervisor->n_transfers++;
        *ret = transfer;
        return 0;
}

static int transfer_send(Transfer *transfer, sd_bus_error *error)
{
        const Supervisor *supervisor = transfer->supervisor;
        const VisitPlace place = {
                .spec = supervisor->spec,
                .identity = &supervisor->setup->identity,
                .maps = supervisor->setup->maps,
                .namespaces = &supervisor->setup->namespaces,
        };
        Failure failure = {};

        int r = transfer->row->begin(transfer, &place, &failure);
        if (r < 0)
                return failure.code < 0 ? failure_to_bus_error(&failure, error) : r;
        if (transfer->row->limit_usec > 0)
                r = transfer_set_timer(transfer, transfer->row->limit_usec, transfer_out_of_time);
        if (r >= 0)
                r = sd_event_add_io(supervisor->event, &transfer->source, transfer->visit->report, EPOLLIN,
                                    transfer_told, transfer);
        return r < 0 ? error_step(error, r, "wait for", "the process that does it", NULL) : 0;
}

int transfer_begin(Supervisor *supervisor, sd_bus_message *call, TransferKind kind, sd_bus_error *error)
{
        Transfer *transfer;

        if (!supervisor_is_running(supervisor))
                return error_set(error, ERROR_NOT_RUNNING, "container '%s' is not running", supervisor->record.name);
        if (supervisor->n_transfers >= TRANSFERS_MAX)
                return error_set(error, ERROR_LIMIT_REACHED, "too much is transferred to and from '%s' already",
                                 supervisor->record.name);
        int r = transfer_new(supervisor, call, kind, &transfer);
        if (r < 0)
                return r;
        r = transfer_send(transfer, error);
        if (r < 0)
                transfer_free(transfer);
        return r < 0 ? r : 1;
}

/* ---- its end before its time ---- */

static bool transfer_is_of(const Transfer *transfer, const sd_bus *bus)
{
        return transfer->call && sd_bus_message_get_bus(transfer->call) == bus;
}

static void transfer_abandon(Transfer *transfer)
{
        transfer->call = sd_bus_message_unref(transfer->call);
        transfer_stop(transfer, -ECANCELED);
}

void transfer_cancel(Supervisor *supervisor, const sd_bus *bus, uint64_t cookie)
{
        Transfer *transfer, *next;
        uint64_t own;

        for (transfer = TAILQ_FIRST(&supervisor->transfers); transfer; transfer = next) {
                next = TAILQ_NEXT(transfer, others);
                if (transfer_is_of(transfer, bus) && sd_bus_message_get_cookie(transfer->call, &own) >= 0 &&
                    own == cookie)
                        transfer_abandon(transfer);
        }
}

void transfer_drop_calls(Supervisor *supervisor, const sd_bus *bus)
{
        Transfer *transfer, *next;

        for (transfer = TAILQ_FIRST(&supervisor->transfers); transfer; transfer = next) {
                next = TAILQ_NEXT(transfer, others);
                if (transfer_is_of(transfer, bus))
                        transfer_abandon(transfer);
        }
}

void transfer_cancel_all(Supervisor *supervisor)
{
        Transfer *transfer, *next;

        for (transfer = TAILQ_FIRST(&supervisor->transfers); transfer; transfer = next) {
                next = TAILQ_NEXT(transfer, others);
                transfer_stop(transfer, -EHOSTDOWN);
        }
}

void transfer_free_all(Supervisor *supervisor)
{
        while (!TAILQ_EMPTY(&supervisor->transfers))
                transfer_free(TAILQ_FIRST(&supervisor->transfers));
}
