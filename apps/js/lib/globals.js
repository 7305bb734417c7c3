// SPDX-License-Identifier: MIT
//
// What is there without an import.
import { enqueue } from "native:jobs";
import { structuredClone } from "./clone.js";
import { defineGlobals } from "./lazy.js";
import { console } from "./log.js";
import { TextDecoder, TextEncoder } from "./text.js";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "./timers.js";
import { URL, URLSearchParams } from "./url.js";

const globals = {
	TextDecoder,
	TextEncoder,
	URL,
	URLSearchParams,
	clearInterval,
	clearTimeout,
	console,
	queueMicrotask: enqueue,
	setInterval,
	setTimeout,
	structuredClone,
};

for (const [name, value] of Object.entries(globals))
	Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

defineGlobals();
