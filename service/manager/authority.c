/* SPDX-License-Identifier: BSD-2-Clause */
#include "manager/authority.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/names.h"
#include "common/process.h"
#include "manager/call.h"
#include "manager/container.h"

static const char *const action_ids[] = {
        [ACTION_RUN] = NULL, /* one of two, by the spec */
        [ACTION_MANAGE] = ACTION_PREFIX "manage",
        [ACTION_ATTACH] = ACTION_PREFIX "attach",
        [ACTION_EXEC] = ACTION_PREFIX "exec",
        [ACTION_TRANSFER] = ACTION_PREFIX "transfer",
        [ACTION_INSPECT] = ACTION_PREFIX "inspect",
};

/* What is refused, before the container's name. */
static const char *const refused[] = {
        [ACTION_RUN] = "run",
        [ACTION_MANAGE] = "stop, restart or signal",
        [ACTION_ATTACH] = "use the console of",
        [ACTION_EXEC] = "run a program in",
        [ACTION_TRANSFER] = "reach the files of",
        [ACTION_INSPECT] = "look into",
};

/* Longer words are none that a person compares with anything. */
enum { SHOWN_MAX = 128 };

static sd_id128_t authority_object(const Call *call)
{
        return call->container ? call->container->id : SD_ID128_NULL;
}

static const char *authority_action(const Call *call)
{
        if (call->method->action != ACTION_RUN)
                return action_ids[call->method->action];
        return call->confinement.is_confined ? ACTION_PREFIX "run-own" : ACTION_PREFIX "run-privileged";
}

/* To have been allowed to start a process is to be allowed to end it. */
static bool authority_starter_passes(const Call *call)
{
        return call->method->owner == OWNER_OR_STARTER_PASSES &&
               container_has_started(call->container, call->arguments.process.number, call->caller->uid);
}

/* Whoever ends what ends already is not asked for a password. */
static bool authority_is_late(const Call *call)
{
        int leader = call->container->leader_fd;

        return call->method->action == ACTION_MANAGE && leader >= 0 && !process_is_alive(leader);
}

static bool authority_owner_passes(const Call *call)
{
        const Container *container = call->container;

        if (call->method->owner == OWNER_IRRELEVANT || !container)
                return false;
        if (authority_starter_passes(call))
                return true;
        if (container->owner != call->caller->uid)
                return false;
        /* Where nobody is left to have authority over, there is only a log, of what it was when it was made. */
        if (container->state == STATE_EXITED || !container->is_confined)
                return container->is_confined;
        /* Of what was made privileged a leader can look confined, by a user namespace that it makes itself; who is
           sent in doesn't go there. Of what was made confined the kernel has the last word. */
        return confinement_holds(container->leader_fd, call->caller->account) || authority_is_late(call);
}

/* ---- the question ---- */

/* What runs, and as whom; a shell has no program yet, only a user. */
static const char *authority_program(const Call *call)
{
        char **command = call->spec ? call->spec->command : call->execution ? call->execution->command : NULL;

        return command && *command ? *command : "";
}

/*
 * A caller's own words become part of a sentence that somebody believes who is about to type a password. So they are
 * words that can be neither more of that sentence nor anything to a terminal.
 */
static bool can_be_shown(const char *word)
{
        size_t length = strlen(word);

        for (size_t i = 0; i < length; i++)
                if (!isgraph((unsigned char)word[i]) || (unsigned char)word[i] > 0x7e)
                        return false;
        return length > 0 && length <= SHOWN_MAX;
}

/* Marks what xgettext(1) is to find. */
#define N_(sentence) sentence

/* By: is it privileged; has it a name; can its program be shown. */
static const char *const run_messages[2][2][2] = {
        {{N_("Authentication is required to run a program in a new container."),
          N_("Authentication is required to run $(program) in a new container.")},
         {N_("Authentication is required to run a program in the container $(container)."), NULL}},
        {{N_("Authentication is required to run a program in a new container, with more than your own authority."),
          N_("Authentication is required to run $(program) in a new container, with more than your own authority.")},
         {N_("Authentication is required to run a program in the container $(container), with more than your own "
             "authority."),
          NULL}},
};

/* By: is there a program; can all be shown. */
static const char *const exec_messages[2][2] = {
        {N_("Authentication is required to open a shell in the container $(container)."),
         N_("Authentication is required to open a shell as $(user) in the container $(container).")},
        {N_("Authentication is required to run a program in the container $(container)."), NULL},
};

/*
 * The sentence for a person, where that of the policy would have a hole, or something in it that is not to be shown:
 * polkit fills in the details, and translates it with the catalogue that is named. Return: NULL: the policy's.
 */
static const char *authority_message(const Call *call, const char *user)
{
        const char *program = authority_program(call);

        if (call->spec)
                return run_messages[!call->confinement.is_confined][*call->spec->name != '\0'][can_be_shown(program)];
        if (call->method->action != ACTION_EXEC)
                return NULL;
        if (!call->execution)
                return N_("Authentication is required to signal a process in the container $(container).");
        return exec_messages[*program != '\0'][can_be_shown(user) && (!*program || can_be_shown(program))];
}

