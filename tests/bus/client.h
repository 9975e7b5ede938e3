/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client
 *
 * Somebody who calls the manager, through GDBus, which shares no code with the manager's own D-Bus. On a bus it is a
 * connection made under the uid asked for: the kernel notes the authority at connect(2), and the bus believes that. On
 * the direct transport it is the one peer of a manager of its own, so several clients are several managers.
 *
 * Every call here fails the test when the manager does not answer within 30 s.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <sys/types.h>

#include "common/names.h"

typedef struct Client {
        GDBusConnection *connection;
        const char *destination; /* NULL: a peer, without a bus */
        int manager;             /* pidfd of its own manager, direct only; else -EBADF */
} Client;

/** client_free() - leaves the bus, or ends its own manager, which must end well. Takes NULL. */
void client_free(Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

/* What somebody holds who is attached. */
typedef struct Attachment {
        int console;
        int lease;
        GBytes *backlog; /* NULL after RunContainer */
} Attachment;

/** attachment_close() - lets go of it */
void attachment_close(Attachment *attachment);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attachment, attachment_close)

/* An answer that is still to come. */
typedef struct Pending {
        gboolean is_done;
        GVariant *reply;
        GUnixFDList *fds; /* that came with it */
        GError *error;
} Pending;

void pending_clear(Pending *pending);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pending, pending_clear)

/**
 * client_call() - call anything on anything
 * @parameters:  floating, or NULL
 * @fds:         borrowed, or NULL
 * @ret_fds:     the caller's, or NULL
 *
 * Return: the reply, the caller's; NULL with @error.
 */
GVariant *client_call(Client *client, const char *path, const char *interface, const char *member, GVariant *parameters,
                      GUnixFDList *fds, GUnixFDList **ret_fds, GError **error);

/** outcome() - client_call() for its error alone. Return: the D-Bus name of the error; "" when it succeeded. */
const char *outcome(Client *client, const char *path, const char *interface, const char *member, GVariant *parameters);

/** client_call_later() - the same without waiting, and for however long it takes */
void client_call_later(Client *client, const char *path, const char *interface, const char *member,
                       GVariant *parameters, Pending *pending);

/** client_call_later_with_fds() - the same with descriptors; @fds: borrowed */
void client_call_later_with_fds(Client *client, const char *path, const char *interface, const char *member,
                                GVariant *parameters, GUnixFDList *fds, Pending *pending);

/** pending_take_fd() - the @n-th descriptor of the answer. Return: the caller's. */
int pending_take_fd(const Pending *pending, int n);

/** manager_call() - call the manager object; @format as for g_variant_new(), or NULL. Return: the reply, the caller's. */
GVariant *manager_call(Client *client, const char *member, const char *format, ...);

/** manager_refuses() - the same, and the answer must be the error of our own named @error. Return: its sentence. */
char *manager_refuses(Client *client, const char *error, const char *member, const char *format, ...);

/** client_bus_call() - call the bus itself, which must succeed. Return: the reply, the caller's. */
GVariant *client_bus_call(Client *client, const char *member, GVariant *parameters);

/** client_error_name() - the D-Bus name of @error, or "" */
const char *client_error_name(const GError *error);

/** options() - a{sv} from GVariant text: "{'Terminal': <false>}"; NULL: none. Return: floating. */
GVariant *options(const char *text);

/** container_path() - of the object of @name. Return: the caller's. */
char *container_path(const char *name);

/** create() - CreateContainer with sh -c @script, which must succeed */
void create(Client *client, const char *name, const char *script, const char *option_text);

/** run() - RunContainer with sh -c @script, which must succeed */
void run(Client *client, const char *name, const char *script, const char *option_text, Attachment *ret);

/** attach() - AttachContainer, which must succeed */
void attach(Client *client, const char *name, gboolean take, Attachment *ret);

/** wait_for() - WaitContainer, which must answer @result and @status */
void wait_for(Client *client, const char *name, const char *result, int status);

/** terminate() - TerminateContainer and the wait after it, so that nothing is left of @name */
void terminate(Client *client, const char *name);

/** property() - one of a container's properties, read anew. Return: the value, the caller's. */
GVariant *property(Client *client, const char *name, const char *property);

/** n_containers() - how many ListContainers has */
gsize n_containers(Client *client);

/* How often each of the manager's signals has come for one container, since signals_watch(). */
typedef struct Signals {
        GDBusConnection *connection;
        guint subscription;
        guint n_new, n_exited, n_removed;
        char *sequence; /* their names, in order: "ContainerNew ContainerExited " */
        char *result;   /* of the last ContainerExited */
        int status;
} Signals;

/** signals_watch() - begin to count; needs a turning main loop: await() */
void signals_watch(Client *client, const char *name, Signals *ret);
void signals_stop(Signals *signals);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Signals, signals_stop)

/** read_until_end() - everything @fd has until it ends or hangs up; at most 30 s. Return: the caller's. */
GByteArray *read_until_end(int fd);

/** read_until() - what @fd has until @text was in it. Return: the caller's. */
GByteArray *read_until(int fd, const char *text);
