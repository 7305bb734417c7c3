// SPDX-License-Identifier: MIT
//
// What clients ask to be done. Texts are Docker's: people search for them.
#include "apps/images/images.h"

#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

bool operation_name(struct request *request, bool may_lack, const char *no_digest,
                    char out[static IMAGE_NAME_MAX])
{
	char *repo = query_take(request, "repo"), *tag = query_take(request, "tag");
	char name[IMAGE_NAME_MAX];
	const char *text = "invalid reference format";
	bool has_repo = repo != NULL && repo[0] != '\0', has_tag = tag != NULL && tag[0] != '\0';
	bool good = has_repo || may_lack;

	out[0] = '\0';
	if (has_repo)
		good = fmt_write(name, sizeof(name), "%s%s%s", repo, has_tag ? ":" : "",
		                 has_tag ? tag : "") < sizeof(name) &&
			reference_parse(name, out, &text) == 0;
	if (good && reference_has_digest(out)) {
		text = no_digest;
		good = false;
	}
	if (!good)
		request_refuse(request, 400, "%s", text);
	heap_free(repo);
	heap_free(tag);
	return good;
}

void operation_tag(struct request *request)
{
	struct images *images = request->images;
	char name[IMAGE_NAME_MAX];
	struct found found;
	error_t err;

	if (!catalog_find(request, request->target, &found) ||
	    !operation_name(request, false, "refusing to create a tag with a digest reference",
	                    name))
		return;
	err = catalog_refer(images, name, found.image->id);
	if (err == 0)
		err = store_write_references(images);
	// Without a state disk the name lasts as long as the machine runs.
	if (err < 0 && err != ERR_NOT_READY) {
		request_refuse(request, 500, "the name cannot be kept: %s", error_text(err));
		return;
	}
	followers_tell(images);
	event_tell(images, "tag", found.image->id, reference_familiar(name));
	reply_empty(request->client, request->id, 201, 0);
}
