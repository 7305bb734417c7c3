// SPDX-License-Identifier: MIT
//
// The shell of the machine's console: commands that are typed at the UART are calls of the system's
// API (docs/api.md), as those of ./starina on the host. It has no rights of its own: what it may do
// is httpd's to say, and it shows what any client is told. Parts:
//   main.c       the console, the token, the prompt
//   uart.c       the UART; line.c what is typed; arguments.c its words
//   commands.c   the commands; show.c what their answers look like; top.c one that goes on
//   transfer.c   commands that hand on what a call gives
//   request.c    calls of the API; table.c its arrays as tables
#pragma once

#include "apps/shell/arguments.h"
#include "apps/shell/line.h"
#include "apps/shell/request.h"
#include "apps/shell/table.h"
#include "apps/shell/uart.h"
#include "libs/boot_files/boot_files.h"
#include "libs/starina/environ.h"
#include "libs/starina/loop.h"

#define ANSWER_MAX (1u << 20)    // bytes of a document, or of a line
#define TRANSFER_MAX (8u << 20)  // bytes that are handed on: of a trace, or an app
#define TOP_PROCESSES_MAX 512u
#define OUTPUT_MAX 512u  // of one console_put

struct shell;

struct command {
	const char *name;
	const char *usage;
	const char *help;
	// Begins: starts the request, or says what is wrong and calls command_end.
	void (*start)(struct shell *shell, const struct arguments *arguments);
	// The answer's document; with `lines`, each of its lines. NULL: there is nothing to show.
	void (*show)(struct shell *shell, struct span json);
	bool lines;
	// It is not over with its answer: `show` goes on, or ends it.
	bool goes_on;
	size_t answer_max;  // 0: ANSWER_MAX
};

struct top_process {
	uint64_t id, cpu_ns;
};

struct shell {
	struct text_sink sink;  // the console
	const struct environ *env;
	struct loop loop;
	handle_t uart_folio;
	volatile uint8_t *uart;
	char output[OUTPUT_MAX];  // that is not at the console yet
	size_t output_len;
	struct source interrupt;
	struct boot_files boot;
	struct boot_wanted wanted[2];
	enum { TOKEN_AWAITED, TOKEN_KNOWN, TOKEN_NONE } token_state;
	char token[WEB_TOKEN_TEXT_SIZE];
	struct line line;
	bool prompted;
	const struct command *command;  // that runs; NULL: none
	struct request request;
	char path[LINE_SIZE * 4];  // of the request
	uint8_t *answer;           // heap: what came of it, or of its line
	size_t answer_len, answer_size;
	bool ends_within;  // the last output was no whole line
	// Of push and trace: where the answer goes, and what is said then.
	char target[LINE_SIZE * 4];
	char subject[LINE_SIZE];
	// Of `top`: what was told last.
	struct source timer;
	nsec_t top_time;
	size_t num_top;
	struct top_process top[TOP_PROCESSES_MAX];
};

// --- main.c ---

// Shows what was put to `sink` and ends no line.
void output_flush(struct shell *shell);
// The command is over: the next line is asked for.
void command_end(struct shell *shell);

// --- commands.c ---

// Says how the command is to be called, and ends it.
void say_usage(struct shell *shell);
// Carries out a line.
void line_run(struct shell *shell, char *text);
// Gives up the command that runs.
void command_stop(struct shell *shell);
void commands_init(struct shell *shell);

// --- show.c: what the API tells, at the console ---

// The system in a line.
void status_show(struct shell *shell, struct span json);
// The table of all processes.
void processes_show(struct shell *shell, struct span json);
// The table of services.
void services_show(struct shell *shell, struct span json);
// The table of disks, and how full the volumes are.
void disks_show(struct shell *shell, struct span json);
// Lines of the log.
void logs_show(struct shell *shell, struct span json);
// A line of the log, or what was lost of it.
void log_line_show(struct shell *shell, struct span json);
// The name of an app that was started.
void started_show(struct shell *shell, struct span json);
// A piece of a program's output, or its end.
void output_show(struct shell *shell, struct span json);

// --- transfer.c ---

// Reads an app's file of a volume, and has it run.
void push_start(struct shell *shell, const struct arguments *arguments);
// Records what the harts do, for a file of a volume.
void trace_start(struct shell *shell, const struct arguments *arguments);
// Hands the bytes that were asked for on to where they belong.
void transfer_show(struct shell *shell, struct span bytes);

// --- top.c ---

// Begins to look at the processes again and again.
void top_start(struct shell *shell, const struct arguments *arguments);
// Shows what each used since the last answer, and waits for the next.
void top_show(struct shell *shell, struct span json);
// Waits no more; without effect when it does not.
void top_stop(struct shell *shell);
