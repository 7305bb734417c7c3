// SPDX-License-Identifier: MIT
//
// Between the files of /files/: files.c (requests and bodies), files_list.c (folders) and
// files_fields.c (what the heads say).
#pragma once

#include "apps/httpd/job.h"
#include "libs/files/files.h"
#include "libs/http/handler.h"

struct httpd;

#define PATH_BYTES 2048
#define ETAG_BYTES 64
#define HTTP_DATE_BYTES 32

// What a request asks for besides its path.
struct asked {
	bool has_range;
	uint64_t first;  // UINT64_MAX: the last `last` bytes
	uint64_t last;   // UINT64_MAX: to the end
	char if_none_match[256];
	char if_modified_since[HTTP_DATE_BYTES];
	char if_range[ETAG_BYTES];
};

struct files_job {
	enum job_kind kind;
	bool started;  // the response
	bool is_list;
	bool reading;
	struct list entry;
	struct httpd *httpd;
	struct http_exchange *exchange;
	struct file *file;
	struct file_info info;
	uint64_t offset;  // in the file
	uint64_t left;
	struct asked asked;
	char path[PATH_BYTES];
	// Of a list.
	uint32_t num_entries;
	size_t len;
	char text[4096];
};

// Answers with an error, or gives up when the response has begun.
void files_refuse(struct files_job *job, error_t err);

// --- files_list.c ---

// Answers with the list of the folder at the job's path.
void list_start(struct files_job *job);

// --- files_fields.c ---

// The path of a target, without "%" and query. Returns false when it is malformed, or too long.
bool path_decode(struct span target, char *path, size_t size);
void asked_read(struct asked *asked, const struct http_request_head *head);
void etag_write(char out[ETAG_BYTES], const struct file_info *info);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
void http_date_write(char out[HTTP_DATE_BYTES], int64_t seconds);
// Whether the client has it (RFC 9110, 13.2.2).
bool is_unchanged(const struct asked *asked, const char *etag, const char *date);
// The part of a file of `size` bytes that is asked for (RFC 9110, 14.2). Returns false when it is
// all of it. A part of nothing: there is none.
bool range_apply(const struct asked *asked, const char *etag, uint64_t size, uint64_t *offset,
                 uint64_t *left);
// Fields that say of what type a file is by its name.
const char *content_fields(const char *path);
