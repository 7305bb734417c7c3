// SPDX-License-Identifier: MIT
#include "apps/containers/exec_settings.h"

#include "apps/containers/settings_fields.h"
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
