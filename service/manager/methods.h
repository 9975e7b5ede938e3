/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Methods
 *
 * Every method of the bus is a row here, and the row is its steps: what comes in and goes out, how it is read, what
 * polkit is asked, whether the owner of a confined container passes, what is done. Vtables and introspection are made
 * of the same rows, so a method without an authority doesn't compile. A verb on a container has two faces, by name on
 * the manager and on the container's own object; it is one row.
 */
#pragma once

#include "manager/call.h"

#define P(name) SD_BUS_PARAM(name)

/*      member, in, names, out, names, read, action, owner, act */
#define MANAGER_METHODS(M)                                                                                           \
        M(CreateContainer, "sasa{sv}", P(name) P(command) P(options), "so", P(name) P(container), create_read,       \
          ACTION_RUN, OWNER_IRRELEVANT, create_act)                                                                  \
        M(RunContainer, "sasa{sv}", P(name) P(command) P(options), "sohh", P(name) P(container) P(console) P(lease), \
          create_read, ACTION_RUN, OWNER_IRRELEVANT, run_act)                                                        \
        M(GetContainerByPID, "u", P(pid), "o", P(container), pid_read, ACTION_NONE, OWNER_IRRELEVANT, by_pid_act)    \
        M(ListContainers, "", "", "a(susuo)", P(containers), NULL, ACTION_NONE, OWNER_IRRELEVANT, list_act)

/*      member, in (after the name), names, out, names, read, action, owner, act */
#define NAME_METHODS(M) M(GetContainer, "", "", "o", P(container), NULL, ACTION_NONE, OWNER_IRRELEVANT, get_act)

/*      member by name, on the object, in (after the name), names, out, names, read, action, owner, act */
#define CONTAINER_METHODS(M)                                                                                           \
        M(AttachContainer, Attach, "a{sv}", P(options), "hhay", P(console) P(lease) P(backlog), attach_read,           \
          ACTION_ATTACH, OWNER_PASSES_IF_CONFINED, attach_act)                                                         \
        M(ReadContainerLog, ReadLog, "", "", "ayt", P(backlog) P(dropped), NULL, ACTION_ATTACH,                        \
          OWNER_PASSES_IF_CONFINED, read_log_act)                                                                      \
        M(FollowContainerLog, FollowLog, "", "", "htt", P(log) P(begin) P(end), NULL, ACTION_ATTACH,                   \
          OWNER_PASSES_IF_CONFINED, follow_log_act)                                                                    \
        M(WaitContainer, Wait, "", "", "si", P(result) P(status), NULL, ACTION_NONE, OWNER_IRRELEVANT, wait_act)       \
        M(KillContainer, Kill, "si", P(who) P(signal), "", "", kill_read, ACTION_MANAGE, OWNER_PASSES_IF_CONFINED,     \
          kill_act)                                                                                                    \
        M(OpenContainerShell, OpenShell, "sasasa{sv}", P(user) P(command) P(environment) P(options), "uhh",            \
          P(process) P(console) P(lease), shell_read, ACTION_EXEC, OWNER_PASSES_IF_CONFINED, join_act)                 \
        M(ExecContainer, Exec, "sasashhha{sv}",                                                                        \
          P(user) P(command) P(environment) P(stdin) P(stdout) P(stderr) P(options), "uh", P(process) P(lease),        \
          exec_read, ACTION_EXEC, OWNER_PASSES_IF_CONFINED, join_act)                                                  \
        M(WaitProcess, WaitProcess, "u", P(process), "si", P(result) P(status), process_read, ACTION_NONE,             \
          OWNER_IRRELEVANT, wait_process_act)                                                                          \
        M(KillProcess, KillProcess, "ui", P(process) P(signal), "", "", process_signal_read, ACTION_EXEC,              \
          OWNER_OR_STARTER_PASSES, kill_process_act)                                                                   \
        M(TerminateContainer, Terminate, "", "", "", "", NULL, ACTION_MANAGE, OWNER_PASSES_IF_CONFINED, terminate_act) \
        M(PowerOffContainer, PowerOff, "", "", "", "", NULL, ACTION_MANAGE, OWNER_PASSES_IF_CONFINED, power_off_act)   \
        M(RebootContainer, Reboot, "", "", "", "", NULL, ACTION_MANAGE, OWNER_PASSES_IF_CONFINED, reboot_act)          \
        M(BindMountContainer, BindMount, "ssbb", P(source) P(destination) P(read_only) P(mkdir), "", "", bind_read,    \
          ACTION_TRANSFER, OWNER_PASSES_IF_CONFINED, bind_act)                                                         \
        M(CopyToContainer, CopyTo, "ssa{sv}", P(source) P(destination) P(options), "", "", copy_read, ACTION_TRANSFER, \
          OWNER_PASSES_IF_CONFINED, copy_to_act)                                                                       \
        M(CopyFromContainer, CopyFrom, "ssa{sv}", P(source) P(destination) P(options), "", "", copy_read,              \
          ACTION_TRANSFER, OWNER_PASSES_IF_CONFINED, copy_from_act)                                                    \
        M(OpenContainerRootDirectory, OpenRootDirectory, "", "", "h", P(directory), NULL, ACTION_TRANSFER,             \
          OWNER_PASSES_IF_CONFINED, root_directory_act)                                                                \
        M(GetContainerAddresses, GetAddresses, "", "", "a(iay)", P(addresses), NULL, ACTION_INSPECT,                   \
          OWNER_PASSES_IF_CONFINED, addresses_act)                                                                     \
        M(GetContainerOSRelease, GetOSRelease, "", "", "a{ss}", P(fields), NULL, ACTION_INSPECT,                       \
          OWNER_PASSES_IF_CONFINED, os_release_act)                                                                    \
        M(DescribeContainer, Describe, "", "", "a{sv}", P(description), NULL, ACTION_INSPECT,                          \
          OWNER_PASSES_IF_CONFINED, describe_act)

