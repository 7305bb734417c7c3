// SPDX-License-Identifier: MIT

// A StarinaError as natives throw it: `code` is "ERR_..." of libs/abi/error.h.
export function systemError(code, text) {
	return Object.assign(new Error(text), { name: "StarinaError", code });
}
