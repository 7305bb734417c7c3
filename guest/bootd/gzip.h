// SPDX-License-Identifier: MIT
// What comes from a stream, which may be compressed by gzip, and may be anything. zlib would do the
// same with 43 KB, in place of 3, in what each guest unpacks at its start.
#pragma once

#include <stdint.h>

#include "guest/bootd/tar_read.h"

struct gzip;

// A reader of what `read` gives: decompressed if its first bytes say gzip (RFC 1952, any number of
// members), else as it is. NULL with errno (ENOMEM).
struct gzip *gzip_open(tar_read_fn read, void *context);
void gzip_close(struct gzip *gzip);
// A tar_read_fn, whose context is the reader. -1 with errno EBADMSG: the data are damaged, or break
// off.
long gzip_read(void *gzip, void *bytes, size_t len);
