// SPDX-License-Identifier: MIT
//
// config.json (OCI runtime spec) of a container. What it does not say is bootd's default, which is
// Docker's.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/bootd_protocol.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SHORT_ID 12u

static void write_list(struct json_writer *w, const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		json_write_string(w, list->items[i]);
}

// Docker's rules: another entrypoint drops the image's Cmd.
static error_t write_args(const struct settings *s, const struct image *image,
                          struct json_writer *w, char error[static SETTINGS_ERROR_MAX])
{
	const struct string_list *entrypoint =
		s->has_entrypoint && s->entrypoint.count > 0 ? &s->entrypoint : &image->entrypoint;
	size_t count = s->cmd.count;

	json_write_raw(w, "\"args\":[");
	write_list(w, entrypoint);
	count += entrypoint->count;
	if (s->cmd.count == 0 && entrypoint == &image->entrypoint) {
		write_list(w, &image->cmd);
		count += image->cmd.count;
	}
	write_list(w, &s->cmd);
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
	error_t err = string_list_add(&env, DEFAULT_PATH);

	if (err == 0 && c->settings.tty)
		err = string_list_add(&env, "TERM=xterm");
	for (size_t i = 0; i < image->env.count && err == 0; i++) {
		err = string_list_assign(&env, image->env.items[i]);
		if (err == ERR_INVALID)
			err = 0;  // docker passes over what is not an assignment, too
	}
	for (size_t i = 0; i < c->settings.env.count && err == 0; i++) {
		err = string_list_assign(&env, c->settings.env.items[i]);
		if (err == ERR_INVALID)
			err = 0;
	}
	json_write_raw(w, ",\"env\":[");
	if (err == 0)
		write_list(w, &env);
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

// An annotation is text: the array in it is escaped.
static void write_volumes(const struct image *image, struct json_writer *w)
{
	struct json_writer list = { 0 };
	const char *text;

	if (image->volumes.count == 0)
		return;
	json_write_raw(&list, "[");
	write_list(&list, &image->volumes);
	json_write_raw(&list, "]");
	text = json_writer_text(&list);
	if (text == NULL) {
		w->bad = true;
	} else {
		json_write_raw(w, ",\"annotations\":{\"" CONTROL_VOLUMES_ANNOTATION "\":");
		json_write_string(w, text);
		json_write_raw(w, "}");
	}
	json_writer_deinit(&list);
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
	write_volumes(image, w);
	json_write_raw(w,
	               s->read_only ? ",\"root\":{\"path\":\"rootfs\",\"readonly\":true}}"
	                            : ",\"root\":{\"path\":\"rootfs\"}}");
	return w->bad ? ERR_NO_MEMORY : 0;
}
