// SPDX-License-Identifier: MIT
//
// What the container is given of the host's folders and of the volumes, in the order in which
// `containers` says it: its config.json names each by its number.
#include "apps/vmm/vmm.h"
#include "libs/abi/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/vm/vm_share.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

void share_add(struct vmm *vmm, const struct msg_vmm_share *message, struct span name)
{
	bool read_only = (message->flags & VMM_SHARE_READ_ONLY) != 0;
	struct vm_share *share = &vmm->shares[vmm->num_shares];
	char text[VM_SHARE_NAME_MAX];
	error_t err;

	if (vmm->num_shares == VM_MAX_SHARES || name.len >= sizeof(text)) {
		log_warn("a share too many is not given to the container");
		return;
	}
	if (name.len > 0)
		memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	if ((message->flags & VMM_SHARE_HOST) != 0) {
		fmt_write(text, sizeof(text), "+%u", message->number);
		err = vm_share_set_host(share, environ_connector(vmm->env, "files"), text,
		                        read_only);
	} else if ((message->flags & VMM_SHARE_STORE) != 0) {
		err = vm_share_set_folder(
			share, environ_connector(vmm->env, "grants"),
			read_only ? FILES_STORE_READ_ONLY IMAGES_FOLDER : IMAGES_STORE, text);
	} else {
		err = vm_share_set_volume(share, environ_connector(vmm->env, "grants"), text,
		                          read_only);
	}
	// One that is none is an entry that the guest does not find: those behind it keep their
	// numbers.
	if (err < 0)
		log_warn("\"%s\" is no share: %s", text, error_text(err));
	vmm->num_shares++;
}
