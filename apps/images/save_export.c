// SPDX-License-Identifier: MIT
#include "apps/images/save_export.h"

#include "libs/base/decimal.h"
#include "libs/base/string.h"

void save_export_begin(struct save_export *export)
{
	*export = (struct save_export){ .part = SAVE_EXPORT_SIZE };
}

static bool begin_layer(struct save_export *export, const struct save_export_ops *ops,
                        void *context)
{
	if (!decimal_read(span_make(export->size_text, export->size_length), INT64_MAX,
	                  &export->size))
		return false;
	export->part = SAVE_EXPORT_LAYER;
	sha256_init(&export->hash);
	return ops->begin(context, export->size);
}

static bool end_layer(struct save_export *export, const struct save_export_ops *ops, void *context)
{
	uint8_t digest[SHA256_SIZE];

	if (export->done != export->size)
		return false;
	export->part = SAVE_EXPORT_DONE;
	sha256_finish(&export->hash, digest);
	return ops->end(context, digest);
}

// Bytes of a frame.
static bool take_bytes(struct save_export *export, struct span bytes,
                       const struct save_export_ops *ops, void *context)
{
	switch (export->part) {
	case SAVE_EXPORT_SIZE:
		if (bytes.len >= SAVE_SIZE_TEXT - export->size_length)
			return false;
		memcpy(export->size_text + export->size_length, bytes.data, bytes.len);
		export->size_length += bytes.len;
		return true;
	case SAVE_EXPORT_LAYER:
		if (bytes.len > export->size - export->done)
			return false;
		export->done += bytes.len;
		sha256_update(&export->hash, bytes.data, bytes.len);
		ops->bytes(context, bytes);
		return true;
	default: return false;
	}
}

// The frame's length is whole.
static bool begin_frame(struct save_export *export, const struct save_export_ops *ops,
                        void *context)
{
	const uint8_t *head = export->head;

	export->head_length = 0;
	export->left = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
		head[3];
	if (export->left > 0)
		return true;
	return export->part == SAVE_EXPORT_SIZE
		? begin_layer(export, ops, context)
		: export->part == SAVE_EXPORT_LAYER && end_layer(export, ops, context);
}

bool save_export_take(struct save_export *export, struct span bytes,
                      const struct save_export_ops *ops, void *context)
{
	while (bytes.len > 0) {
		size_t part = 1;

		if (export->left > 0) {
			part = bytes.len < export->left ? bytes.len : export->left;
			if (!take_bytes(export, (struct span){ bytes.data, part }, ops, context))
				return false;
			export->left -= (uint32_t)part;
		} else {
			export->head[export->head_length++] = bytes.data[0];
			if (export->head_length == SAVE_FRAME_HEAD &&
			    !begin_frame(export, ops, context))
				return false;
		}
		bytes.data += part;
		bytes.len -= part;
	}
	return true;
}
