// SPDX-License-Identifier: MIT
//
// `./run.sh volume`: reads what the user wants, does it on the state disk, and says what docker
// says.
#include <stdarg.h>

#include "apps/linuxrun/linuxrun.h"
#include "apps/linuxrun/volumes.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define SAID_SIZE (1024u * 1024)  // of all that is said

// --- What is wanted ------------------------------------------------------------------------------

bool volumes_next_word(const char **rest, char *word, size_t size)
{
	const char *at = *rest;
	size_t len = 0;

	while (*at == ' ')
		at++;
	while (at[len] != '\0' && at[len] != ' ')
		len++;
	*rest = at + len;
	if (len == 0 || len >= size)
		return false;
	memcpy(word, at, len);
	word[len] = '\0';
	return true;
}

// --- What is said --------------------------------------------------------------------------------

// Of one stream.
struct said {
	size_t len, done;
	char text[SAID_SIZE];
};

struct volume_command {
	struct folder *volumes;
	const char *names;  // the rest of the command
	bool quiet, force, all;
	bool first;  // nothing was said yet
	int status;
	const char *error;  // of what all failed with; NULL
	char error_text[160];
	struct said out, err;
};

__attribute__((format(printf, 2, 3))) static void say(struct said *said, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vwrite(said->text + said->len, sizeof(said->text) - said->len, format, args);
	va_end(args);
	if (len < sizeof(said->text) - said->len)
		said->len += len;
}

static void fail(struct volume_command *c, const char *name, error_t err)
{
	c->status = 1;
	if (err == ERR_NOT_FOUND)
		say(&c->err, "Error: get %s: no such volume\n", name);
	else
		say(&c->err, "Error: volume %s: %s\n", name, error_text(err));
}

static bool stream_pump(struct out_port *port, struct said *said)
{
	struct span rest = { .data = (const uint8_t *)said->text + said->done,
		             .len = said->len - said->done };

	said->done += out_port_write(port, rest);
	return said->done == said->len;
}

void volume_command_resume(struct linuxrun *run)
{
	struct volume_command *c = run->volume_command;
	bool done;

	if (c == NULL || run->ended)
		return;
	done = stream_pump(&run->out, &c->out);
	if (!stream_pump(&run->err, &c->err) || !done)
		return;
	run->volume_command = NULL;
	linuxrun_end(run, c->status, c->error);
	heap_free(c);
}

// --- The commands --------------------------------------------------------------------------------

static void list_one(void *context, const struct file_entry *entry)
{
	struct volume_command *c = context;

	if (entry->type != FILE_TYPE_FOLDER || entry->name[0] == '.')
		return;
	say(&c->out, "%s%s\n", c->quiet ? "" : "local     ", entry->name);
}

static error_t list(struct volume_command *c)
{
	if (!c->quiet)
		say(&c->out, "DRIVER    VOLUME NAME\n");
	return folder_list(c->volumes, "/", list_one, c);
}

static error_t create(struct volume_command *c, const char *name)
{
	error_t err = folder_make_folder(c->volumes, name);

	if (err < 0 && err != ERR_EXISTS)
		fail(c, name, err);
	else
		say(&c->out, "%s\n", name);
	return 0;
}

static error_t inspect(struct volume_command *c, const char *name)
{
	struct file_info info;
	error_t err = folder_stat(c->volumes, name, &info);

	if (err < 0) {
		fail(c, name, err);
		return 0;
	}
	say(&c->out,
	    "%s    {\n        \"Driver\": \"local\",\n        \"Labels\": null,\n"
	    "        \"Mountpoint\": \"/volumes/%s\",\n        \"Name\": \"%s\",\n"
	    "        \"Options\": null,\n        \"Scope\": \"local\"\n    }",
	    c->first ? "" : ",\n", name, name);
	c->first = false;
	return 0;
}

static error_t remove_one(struct volume_command *c, const char *name)
{
	error_t err = volume_remove(c->volumes, name);

	if (err == 0)
		say(&c->out, "%s\n", name);
	else if (err != ERR_NOT_FOUND || !c->force)
		fail(c, name, err);
	return 0;
}

