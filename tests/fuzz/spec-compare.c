/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec-compare.h"

#include <string.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "fuzz.h"

/* ---- comparing ---- */

static void same_text(const char *one, const char *other)
{
        fuzz_check(!one == !other);
        fuzz_check(!one || strcmp(one, other) == 0);
}

static void same_texts(char *const *one, char *const *other)
{
        fuzz_check(!one == !other);
        fuzz_check(strings_count(one) == strings_count(other));
        for (size_t i = 0; i < strings_count(one); i++)
                same_text(one[i], other[i]);
}

static void same_descriptor(int one, int other)
{
        fuzz_check((one < 0) == (other < 0));
        fuzz_check(one < 0 || fd_is_same_file(one, other) == 1);
}

static void same_lists(const Spec *one, const Spec *other)
{
        fuzz_check(one->n_mounts == other->n_mounts && one->n_interfaces == other->n_interfaces);
        for (size_t i = 0; i < one->n_mounts; i++) {
                fuzz_check(one->mounts[i].kind == other->mounts[i].kind);
                same_text(one->mounts[i].source, other->mounts[i].source);
                same_text(one->mounts[i].destination, other->mounts[i].destination);
                same_text(one->mounts[i].work, other->mounts[i].work);
        }
        for (size_t i = 0; i < one->n_interfaces; i++) {
                fuzz_check(one->interfaces[i].kind == other->interfaces[i].kind);
                same_text(one->interfaces[i].outside, other->interfaces[i].outside);
                same_text(one->interfaces[i].inside, other->interfaces[i].inside);
        }
}

static void same_numbers(const Spec *one, const Spec *other)
{
        fuzz_check(one->n_user_maps == other->n_user_maps);
        for (size_t i = 0; i < one->n_user_maps; i++)
                fuzz_check(memcmp(&one->user_maps[i], &other->user_maps[i], sizeof(IdMap)) == 0);
        fuzz_check(one->n_limits == other->n_limits);
        for (size_t i = 0; i < one->n_limits; i++)
                fuzz_check(one->limits[i].resource == other->limits[i].resource &&
                           one->limits[i].soft == other->limits[i].soft &&
                           one->limits[i].hard == other->limits[i].hard);
        fuzz_check(one->n_properties == other->n_properties);
        for (size_t i = 0; i < one->n_properties; i++) {
                const Property *a = &one->properties[i], *b = &other->properties[i];
                same_text(a->name, b->name);
                fuzz_check(a->n_bytes == b->n_bytes && !a->bytes == !b->bytes);
                fuzz_check(a->bytes || a->number == b->number);
                fuzz_check(a->n_bytes == 0 || memcmp(a->bytes, b->bytes, a->n_bytes) == 0);
        }
}

static void same_settings(const Spec *one, const Spec *other)
{
        fuzz_check(one->ephemeral == other->ephemeral && one->read_only == other->read_only);
        fuzz_check(one->private_network == other->private_network);
        fuzz_check(one->shared_namespaces == other->shared_namespaces);
        fuzz_check(one->terminal == other->terminal);
        fuzz_check(one->rows == other->rows && one->columns == other->columns);
        fuzz_check(one->stub_init == other->stub_init && one->no_new_privileges == other->no_new_privileges);
        fuzz_check(one->stop_signal == other->stop_signal);
        fuzz_check(one->private_devices == other->private_devices);
        fuzz_check(one->registration == other->registration);
        fuzz_check(one->kill_on_release == other->kill_on_release);
}

void spec_check_same(const Spec *one, const Spec *other)
{
        same_text(one->name, other->name);
        same_texts(one->command, other->command);
        same_text(one->root_path, other->root_path);
        same_descriptor(one->root_fd, other->root_fd);
        same_text(one->working_directory, other->working_directory);
        same_text(one->hostname, other->hostname);
        same_text(one->user, other->user);
        same_texts(one->environment, other->environment);
        same_texts(one->capabilities, other->capabilities);
        same_texts(one->cgroups, other->cgroups);
        for (size_t i = 0; i < ELEMENTS(one->streams); i++)
                same_descriptor(one->streams[i], other->streams[i]);
        same_lists(one, other);
        same_numbers(one, other);
        same_settings(one, other);
}

/* ---- crossing a bus ---- */

static sd_bus *bus;
static int peer[2];

static void bus_close(void)
{
        bus = sd_bus_close_unref(bus);
        fd_close(peer[1]);
}

/* A connection that waits for a peer's first word: it can make messages, and may put descriptors into them. */
sd_bus *fuzz_bus(void)
{
        if (bus)
                return bus;
        fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, peer) == 0);
        fuzz_check(sd_bus_new(&bus) == 0 && sd_bus_set_fd(bus, peer[0], peer[0]) == 0);
        fuzz_check(sd_bus_negotiate_fds(bus, 1) >= 0 && sd_bus_start(bus) >= 0);
        atexit(bus_close);
        return bus;
}

sd_bus_message *fuzz_call(void)
{
        sd_bus_message *message;

        fuzz_check(sd_bus_message_new_method_call(fuzz_bus(), &message, NULL, "/", NULL, "Call") == 0);
        return message;
}

void spec_check_survives(const Spec *spec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = fuzz_call();
        _cleanup_(spec_freep) Spec *again = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        fuzz_check(spec_append(spec, message) == 0);
        fuzz_check(sd_bus_message_seal(message, 1, 0) == 0);
        fuzz_check(sd_bus_message_rewind(message, 1) >= 0);
        fuzz_check(spec_read(message, &again, &error) == 0);
        fuzz_check(sd_bus_message_at_end(message, 1) == 1);
        spec_check_same(spec, again);
}
