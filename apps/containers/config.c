// SPDX-License-Identifier: MIT
//
// config.json (OCI runtime spec) of a container. What it does not say is bootd's default, which is
// Docker's.
#include "apps/containers/config_host.h"
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/linux/vm/image_config.h"

#define SHORT_ID 12u

struct command config_command(const struct settings *s, const struct image *image)
{
	static const struct string_list none;
	bool drops_cmd = s->has_entrypoint && s->entrypoint.count > 0;
	struct command command = { .entrypoint = &none, .cmd = &none };

	if (s->has_entrypoint)
		command.entrypoint = &s->entrypoint;
	else if (image != NULL)
		command.entrypoint = &image->entrypoint;
	if (s->cmd.count > 0)
		command.cmd = &s->cmd;
	else if (image != NULL && !drops_cmd)
		command.cmd = &image->cmd;
	if (command.entrypoint->count == 1 && command.entrypoint->items[0][0] == '\0')
		command.entrypoint = &none;
	return command;
}

bool config_shows_entrypoint(const struct settings *s, const struct command *command)
{
	return command->entrypoint->count > 0 || (s->has_entrypoint && s->entrypoint.count == 0);
}

static error_t write_args(const struct settings *s, const struct image *image,
                          struct json_writer *w, char error[static SETTINGS_ERROR_MAX])
{
	struct command command = config_command(s, image);

	json_write_raw(w, "\"args\":[");
	config_write_strings(w, command.entrypoint);
	config_write_strings(w, command.cmd);
	json_write_raw(w, "]");
	if (command.entrypoint->count + command.cmd->count > 0)
		return 0;
	str_copy(error, CONFIG_NO_COMMAND, SETTINGS_ERROR_MAX);
	return ERR_INVALID;
}

static error_t assign_all(struct string_list *env, const struct string_list *more)
{
	error_t err = 0;

	for (size_t i = 0; i < more->count && err == 0; i++) {
		err = string_list_assign(env, more->items[i]);
		if (err == ERR_INVALID)
			err = 0;
	}
	return err;
}

// `more`: of an added process, or NULL.
static error_t write_env(const struct container *c, const struct image *image, bool has_terminal,
                         const struct string_list *more, struct json_writer *w)
{
	struct string_list env = { 0 };
	error_t err = string_list_add(&env, CONFIG_DEFAULT_PATH);

	if (err == 0 && has_terminal)
		err = string_list_add(&env, "TERM=xterm");
	if (err == 0)
		err = assign_all(&env, &c->link_env);
	if (err == 0)
		err = config_add_image_env(&env, image);
	if (err == 0)
		err = assign_all(&env, &c->settings.env);
	if (err == 0 && more != NULL)
		err = assign_all(&env, more);
	json_write_raw(w, ",\"env\":[");
	if (err == 0)
		config_write_strings(w, &env);
	json_write_raw(w, "]");
	string_list_deinit(&env);
	return err;
}

static const char *first_of(const char *a, const char *b, const char *otherwise)
{
	if (a != NULL && a[0] != '\0')
		return a;
	return b != NULL && b[0] != '\0' ? b : otherwise;
}

static void write_place(const struct settings *s, const char *workdir, const char *user,
                        bool is_privileged, struct json_writer *w)
{
	json_write_raw(w, ",\"cwd\":");
	json_write_string(w, workdir);
	config_write_user(w, &s->host, user);
	config_write_rights(w, &s->host, is_privileged);
}

static void write_terminal(struct json_writer *w, const uint16_t size[2])
{
	char text[80];

	fmt_write(text, sizeof(text),
	          ",\"terminal\":true,\"consoleSize\":{\"height\":%u,\"width\":%u}", size[0],
	          size[1]);
	json_write_raw(w, text);
}

error_t config_write_exec(const struct container *c, const struct image *image,
                          const struct exec_settings *exec, struct json_writer *w)
{
	const struct settings *s = &c->settings;
	error_t err;

	json_write_raw(w, "{\"args\":[");
	config_write_strings(w, &exec->cmd);
	json_write_raw(w, "]");
	err = write_env(c, image, exec->tty, &exec->env, w);
	if (err < 0)
		return err;
	write_place(s, first_of(exec->workdir, s->workdir, first_of(image->workdir, NULL, "/")),
	            first_of(exec->user, s->user, first_of(image->user, NULL, NULL)),
	            exec->privileged, w);
	if (exec->tty)
		write_terminal(w, exec->console_size);
	json_write_raw(w, "}");
	return w->bad ? ERR_NO_MEMORY : 0;
}

error_t config_write(const struct container *c, const struct image *image, struct json_writer *w,
                     char error[static SETTINGS_ERROR_MAX])
{
	const struct settings *s = &c->settings;
	const char *user = c->is_visit ? NULL : first_of(s->user, image->user, NULL);
	char short_id[SHORT_ID + 1];
	error_t err;
	bool first = true;

	fmt_write(short_id, sizeof(short_id), "%s", c->id_text);
	json_write_raw(w, "{\"ociVersion\":\"1.0.2\",\"process\":{");
	if (c->is_visit)
		json_write_raw(w, "\"" CONTROL_BUILTIN "\":\"pause\",");
	err = write_args(s, image, w, error);
	if (err == 0)
		err = write_env(c, image, s->tty, NULL, w);
	if (err < 0)
		return err;
	write_place(s, c->is_visit ? "/" : first_of(s->workdir, image->workdir, "/"), user, false,
	            w);
	if (s->tty)
		write_terminal(w, s->host.console_size);
	json_write_raw(w, "},\"hostname\":");
	json_write_string(w, first_of(s->hostname, NULL, short_id));
	if (s->host.domainname != NULL && s->host.domainname[0] != '\0') {
		json_write_raw(w, ",\"domainname\":");
		json_write_string(w, s->host.domainname);
	}
	json_write_raw(w, ",\"annotations\":{");
	// A visit leaves a stopped container's files as they are.
	if (!c->is_visit) {
		hosts_write(c, first_of(s->hostname, NULL, short_id), w);
		config_write_annotations(w, s);
		first = false;
	}
	err = config_write_mounts(c, image, w, &first);
	if (err < 0)
		return err;
	json_write_raw(w,
	               s->read_only ? "},\"root\":{\"path\":\"rootfs\",\"readonly\":true}"
	                            : "},\"root\":{\"path\":\"rootfs\"}");
	config_write_linux(w, s);
	json_write_raw(w, "}");
	return w->bad ? ERR_NO_MEMORY : 0;
}
