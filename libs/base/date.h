// SPDX-License-Identifier: MIT
//
// Times as text: RFC 3339 in UTC, with nanoseconds, as Docker writes them in lists and logs; and
// seconds since 1970, as it reads them.
#pragma once

#include <stdbool.h>

#include "libs/abi/time.h"
#include "libs/base/span.h"

// "2025-11-29T06:41:41.000000007Z", without a NUL.
#define DATE_LENGTH 30u

// Writes a time since 1970-01-01 UTC: DATE_LENGTH characters and a NUL.
void date_write(nsec_t time, char out[static DATE_LENGTH + 1]);
// Reads what date_write writes, and nothing else. Returns false when it is not that, or no date.
bool date_read(struct span text, nsec_t *out);
// Reads "SECONDS" or "SECONDS.FRACTION", of up to nine digits. Returns false when it is neither, or
// more than nsec_t has.
bool date_read_seconds(const char *text, nsec_t *out);
