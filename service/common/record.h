/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record
 *
 * What the register keeps of one container: the file "state" in the container's directory. Its supervisor writes it,
 * always whole: under another name first, then renamed. A manager reads it when the supervisor is gone, and trusts
 * nothing in it.
 *
 * The file has a line KEY=VALUE for each field, the version first. A reader passes over keys that it doesn't know, so a
 * later version may add some; a key that is missing, or comes twice, is an error, and so is a file that was cut off. Keys
 * that were added since the first version may be missing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-id128.h>

#include "common/macros.h"
#include "common/process.h"
#include "common/state.h"

/* Names in a container's directory. */
#define RECORD_FILE     "state"
#define RECORD_FILE_NEW "state.new"

/* A longer one isn't kept. */
enum { RECORD_CGROUP_MAX = 1024 };

typedef struct Record {
        char *name;
        sd_id128_t id;
        uid_t owner;
        pid_t supervisor;
        pid_t leader; /* 0 when there is none */
        State state;
        uint64_t timestamp;           /* CLOCK_REALTIME, microseconds */
        uint64_t timestamp_monotonic; /* CLOCK_MONOTONIC, microseconds */
        char *unit;                   /* "" outside of a scope */
        char *cgroup;                 /* where no scope is: RECORD_CGROUP_MAX bytes at most, see cgroup_lines() */
        bool is_registered;
        bool has_terminal;
        Result result;
        int status; /* exit code or signal */
} Record;

/** record_free() - takes NULL. Return: NULL. */
Record *record_free(Record *record);
DEFINE_CLEANUP(Record, record_free)

/** record_done() - free what it holds */
void record_done(Record *record);

/**
 * record_write() - replace the record in @directory
 * @directory:  the container's, borrowed
 *
 * Return: 0; -errno, and then the former record is still there.
 */
int record_write(int directory, const Record *record);

/**
 * record_read() - read the record in @directory
 * @ret:  the caller's
 *
 * Only a regular file that belongs to root, and that nobody else can write, is read.
 *
 * Return: 0; -ENOENT; -EPERM for another's file; -EBADMSG for one that is no whole record; -errno.
 */
int record_read(int directory, Record **ret);
