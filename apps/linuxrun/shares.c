// SPDX-License-Identifier: MIT
#include "apps/linuxrun/shares.h"

#include "apps/linuxrun/linuxrun.h"
#include "apps/linuxrun/volumes.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

#define FILL "fill/"

static const struct {
	const char *prefix;
	const char *service;
	const char *uri;
	const char *missing;
} kinds[] = {
	{ "host/", "files", FILES_HOST, "this image has no server of the host's folders (hostfs)" },
	{ "all/", "volumes", FILES_VOLUMES, "this image has no server of volumes (fs)" },
	{ "ro/", "volumes", FILES_VOLUMES_READ_ONLY, "this image has no server of volumes (fs)" },
};

// What one word says. NULL, or what is wrong.
static const char *share_read(struct linuxrun *run, const char *word, struct vm_share *share)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strncmp(word, kinds[i].prefix, len) != 0)
			continue;
		share->connector = environ_connector(run->env, kinds[i].service);
		if (share->connector == HANDLE_NONE)
			return kinds[i].missing;
		str_copy(share->uri, kinds[i].uri, sizeof(share->uri));
		if (str_copy(share->name, word + len, sizeof(share->name)) >= sizeof(share->name))
			break;
		share->make = strcmp(kinds[i].uri, FILES_VOLUMES) == 0;
		return NULL;
	}
	return "config.json names a share that is not one";
}

// "fill/NAME" becomes "ro/NAME" or "all/NAME", which are shorter: who may write to a volume is for
// its server to see to, once it has something.
static void choose_session(struct linuxrun *run, char *word)
{
	char name[VM_SHARE_NAME_MAX + 8];
	bool is_new;

	str_copy(name, word + sizeof(FILL) - 1, sizeof(name));
	is_new = volumes_have_nothing_in(run, name);
	fmt_write(word, sizeof(name), "%s%s", is_new ? "all/" : "ro/", name);
}

const char *shares_read(struct linuxrun *run, const char *text)
{
	char word[VM_SHARE_NAME_MAX + 8];

	run->num_shares = 0;
	while (text != NULL && volumes_next_word(&text, word, sizeof(word))) {
		const char *error;

		if (run->num_shares == VM_MAX_SHARES)
			return "config.json names too many shares";
		if (strncmp(word, FILL, sizeof(FILL) - 1) == 0)
			choose_session(run, word);
		error = share_read(run, word, &run->shares[run->num_shares++]);
		if (error != NULL)
			return error;
	}
	return NULL;
}
