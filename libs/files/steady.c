// SPDX-License-Identifier: MIT
#include "libs/files/steady.h"

#define MAX_TRIES 3

void steady_close(struct steady_folder *steady)
{
	folder_close(steady->folder);
	steady->folder = NULL;
}

error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                   steady_fn *what, void *context)
{
	error_t err = ERR_PEER_CLOSED;

	for (unsigned i = 0; i < MAX_TRIES && err == ERR_PEER_CLOSED; i++) {
		err = steady->folder == NULL ? folder_open(connector, uri, &steady->folder) : 0;
		if (err < 0) {
			steady->folder = NULL;
			continue;
		}
		err = what(steady->folder, context);
		if (folder_is_lost(steady->folder))
			steady_close(steady);
	}
	return err;
}
