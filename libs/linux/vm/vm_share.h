// SPDX-License-Identifier: MIT
//
// What a virtual machine gets of the host's folders and of the volumes: each in a session that has
// that one alone, so that neither a guest that means harm nor who serves it reaches another.
#pragma once

#include "libs/json/json.h"
#include "libs/linux/vm/vm_files.h"

// A folder or file of the host, which run.sh shares by the name `share` ("NAME", or "+N" of a bind;
// libs/abi/files.h). `files` is the connector of that service. Errors: ERR_INVALID (the name).
__must_check error_t vm_share_set_host(struct vm_share *out, handle_t files, const char *share,
                                       bool read_only);
// A volume of the service behind `volumes`, made when it is not there and the session may write.
// Errors: ERR_INVALID (the name is none of a volume).
__must_check error_t vm_share_set_volume(struct vm_share *out, handle_t volumes, const char *name,
                                         bool read_only);
// A folder that is there, by its name in what `uri` opens at `service`. Errors: ERR_INVALID (the
// name).
__must_check error_t vm_share_set_folder(struct vm_share *out, handle_t service, const char *uri,
                                         const char *name);
// Where a share is mounted in a container, and how.
struct vm_share_mount {
	const char *path;
	uint32_t number;  // of the share
	bool read_only;
	bool copy;            // an empty one is filled with what the image has there
	bool shared;          // what is mounted below it spreads in the guest (MS_SHARED)
	const char *subpath;  // only what is there in it, without leaving it; NULL: all
};

// Writes the member of config.json's annotations that mounts a share.
void vm_share_write(struct json_writer *w, const struct vm_share_mount *mount);
