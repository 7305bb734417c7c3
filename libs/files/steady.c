// SPDX-License-Identifier: MIT
#include "libs/files/steady.h"

#define MAX_TRIES 3

void steady_close(struct steady_folder *steady)
{
	folder_close(steady->folder);
	steady->folder = NULL;
}

bool steady_try(struct steady_folder *steady, handle_t connector, const char *uri, unsigned *tries,
                error_t *err)
{
	if (steady->folder != NULL && folder_is_lost(steady->folder))
		steady_close(steady);
	if (*tries > 0 && *err != ERR_PEER_CLOSED)
		return false;
	while (*tries < MAX_TRIES) {
		++*tries;
		*err = steady->folder == NULL ? folder_open(connector, uri, &steady->folder) : 0;
		if (*err == 0)
			return true;
		steady->folder = NULL;
		if (*err != ERR_PEER_CLOSED)
			return false;
	}
	return false;
}

error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                   steady_fn *what, void *context)
{
	error_t err = 0;

	for (unsigned tries = 0; steady_try(steady, connector, uri, &tries, &err);)
		err = what(steady->folder, context);
	return err;
}
