// SPDX-License-Identifier: MIT
#include "apps/images/output.h"

#include "apps/images/record.h"
#include "apps/images/reference.h"
#include "libs/base/string.h"
#include "libs/http/head.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define HEADER_SIZE 8u

// --- Frames and lines ----------------------------------------------------------------------------

static void end_line(struct output *output, size_t index)
{
	struct span text = { .data = (const uint8_t *)output->lines[index],
		             .len = output->lengths[index] };

	output->lengths[index] = 0;
	if (text.len > 0)
		output->line(output->context, (enum output_stream)(index + 1), text);
}

static void take_text(struct output *output, size_t index, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] == '\n')
			end_line(output, index);
		else if (output->lengths[index] < OUTPUT_LINE_MAX)
			output->lines[index][output->lengths[index]++] = (char)bytes.data[i];
	}
}

static error_t begin_frame(struct output *output)
{
	const uint8_t *h = output->header;

	output->header_length = 0;
	output->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	return h[0] == OUTPUT_STDOUT || h[0] == OUTPUT_STDERR ? 0 : ERR_PROTOCOL;
}

error_t output_take(struct output *output, struct span bytes)
{
	error_t err;

	while (bytes.len > 0) {
		size_t len = output->left < bytes.len ? output->left : bytes.len;

		if (output->left > 0) {
			take_text(output, output->header[0] - 1u,
			          (struct span){ .data = bytes.data, .len = len });
			output->left -= (uint32_t)len;
			bytes.data += len;
			bytes.len -= len;
			continue;
		}
		output->header[output->header_length++] = *bytes.data++;
		bytes.len--;
		if (output->header_length < HEADER_SIZE)
			continue;
		err = begin_frame(output);
		if (err < 0)
			return err;
	}
	return 0;
}

void output_end(struct output *output)
{
	end_line(output, 0);
	end_line(output, 1);
}

// --- What a line says ----------------------------------------------------------------------------

static void read_text(struct json_reader *r, char *out, size_t size)
{
	char *text = json_take_string(r);

	if (text != NULL && str_copy(out, text, size) >= size)
		r->bad = true;
	heap_free(text);
}

static void read_digest(struct json_reader *r, char out[static IMAGE_ID_MAX])
{
	read_text(r, out, IMAGE_ID_MAX);
	if (!record_is_digest(out))
		r->bad = true;
}

static void read_references(struct json_reader *r, struct string_list *list)
{
	char full[IMAGE_NAME_MAX];
	const char *reason;

	if (json_take_null(r))
		return;
	json_enter_array(r);
	while (json_next_element(r)) {
		char *name = json_take_string(r);

		if (name == NULL)
			return;
		if (list->count == OUTPUT_REFERENCES_MAX ||
		    reference_parse(name, full, &reason) < 0)
			r->bad = true;
		else if (string_list_add(list, full) < 0)
			r->bad = true;
		heap_free(name);
	}
}

static void read_image(struct json_reader *r, struct line *out)
{
	struct span key;

	out->kind = LINE_IMAGE;
	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "id")) {
			read_digest(r, out->id);
		} else if (span_is(key, "digest")) {
			if (!json_take_null(r))
				read_digest(r, out->digest);
		} else if (span_is(key, "references")) {
			read_references(r, &out->references);
		} else if (span_is(key, "unchanged")) {
			out->is_unchanged = span_is(json_take_raw(r), "true");
		} else {
			json_skip(r);
		}
	}
	if (out->is_unchanged ? out->digest[0] == '\0' : out->id[0] == '\0')
		r->bad = true;
}

static void read_verb(struct json_reader *r, struct line *out)
{
	static const char *const verbs[] = { [LAYER_SEE] = "see",
		                             [LAYER_GET] = "get",
		                             [LAYER_KEEP] = "keep",
		                             [LAYER_DROP] = "drop",
		                             [LAYER_PUT] = "put" };
	char *text = json_take_string(r);

	out->verb = LAYER_NONE;
	for (size_t i = LAYER_SEE; i < sizeof(verbs) / sizeof(verbs[0]) && text != NULL; i++)
		if (strcmp(text, verbs[i]) == 0)
			out->verb = (enum layer_verb)i;
	heap_free(text);
}

static void read_layer(struct json_reader *r, struct line *out)
{
	struct span key;

	out->kind = LINE_LAYER;
	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "digest"))
			read_digest(r, out->layer);
		else if (span_is(key, "do"))
			read_verb(r, out);
		else
			json_skip(r);
	}
	if (out->layer[0] == '\0' || out->verb == LAYER_NONE)
		r->bad = true;
}

// An error's words are cut.
static void read_error(struct json_reader *r, struct line *out)
{
	char *text = json_take_string(r);

	out->kind = LINE_ERROR;
	if (text != NULL)
		str_copy(out->error, text, sizeof(out->error));
	heap_free(text);
}

void line_read(struct span text, struct line *out)
{
	struct json_reader r = json_reader_make(text);
	struct span key;

	*out = (struct line){ .kind = LINE_PROGRESS };
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "image") && out->kind == LINE_PROGRESS)
			read_image(&r, out);
		else if (span_is(key, "error") && out->kind == LINE_PROGRESS)
			read_error(&r, out);
		else if (span_is(key, "layer") && out->kind == LINE_PROGRESS)
			read_layer(&r, out);
		else
			json_skip(&r);
	}
	if (text.len > OUTPUT_LINE_MAX || !json_at_end(&r))
		out->kind = LINE_NONE;
}

void line_deinit(struct line *line)
{
	string_list_deinit(&line->references);
}
