/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attack
 *
 * What the tests of the attacks have in common. Each of those is named after its row in the table of what broke the
 * neighbours, says what would have happened had it worked, and is tried by a caller whom nobody trusts: a real polkitd
 * decides, by rules in which each user may run what is the user's own, and nothing else but what a row is about.
 */
#pragma once

#include "fixture.h"

#define DENIED      "org.freedesktop.DBus.Error.AccessDenied"
#define INTERACTIVE "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

/* A command that lasts. */
extern const char *const idle;

/* polkit's, in a row of a table of tests: see ATTACK(). */
extern const char attack_rules[];

#define ATTACK(test_name, test_function)                                                                           \
        {                                                                                                          \
                .name = test_name, .function = test_function, .flags = ON_BUS | WITH_POLKIT, .rules = attack_rules \
        }

/** create_parameters() - of CreateContainer, for sh -c @script. Return: floating. */
GVariant *create_parameters(const char *name, const char *script, const char *option_text);

/** creation_outcome() - CreateContainer for its error alone. Return: the D-Bus name of the error; "" when it succeeded. */
const char *creation_outcome(Client *client, const char *name, const char *script, const char *option_text);

/** creation_sentence() - CreateContainer of "box", which must fail. Return: what the error says, the caller's. */
char *creation_sentence(Client *client, const char *option_text);

/** leader_says() - what sh -c @script writes to the console, as PID 1. Return: the caller's. */
char *leader_says(Client *client, const char *name, const char *script, const char *option_text);

/** exec_says() - the same of a process that is sent in. Return: the caller's; NULL with @error. */
char *exec_says(Client *client, const char *name, const char *user, const char *script, const char *option_text,
                GError **error);

/** exec_begin() - send in a process with nothing to say. Return: its number. */
guint32 exec_begin(Client *client, const char *name, const char *script);

/** exec_succeeds() - does a process that is sent in end with 0 */
gboolean exec_succeeds(Client *client, const char *name, const char *script);

/** exec_outcome() - exec_says() for its error alone */
const char *exec_outcome(Client *client, const char *name, const char *user, const char *script);

/** send_forged() - a message of @client's that no library would send: who writes what to the bus is theirs to choose */
void send_forged(Client *client, GDBusMessage *message);

/** manager_unique_name() - of the manager on the bus. Return: the caller's. */
char *manager_unique_name(Client *client);

/** write_file() - make a file with a mode and an owner */
void write_file(const char *path, const char *content, mode_t mode, uid_t owner);

/** make_directory() - the same of a directory, which may be there */
void make_directory(const char *path, mode_t mode, uid_t owner);

/**
 * make_tree() - a root directory of busybox alone, with directories to mount on
 *
 * Return: whether there is a busybox; else the test is skipped.
 */
gboolean make_tree(const char *path, uid_t owner);

/** attacker() - a process that does @attack with alice's ids until end_attacker(). Return: its pid. */
pid_t attacker(void (*attack)(const void *data), const void *data);
void end_attacker(pid_t pid);

/** swap_for_ever() - an attack: exchange the two paths that @data is an array of, as fast as it goes */
void swap_for_ever(const void *data);

/** mount_hanging() - a file system of alice's, that answers nothing after its first word. Return: its server; -EBADF. */
int mount_hanging(const char *path);

/** await_hanging() - until somebody waits for it for ever, or until @server is closed. Return: who. */
pid_t await_hanging(int server);

/** assert_others_are_served() - root is answered, whatever somebody else waits for */
void assert_others_are_served(Fixture *fixture);

/** has_cgroup() - is there one of the container "box" in any hierarchy? */
gboolean has_cgroup(Fixture *fixture);

/** await_spare() - until a supervisor is ready for the next container; fails after 5 s. Return: its pid. */
pid_t await_spare(Client *client);

/** await_nursery() - the same of what bears supervisors */
pid_t await_nursery(Client *client);

/** await_polkit() - until polkit has answered all that it was asked before */
void await_polkit(Client *client);
