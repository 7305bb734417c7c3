// SPDX-License-Identifier: MIT
//
// Devices and what else of the environment is of the kernel's own kind. What is asked for again is
// the same object: its handle is the app's for its whole life, and the natives give it out once.
import * as native from "native:device";
import { folio } from "native:folio";

export { fence } from "native:device";

const devices = new Map();
const keeps = new Map();

export function device(name, index = 0) {
	const key = `${index} ${name}`;
	if (!devices.has(key)) {
		const found = native.device(name, index);
		devices.set(key, found && Object.freeze({ name, ...found }));
	}
	return devices.get(key);
}

export function kept(name) {
	if (!keeps.has(name))
		keeps.set(name, native.kept(name));
	return keeps.get(name);
}

export function dma(size) {
	const memory = folio(size);
	const { address, size: whole } = memory;
	return Object.freeze({ size: whole, address, buffer: memory.map(), folio: memory, close: () => memory.close() });
}
