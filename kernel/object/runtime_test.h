// SPDX-License-Identifier: MIT
//
// A runtime for the table of the image's apps.
#pragma once

#include "kernel/object/app_image.h"

extern const struct app_spec runtime_spec;
extern struct user_image runtime_program;
