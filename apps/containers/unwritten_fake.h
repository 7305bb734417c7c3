// SPDX-License-Identifier: MIT
//
// What is around changes of containers, networks and volumes: the state disk, clients and machines.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/abi/networks.h"

// The one volume that there can be.
#define VOLUME "data"

extern bool is_full;       // the state disk
extern bool has_folder;    // the volume's
extern uint32_t status;    // of the last answer
extern char message[512];  // of a refusal
extern char event[64];     // the last one
extern const char *query_name;
extern struct msg_vmm_networks told;  // to the machine
