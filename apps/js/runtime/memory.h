// SPDX-License-Identifier: MIT
#pragma once

#include "apps/js/runtime/js.h"

extern const JSMallocFunctions js_memory;
