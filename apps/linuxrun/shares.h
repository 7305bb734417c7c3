// SPDX-License-Identifier: MIT
//
// What the container's virtual machine sees of the host's folders and of the volumes.
#pragma once

struct linuxrun;

// An annotation of config.json: the shares in their order, with blanks between them. "host/0" is
// folder 0 of the host's, "all/NAME" is a volume, made when it is not there, "ro/NAME" is one that
// nobody writes to, and "fill/NAME" one that is written to only when it has nothing yet.
#define SHARES_ANNOTATION "dev.starina.shares"

// Fills run->shares with what `text`, that annotation, says; NULL: none. May block. Returns NULL,
// or what is wrong.
const char *shares_read(struct linuxrun *run, const char *text);
