// SPDX-License-Identifier: MIT
#include "apps/shell/shell.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

void say_usage(struct shell *shell)
{
	sink_format(&shell->sink, "usage: %s %s\n", shell->command->name, shell->command->usage);
	command_end(shell);
}

// --- What commands ask ---------------------------------------------------------------------------

static void ask(struct shell *shell, const char *method, const char *body)
{
	size_t len = body != NULL ? strlen(body) : 0;
	uint8_t *content = len > 0 ? heap_alloc(len + 1) : NULL;

	shell->answer_len = 0;
	if (len > 0 && content == NULL) {
		sink_format(&shell->sink, "out of memory\n");
		command_end(shell);
		return;
	}
	if (len > 0)
		str_copy((char *)content, body, len + 1);
	request_start(&shell->request, method, shell->path, content, len);
}

// GET of a document that has no arguments.
static void document_start(struct shell *shell, const struct arguments *arguments, const char *path)
{
	if (arguments->count != 1) {
		say_usage(shell);
		return;
	}
	str_copy(shell->path, path, sizeof(shell->path));
	ask(shell, "GET", NULL);
}

#define DOCUMENT(name, path)                                                     \
	static void name(struct shell *shell, const struct arguments *arguments) \
	{                                                                        \
		document_start(shell, arguments, path);                          \
	}

DOCUMENT(status_start, "/status")
DOCUMENT(ps_start, "/processes")
DOCUMENT(services_start, "/services")
DOCUMENT(disks_start, "/disks")

// POST /KIND/NAME/WHAT.
static void change_start(struct shell *shell, const struct arguments *arguments, const char *kind,
                         const char *what, const char *body)
{
	size_t len;

	fmt_write(shell->path, sizeof(shell->path), "/%s/", kind);
	if (!path_add(shell->path, sizeof(shell->path), arguments->words[1])) {
		say_usage(shell);
		return;
	}
	len = strlen(shell->path);
	fmt_write(shell->path + len, sizeof(shell->path) - len, "/%s", what);
	ask(shell, "POST", body);
}

static void stop_start(struct shell *shell, const struct arguments *arguments)
{
	if (arguments->count == 2)
		change_start(shell, arguments, "apps", "stop", NULL);
	else
		say_usage(shell);
}

static void kill_start(struct shell *shell, const struct arguments *arguments)
{
	if (arguments->count == 2)
		change_start(shell, arguments, "processes", "kill", NULL);
	else
		say_usage(shell);
}

// {"config":{"NAME":"VALUE",...},"instance":true}. Returns false when a word is none of these.
static bool start_write(struct json_writer *w, const struct arguments *arguments)
{
	bool is_instance = false, any = false;

	json_write_raw(w, "{\"config\":{");
	for (size_t i = 2; i < arguments->count; i++) {
		char *word = arguments->words[i], *value = strchr(word, '=');

		if (strcmp(word, "--instance") == 0) {
			is_instance = true;
			continue;
		}
		if (value == NULL || value == word)
			return false;
		*value++ = '\0';
		json_write_raw(w, any ? "," : "");
		json_write_text(w, text_span(word));
		json_write_raw(w, ":");
		json_write_text(w, text_span(value));
		any = true;
	}
	json_write_raw(w, is_instance ? "},\"instance\":true}" : "}}");
	return true;
}

static void start_start(struct shell *shell, const struct arguments *arguments)
{
	struct json_writer w = { 0 };

	if (arguments->count < 2 || !start_write(&w, arguments))
		say_usage(shell);
	else
		change_start(shell, arguments, "apps", "start", json_writer_text(&w));
	json_writer_deinit(&w);
}

static void run_start(struct shell *shell, const struct arguments *arguments)
{
	struct json_writer w = { 0 };

	if (arguments->count < 2) {
		say_usage(shell);
		return;
	}
	json_write_raw(&w, "{\"argv\":[");
	for (size_t i = 1; i < arguments->count; i++) {
		const char *word = arguments->words[i];

		json_write_raw(&w, i > 1 ? "," : "");
		json_write_text(&w, text_span(word));
	}
	json_write_raw(&w, "]}");
	str_copy(shell->path, "/commands", sizeof(shell->path));
	ask(shell, "POST", json_writer_text(&w));
	json_writer_deinit(&w);
}

