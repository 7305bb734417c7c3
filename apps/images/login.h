// SPDX-License-Identifier: MIT
//
// What a client logs in to a registry with.
#pragma once

#include "libs/base/span.h"

// X-Registry-Auth as a line of JSON, in fresh heap memory; "{}\n" when there is none. NULL: it is
// not base64url of a JSON object, or there is no memory.
char *login_read(struct span field);
