// SPDX-License-Identifier: MIT
//
// config.json (OCI runtime spec) of a container. What it does not say is bootd's default, which is
// Docker's.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/image_config.h"

#define SHORT_ID 12u

// Docker's rules: another entrypoint drops the image's Cmd.
static error_t write_args(const struct settings *s, const struct image *image,
                          struct json_writer *w, char error[static SETTINGS_ERROR_MAX])
{
	const struct string_list *entrypoint =
		s->has_entrypoint && s->entrypoint.count > 0 ? &s->entrypoint : &image->entrypoint;
	size_t count = s->cmd.count;

	json_write_raw(w, "\"args\":[");
	config_write_strings(w, entrypoint);
	count += entrypoint->count;
	if (s->cmd.count == 0 && entrypoint == &image->entrypoint) {
		config_write_strings(w, &image->cmd);
		count += image->cmd.count;
	}
	config_write_strings(w, &s->cmd);
	json_write_raw(w, "]");
	if (count > 0)
		return 0;
	str_copy(error, "no command specified", SETTINGS_ERROR_MAX);
	return ERR_INVALID;
}

static error_t write_env(const struct container *c, const struct image *image,
                         struct json_writer *w)
{
	struct string_list env = { 0 };
	error_t err = string_list_add(&env, CONFIG_DEFAULT_PATH);

	if (err == 0 && c->settings.tty)
		err = string_list_add(&env, "TERM=xterm");
	if (err == 0)
		err = config_add_image_env(&env, image);
	for (size_t i = 0; i < c->settings.env.count && err == 0; i++) {
		err = string_list_assign(&env, c->settings.env.items[i]);
		if (err == ERR_INVALID)
			err = 0;
	}
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

error_t config_write(const struct container *c, const struct image *image, struct json_writer *w,
                     char error[static SETTINGS_ERROR_MAX])
{
	const struct settings *s = &c->settings;
	const char *user = first_of(s->user, image->user, NULL);
	char short_id[SHORT_ID + 1];
	error_t err;

	fmt_write(short_id, sizeof(short_id), "%s", c->id_text);
	json_write_raw(w, "{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":");
	json_write_raw(w, s->tty ? "true," : "false,");
	err = write_args(s, image, w, error);
	if (err == 0)
		err = write_env(c, image, w);
	if (err < 0)
		return err;
	json_write_raw(w, ",\"cwd\":");
	json_write_string(w, first_of(s->workdir, image->workdir, "/"));
	if (user != NULL) {
		json_write_raw(w, ",\"user\":{\"username\":");
		json_write_string(w, user);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "},\"hostname\":");
	json_write_string(w, first_of(s->hostname, NULL, short_id));
	if (image->volumes.count > 0) {
		json_write_raw(w, ",\"annotations\":{");
		config_write_volumes(w, image);
		json_write_raw(w, "}");
	}
	json_write_raw(w,
	               s->read_only ? ",\"root\":{\"path\":\"rootfs\",\"readonly\":true}}"
	                            : ",\"root\":{\"path\":\"rootfs\"}}");
	return w->bad ? ERR_NO_MEMORY : 0;
}
