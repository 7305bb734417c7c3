// SPDX-License-Identifier: MIT
#include "tools/system/made_image.h"

#include <stdlib.h>
#include <string.h>

int made_image_init(struct made_image *made, const char *incoming, struct error *err)
{
	*made = (struct made_image){ .blobs = json_array() };
	kept_init(&made->kept, incoming, -1);
	return made->blobs ? 0 : error_set(err, "out of memory");
}

void made_image_deinit(struct made_image *made)
{
	oci_image_deinit(&made->image);
	json_decref(made->blobs);
}

void made_image_add_blob(struct made_image *made, const char *digest)
{
	if (digest[0])
		json_array_append_new(made->blobs, json_string(digest));
}

int made_image_finish(struct made_image *made, struct error *err)
{
	char *text = json_dumps(made->image.config, JSON_COMPACT | JSON_SORT_KEYS);
	json_t *blob;
	size_t i;

	// Those of another image are there.
	json_array_foreach(made->blobs, i, blob)
		kept_put_named(&made->kept, json_string_value(blob));

	if (text && digest_of(text, strlen(text), made->id, err) == 0) {
		kept_put_text(&made->kept, text, strlen(text), made->id);
		made_image_add_blob(made, made->id);
		made->image.manifest = json_pack("{s:{s:s}}", "config", "digest", made->id);
	}
	free(text);
	return made->image.manifest ? 0 : error_set(err, "out of memory");
}
