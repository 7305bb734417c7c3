// SPDX-License-Identifier: MIT
//
// Removes logs: folders with all files in them, one after the other.
#pragma once

#include "libs/files/files.h"
#include "libs/logs/names.h"

struct log_remover {
	// Private.
	struct files *files;  // NULL: there is no session
	struct list folders;  // struct doomed_folder
	bool busy;
	char path[LOG_FOLDER_MAX + FILES_NAME_MAX + 2];
	bool found;
	bool found_folder;
};

// Nothing is to be removed yet.
void log_remover_init(struct log_remover *remover);
// Removes a folder as soon as there is a session. What cannot be removed is logged. Errors:
// ERR_NO_MEMORY.
__must_check error_t log_remover_add(struct log_remover *remover, const char *folder);
// Whether something is to be removed.
bool log_remover_has_work(const struct log_remover *remover);
// There is a session; NULL: it is going to be stopped, and what was under way is done again.
void log_remover_use(struct log_remover *remover, struct files *files);
