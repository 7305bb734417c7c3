// SPDX-License-Identifier: MIT
//
// Parts of the API that are read when they are first used: apps that do not use them do not pay for them.
import { load } from "native:modules";

let httpExports, netExports;
const httpModule = () => httpExports ??= load("http.js");
// http.js has it already.
const netModule = () => netExports ??= httpExports?.net ?? load("net.js");

export const http = {
	get fetch() {
		return httpModule().fetch;
	},
	get serve() {
		return httpModule().serve;
	},
};

export const net = {
	get connect() {
		return netModule().connect;
	},
	get listen() {
		return netModule().listen;
	},
	get udp() {
		return netModule().udp;
	},
};

// Globals that are what http.js exports, until somebody sets them.
export function defineGlobals() {
	for (const name of ["Headers", "Response"]) {
		Object.defineProperty(globalThis, name, {
			configurable: true,
			get: () => httpModule()[name],
			set: value => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true }),
		});
	}
}
