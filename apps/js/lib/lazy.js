// SPDX-License-Identifier: MIT
//
// Parts of the API that are read when they are first used: apps that do not use them do not pay for them.
import { load } from "native:modules";

// Defines each of `names` as what `module()` exports by this name.
function define(object, names, module, enumerable) {
	for (const name of names) {
		const set = value => Object.defineProperty(object, name, { value, enumerable, writable: true, configurable: true });

		Object.defineProperty(object, name, {
			enumerable,
			configurable: true,
			get() {
				const value = module()[name];

				set(value);
				return value;
			},
			set,
		});
	}
}

function later(file) {
	let module;

	return () => module ??= load(file);
}

const httpModule = later("http.js"), netModule = later("net.js");

export const http = {}, net = {};
define(http, ["fetch", "serve"], httpModule, true);
define(net, ["connect", "listen", "udp"], netModule, true);

export const defineGlobals = () => define(globalThis, ["Headers", "Response"], httpModule, false);
