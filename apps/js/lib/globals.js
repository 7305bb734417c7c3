// SPDX-License-Identifier: MIT
//
// What is there without an import.
import { console } from "./log.js";
import { setTimeout, setInterval, clearTimeout, clearInterval } from "./timers.js";

const globals = {
	console,
	setTimeout,
	setInterval,
	clearTimeout,
	clearInterval,
	queueMicrotask: fn => {
		if (typeof fn !== "function")
			throw new TypeError("a function is expected");
		Promise.resolve().then(() => fn());
	},
};

for (const [name, value] of Object.entries(globals))
	Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
