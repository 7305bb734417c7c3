// SPDX-License-Identifier: MIT
//
// config.json (OCI runtime spec) of a task. What is the same for all containers is bootd's default:
// mounts, capabilities, masked paths, limits.

#include "libs/base/fmt.h"
#include "libs/linux/api/task.h"
#include "libs/linux/container.h"
#include "libs/linux/vm/image_config.h"
#include "libs/linux/vm/vm_share.h"

#define DEFAULT_HOSTNAME "starina"

// Docker's rules: another entrypoint drops the image's Cmd, arguments replace it.
static error_t write_args(struct task *task, const struct image *image, struct json_writer *w)
{
	size_t count = task->args.count;

	json_write_raw(w, "\"args\":[");
	if (task->program != NULL) {
		json_write_string(w, task->program);
		count++;
	} else {
		config_write_strings(w, &image->entrypoint);
		count += image->entrypoint.count;
	}
	if (task->program == NULL && task->args.count == 0) {
		config_write_strings(w, &image->cmd);
		count += image->cmd.count;
	}
	config_write_strings(w, &task->args);
	json_write_raw(w, "]");
	if (count > 0)
		return 0;
	task_fail(task, COMMAND_STATUS_FAILED,
	          "there is nothing to run: the image %s has no Entrypoint and no Cmd",
	          image->name);
	return ERR_INVALID;
}

// `more`: the environment of an added process, or NULL.
static error_t write_env(const struct task *task, const struct image *image,
                         const char *const *more, struct json_writer *w)
{
	struct string_list env = { 0 };
	error_t err = string_list_add(&env, CONFIG_DEFAULT_PATH);

	if (err == 0)
		err = config_add_image_env(&env, image);
	for (size_t i = 0; i < task->env.count && err == 0; i++)
		err = string_list_assign(&env, task->env.items[i]);
	for (size_t i = 0; more != NULL && more[i] != NULL && err == 0; i++)
		err = string_list_assign(&env, more[i]);
	json_write_raw(w, ",\"env\":[");
	if (err == 0)
		config_write_strings(w, &env);
	json_write_raw(w, "]");
	string_list_deinit(&env);
	return err;
}

// Which entry of the VM's device is mounted where.
static void write_mounts(const struct task *task, struct json_writer *w)
{
	for (uint32_t i = 0; i < task->num_mounts; i++) {
		const struct task_mount *mount = task->mounts[i];

		vm_share_write(w,
		               &(struct vm_share_mount){ .path = mount->path,
		                                         .number = i,
		                                         .read_only = mount->read_only,
		                                         .copy = mount->copy });
	}
}

static void write_annotations(const struct task *task, const struct image *image,
                              struct json_writer *w)
{
	if (image->volumes.count == 0 && task->num_mounts == 0)
		return;
	json_write_raw(w, ",\"annotations\":{");
	if (image->volumes.count > 0)
		config_write_volumes(w, &image->volumes);
	write_mounts(task, w);
	json_write_raw(w, "}");
}

static const char *first_of(const char *a, const char *b, const char *otherwise)
{
	if (a != NULL)
		return a;
	return b != NULL && b[0] != '\0' ? b : otherwise;
}

// What is NULL is the image's.
static void write_place(const char *workdir, const char *user, const struct image *image,
                        struct json_writer *w)
{
	user = first_of(user, image->user, NULL);
	json_write_raw(w, ",\"cwd\":");
	json_write_string(w, first_of(workdir, image->workdir, "/"));
	if (user == NULL)
		return;
	json_write_raw(w, ",\"user\":{\"username\":");
	json_write_string(w, user);
	json_write_raw(w, "}");
}

static void write_terminal(uint16_t rows, uint16_t columns, struct json_writer *w)
{
	char size[80];

	fmt_write(size, sizeof(size),
	          ",\"terminal\":true,\"consoleSize\":{\"height\":%u,\"width\":%u}", rows, columns);
	json_write_raw(w, size);
}

error_t task_exec_write(struct task *task, const struct container_exec *exec, struct json_writer *w)
{
	error_t err;

	json_write_raw(w, "{\"args\":[");
	for (size_t i = 0; exec->args[i] != NULL; i++)
		json_write_string(w, exec->args[i]);
	json_write_raw(w, "]");
	err = write_env(task, task->found, exec->env, w);
	if (err < 0)
		return err;
	write_place(exec->workdir != NULL ? exec->workdir : task->workdir,
	            exec->user != NULL ? exec->user : task->user, task->found, w);
	if (exec->terminal)
		write_terminal(exec->rows, exec->columns, w);
	json_write_raw(w, "}");
	return w->bad ? ERR_NO_MEMORY : 0;
}

error_t task_config_write(struct task *task, const struct image *image, struct json_writer *w)
{
	error_t err;

	json_write_raw(w, "{\"ociVersion\":\"1.0.2\",\"process\":{");
	err = write_args(task, image, w);
	if (err == 0)
		err = write_env(task, image, NULL, w);
	if (err < 0)
		return err;
	write_place(task->workdir, task->user, image, w);
	if (task->terminal)
		write_terminal(task->rows, task->columns, w);
	json_write_raw(w, "},\"hostname\":");
	json_write_string(w, task->hostname != NULL ? task->hostname : DEFAULT_HOSTNAME);
	write_annotations(task, image, w);
	json_write_raw(w,
	               task->readonly ? ",\"root\":{\"path\":\"rootfs\",\"readonly\":true}}"
	                              : ",\"root\":{\"path\":\"rootfs\"}}");
	return w->bad ? ERR_NO_MEMORY : 0;
}
