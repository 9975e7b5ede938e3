/* SPDX-License-Identifier: BSD-2-Clause */
#include "container/copy-item.h"

#include <endian.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

#include "common/fd.h"

enum { ITEM_VALUE_MAX = XATTR_SIZE_MAX };

Item *item_new(void)
{
        return calloc(1, sizeof(Item) + ITEM_VALUE_MAX + 1);
}

int item_send(int link, const Item *item, int fd)
{
        int r = fd_send(link, item, sizeof(*item) + item->n_value, &fd, fd >= 0);

        return r == -EPIPE || r == -ECONNRESET ? -ECANCELED : r;
}

int item_receive(int link, Item *item, int *ret_fd)
{
        _cleanup_(fd_closep) int fd = -EBADF;
        ssize_t n = fd_receive(link, item, sizeof(*item) + ITEM_VALUE_MAX, &fd, 1, 0);

        if (n == 0 || n == -ECONNRESET)
                return -ECANCELED;
        if (n < 0)
                return (int)n;
        if ((size_t)n < sizeof(*item) || item->n_value != (size_t)n - sizeof(*item))
                return -EBADMSG;
        item->name[NAME_MAX] = '\0';
        item->value[item->n_value] = '\0';
        *ret_fd = TAKE_FD(fd);
        return 0;
}

bool attribute_is_acl(const char *name)
{
        return strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0;
}

static bool id_translate(const IdMap *maps, size_t n, bool to_host, uint32_t *id)
{
        return to_host ? idmap_to_host(maps, n, *id, id) : idmap_to_container(maps, n, *id, id);
}

static bool acl_entry_translate(struct posix_acl_xattr_entry *entry, const IdMaps *maps, bool to_host)
{
        uint32_t id = le32toh(entry->e_id);
        bool is_known = id != ID_NOBODY;

        switch (le16toh(entry->e_tag)) {
        case ACL_USER:
                is_known = is_known && (!maps || id_translate(maps->uids, maps->n_uids, to_host, &id));
                break;
        case ACL_GROUP:
                is_known = is_known && (!maps || id_translate(maps->gids, maps->n_gids, to_host, &id));
                break;
        default:
                return true;
        }
        entry->e_id = htole32(is_known ? id : ID_NOBODY);
        return is_known;
}

bool item_translate_acl(Item *item, const IdMaps *maps, bool to_host)
{
        struct posix_acl_xattr_entry entry;
        bool is_known = true;

        for (size_t i = sizeof(struct posix_acl_xattr_header); i + sizeof(entry) <= item->n_value; i += sizeof(entry)) {
                memcpy(&entry, item->value + i, sizeof(entry));
                is_known &= acl_entry_translate(&entry, maps, to_host);
                memcpy(item->value + i, &entry, sizeof(entry));
        }
        return is_known;
}
