// SPDX-License-Identifier: MIT
//
// Instructions of docker commit --change, after some that were good.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/system/change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { "" };
	json_t *config = json_object();
	char *text = strndup((const char *)data, size);

	if (text && change_apply(config, "ENV A=1 B=\nLABEL a=b\nWORKDIR /w", &err) == 0 &&
	    change_apply(config, text, &err) < 0 && !err.text[0])
		abort();
	free(text);
	json_decref(config);
	return 0;
}
