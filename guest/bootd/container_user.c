// SPDX-License-Identifier: MIT
#include "guest/bootd/container_user.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define MAX_FIELDS 7

struct field {
	const char *text;
	size_t length;
};

// Splits the line at *cursor into fields at ':' and moves on to the next. Returns the number of fields,
// or -1 at the end. Fields beyond `max` are part of the last one.
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

static bool field_is(struct field field, const char *text, size_t length)
{
	return field.length == length && memcmp(field.text, text, length) == 0;
}

static bool parse_id(const char *text, size_t length, uint32_t *out)
{
	uint64_t value = 0;

	if (length == 0 || length > 10)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	// The last one means "do not change" to the kernel.
	if (value >= UINT32_MAX)
		return false;
	*out = (uint32_t)value;
	return true;
}

static void copy_field(struct field field, char *out, size_t size)
{
	size_t length = field.length < size ? field.length : 0;

	memcpy(out, field.text, length);
	out[length] = '\0';
}

// Finds a line of passwd by name or, where the name is none, by number.
static bool find_user(const char *passwd, struct field name, const uint32_t *number, struct user *user,
		      struct field *login)
{
	struct field fields[MAX_FIELDS];
	const char *cursor = passwd;
	int count;

	while ((count = next_line(&cursor, fields, MAX_FIELDS)) >= 0) {
		uint32_t uid;
		uint32_t gid;

		if (count < 4 || !parse_id(fields[2].text, fields[2].length, &uid) ||
		    !parse_id(fields[3].text, fields[3].length, &gid))
			continue;
		if (!field_is(fields[0], name.text, name.length) && (number == NULL || *number != uid))
			continue;
		user->uid = uid;
		user->gid = gid;
		user->home[0] = '\0';
		if (count >= 6)
			copy_field(fields[5], user->home, sizeof(user->home));
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

		if (count >= 3 && field_is(fields[0], name.text, name.length) &&
		    parse_id(fields[2].text, fields[2].length, &gid)) {
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

static void add_supplementary(const char *group, struct field login, struct user *user)
{
	struct field fields[4];
	const char *cursor = group;
	int count;

	while ((count = next_line(&cursor, fields, 4)) >= 0) {
		uint32_t gid;

		if (count == 4 && user->num_groups < USER_MAX_GROUPS &&
		    parse_id(fields[2].text, fields[2].length, &gid) && gid != user->gid &&
		    list_has(fields[3], login))
			user->groups[user->num_groups++] = gid;
	}
}

int user_resolve(const char *spec, const char *passwd, const char *group, struct user *user,
		 const char **missing)
{
	struct field name = { spec, strcspn(spec, ":") };
	struct field login = { "", 0 };
	struct field group_name = { "", 0 };
	uint32_t number;

	memset(user, 0, sizeof(*user));
	if (name.length == 0)
		return -EINVAL;
	if (spec[name.length] == ':') {
		group_name.text = spec + name.length + 1;
		group_name.length = strlen(group_name.text);
	}

	bool numeric = parse_id(name.text, name.length, &number);
	if (!find_user(passwd, name, numeric ? &number : NULL, user, &login)) {
		*missing = "user";
		if (!numeric)
			return -ENOENT;
		user->uid = number;
	}

	if (group_name.length == 0) {
		user->groups[user->num_groups++] = user->gid;
		if (login.length > 0)
			add_supplementary(group, login, user);
		return 0;
	}
	if (!find_group(group, group_name, &user->gid)) {
		*missing = "group";
		if (!parse_id(group_name.text, group_name.length, &number))
			return -ENOENT;
		user->gid = number;
	}
	user->groups[user->num_groups++] = user->gid;
	return 0;
}

bool user_home(const char *passwd, uid_t uid, char *home, size_t size)
{
	struct field fields[MAX_FIELDS];
	const char *cursor = passwd;
	int count;

	while ((count = next_line(&cursor, fields, MAX_FIELDS)) >= 0) {
		uint32_t number;

		if (count >= 6 && parse_id(fields[2].text, fields[2].length, &number) && number == uid) {
			copy_field(fields[5], home, size);
			return true;
		}
	}
	return false;
}