// Of -f, -n N and an app's name. Returns false when a word is none of these.
static bool logs_path(struct shell *shell, const struct arguments *arguments, bool follow)
{
	bool has_app = false;

	str_copy(shell->path, follow ? "/logs?follow=1" : "/logs?limit=100", sizeof(shell->path));
	for (size_t i = follow ? 2 : 1; i < arguments->count; i++) {
		const char *word = arguments->words[i];
		size_t len = strlen(shell->path);

		if (has_app || word[0] == '-')
			return false;
		has_app = true;
		str_copy(shell->path + len, "&app=", sizeof(shell->path) - len);
		if (!path_add(shell->path, sizeof(shell->path), word))
			return false;
	}
	return true;
}

static void logs_start(struct shell *shell, const struct arguments *arguments);

static const struct command follow_command = { .name = "logs",
	                                       .usage = "[-f] [APP]",
	                                       .start = logs_start,
	                                       .show = log_line_show,
	                                       .lines = true };

static void logs_start(struct shell *shell, const struct arguments *arguments)
{
	bool follow = arguments->count > 1 && strcmp(arguments->words[1], "-f") == 0;

	if (follow)
		shell->command = &follow_command;
	if (logs_path(shell, arguments, follow))
		ask(shell, "GET", NULL);
	else
		say_usage(shell);
}

// --- The commands --------------------------------------------------------------------------------

static void help_start(struct shell *shell, const struct arguments *arguments);

#define COMMAND(name_, usage_, help_, start_, show_, ...)                               \
	{                                                                               \
		.name = (name_), .usage = (usage_), .help = (help_), .start = (start_), \
		.show = (show_), __VA_ARGS__                                            \
	}

