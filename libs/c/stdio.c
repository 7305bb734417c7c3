// SPDX-License-Identifier: MIT
//
// The standard streams: what is written to stdout and stderr is lines of the log, and stdin is at
// its end.
#include <stdio.h>

#include "libs/starina/log.h"

#define LINE_MAX 256  // what is longer is several lines of the log

struct log_stream {
	FILE file;
	enum log_level level;
	size_t len;
	char line[LINE_MAX];
};

static int stream_flush(FILE *file)
{
	struct log_stream *s = (struct log_stream *)(void *)file;

	if (s->len != 0)
		log_line(s->level, "%.*s", (int)s->len, s->line);
	s->len = 0;
	return 0;
}

static int stream_put(char byte, FILE *file)
{
	struct log_stream *s = (struct log_stream *)(void *)file;

	if (byte == '\n' && s->len == 0)
		log_line(s->level, " ");
	else if (byte == '\n')
		stream_flush(file);
	else
		s->line[s->len++] = byte;
	if (s->len == LINE_MAX)
		stream_flush(file);
	return (unsigned char)byte;
}

static int stream_end(FILE *file)
{
	(void)file;
	return _FDEV_EOF;
}

static struct log_stream out = { .file = FDEV_SETUP_STREAM(stream_put, NULL, stream_flush, __SWR),
	                         .level = LOG_INFO };
static struct log_stream err = { .file = FDEV_SETUP_STREAM(stream_put, NULL, stream_flush, __SWR),
	                         .level = LOG_ERROR };
static FILE in = FDEV_SETUP_STREAM(NULL, stream_end, NULL, __SRD);

FILE *const stdout = &out.file;
FILE *const stderr = &err.file;
FILE *const stdin = &in;
