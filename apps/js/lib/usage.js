// SPDX-License-Identifier: MIT
//
// What the app holds itself. ./starina ps has what its process does.
import { memory, handles, forgotten, collect } from "native:usage";

export function usage(options) {
	if (options?.collect)
		collect();
	return { memory: memory(), handles: handles(), forgotten: forgotten() };
}
