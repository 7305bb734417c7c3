// SPDX-License-Identifier: MIT
//
// push and trace: what one call of the API gives is what another one takes.
#include "apps/shell/shell.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

static void over_show(struct shell *shell, struct span json)
{
	(void)json;
	sink_put_clean(&shell->sink, shell->subject);
	sink_format(&shell->sink, "\n");
}

static const struct command put_command = { .name = "put", .show = over_show };

void transfer_show(struct shell *shell, struct span bytes)
{
	uint8_t *content = shell->answer;

	// The request's from now on.
	shell->answer = NULL;
	shell->answer_len = shell->answer_size = 0;
	shell->command = &put_command;
	request_start(&shell->request, "PUT", shell->target, content, bytes.len);
}

// What the command reads and what it writes are encoded as they have to stand in a path. Ends it
// otherwise.
static void transfer_start(struct shell *shell, bool fits)
{
	if (!fits) {
		sink_format(&shell->sink, "the name is too long\n");
		command_end(shell);
		return;
	}
	shell->answer_len = 0;
	request_start(&shell->request, "GET", shell->path, NULL, 0);
}

// `text` and behind it `name`, encoded. Returns false when there is no room.
static bool path_make(char *path, size_t size, const char *text, const char *name)
{
	str_copy(path, text, size);
	return path_add(path, size, name);
}

// The name of an app from that of its file: without folders and ".app".
static void app_name(const char *file, char *name, size_t size)
{
	const char *base = file;
	size_t len;

	for (const char *at = file; *at != '\0'; at++) {
		if (*at == '/')
			base = at + 1;
	}
	str_copy(name, base, size);
	len = strlen(name);
	if (len > 4 && strcmp(name + len - 4, ".app") == 0)
		name[len - 4] = '\0';
}

void push_start(struct shell *shell, const struct arguments *arguments)
{
	const char *file = arguments->count == 2 ? arguments->words[1] : "";
	char name[LINE_SIZE];
	bool fits;

	if (file[0] != '/') {
		say_usage(shell);
		return;
	}
	app_name(file, name, sizeof(name));
	fits = path_make(shell->path, sizeof(shell->path), "/files/content?path=", file) &&
		path_make(shell->target, sizeof(shell->target), "/apps/", name);
	fmt_write(shell->subject, sizeof(shell->subject), "%s: runs", name);
	transfer_start(shell, fits);
}

void trace_start(struct shell *shell, const struct arguments *arguments)
{
	const char *file = arguments->count >= 2 ? arguments->words[1] : "";
	const char *ms = arguments->count == 3 ? arguments->words[2] : "500";
	bool fits;

	if (file[0] != '/' || arguments->count > 3) {
		say_usage(shell);
		return;
	}
	fits = path_make(shell->path, sizeof(shell->path), "/trace?ms=", ms) &&
		path_make(shell->target, sizeof(shell->target), "/files/content?path=", file);
	fmt_write(shell->subject, sizeof(shell->subject),
	          "%s: open it at ui.perfetto.dev or chrome://tracing", file);
	transfer_start(shell, fits);
}
