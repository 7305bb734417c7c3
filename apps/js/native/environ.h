// SPDX-License-Identifier: MIT
//
// The app's environment: native "environ".
#pragma once

#include "apps/js/runtime/js.h"

extern const struct js_native js_native_environ;
