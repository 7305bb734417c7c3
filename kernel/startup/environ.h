// SPDX-License-Identifier: MIT
//
// Builds the environment of a process: a handle or a value for each of its app's needs.
#pragma once

#include "libs/abi/app.h"
#include "libs/abi/error.h"

struct process;
struct service;

// Makes the service entries that an app provides; once per app, before any app is started. Errors:
// ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t environ_create_services(const struct app_spec *spec);
// The service of an app of the image; NULL: nobody provides it.
struct service *environ_find_service(const char *name);
// The app is about to run, as the process `provider`: its services take connections.
void environ_open_services(const struct app_spec *spec, uint32_t provider);
// Fills process->env and the process's handle table. Errors: ERR_NO_MEMORY, ERR_LIMIT,
// ERR_NOT_FOUND (a device that another app has).
__must_check error_t environ_build(struct process *process, const struct app_spec *spec);
