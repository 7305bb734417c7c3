// SPDX-License-Identifier: MIT
//
// The volumes of the state disk: folders of one folder (FILES_VOLUMES), for who keeps house. What
// is being removed has a name that is not a volume's: with a dot before it. All functions that ask
// the server block.
#pragma once

#include "libs/files/simple.h"

// Whether it is a name that a volume may have: one component, without what is not in a name of
// docker's, of 2 to FILES_NAME_MAX bytes.
bool volume_name_is_good(const char *name);
// Whether a volume has no name but one that was made up: 64 hexadecimal digits.
bool volume_is_anonymous(const char *name);
// Whether a volume has nothing in it, or is not there, or cannot be looked at.
bool volume_is_empty(struct folder *volumes, const char *name);
// Removes a volume with all that is in it. Errors: as folder_rename's, folder_remove's and
// folder_list's; ERR_NOT_FOUND: there is no such volume.
__must_check error_t volume_remove(struct folder *volumes, const char *name);
// The same in parts: it is no volume any more, and about `steps` of what is in it are gone. *whole:
// nothing is left; else its new name, which begins with a dot, is to be removed so until it is.
// Errors: as volume_remove's.
__must_check error_t volume_remove_some(struct folder *volumes, const char *name, uint32_t steps,
                                        bool *whole);
