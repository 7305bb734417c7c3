// SPDX-License-Identifier: MIT
#include "apps/images/save_archive.h"

#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/sha256.h"
#include "libs/base/string.h"

struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	uint8_t size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char rest[247];
};
_Static_assert(sizeof(struct header) == SAVE_BLOCK, "a header is a block");

// --- Entries -------------------------------------------------------------------------------------

static void write_octal(char *field, size_t digits, uint64_t value)
{
	for (size_t i = digits; i > 0; i--, value >>= 3)
		field[i - 1] = (char)('0' + (value & 7));
}

void save_write_header(struct json_writer *w, const char *name, uint64_t size)
{
	struct header h = { .type = '0',
		            .magic = { 'u', 's', 't', 'a', 'r', '\0' },
		            .version = { '0', '0' } };
	unsigned sum = 0;

	str_copy(h.name, name, sizeof(h.name));
	write_octal(h.mode, 7, 0644);
	write_octal(h.uid, 7, 0);
	write_octal(h.gid, 7, 0);
	write_octal(h.mtime, 11, 0);
	if (size >> 33 == 0) {
		write_octal((char *)h.size, 11, size);
	} else {
		h.size[0] = 0x80;
		for (unsigned i = 0; i < 8; i++)
			h.size[4 + i] = (uint8_t)(size >> (56 - 8 * i));
	}
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const uint8_t *)&h)[i];
	write_octal(h.checksum, 6, sum);
	h.checksum[6] = '\0';
	json_write_span(w, (struct span){ (const uint8_t *)&h, sizeof(h) });
}

static void write_zeros(struct json_writer *w, size_t len)
{
	static const uint8_t zeros[2 * SAVE_BLOCK];

	json_write_span(w, (struct span){ zeros, len });
}

void save_write_padding(struct json_writer *w, uint64_t size)
{
	write_zeros(w, (size_t)(-size % SAVE_BLOCK));
}

void save_write_entry(struct json_writer *w, const char *name, struct span content)
{
	save_write_header(w, name, content.len);
	json_write_span(w, content);
	save_write_padding(w, content.len);
}

void save_write_end(struct json_writer *w)
{
	write_zeros(w, (size_t)2 * SAVE_BLOCK);
}

void save_layer_name(const struct save_item *item, char out[static 80])
{
	fmt_write(out, 80, "%s/layer.tar", item->id + DIGEST_PREFIX_LENGTH);
}

// --- Documents -----------------------------------------------------------------------------------

static void write_member(struct json_writer *w, const char *key, struct span value)
{
	if (value.len == 0)
		return;
	json_write_raw(w, ",\"");
	json_write_raw(w, key);
	json_write_raw(w, "\":");
	json_write_span(w, value);
}

struct steps {
	struct json_writer *w;
	size_t count;
	size_t left;
};

static void count_step(void *context, struct span step)
{
	struct steps *steps = context;

	steps->count += step.len > 0 && step.data[0] == '{';
}

struct step_walk {
	struct json_writer *w;
	bool first;
};

static void write_step_member(void *context, struct span key, struct span value)
{
	struct step_walk *walk = context;

	if (span_is(key, "empty_layer"))
		return;
	json_write_raw(walk->w, walk->first ? "\"" : ",\"");
	json_write_span(walk->w, key);
	json_write_raw(walk->w, "\":");
	json_write_span(walk->w, value);
	walk->first = false;
}

// All steps' files are in the last one's layer.
static void write_step(void *context, struct span step)
{
	struct steps *steps = context;
	struct step_walk walk = { .w = steps->w, .first = true };

	if (step.len == 0 || step.data[0] != '{')
		return;
	steps->left--;
	json_write_raw(steps->w, "{");
	record_members(step, write_step_member, &walk);
	if (steps->left > 0)
		json_write_raw(steps->w,
		               walk.first ? "\"empty_layer\":true" : ",\"empty_layer\":true");
	json_write_raw(steps->w, steps->left > 0 ? "}," : "}");
}

static void write_history(struct json_writer *w, const struct record *record)
{
	struct steps steps = { .w = w };

	record_elements(record->history, count_step, &steps);
	steps.left = steps.count;
	json_write_raw(w, ",\"history\":[");
	if (steps.count > 0)
		record_elements(record->history, write_step, &steps);
	else
		json_write_raw(w, "{}");
	json_write_raw(w, "]");
}

static struct span or_else(struct span value, const char *otherwise)
{
	if (value.len > 0)
		return value;
	return text_span(otherwise);
}

void save_write_config(struct json_writer *w, const struct record *record, const char *diff_id)
{
	json_write_raw(w, "{\"architecture\":");
	json_write_span(w, or_else(record->architecture, "\"riscv64\""));
	write_member(w, "os", or_else(record->os, "\"linux\""));
	write_member(w, "variant", record->variant);
	write_member(w, "created", record->created);
	write_member(w, "author", record->author);
	json_write_raw(w, ",\"config\":");
	show_config(w, record);
	json_write_raw(w, ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	json_write_string(w, diff_id);
	json_write_raw(w, "]}");
	write_history(w, record);
	json_write_raw(w, "}");
}

static void write_strings(struct json_writer *w, char *const *strings, size_t count)
{
	json_write_raw(w, "[");
	for (size_t i = 0; i < count; i++) {
		json_write_raw(w, i > 0 ? "," : "");
		json_write_string(w, strings[i]);
	}
	json_write_raw(w, "]");
}

void save_write_item(struct json_writer *w, const struct save_item *item, const char *config,
                     char *const *layers, size_t num_layers, bool is_first)
{
	json_write_raw(w, is_first ? "[{\"Config\":" : ",{\"Config\":");
	json_write_string(w, config);
	json_write_raw(w, ",\"RepoTags\":");
	if (item->tags.count > 0)
		write_strings(w, item->tags.items, item->tags.count);
	else
		json_write_raw(w, "null");
	json_write_raw(w, ",\"Layers\":");
	write_strings(w, layers, num_layers);
	json_write_raw(w, "}");
}

void save_digest(struct span bytes, char out[static SAVE_DIGEST_MAX])
{
	uint8_t digest[SHA256_SIZE];
	struct sha256 hash;

	sha256_init(&hash);
	sha256_update(&hash, bytes.data, bytes.len);
	sha256_finish(&hash, digest);
	str_copy(out, "sha256:", SAVE_DIGEST_MAX);
	hex_write(digest, sizeof(digest), out + DIGEST_PREFIX_LENGTH);
}
