// SPDX-License-Identifier: MIT
#include "guest/bootd/container_user.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 7
#define MAX_NUMBER 2147483647u  // Docker's, for one that is asked for

struct field {
	const char *text;
	size_t length;
};

// Splits the line at *cursor into fields at ':' and moves on to the next. Returns the number of
// fields, or -1 at the end. Fields beyond `max` are part of the last one.
static int next_line(const char **cursor, struct field *fields, int max)
{
	const char *at = *cursor;
	int count = 0;

	if (*at == '\0')
		return -1;
	for (;;) {
		size_t length = count < max - 1 ? strcspn(at, ":\n") : strcspn(at, "\n");

		fields[count].text = at;
		fields[count].length = length;
		count++;
		at += length;
		if (*at != ':')
			break;
		at++;
	}
	*cursor = *at == '\n' ? at + 1 : at;
	return count;
}

static bool field_is(struct field field, struct field other)
{
	return field.length == other.length && memcmp(field.text, other.text, other.length) == 0;
}

// Reads decimal digits, as UINT32_MAX from there on. Returns whether they are all that there is.
static bool parse_number(struct field field, uint32_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < field.length; i++) {
		if (field.text[i] < '0' || field.text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(field.text[i] - '0');
		if (value > UINT32_MAX)
			value = UINT32_MAX;
	}
	*out = (uint32_t)value;
	return field.length > 0;
}

static bool parse_id(struct field field, uint32_t *out)
{
	// The last one means "do not change" to the kernel.
	return parse_number(field, out) && *out != UINT32_MAX;
}

// Finds a line of passwd by name or, where there is a number, by that alone.
static bool find_user(const char *passwd, struct field name, const uint32_t *number,
                      struct user *user, struct field *login)
{
	struct field fields[MAX_FIELDS];
	const char *cursor = passwd;
	int count;

	while ((count = next_line(&cursor, fields, MAX_FIELDS)) >= 0) {
		uint32_t uid;
		uint32_t gid;

		if (count < 4 || !parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
			continue;
		if (number != NULL ? *number != uid : !field_is(fields[0], name))
			continue;
		user->uid = uid;
		user->gid = gid;
		*login = fields[0];
		return true;
	}
	return false;
}

static bool find_group(const char *group, struct field name, gid_t *out)
{
	struct field fields[4];
	const char *cursor = group;
	int count;

	while ((count = next_line(&cursor, fields, 4)) >= 0) {
		uint32_t gid;

		if (count >= 3 && field_is(fields[0], name) && parse_id(fields[2], &gid)) {
			*out = gid;
			return true;
		}
	}
	return false;
}

static bool list_has(struct field list, struct field name)
{
	const char *at = list.text;
	const char *end = list.text + list.length;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t length = (size_t)((comma != NULL ? comma : end) - at);

		if (length == name.length && memcmp(at, name.text, length) == 0)
			return true;
		at += length + 1;
	}
	return false;
}

static int out_of_memory(struct failure *failure)
{
	return failure_set(failure, FAILURE_SETUP, -ENOMEM, "out of memory");
}

static int add_group(struct user *user, gid_t gid, struct failure *failure)
{
	if ((user->num_groups & (user->num_groups - 1)) == 0) {
		size_t room = user->num_groups > 0 ? 2 * user->num_groups : 1;
		gid_t *groups = realloc(user->groups, room * sizeof(*groups));

		if (groups == NULL)
			return out_of_memory(failure);
		user->groups = groups;
	}
	user->groups[user->num_groups++] = gid;
	return 0;
}

static int add_supplementary(const char *group, struct field login, struct user *user,
                             struct failure *failure)
{
	struct field fields[4];
	const char *cursor = group;
	int error = 0;
	int count;

	while (error == 0 && (count = next_line(&cursor, fields, 4)) >= 0) {
		uint32_t gid;

		if (count == 4 && parse_id(fields[2], &gid) && gid != user->gid &&
		    list_has(fields[3], login))
			error = add_group(user, gid, failure);
	}
	return error;
}

// The number that stands for a user or a group, which has no line.
static int take_number(struct field field, const char *kind, const char *file, uint32_t *out,
                       struct failure *failure)
{
	if (!parse_number(field, out))
		return failure_set(failure, FAILURE_SETUP, -ENOENT,
		                   "unable to find %s %.*s: no matching entries in %s file", kind,
		                   field.length > 100 ? 100 : (int)field.length, field.text, file);
	if (*out > MAX_NUMBER)
		return failure_set(failure, FAILURE_SETUP, -ERANGE,
		                   "uids and gids must be in range 0-%u", MAX_NUMBER);
	return 0;
}

static int resolve_user(struct field name, const char *passwd, struct user *user,
                        struct field *login, struct failure *failure)
{
	uint32_t number = 0;
	bool numeric = name.length == 0 || parse_number(name, &number);

	if (find_user(passwd, name, numeric ? &number : NULL, user, login) || name.length == 0)
		return 0;
	return take_number(name, "user", "passwd", &user->uid, failure);
}

static int resolve_group(struct field name, const char *group, struct user *user,
                         struct failure *failure)
{
	uint32_t number;

	if (!parse_number(name, &number) && find_group(group, name, &user->gid))
		return 0;
	return take_number(name, "group", "group", &user->gid, failure);
}

int user_resolve(const char *spec, const char *passwd, const char *group, struct user *user,
                 struct failure *failure)
{
	struct field name = { spec, strcspn(spec, ":") };
	struct field login = { "", 0 };
	struct field group_name = { "", 0 };

	memset(user, 0, sizeof(*user));
	if (spec[name.length] == ':') {
		group_name.text = spec + name.length + 1;
		group_name.length = strlen(group_name.text);
	}
	int error = resolve_user(name, passwd, user, &login, failure);

	if (error == 0 && group_name.length > 0)
		error = resolve_group(group_name, group, user, failure);
	if (error == 0)
		error = add_group(user, user->gid, failure);
	if (error == 0 && group_name.length == 0 && login.length > 0)
		error = add_supplementary(group, login, user, failure);
	if (error != 0)
		free(user->groups);
	return error;
}

int user_add_groups(struct user *user, const char *const *names, size_t count, const char *group,
                    struct failure *failure)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++) {
		struct field name = { names[i], strlen(names[i]) };
		struct user found = { 0 };

		error = resolve_group(name, group, &found, failure);
		if (error == 0)
			error = add_group(user, found.gid, failure);
	}
	if (error != 0)
		free(user->groups);
	return error;
}

const char *user_home(const char *passwd, uid_t uid, size_t *length)
{
	struct field fields[MAX_FIELDS];
	const char *cursor = passwd;
	int count;

	while ((count = next_line(&cursor, fields, MAX_FIELDS)) >= 0) {
		uint32_t number;

		if (count >= 6 && parse_id(fields[2], &number) && number == uid) {
			*length = fields[5].length;
			return fields[5].text;
		}
	}
	return NULL;
}
