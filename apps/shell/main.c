// SPDX-License-Identifier: MIT
#include "apps/shell/shell.h"
#include "libs/abi/app.h"
#include "libs/abi/engine.h"
#include "libs/base/base64.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define PROMPT "starina> "

enum { CTRL_C = 3, CTRL_D = 4 };
enum { FILE_SECRET, FILE_TOKEN };

static struct shell state;

// --- What is shown -------------------------------------------------------------------------------

void output_flush(struct shell *shell)
{
	// The console's own registers, and a piece that is not too long: nothing can be wrong.
	if (shell->output_len > 0 &&
	    console_put(shell->uart_folio, shell->output, shell->output_len) != 0)
		process_exit(1);
	shell->output_len = 0;
}

// Text goes out by lines: none of the log comes between its letters.
static void text_put(struct text_sink *sink, const char *text, size_t len)
{
	struct shell *shell = container_of(sink, struct shell, sink);

	for (size_t i = 0; i < len; i++) {
		shell->output[shell->output_len++] = text[i];
		if (text[i] == '\n' || shell->output_len == sizeof(shell->output))
			output_flush(shell);
	}
	if (len > 0)
		shell->ends_within = text[len - 1] != '\n';
}

static void prompt(struct shell *shell)
{
	sink_format(&shell->sink, shell->ends_within ? "\n" PROMPT : PROMPT);
}

void command_end(struct shell *shell)
{
	shell->command = NULL;
	prompt(shell);
	output_flush(shell);
}

// --- What is typed -------------------------------------------------------------------------------

static void key_take(struct shell *shell, uint8_t key)
{
	char echo[LINE_ECHO_MAX], text[LINE_SIZE];
	enum line_event event;

	if (shell->command != NULL) {
		if (key == CTRL_C || key == CTRL_D || key == 'q')
			command_stop(shell);
		return;
	}
	// Until somebody types, the console is the log's alone.
	if (!shell->prompted)
		prompt(shell);
	shell->prompted = true;
	event = line_take(&shell->line, key, echo);
	shell->sink.put(&shell->sink, echo, strlen(echo));
	if (event == LINE_NONE)
		return;
	str_copy(text, event == LINE_WHOLE ? shell->line.text : "", sizeof(text));
	line_next(&shell->line);
	line_run(shell, text);
}

static void received(struct loop *loop, struct source *source)
{
	struct shell *shell = source->context;
	uint8_t key;
	error_t err;

	(void)loop;
	while (uart_take(shell->uart, &key))
		key_take(shell, key);
	output_flush(shell);
	err = interrupt_ack(source->handle);
	assert(err == 0);
}

static const struct source_ops interrupt_ops = { .signalled = received };

// --- Start ---------------------------------------------------------------------------------------

static void token_was_read(void *context, error_t error)
{
	struct shell *shell = context;
	uint8_t secret[ENGINE_SECRET_SIZE], token[WEB_TOKEN_SIZE];

	// The engine's lies before it, and is nothing to us.
	(void)!boot_file_take(&shell->wanted[FILE_SECRET], secret, sizeof(secret));
	memset(secret, 0, sizeof(secret));
	if (boot_file_take(&shell->wanted[FILE_TOKEN], token, sizeof(token)) != 0) {
		log_debug("the boot disk has no token: %s", error_text(error));
		shell->token_state = TOKEN_NONE;
		return;
	}
	base64url_encode((struct span){ .data = token, .len = sizeof(token) }, shell->token);
	shell->token_state = TOKEN_KNOWN;
}

static void token_read(struct shell *shell)
{
	handle_t disks = environ_connector(shell->env, "blkdev");

	if (disks == HANDLE_NONE) {
		shell->token_state = TOKEN_NONE;
		return;
	}
	shell->wanted[FILE_SECRET] =
		(struct boot_wanted){ .name = ENGINE_SECRET_FILE, .max = ENGINE_SECRET_SIZE };
	shell->wanted[FILE_TOKEN] =
		(struct boot_wanted){ .name = WEB_TOKEN_FILE, .max = WEB_TOKEN_SIZE };
	boot_files_read(&shell->boot, &shell->loop, disks, shell->wanted, 2, token_was_read, shell);
}

static error_t console_open(struct shell *shell, const struct env_entry *device)
{
	void *base;
	error_t err = folio_map(device->handle, PROT_READ | PROT_WRITE, &base);

	if (err != 0)
		return err;
	shell->uart_folio = device->handle;
	shell->uart = (volatile uint8_t *)base + device->reg_offset;
	err = loop_add(&shell->loop, &shell->interrupt, device->interrupt, &interrupt_ops, shell);
	if (err == 0)
		uart_start(shell->uart);
	return err;
}

// The UART that the log is written to, if it can be read. NULL: there is none.
static const struct env_entry *console_find(const struct environ *env)
{
	const struct env_entry *device;

	for (size_t i = 0; (device = environ_device(env, UART_COMPATIBLE, i)) != NULL; i++) {
		if (device->interrupt != HANDLE_NONE && device->reg_size >= UART_REGS_SIZE &&
		    console_put(device->handle, "", 0) == 0)
			return device;
	}
	return NULL;
}

static void shell_main(const struct environ *env)
{
	const struct env_entry *device = console_find(env);
	struct shell *shell = &state;
	error_t err;

	if (device == NULL) {
		log_debug("no UART that can be read: nothing is typed here");
		process_exit(0);
	}
	shell->env = env;
	shell->sink.put = text_put;
	err = loop_init(&shell->loop);
	if (err == 0) {
		commands_init(shell);
		token_read(shell);
		err = console_open(shell, device);
	}
	if (err != 0) {
		log_error("the console cannot be read: %s", error_text(err));
		process_exit(1);
	}
	loop_run(&shell->loop);
}

APP(shell, .main = shell_main, .restart = RESTART_ON_FAULT,
    .needs = {
	    { .kind = NEED_DEVICE, .name = UART_COMPATIBLE, .optional = 1 },
	    { .kind = NEED_SERVICE, .name = "tcpip" },
	    { .kind = NEED_SERVICE, .name = "blkdev", .optional = 1 },
    });