struct pruned {
	struct volume_command *command;
	char name[FILES_NAME_MAX + 1];  // of one to be removed; "": none
};

static void prune_choose(void *context, const struct file_entry *entry)
{
	struct pruned *pruned = context;
	bool left = entry->name[0] == '.';  // of a removal that was not whole

	if (entry->type == FILE_TYPE_FOLDER && pruned->name[0] == '\0' &&
	    (left || pruned->command->all || volume_is_anonymous(entry->name)))
		str_copy(pruned->name, entry->name, sizeof(pruned->name));
}

static error_t prune(struct volume_command *c)
{
	struct pruned pruned = { .command = c };
	struct file_space before = { 0 }, after = { 0 };
	error_t err = folder_space(c->volumes, &before);

	for (c->first = true; err == 0;) {
		pruned.name[0] = '\0';
		err = folder_list(c->volumes, "/", prune_choose, &pruned);
		if (err < 0 || pruned.name[0] == '\0')
			break;
		err = volume_remove(c->volumes, pruned.name);
		if (err == 0 && pruned.name[0] != '.') {
			say(&c->out, "%s%s\n", c->first ? "Deleted Volumes:\n" : "", pruned.name);
			c->first = false;
		}
	}
	if (err == 0)
		err = folder_space(c->volumes, &after);
	if (err == 0)
		say(&c->out, "%sTotal reclaimed space: %lluB\n", c->first ? "" : "\n",
		    (unsigned long long)(after.free > before.free ? after.free - before.free : 0));
	return err;
}

static error_t each_name(struct volume_command *c,
                         error_t (*function)(struct volume_command *, const char *))
{
	char name[FILES_NAME_MAX + 1];
	error_t err = 0;

	while (err == 0 && volumes_next_word(&c->names, name, sizeof(name)))
		err = function(c, name);
	return err;
}

static error_t inspect_all(struct volume_command *c)
{
	error_t err;

	c->first = true;
	say(&c->out, "[\n");
	err = each_name(c, inspect);
	say(&c->out, "%s]\n", c->first ? "" : "\n");
	return err;
}

static error_t command_do(struct volume_command *c, const char *name)
{
	if (strcmp(name, "ls") == 0)
		return list(c);
	if (strcmp(name, "create") == 0)
		return each_name(c, create);
	if (strcmp(name, "inspect") == 0)
		return inspect_all(c);
	if (strcmp(name, "rm") == 0)
		return each_name(c, remove_one);
	if (strcmp(name, "prune") == 0)
		return prune(c);
	return ERR_NOT_SUPPORTED;
}

static void command_run(struct volume_command *c, const char *command)
{
	char name[16];
	char flags[16] = "";
	error_t err = ERR_INVALID, left;

	if (volumes_next_word(&command, name, sizeof(name)) &&
	    volumes_next_word(&command, flags, sizeof(flags))) {
		for (const char *flag = flags; *flag != '\0'; flag++) {
			c->quiet = c->quiet || *flag == 'q';
			c->force = c->force || *flag == 'f';
			c->all = c->all || *flag == 'a';
		}
		c->names = command;
		err = command_do(c, name);
	}
	// All of it is on the disk, which is clean, before the machine ends.
	left = folder_finish(c->volumes);
	if (err == 0)
		err = left;
	if (err == 0)
		return;
	c->status = 1;
	c->error = c->error_text;
	fmt_write(c->error_text, sizeof(c->error_text), "the volumes cannot be used: %s (%s)",
	          folder_text(c->volumes), error_text(err));
}

void volume_command_run(struct linuxrun *run, const char *command)
{
	struct volume_command *c = heap_alloc(sizeof(*c));
	error_t err = c == NULL ? ERR_NO_MEMORY : volumes_open(run, &c->volumes);

	if (err < 0) {
		log_error("the folder of the volumes cannot be opened (%s)", error_text(err));
		heap_free(c);
		linuxrun_end(run, GUEST_STATUS_FAILED,
		             err == ERR_NOT_SUPPORTED ? "the state disk is not one of ours"
		                                      : "the volumes cannot be used");
		return;
	}
	command_run(c, command);
	folder_close(c->volumes);
	run->volume_command = c;
	volume_command_resume(run);
}
