// SPDX-License-Identifier: MIT
//
// docker login: whether a registry takes a name and a password. Nothing of them stays.
#pragma once

#include "tools/common/error.h"

// Reads them from `fd`, a line: {"username":NAME,"password":TEXT}, and asks the registry at `host`
// (with its port). `directory` is /incoming. -1 with `err`, in the words of docker: "login attempt
// to " when it takes them not.
int login(int fd, const char *host, const char *directory, struct error *err);
