// SPDX-License-Identifier: MIT
//
// What a program has from its caller, and cannot work with.
#pragma once

// Opens /dev/null for each of the descriptors 0 to 2 that is closed: else the first files that the
// program opens are taken for its standard streams. Lets the ends of children be heard of (SIGCHLD
// is not ignored). The first thing in main().
void inherited_mend(void);