static const struct command commands[] = {
	COMMAND("help", "", "these commands", help_start, NULL, ),
	COMMAND("status", "", "the system in a line", status_start, status_show, ),
	COMMAND("ps", "", "processes: CPU time, memory, handles", ps_start, processes_show, ),
	COMMAND("top", "", "processes by CPU time, again and again", top_start, top_show,
	        .goes_on = true),
	COMMAND("services", "", "services, who provides them, and who uses them", services_start,
	        services_show, ),
	COMMAND("disks", "", "disks, what went through them, and who uses them", disks_start,
	        disks_show, ),
	COMMAND("logs", "[-f] [APP]", "the log; -f: and what comes", logs_start, logs_show, ),
	COMMAND("run", "WORD...", "a Linux program in a virtual machine", run_start, output_show,
	        .lines = true),
	COMMAND("start", "APP [--instance] [NAME=VALUE...]", "start an app", start_start,
	        started_show, ),
	COMMAND("stop", "APP", "stop a loaded app or an instance", stop_start, NULL, ),
	COMMAND("kill", "PROCESS", "end a process, by its name or number", kill_start, NULL, ),
	COMMAND("push", "/VOLUME/FILE.app", "replace an app by a file of a volume, or start it",
	        push_start, transfer_show, .goes_on = true, .answer_max = TRANSFER_MAX),
	COMMAND("trace", "/VOLUME/FILE.json [MS]", "what the harts do for a while, to a file",
	        trace_start, transfer_show, .goes_on = true, .answer_max = TRANSFER_MAX),
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help_start(struct shell *shell, const struct arguments *arguments)
{
	(void)arguments;
	for (size_t i = 0; i < NUM_COMMANDS; i++) {
		char both[64];

		fmt_write(both, sizeof(both), "%s %s", commands[i].name, commands[i].usage);
		sink_format(&shell->sink, "%-40s %s\n", both, commands[i].help);
	}
	sink_format(
		&shell->sink,
		"q or Ctrl-D ends what runs. Files are those of volumes, and of shared folders of the "
		"host (/@SHARE/FILE);\nother files of the host, and programs in a terminal, are for "
		"./starina there.\n");
	command_end(shell);
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < NUM_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

void line_run(struct shell *shell, char *text)
{
	struct arguments arguments;
	const char *wrong = arguments_split(text, &arguments);

	if (wrong == NULL && arguments.count > 0) {
		shell->command = command_find(arguments.words[0]);
		if (shell->command == NULL)
			wrong = "no such command: help lists them";
		else if (shell->command->start != help_start && shell->token_state != TOKEN_KNOWN)
			wrong = shell->token_state == TOKEN_AWAITED
				? "the system starts: try again in a moment"
				: "this system was started without a token: ./run.sh makes one";
	}
	if (wrong != NULL)
		sink_format(&shell->sink, "%s\n", wrong);
	if (wrong != NULL || arguments.count == 0)
		command_end(shell);
	else
		shell->command->start(shell, &arguments);
}

void command_stop(struct shell *shell)
{
	request_stop(&shell->request);
	top_stop(shell);
	command_end(shell);
}

// --- Their answers -------------------------------------------------------------------------------

// Room for `len` bytes more. Returns false when there is none.
static bool answer_make_room(struct shell *shell, uint64_t len)
{
	size_t size = shell->answer_size == 0 ? 4096 : shell->answer_size;
	uint8_t *bytes;

	size_t max = shell->command->answer_max != 0 ? shell->command->answer_max : ANSWER_MAX;

	if (len > max - shell->answer_len)
		return false;
	while (size < shell->answer_len + len)
		size *= 2;
	if (size == shell->answer_size)
		return true;
	bytes = heap_alloc(size);
	if (bytes == NULL)
		return false;
	if (shell->answer_len > 0)
		memcpy(bytes, shell->answer, shell->answer_len);
	heap_free(shell->answer);
	shell->answer = bytes;
	shell->answer_size = size;
	return true;
}

// Shows the lines that are whole; what is left is the beginning of the next.
static void lines_show(struct shell *shell)
{
	size_t done = 0;

	for (;;) {
		struct span rest = { shell->answer + done, shell->answer_len - done };
		const uint8_t *end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;

		if (end == NULL)
			break;
		rest.len = (size_t)(end - rest.data);
		shell->command->show(shell, rest);
		done += rest.len + 1;
	}
	shell->answer_len -= done;
	if (done > 0)
		memmove(shell->answer, shell->answer + done, shell->answer_len);
}

static void answer_body(struct request *request, struct span bytes)
{
	struct shell *shell = container_of(request, struct shell, request);
	uint64_t whole = bytes.len + (request->response.has_length ? request->left : 0);

	if (!answer_make_room(shell, whole)) {
		sink_format(&shell->sink, "the answer is too large to be shown here\n");
		command_stop(shell);
		return;
	}
	memcpy(shell->answer + shell->answer_len, bytes.data, bytes.len);
	shell->answer_len += bytes.len;
	if (shell->command->lines)
		lines_show(shell);
	output_flush(shell);
}

static void answer_done(struct request *request, const char *error)
{
	struct shell *shell = container_of(request, struct shell, request);
	const struct command *command = shell->command;

	if (error[0] != '\0') {
		sink_put_clean(&shell->sink, error);
		sink_format(&shell->sink, "\n");
	} else if (command->show != NULL && !command->lines) {
		command->show(shell, (struct span){ shell->answer, shell->answer_len });
		if (command->goes_on)
			return;
	}
	if (shell->command != NULL)
		command_end(shell);
}

void commands_init(struct shell *shell)
{
	static const struct request_ops ops = { .body = answer_body, .done = answer_done };

	shell->request.loop = &shell->loop;
	shell->request.tcpip = environ_connector(shell->env, "tcpip");
	shell->request.token = shell->token;
	shell->request.ops = &ops;
}