/* The steps that the rows name. */
int create_read(Call *call, sd_bus_error *error);
int create_act(Call *call, sd_bus_error *error);
int run_act(Call *call, sd_bus_error *error);
int pid_read(Call *call, sd_bus_error *error);
int by_pid_act(Call *call, sd_bus_error *error);
int list_act(Call *call, sd_bus_error *error);
int get_act(Call *call, sd_bus_error *error);

int attach_read(Call *call, sd_bus_error *error);
int attach_act(Call *call, sd_bus_error *error);
int read_log_act(Call *call, sd_bus_error *error);
int follow_log_act(Call *call, sd_bus_error *error);
int wait_act(Call *call, sd_bus_error *error);
int kill_read(Call *call, sd_bus_error *error);
int kill_act(Call *call, sd_bus_error *error);
int terminate_act(Call *call, sd_bus_error *error);
int describe_act(Call *call, sd_bus_error *error);

int power_off_act(Call *call, sd_bus_error *error);
int reboot_act(Call *call, sd_bus_error *error);
int bind_read(Call *call, sd_bus_error *error);
int bind_act(Call *call, sd_bus_error *error);
int copy_read(Call *call, sd_bus_error *error);
int copy_to_act(Call *call, sd_bus_error *error);
int copy_from_act(Call *call, sd_bus_error *error);
int root_directory_act(Call *call, sd_bus_error *error);
int addresses_act(Call *call, sd_bus_error *error);
int os_release_act(Call *call, sd_bus_error *error);

int shell_read(Call *call, sd_bus_error *error);
int exec_read(Call *call, sd_bus_error *error);
int join_act(Call *call, sd_bus_error *error);
int process_read(Call *call, sd_bus_error *error);
int process_signal_read(Call *call, sd_bus_error *error);
int wait_process_act(Call *call, sd_bus_error *error);
int kill_process_act(Call *call, sd_bus_error *error);
