// SPDX-License-Identifier: MIT
//
// Which apps the OS image has.
#pragma once

#include <stdbool.h>

// Whether the image in the build directory `build` has `app`, by the list that the build leaves
// there. True when there is no list: nothing is known then.
bool image_has_app(const char *build, const char *app);
