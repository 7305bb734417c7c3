// SPDX-License-Identifier: MIT
#include "tools/system/keeping.h"

static long keeping_read(struct layer_source *source, void *buffer, unsigned long size,
                         struct error *err)
{
	struct keeping *keeping = (struct keeping *)source;
	long length = keeping->from->read(keeping->from, buffer, size, err);

	if (length > 0) {
		digest_update(&keeping->digest, buffer, (size_t)length);
		kept_file_write(&keeping->file, buffer, (size_t)length);
	}
	return length;
}

int keeping_begin(struct keeping *keeping, struct layer_source *from, struct kept *kept,
                  struct error *err)
{
	*keeping = (struct keeping){ .source.read = keeping_read,
		                     .from = from,
		                     .kept = kept,
		                     .file.fd = -1 };
	if (digest_init(&keeping->digest, NULL, err) < 0)
		return -1;
	kept_file_begin_unnamed(kept, &keeping->file);
	return 0;
}

void keeping_end(struct keeping *keeping, bool is_whole, char digest[DIGEST_TEXT_SIZE])
{
	digest_finish(&keeping->digest, digest);
	kept_file_name(keeping->kept, &keeping->file, is_whole ? digest : NULL);
	if (!is_whole)
		digest[0] = '\0';
}
