// SPDX-License-Identifier: MIT
#include "apps/httpd/httpd.h"
#include "apps/httpd/job.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define BLOCK_BYTES (64u * 1024)
#define NUMBER_BYTES 8u    // the block's number
#define SMALL_BYTES 2048u  // sent in one piece with the head
#define MAX_BYTES (1ull << 40)

struct bytes_job {
	enum job_kind kind;
	uint64_t block;
	uint64_t left;
};

static const char not_a_number[] = "give the number of bytes: /bytes/N\n";

// A copy of the pattern, made once, beats the arithmetic.
static void fill_block(uint8_t *data, uint64_t number, size_t len)
{
	static uint8_t pattern[BLOCK_BYTES];
	struct writer w = writer_make(data, len);

	if (pattern[1] == 0) {
		for (size_t i = 0; i < BLOCK_BYTES; i++)
			pattern[i] = (uint8_t)(i * 167 + i / 256);
	}
	writer_le64(&w, number);
	if (len > 8)
		memcpy(data + 8, pattern + 8, len - 8);
	else
		memcpy(data, &number, len);
}

static void respond_small(struct http_exchange *exchange, size_t len)
{
	uint8_t data[SMALL_BYTES];

	fill_block(data, 0, len);
	http_respond(exchange, 200, "application/octet-stream", data, len);
}

// The folio with the pattern, which all responses share: what a client that reads nothing has
// waiting takes no memory of its own. HANDLE_NONE: no memory.
static handle_t pattern_folio(void)
{
	static handle_t folio = HANDLE_NONE;
	handle_t made;
	void *data;

	if (folio != HANDLE_NONE || folio_create(BLOCK_BYTES, FOLIO_CONTIGUOUS, &made))
		return folio;
	if (folio_map(made, PROT_READ | PROT_WRITE, &data)) {
		handle_close(made);
		return HANDLE_NONE;
	}
	fill_block(data, 0, BLOCK_BYTES);
	folio = made;
	return folio;
}

// A block's number, and the rest without a copy. Returns false when the exchange is over.
static bool send_block(struct http_exchange *exchange, struct bytes_job *job)
{
	uint32_t len = job->left < BLOCK_BYTES ? (uint32_t)job->left : BLOCK_BYTES;
	uint8_t number[NUMBER_BYTES];
	handle_t folio;

	fill_block(number, job->block, sizeof(number));
	job->block++;
	job->left -= len;
	if (len <= sizeof(number))
		return http_send(exchange, number, len) == 0;
	if (handle_duplicate(pattern_folio(), RIGHT_READ | RIGHT_MAP | RIGHT_TRANSFER, &folio))
		return false;
	if (http_send(exchange, number, sizeof(number))) {
		handle_close(folio);
		return false;
	}
	return http_send_folio(exchange, folio, sizeof(number), len - (uint32_t)sizeof(number)) ==
		0;
}

void bytes_continue(struct http_exchange *exchange)
{
	struct bytes_job *job = exchange->user;

	while (job->left > 0 && http_can_send(exchange)) {
		if (!send_block(exchange, job)) {
			http_abort(exchange);
			return;
		}
	}
}

void bytes_start(struct http_exchange *exchange, struct span count)
{
	struct bytes_job *job;
	uint64_t length;

	if (!decimal_read(count, MAX_BYTES, &length)) {
		http_respond(exchange, 400, "text/plain", not_a_number, sizeof(not_a_number) - 1);
		return;
	}
	if (length <= SMALL_BYTES) {
		respond_small(exchange, (size_t)length);
		return;
	}
	job = heap_alloc(sizeof(*job));
	if (job == NULL) {
		http_abort(exchange);
		return;
	}
	job->kind = JOB_BYTES;
	job->left = exchange->head_request ? 0 : length;
	exchange->user = job;
	if (http_respond_start(exchange, 200, "application/octet-stream", length))
		http_abort(exchange);
	else
		bytes_continue(exchange);
}
