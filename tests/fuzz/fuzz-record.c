/* SPDX-License-Identifier: BSD-2-Clause */
/* The register's record: whatever is read is written as the same record again. */
#include <string.h>

#include "common/name.h"
#include "common/record.h"
#include "fuzz.h"

static void check_same(const Record *one, const Record *other)
{
        fuzz_check(strcmp(one->name, other->name) == 0);
        fuzz_check(sd_id128_equal(one->id, other->id));
        fuzz_check(one->owner == other->owner);
        fuzz_check(one->supervisor == other->supervisor);
        fuzz_check(one->leader == other->leader);
        fuzz_check(one->state == other->state);
        fuzz_check(one->timestamp == other->timestamp);
        fuzz_check(one->timestamp_monotonic == other->timestamp_monotonic);
        fuzz_check(strcmp(one->unit, other->unit) == 0);
        fuzz_check(one->is_registered == other->is_registered);
        fuzz_check(one->has_terminal == other->has_terminal);
        fuzz_check(one->result == other->result);
        fuzz_check(one->status == other->status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(record_freep) Record *record = NULL, *again = NULL;

        fuzz_put(RECORD_FILE, (const char *)data, size);
        int r = record_read(fuzz_directory(), &record);
        if (r < 0) {
                fuzz_check(!record);
                return 0;
        }
        fuzz_check(name_is_valid(record->name));
        fuzz_check(record->supervisor >= 0 && record->leader >= 0 && record->status >= 0);
        r = record_write(fuzz_directory(), record);
        if (r == -EFBIG) /* escaped, a text is longer than it may have been in the file */
                return 0;
        fuzz_check(r == 0);
        fuzz_check(record_read(fuzz_directory(), &again) == 0);
        check_same(record, again);
        return 0;
}
