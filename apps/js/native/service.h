// SPDX-License-Identifier: MIT
//
// Connections to and from services: native "service".
#pragma once

#include "apps/js/runtime/js.h"

extern const struct js_native js_native_service;
