// SPDX-License-Identifier: MIT
#include "tools/image/config/image_user.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/pack/pack.h"

#define MAX_ID 2147483647ul  // as Docker has it

static bool number_parse(const char *text, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (!text[0] || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	value = strtoul(text, &end, 10);
	if (value > MAX_ID)
		return false;
	*number = (uint32_t)value;
	return true;
}

static FILE *account_open(const char *directory, const char *name)
{
	char *path;
	FILE *file;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return NULL;
	file = fopen(path, "re");
	free(path);
	return file;
}

static void passwd_apply(struct user *user, const struct passwd *entry)
{
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	if (entry->pw_dir && entry->pw_dir[0] == '/')
		snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir);
}

static bool passwd_find(struct user *user, const char *text, const char *directory)
{
	FILE *file = account_open(directory, PACK_PASSWD);
	struct passwd *entry;
	uint32_t number;
	bool is_number = number_parse(text, &number);
	bool found = false;

	if (!file)
		return false;
	while (!found && (entry = fgetpwent(file)))
		if (strcmp(entry->pw_name, text) == 0 || (is_number && entry->pw_uid == number)) {
			passwd_apply(user, entry);
			found = true;
		}
	fclose(file);
	return found;
}

static bool group_find(struct user *user, const char *text, const char *directory)
{
	FILE *file = account_open(directory, PACK_GROUP);
	struct group *entry;
	bool found = false;

	if (!file)
		return false;
	while (!found && (entry = fgetgrent(file)))
		if (strcmp(entry->gr_name, text) == 0) {
			user->gid = entry->gr_gid;
			found = true;
		}
	fclose(file);
	return found;
}

static void groups_add(struct user *user, uint32_t gid)
{
	for (unsigned i = 0; i < user->num_groups; i++)
		if (user->groups[i] == gid)
			return;
	if (user->num_groups < USER_MAX_GROUPS)
		user->groups[user->num_groups++] = gid;
}

// The groups that list the user as a member.
static void groups_find(struct user *user, const char *directory)
{
	FILE *file = account_open(directory, PACK_GROUP);
	struct group *entry;

	if (!file)
		return;
	while ((entry = fgetgrent(file)))
		for (char **member = entry->gr_mem; *member; member++)
			if (strcmp(*member, user->name) == 0)
				groups_add(user, entry->gr_gid);
	fclose(file);
}

int user_resolve(struct user *user, const char *text, const char *directory, struct error *err)
{
	char name[256];
	char *group;

	*user = (struct user){ .home = "/" };
	if (strlen(text) >= sizeof(name))
		return error_set(err, "the user \"%.64s...\" is too long", text);
	strcpy(name, text);
	group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	if (!name[0])
		strcpy(name, "0");
	if (!passwd_find(user, name, directory) && !number_parse(name, &user->uid))
		return error_set(
			err,
			"the user \"%s\" is not in the image's /etc/passwd; give one that is, or a number up to %lu",
			name, MAX_ID);
	if (!group || !group[0]) {
		if (user->name[0])
			groups_find(user, directory);
		return 0;
	}
	if (!group_find(user, group, directory) && !number_parse(group, &user->gid))
		return error_set(
			err,
			"the group \"%s\" is not in the image's /etc/group; give one that is, or a number up to %lu",
			group, MAX_ID);
	return 0;
}
