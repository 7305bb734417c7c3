// SPDX-License-Identifier: MIT
//
// What who has the system handle may do.
import { seedRandom, setClock, powerOff } from "native:system";
import { find, start } from "native:process";

function process(name) {
	try {
		return find(name);
	} catch (error) {
		if (error?.code === "ERR_NOT_FOUND")
			return undefined;
		throw error;
	}
}

export const system = Object.freeze({ seedRandom, setClock, powerOff, process, start });