static int authority_append_details(Call *call, sd_bus_message *query)
{
        char owner[16], number[16];
        const char *program = authority_program(call);
        const char *user = call->execution ? execution_user(call->execution->user, number)
                           : call->spec    ? execution_user(call->spec->user, number)
                                           : "";
        const char *name = call->container ? call->container->name : call->spec ? call->spec->name : "";

        const char *message = authority_message(call, user);
        const struct {
                const char *key, *value;
        } details[] = {
                {"container", name},
                {"owner", owner},
                {"user", user},
                {"program", program},
                {"polkit.message", message},
                {"polkit.gettext_domain", message ? "pflask" : NULL},
        };

        snprintf(owner, sizeof(owner), "%u", (unsigned)(call->container ? call->container->owner : call->caller->uid));
        int r = sd_bus_message_open_container(query, 'a', "{ss}");
        for (unsigned i = 0; r >= 0 && i < ELEMENTS(details); i++)
                if (details[i].value)
                        r = sd_bus_message_append(query, "{ss}", details[i].key, details[i].value);
        return r < 0 ? r : sd_bus_message_close_container(query);
}

/*
 * What the caller hears who is refused, before the reason. It is made before polkit is asked, while the container is
 * there; and whoever is refused one wants to know which option made it a privileged one.
 */
static int authority_name_what(Call *call)
{
        const char *option = call->method->action == ACTION_RUN ? call->confinement.reason : NULL;
        const char *what = call->method->action == ACTION_EXEC && !call->execution ? "signal a process in"
                                                                                   : refused[call->method->action];
        const char *name = call->container ? call->container->name : call->spec ? call->spec->name : "";

        free(call->authority.what);
        int r = asprintf(&call->authority.what, "cannot %s %s%s%s%s%s", what, *name ? "container '" : "a container",
                         name, *name ? "'" : "", option ? ", as " : "", option ?: "");
        if (r < 0)
                call->authority.what = NULL;
        return r < 0 ? -ENOMEM : 0;
}

static void authority_deny(Call *call, const char *name, const char *reason)
{
        sd_bus_error_free(&call->authority.denial);
        error_set(&call->authority.denial, name, "%s: %s (polkit action %s)", call->authority.what, reason,
                  authority_action(call));
}

/* Reads polkit's answer: (bba{ss}), is it authorized, would a question have helped. */
static void authority_read_answer(Call *call, sd_bus_message *reply)
{
        Authority *authority = &call->authority;
        int is_authorized, is_challenge;
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        if (error) {
                if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                    sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                        authority_deny(call, SD_BUS_ERROR_ACCESS_DENIED,
                                       "polkit is not there to ask, so only root may do this");
                else
                        authority_deny(call, SD_BUS_ERROR_ACCESS_DENIED, "polkit could not decide");
                return;
        }
        int r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge);
        if (r < 0)
                authority_deny(call, SD_BUS_ERROR_ACCESS_DENIED, "polkit's answer was not understood");
        else if (is_authorized)
                authority->is_granted = true;
        else if (is_challenge)
                authority_deny(call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                               "interactive authentication is required");
        else
                authority_deny(call, SD_BUS_ERROR_ACCESS_DENIED, "access is denied");
}

static int authority_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error _unused_)
{
        Call *call = userdata;

        call->authority.query = sd_bus_slot_unref(call->authority.query);
        call->authority.is_answered = true;
        authority_read_answer(call, reply);
        call_again(call);
        return 0;
}

static int authority_ask(Call *call, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *query = NULL;
        Authority *authority = &call->authority;
        uint32_t may_interact = sd_bus_message_get_allow_interactive_authorization(call->message) > 0;
        int r;

        authority->container_id = authority_object(call);
        r = authority_name_what(call);
        if (r < 0)
                return r;
        free(authority->cancellation_id);
        if (asprintf(&authority->cancellation_id, "pflask-%p", (void *)call) < 0) {
                authority->cancellation_id = NULL;
                return -ENOMEM;
        }
        r = sd_bus_message_new_method_call(call->manager->bus, &query, "org.freedesktop.PolicyKit1",
                                           "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(query, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(call->message), authority_action(call));
        if (r >= 0)
                r = authority_append_details(call, query);
        if (r >= 0)
                r = sd_bus_message_append(query, "us", may_interact, authority->cancellation_id);
        /* No deadline but the person's own: polkit ends the question when the caller leaves, and so do we. */
        if (r >= 0)
                r = sd_bus_call_async(call->manager->bus, &authority->query, query, authority_answered, call,
                                      UINT64_MAX);
        if (r < 0)
                return error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "%s: cannot ask polkit: %s", authority->what,
                                 strerror(-r));
        return 0;
}

int authority_check(Call *call, sd_bus_error *error)
{
        Authority *authority = &call->authority;

        authority->is_owner = call->caller->uid != 0 && authority_owner_passes(call);
        if (call->method->action == ACTION_NONE || call->caller->uid == 0 || authority->is_owner)
                return 1;
        if (!authority->is_answered) {
                if (call->caller->peer)
                        return error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                         "only root may speak to a manager directly");
                return authority_ask(call, error);
        }
        if (!authority->is_granted)
                return sd_bus_error_copy(error, &authority->denial);
        /* The name may mean another container by now: the answer was about the one that was asked about. */
        if (!sd_id128_equal(authority->container_id, authority_object(call)))
                return error_set(error, ERROR_NO_SUCH_CONTAINER, "container '%s' ended while authority was asked for",
                                 call->container->name);
        return 1;
}

void authority_done(Authority *authority, sd_bus *bus)
{
        if (authority->query) {
                authority->query = sd_bus_slot_unref(authority->query);
                sd_bus_call_method_async(bus, NULL, "org.freedesktop.PolicyKit1",
                                         "/org/freedesktop/PolicyKit1/Authority",
                                         "org.freedesktop.PolicyKit1.Authority", "CancelCheckAuthorization", NULL, NULL,
                                         "s", authority->cancellation_id);
        }
        free(authority->cancellation_id);
        authority->cancellation_id = NULL;
        free(authority->what);
        authority->what = NULL;
        sd_bus_error_free(&authority->denial);
}
