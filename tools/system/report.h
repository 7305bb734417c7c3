// SPDX-License-Identifier: MIT
//
// What the system container says to the OS: a JSON object a line on stdout, progress in the form
// that Docker's clients show ("JSON stream" of the Docker Engine API: status, id, progressDetail).
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/image/digest.h"

// The first digits of a digest, as clients show a layer.
#define REPORT_ID_SIZE 13

// Reports go to `file` instead of stdout.
void report_to(FILE *file);

// The part of `digest` that clients show.
void report_id(const char *digest, char id[REPORT_ID_SIZE]);
// {"status":STATUS} and, unless it is NULL, "id".
void report_status(const char *id, const char *status);
// How far the layer `digest` is, `done` of `total` bytes. At most a few lines a second are said.
void report_progress(const char *digest, const char *status, uint64_t done, uint64_t total);
// A line of the OS's; takes the reference.
void report_line(json_t *line);
// {"image":IMAGE}; takes the reference.
void report_image(json_t *image);
// {"error":TEXT}, printable. Returns the program's exit status.
int report_error(const char *text);
