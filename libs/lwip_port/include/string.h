// SPDX-License-Identifier: MIT
// What lwIP wants of <string.h>.
#pragma once

#include "libs/base/string.h"
