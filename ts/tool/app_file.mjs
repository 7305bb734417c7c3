// SPDX-License-Identifier: MIT
//
// The file that a running system loads a script from: docs/app-format.md. No API of node's: the
// page uses this, too.
import { RUNTIME, SpecError } from "./spec.mjs";

/** @typedef {import("./spec.mjs").Spec} Spec */

export const SCRIPT_ADDRESS = 0x10000000;
const PAGE = 4096, ABI_VERSION = 1, SPEC_HEADER = 80, NEED_SIZE = 16, STRINGS_MAX = 4096, FILE_MAX = 4 * 2 ** 20;
const SPEC_SECTION = ".starina.spec";

class Writer {
	/** @param {number} size */
	constructor(size) {
		this.bytes = new Uint8Array(size);
		this.view = new DataView(this.bytes.buffer);
		this.at = 0;
	}
	/** @param {...number} values */
	u16(...values) {
		for (const value of values)
			this.view.setUint16((this.at += 2) - 2, value, true);
	}
	/** @param {...number} values */
	u32(...values) {
		for (const value of values)
			this.view.setUint32((this.at += 4) - 4, value, true);
	}
	/** @param {...number} values */
	u64(...values) {
		for (const value of values)
			this.view.setBigUint64((this.at += 8) - 8, BigInt(value), true);
	}
	/** @param {Uint8Array} bytes */
	put(bytes) {
		this.bytes.set(bytes, this.at);
		this.at += bytes.length;
	}
}

/** Strings, each ended by 0 and there once, at offsets from `start`. */
class Strings {
	/** @param {number} start */
	constructor(start) {
		this.start = start;
		this.bytes = /** @type {number[]} */ ([]);
		this.known = /** @type {Map<string, number>} */ (new Map());
	}
	/** @param {string | null} text @returns {number} its offset; 0 for null */
	add(text) {
		if (text === null)
			return 0;
		if (!this.known.has(text)) {
			this.known.set(text, this.start + this.bytes.length);
			this.bytes.push(...new TextEncoder().encode(text), 0);
		}
		return /** @type {number} */ (this.known.get(text));
	}
}

/** The section of the spec. @param {Spec} spec */
function specSection(spec) {
	const providesAt = SPEC_HEADER + NEED_SIZE * spec.needs.length;
	const strings = new Strings(providesAt + 4 * spec.provides.length);
	const name = strings.add(spec.name), runtime = strings.add(RUNTIME);
	const needs = spec.needs.flatMap(need =>
		[need.kind, strings.add(need.name), strings.add(need.fallback), need.optional ? 1 : 0]);
	const provides = spec.provides.map(service => strings.add(service));
	const out = new Writer(strings.start + strings.bytes.length);

	if (strings.bytes.length > STRINGS_MAX)
		throw new SpecError(`its names and values have ${strings.bytes.length} bytes, ${STRINGS_MAX} are the most`);
	out.put(new TextEncoder().encode("AppS"));
	out.u16(1, SPEC_HEADER);
	out.u32(out.bytes.length, ABI_VERSION);
	out.u64(spec.memory, spec.stack);
	out.u32(spec.handles, spec.restart);
	out.u64(0);
	out.u32(name, SPEC_HEADER, spec.needs.length, providesAt, spec.provides.length, strings.start, strings.bytes.length, runtime);
	out.u32(...needs, ...provides);
	out.put(Uint8Array.from(strings.bytes));
	return out.bytes;
}

/** The header of an ELF program without an entry. @param {Writer} out @param {number} sectionsAt */
function putElfHeader(out, sectionsAt) {
	out.put(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	out.u16(2, 243);  // a program, for RISC-V
	out.u32(1);
	out.u64(0, 64, sectionsAt);
	out.u32(5);  // compressed instructions, lp64d
	out.u16(64, 56, 1, 64, 3, 1);
}

/**
 * @param {Spec} spec
 * @param {Uint8Array} script
 * @returns {Uint8Array}
 */
export function makeAppFile(spec, script) {
	const section = specSection(spec);
	const names = new TextEncoder().encode(`\0.names\0${SPEC_SECTION}\0`);
	const specAt = PAGE + (Math.ceil(script.length / PAGE) * PAGE);
	const namesAt = specAt + section.length;
	const sectionsAt = (namesAt + names.length + 7) & ~7;
	const out = new Writer(sectionsAt + 3 * 64);

	if (out.bytes.length > FILE_MAX)
		throw new SpecError(`it has ${script.length} bytes as a script: an app file has at most ${FILE_MAX}`);
	putElfHeader(out, sectionsAt);
	out.u32(1, 4);  // to be loaded, and read
	out.u64(PAGE, SCRIPT_ADDRESS, SCRIPT_ADDRESS, script.length, script.length, PAGE);
	out.at = PAGE;
	out.put(script);
	out.at = specAt;
	out.put(section);
	out.put(names);
	out.at = sectionsAt + 64;
	for (const [name, type, at, size] of [[1, 3, namesAt, names.length], [8, 1, specAt, section.length]]) {
		out.u32(Number(name), Number(type));
		out.u64(0, 0, Number(at), Number(size), 0, 1, 0);
	}
	return out.bytes;
}
