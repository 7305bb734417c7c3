// SPDX-License-Identifier: MIT
#pragma once

#include "libs/base/span.h"

// The length of the UTF-8 sequence that `bytes` begins with (Unicode 15.0, table 3-7: no overlong
// forms, no surrogates, nothing above U+10FFFF); 0: it begins with none.
size_t utf8_length(struct span bytes);
// Whether all of it is UTF-8.
bool utf8_is_valid(struct span bytes);
