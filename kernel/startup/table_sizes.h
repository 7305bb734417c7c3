// SPDX-License-Identifier: MIT
//
// How much the service table takes: what the plan, the starts and the environments share.
#pragma once

#define MAX_APPS 32
#define MAX_SERVICES 64
#define MAX_LAUNCHERS 4
#define MAX_KEPT 32
