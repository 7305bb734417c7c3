// SPDX-License-Identifier: MIT
#include "apps/httpd/httpd.h"
#include "apps/httpd/job.h"
#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"

#define CRC32_POLYNOMIAL 0xedb88320u

struct checksum_job {
	enum job_kind kind;
	uint32_t crc;
	uint64_t length;
};

static uint32_t table[256];

static void make_table(void)
{
	if (table[1] != 0)
		return;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32_POLYNOMIAL : 0);
		table[i] = crc;
	}
}

void checksum_start(struct http_exchange *exchange)
{
	struct checksum_job *job = heap_alloc(sizeof(*job));

	if (job == NULL) {
		http_abort(exchange);
		return;
	}
	make_table();
	job->kind = JOB_CHECKSUM;
	job->crc = UINT32_MAX;
	exchange->user = job;
}

void checksum_body(struct http_exchange *exchange, struct span bytes)
{
	struct checksum_job *job = exchange->user;
	uint32_t crc = job->crc;

	for (size_t i = 0; i < bytes.len; i++)
		crc = (crc >> 8) ^ table[(crc ^ bytes.data[i]) & 0xff];
	job->crc = crc;
	job->length += bytes.len;
}

void checksum_end(struct http_exchange *exchange)
{
	const struct checksum_job *job = exchange->user;
	char text[48];
	size_t len = fmt_write(text, sizeof(text), "%llu %08x\n", (unsigned long long)job->length,
	                       ~job->crc);

	http_respond(exchange, 200, "text/plain", text, len);
}
