// SPDX-License-Identifier: MIT
#include "apps/containers/exec_settings.h"

#include "apps/containers/settings_fields.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define AT(member) offsetof(struct exec_settings, member)

static const struct field create_fields[] = {
	{ "Cmd", FIELD_STRINGS, AT(cmd), 0, NULL, NULL },
	{ "Env", FIELD_STRINGS, AT(env), 0, NULL, NULL },
	{ "User", FIELD_STRING, AT(user), 0, NULL, NULL },
	{ "WorkingDir", FIELD_STRING, AT(workdir), 0, NULL, NULL },
	{ "Tty", FIELD_BOOL, AT(tty), 0, NULL, NULL },
	{ "Privileged", FIELD_BOOL, AT(privileged), 0, NULL, NULL },
	{ "AttachStdin", FIELD_BOOL, AT(attach_stdin), 0, NULL, NULL },
	{ "AttachStdout", FIELD_BOOL, AT(attach_stdout), 0, NULL, NULL },
	{ "AttachStderr", FIELD_BOOL, AT(attach_stderr), 0, NULL, NULL },
	{ "DetachKeys", FIELD_STRING, AT(detach_keys), 0, NULL, NULL },
	{ "ConsoleSize", FIELD_SIZE, AT(console_size), 0, NULL, NULL },
	// Of old clients; start says it.
	{ "Detach", FIELD_ANY, 0, 0, NULL, NULL },
	// python3-docker repeats the id of the path.
	{ "Container", FIELD_ANY, 0, 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field start_fields[] = {
	{ "Detach", FIELD_BOOL, offsetof(struct exec_start, detach), 0, NULL, NULL },
	{ "Tty", FIELD_BOOL, offsetof(struct exec_start, tty), 0, NULL, NULL },
	{ "ConsoleSize", FIELD_SIZE, offsetof(struct exec_start, console_size), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

// --- The keys ------------------------------------------------------------------------------------

// 0: it is no key.
static uint8_t read_key(const char *text, size_t len)
{
	static const char others[] = "@[\\]^_";
	const char *other;
	char c;

	if (len == 1)
		return (uint8_t)text[0];
	if (len != 6 || memcmp(text, "ctrl-", 5) != 0)
		return 0;
	c = text[5];
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 1);
	other = c != '@' ? strchr(others, c) : NULL;
	return other != NULL ? (uint8_t)(26 + (other - others)) : 0;
}

bool detach_keys_read(const char *text, struct vmm_detach_keys *out)
{
	const char *rest = text != NULL && text[0] != '\0' ? text : "ctrl-p,ctrl-q";

	*out = (struct vmm_detach_keys){ 0 };
	for (;;) {
		const char *comma = strchr(rest, ',');
		size_t len = comma != NULL ? (size_t)(comma - rest) : strlen(rest);
		uint8_t key = read_key(rest, len);

		if (key == 0 || out->count == VMM_DETACH_KEYS_MAX)
			return false;
		out->keys[out->count++] = key;
		if (comma == NULL)
			return true;
		rest = comma + 1;
	}
}

// --- The body ------------------------------------------------------------------------------------

static const char *what_is_wrong(const struct exec_settings *s)
{
	if (s->cmd.count == 0)
		return "No exec command specified";
	for (size_t i = 0; i < s->env.count; i++)
		if (s->env.items[i][0] == '=' || s->env.items[i][0] == '\0')
			return "Env: a variable has no name";
	return NULL;
}

error_t exec_settings_parse(struct exec_settings *settings, struct span body,
                            char error[static SETTINGS_ERROR_MAX])
{
	const char *wrong;
	error_t err;

	*settings = (struct exec_settings){ 0 };
	err = fields_read(settings, create_fields, body, error);
	wrong = err == 0 ? what_is_wrong(settings) : NULL;
	if (wrong != NULL) {
		str_copy(error, wrong, SETTINGS_ERROR_MAX);
		err = ERR_INVALID;
	}
	if (err == 0 && !detach_keys_read(settings->detach_keys, &settings->keys)) {
		fmt_write(error, SETTINGS_ERROR_MAX, "Invalid escape keys (%.64s) provided",
		          settings->detach_keys);
		err = ERR_INVALID;
	}
	if (err < 0)
		exec_settings_deinit(settings);
	return err;
}

void exec_settings_deinit(struct exec_settings *s)
{
	heap_free(s->user);
	heap_free(s->workdir);
	heap_free(s->detach_keys);
	string_list_deinit(&s->cmd);
	string_list_deinit(&s->env);
	*s = (struct exec_settings){ 0 };
}

error_t exec_start_parse(struct exec_start *start, struct span body,
                         char error[static SETTINGS_ERROR_MAX])
{
	*start = (struct exec_start){ 0 };
	return body.len > 0 ? fields_read(start, start_fields, body, error) : 0;
}
