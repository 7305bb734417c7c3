// SPDX-License-Identifier: MIT
#include "tools/image/config/image_user.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/pack/packed_image.h"

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

// As docker has it, digits are a number even if they are somebody's name.
static bool is_meant(const char *text, const char *name, uint32_t id)
{
	uint32_t number;

	return number_parse(text, &number) ? id == number : strcmp(name, text) == 0;
}

// The first line that is meant counts.
static bool passwd_find(struct user *user, const char *text, const char *directory)
{
	FILE *file = account_open(directory, PACK_PASSWD);
	struct passwd *entry;
	bool found = false;

	if (!file)
		return false;
	while (!found && (entry = fgetpwent(file)))
		if (is_meant(text, entry->pw_name, entry->pw_uid)) {
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
		if (is_meant(text, entry->gr_name, entry->gr_gid)) {
			user->gid = entry->gr_gid;
			found = true;
		}
	fclose(file);
	return found;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int groups_add(struct user *user, uint32_t gid, struct error *err)
{
	if (user->num_groups >= USER_MAX_GROUPS)
		return error_set(
			err, "the user \"%s\" is in more than %d groups of the image's /etc/group",
			user->name, USER_MAX_GROUPS);
	if (gid > MAX_ID)
		return error_set(
			err, "the user \"%s\" is in a group with the number %u; %lu is the highest",
			user->name, gid, MAX_ID);
	user->groups[user->num_groups++] = gid;
	return 0;
}

static void groups_sort(struct user *user)
{
	size_t kept = 0;

	qsort(user->groups, user->num_groups, sizeof(user->groups[0]), compare_ids);
	for (size_t i = 0; i < user->num_groups; i++)
		if (kept == 0 || user->groups[kept - 1] != user->groups[i])
			user->groups[kept++] = user->groups[i];
	user->num_groups = kept;
}

static bool is_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}

// The groups that list the user as a member.
static int groups_find(struct user *user, const char *directory, struct error *err)
{
	FILE *file = account_open(directory, PACK_GROUP);
	struct group *entry;
	int result = 0;

	if (!file)
		return 0;
	user->groups = calloc(USER_MAX_GROUPS, sizeof(user->groups[0]));
	if (!user->groups)
		result = error_set(err, "out of memory");
	while (result == 0 && (entry = fgetgrent(file)))
		if (is_member(entry, user->name))
			result = groups_add(user, entry->gr_gid, err);
	fclose(file);
	if (result == 0)
		groups_sort(user);
	return result;
}

static int group_resolve(struct user *user, const char *group, const char *directory,
                         struct error *err)
{
	if ((!group_find(user, group, directory) && !number_parse(group, &user->gid)) ||
	    user->gid > MAX_ID)
		return error_set(
			err,
			"the group \"%s\" is not in the image's /etc/group; give one that is, or a number up to %lu",
			group, MAX_ID);
	return 0;
}

int user_resolve(struct user *user, const char *text, const char *directory, struct error *err)
{
	char copy[256];
	char *name = copy;
	char *group;

	*user = (struct user){ .home = "/" };
	if (strlen(text) >= sizeof(copy))
		return error_set(err, "the user \"%.64s...\" is too long", text);
	strcpy(copy, text);
	group = strchr(copy, ':');
	if (group)
		*group++ = '\0';
	if (!name[0])
		name = "0";
	if ((!passwd_find(user, name, directory) && !number_parse(name, &user->uid)) ||
	    user->uid > MAX_ID || user->gid > MAX_ID)
		return error_set(
			err,
			"the user \"%s\" is not in the image's /etc/passwd; give one that is, or a number up to %lu",
			name, MAX_ID);
	if (group && group[0])
		return group_resolve(user, group, directory, err);
	return user->name[0] ? groups_find(user, directory, err) : 0;
}

void user_deinit(struct user *user)
{
	free(user->groups);
	user->groups = NULL;
	user->num_groups = 0;
}
