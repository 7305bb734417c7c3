// SPDX-License-Identifier: MIT
//
// The command `import`: an image of one layer, out of a file system's archive.
#pragma once

#include "tools/common/error.h"

// Reads a tar archive, plain or compressed, from `fd`, and makes an image of it in the folder
// `directory` (incoming.h), called `reference` ("": nothing). `message` is what its history says.
// Its id is reported as a status, as docker does. -1 with `err`.
int import(int fd, const char *reference, const char *message, const char *directory,
           struct error *err);
// The same of what a server has at `url`, which is http://...: there is nothing here that would
// verify the certificate of another one.
int import_from(const char *url, const char *reference, const char *message, const char *directory,
                struct error *err);
