/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spec
 *
 * What a container is asked to be: name, command and the options of the bus contract, as one struct. It is read from
 * a{sv} once at the edge, and written as a{sv} again for the supervisor; one table (spec-options.c) knows each key.
 * A spec only says what is wanted. Whether the wish can be met is found out by the rooms beside this one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "common/macros.h"

typedef enum { MOUNT_BIND, MOUNT_BIND_READ_ONLY, MOUNT_OVERLAY, MOUNT_TMP } MountKind;

typedef struct Mount {
        MountKind kind;
        char *source;      /* path on the host; of an overlay its upper directory; NULL for MOUNT_TMP */
        char *destination; /* path beneath the container's root */
        char *work;        /* of an overlay, path on the host; else NULL */
} Mount;

typedef enum { INTERFACE_MOVE, INTERFACE_MACVLAN, INTERFACE_IPVLAN, INTERFACE_VETH } InterfaceKind;

typedef struct Interface {
        InterfaceKind kind;
        char *outside; /* the host's device; of a veth its host end */
        char *inside;  /* the name in the container */
} Interface;

/* A stretch of ids: @count ids of the container from @container on are the host's from @host on. */
typedef struct IdMap {
        uint32_t container;
        uint32_t host;
        uint32_t count;
} IdMap;

typedef struct Limit {
        int resource;  /* RLIMIT_..., getrlimit(2) */
        uint64_t soft; /* UINT64_MAX: no limit */
        uint64_t hard;
} Limit;

/* A resource property of the scope, checked against a fixed list. */
typedef struct Property {
        const char *name; /* of the list, static */
        uint64_t number;  /* of the properties of type t */
        uint8_t *bytes;   /* of the properties of type ay (AllowedCPUs) */
        size_t n_bytes;
} Property;

typedef enum { REGISTER_AUTO, REGISTER_YES, REGISTER_NO } RegisterMode;

typedef struct Spec {
        char *name; /* "" means pflask-<leader pid> */
        char **command;

        char *root_path; /* NULL: none given as a path */
        int root_fd;     /* -EBADF: none given as a descriptor */
        bool ephemeral;
        bool read_only;
        char *working_directory; /* NULL: the container's default */
        char *hostname;          /* NULL: as it is */
        char *user;              /* NULL: root of the container */
        char **environment;      /* NAME=VALUE; NULL: not given */
        Mount *mounts;
        size_t n_mounts;
        bool private_network;
        Interface *interfaces;
        size_t n_interfaces;
        IdMap *user_maps;
        size_t n_user_maps;
        char **capabilities;        /* words of the grammar, checked for shape only; NULL: not given */
        uint64_t shared_namespaces; /* CLONE_NEW... of those not to make */
        char **cgroups;             /* controllers */
        Property *properties;
        size_t n_properties;
        bool terminal;
        int streams[3];         /* with terminal == false; -EBADF: /dev/null */
        uint16_t rows, columns; /* 0: not given */
        bool stub_init;
        bool no_new_privileges;
        Limit *limits;
        size_t n_limits;
        int stop_signal; /* 0: by what PID 1 is */
        bool private_devices;
        RegisterMode registration;
        bool kill_on_release;
} Spec;

/** spec_new() - a spec with every option at its default. Return: the caller's, or NULL. */
Spec *spec_new(void);

/** spec_free() - takes NULL, closes what the spec holds. Return: NULL. */
Spec *spec_free(Spec *spec);
DEFINE_CLEANUP(Spec, spec_free)

/**
 * spec_grow_list() - make room for one more element of a list of the spec
 * @list:  where the list is
 * @n:     how many it has; one more from here on, so that spec_free() sees it
 * @size:  of an element
 *
 * Return: the new element, zeroed; NULL without memory.
 */
void *spec_grow_list(void *list, size_t *n, size_t size);

/** spec_has_root() - is there a root directory of its own, or is it the host's tree */
bool spec_has_root(const Spec *spec);

/**
 * spec_has_user_namespace() - does the spec ask for a user namespace
 *
 * It does with UserMaps, and with a User alone, who is then mapped to itself; never with "user" in SharedNamespaces.
 */
bool spec_has_user_namespace(const Spec *spec);

/** spec_is_system() - is the command an init, which takes its cgroup for a whole machine's */
bool spec_is_system(const Spec *spec);

/** spec_clone_flags() - the namespaces to make, as CLONE_NEW... flags of clone3(2) */
uint64_t spec_clone_flags(const Spec *spec);

/**
 * spec_read() - read "sasa{sv}" (name, command, options) from a message
 * @ret:    the caller's; descriptors of the message have been duplicated
 * @error:  InvalidName or InvalidOption, naming the option, filled on failure
 *
 * Return: 0; -errno.
 */
int spec_read(sd_bus_message *message, Spec **ret, sd_bus_error *error);

/** spec_append() - write "sasa{sv}", with only the options that differ from their defaults. Return: 0; -errno. */
int spec_append(const Spec *spec, sd_bus_message *message);

/** spec_append_property() - write one as "(sv)", as SetUnitProperties of systemd takes it too. Return: 0; -errno. */
int spec_append_property(sd_bus_message *message, const Property *property);

/**
 * spec_describe() - write the {sv} of an a{sv} that is open: what is switched on and off, and what else was given
 *
 * Without Environment, of which a spec has only what was added, and without descriptors.
 *
 * Return: 0; -errno.
 */
int spec_describe(const Spec *spec, sd_bus_message *message);

/** spec_sharable_namespace_flag() - CLONE_NEW... of one of the words of SharedNamespaces, or 0 */
uint64_t spec_namespace_flag(const char *word);
