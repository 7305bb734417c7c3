// SPDX-License-Identifier: MIT
#include "libs/linux/vm/vm_share.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/files/volume.h"
#include "libs/linux/vm/bootd_protocol.h"

error_t vm_share_set_host(struct vm_share *out, handle_t files, const char *share, bool read_only)
{
	size_t len = strlen(share);

	*out = (struct vm_share){ .connector = files };
	str_copy(out->name, "0", sizeof(out->name));
	if (len == 0 || memchr(share, '/', len) != NULL ||
	    fmt_write(out->uri, sizeof(out->uri), FILES_HOST_PREFIX "%s/%s", share,
	              read_only ? "ro" : "") >= sizeof(out->uri))
		return ERR_INVALID;
	return 0;
}

error_t vm_share_set_volume(struct vm_share *out, handle_t volumes, const char *name,
                            bool read_only)
{
	const char *all = read_only ? FILES_VOLUMES_READ_ONLY : FILES_VOLUMES;

	*out = (struct vm_share){ .connector = volumes, .make = !read_only };
	str_copy(out->name, name, sizeof(out->name));
	if (fmt_write(out->uri, sizeof(out->uri), "%s/%s/", all, name) >= sizeof(out->uri))
		return ERR_INVALID;
	return volume_name_is_good(name) ? 0 : ERR_INVALID;
}

error_t vm_share_set_folder(struct vm_share *out, handle_t service, const char *uri,
                            const char *name)
{
	size_t len = strlen(name);

	*out = (struct vm_share){ .connector = service };
	str_copy(out->name, name, sizeof(out->name));
	if (fmt_write(out->uri, sizeof(out->uri), "%s/%s/", uri, name) >= sizeof(out->uri))
		return ERR_INVALID;
	return len == 0 || name[0] == '.' || memchr(name, '/', len) != NULL ? ERR_INVALID : 0;
}

void vm_share_write(struct json_writer *w, const struct vm_share_mount *mount)
{
	struct json_writer key = { 0 }, value = { 0 };

	json_write_raw(&key, CONTROL_SHARE_ANNOTATION);
	json_write_raw(&key, mount->path);
	json_write_i64(&value, mount->number);
	json_write_raw(&value, mount->read_only ? ":ro" : "");
	json_write_raw(&value, mount->copy ? ":copy" : "");
	json_write_raw(&value, mount->shared ? ":shared" : "");
	json_write_raw(&value, mount->subpath != NULL ? ":in=" : "");
	json_write_raw(&value, mount->subpath != NULL ? mount->subpath : "");
	if (json_writer_text(&key) == NULL || json_writer_text(&value) == NULL) {
		w->bad = true;
	} else {
		json_write_string(w, key.text);
		json_write_raw(w, ":");
		json_write_string(w, value.text);
	}
	json_writer_deinit(&key);
	json_writer_deinit(&value);
}
