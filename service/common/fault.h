/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault
 *
 * A point at which a test has a program killed, in the middle of what it does. Each is a row of this table, which is
 * also that of the tests; the variable PFLASK_FAULT in the program's environment names the one that is meant. Only a
 * build with -Dfault-points=true has them: in any other nothing of this is left.
 */
#pragma once

#include "config.h"

#define FAULT_VARIABLE "PFLASK_FAULT"

#define FAULTS(F)                                             \
        /* a manager that begins */                           \
        F(BEGIN_READING, "begin/before-reading")              \
        F(BEGIN_FOUND, "begin/one-found")                     \
        F(BEGIN_LOADED, "begin/one-loaded")                   \
        F(BEGIN_READY, "begin/before-ready")                  \
        /* a manager that makes a container */                \
        F(CREATE_BEGUN, "create/before-claim")                \
        F(CREATE_CLAIMED, "create/after-claim")               \
        F(CREATE_SPAWNED, "create/supervisor-unassigned")     \
        F(CREATE_ASSIGNED, "create/supervisor-assigned")      \
        F(CREATE_ASKED, "create/leader-asked-for")            \
        F(CREATE_CLONED, "create/leader-cloned")              \
        F(CREATE_START, "create/leader-let-go")               \
        F(CREATE_STARTED, "create/leader-executed")           \
        F(CREATE_CERTAIN, "create/before-answer")             \
        /* where there is systemd */                          \
        F(SCOPE_ASKED, "scope/asked-for")                     \
        F(SCOPE_MADE, "scope/made")                           \
        F(MACHINE_MADE, "scope/registered")                   \
        /* a manager with an answer that contains a lease */  \
        F(LEASE_SENT, "lease/sent")                           \
        /* a manager that sends a process into a container */ \
        F(EXEC_BEGUN, "exec/before-asking")                   \
        F(EXEC_ASKED, "exec/asked-for")                       \
        F(EXEC_EXECUTED, "exec/executed")                     \
        F(EXEC_ENDED, "exec/end-known")                       \
        F(EXEC_TOLD, "exec/end-told")                         \
        /* a manager that has a container rebooted */         \
        F(REBOOT_ASKED, "reboot/asked-for")                   \
        F(REBOOT_FOLLOWED, "reboot/new-leader")               \
        F(REBOOT_DONE, "reboot/before-answer")                \
        /* a manager that attaches somebody */                \
        F(ATTACH_ASKED, "attach/asked-for")                   \
        F(ATTACH_DONE, "attach/before-answer")                \
        /* a manager that hears of the end */                 \
        F(EXIT_HEARD, "exit/heard")                           \
        F(EXIT_TELLING, "exit/before-answer")                 \
        F(EXIT_TOLD, "exit/told")                             \
        F(EXIT_FORGOTTEN, "exit/forgotten")                   \
        /* a supervisor */                                    \
        F(KEEPER_ASSIGNED, "supervisor/assigned")             \
        F(KEEPER_CLONED, "supervisor/leader-cloned")          \
        F(KEEPER_LISTENS, "supervisor/listens")               \
        F(KEEPER_LET_GO, "supervisor/leader-let-go")          \
        F(KEEPER_EXECUTED, "supervisor/leader-executed")      \
        F(KEEPER_ANSWERED, "supervisor/answered")             \
        F(KEEPER_GIVEN, "supervisor/answer-given")            \
        F(KEEPER_END, "supervisor/leader-ended")              \
        F(KEEPER_END_NOTED, "supervisor/end-noted")           \
        F(KEEPER_LEAVES, "supervisor/leaves")                 \
        /* a leader */                                        \
        F(LEADER_CLONED, "leader/cloned")                     \
        F(LEADER_PREPARED, "leader/before-barrier")           \
        F(LEADER_LEAVES, "leader/before-execve")

enum {
#define FAULT_NUMBER(symbol, name) FAULT_##symbol,
        FAULTS(FAULT_NUMBER)
#undef FAULT_NUMBER
};

#if FAULT_POINTS
/** FAULT_POINT() - is it here */
#define FAULT_POINT(symbol) fault_reached(FAULT_##symbol)
void fault_reached(int fault);
#else
#define FAULT_POINT(symbol) ((void)0)
#endif
