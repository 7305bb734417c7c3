// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/startup/app_image.h"

// Logs a warning for each boot argument of `args` that neither the kernel nor an app of `images`
// reads, with the name that was probably meant. Once, before apps are started.
void boot_args_check(const char *args, const struct app_image *images, size_t num_images);
