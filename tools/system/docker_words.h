// SPDX-License-Identifier: MIT
//
// Errors of pulls as docker says them, which its users and scripts know.
#pragma once

#include "tools/common/error.h"

// Changes `err`, which says in skopeo's and our words why `name` (whole, reference.h) could not be
// pulled.
void docker_words(const char *name, struct error *err);
// The same of a login at the registry `host`, which was asked by `scheme`: "http" or "https".
void docker_login_words(const char *scheme, const char *host, struct error *err);
// The same of an address that wget could not fetch, whose last line `err` is, behind "wget: ".
void docker_download_words(const char *url, struct error *err);
