// SPDX-License-Identifier: MIT
//
// A link as clients write it: TARGET, TARGET:ALIAS, or "/TARGET:/WHOSE/ALIAS", as inspect tells it.
#pragma once

#include <stdbool.h>

#include "libs/abi/error.h"

// A name, with a NUL.
#define LINK_NAME_MAX 256u

// Whose alias is the target's name when none is named. False: it is no link.
__must_check bool link_read(const char *text, char target[static LINK_NAME_MAX],
                            char alias[static LINK_NAME_MAX]);
// What variables about the link begin with.
void link_prefix(const char *alias, char out[static LINK_NAME_MAX]);
