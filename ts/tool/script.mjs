// SPDX-License-Identifier: MIT
//
// The bytes of a script, as its runtime reads them (apps/js/runtime/script.c, docs/typescript.md):
// the JavaScript, and which line of which source each of its lines is of. No API of node's: the
// page uses this, too.

const MAGIC = 0x534a7453; // "StJS"
const VERSION = 1;
const HEADER_SIZE = 36;
const PAIR_SIZE = 8;

/**
 * @typedef {{source: number, line: number} | null} Place where a line of the JavaScript is from:
 *     the index of a source, and a line of it, from 1; null: from none.
 * @typedef {{version: number, sources: (string | null)[], mappings: string}} SourceMap
 */

/**
 * @param {string} javascript an ES module
 * @param {string[]} sources their names, as errors show them
 * @param {Place[]} lines a place for each line
 * @returns {Uint8Array}
 */
export function makeScript(javascript, sources, lines) {
	const encoder = new TextEncoder();
	const text = encoder.encode(javascript);
	const names = sources.map(name => encoder.encode(name));
	const textAt = HEADER_SIZE;
	const sourcesAt = (textAt + text.length + 1 + 3) & ~3;
	let nameAt = sourcesAt + PAIR_SIZE * names.length;
	const linesAt = (names.reduce((sum, name) => sum + name.length, nameAt) + 3) & ~3;
	const bytes = new Uint8Array(linesAt + PAIR_SIZE * lines.length);
	const view = new DataView(bytes.buffer);

	[MAGIC, VERSION, bytes.length, names.length, lines.length, textAt, text.length, sourcesAt, linesAt]
		.forEach((value, i) => view.setUint32(4 * i, value, true));
	bytes.set(text, textAt);
	names.forEach((name, i) => {
		view.setUint32(sourcesAt + PAIR_SIZE * i, nameAt, true);
		view.setUint32(sourcesAt + PAIR_SIZE * i + 4, name.length, true);
		bytes.set(name, nameAt);
		nameAt += name.length;
	});
	lines.forEach((place, i) => {
		if (place === null || place.source > 0xffff)
			return;
		view.setUint16(linesAt + PAIR_SIZE * i, place.source, true);
		view.setUint32(linesAt + PAIR_SIZE * i + 4, place.line, true);
	});
	return bytes;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The numbers of a segment of a source map's mappings (ECMA-426, "Base64 VLQ").
 *
 * @param {string} segment
 */
function decodeNumbers(segment) {
	const numbers = [];
	let value = 0, shift = 0;

	for (const digit of segment) {
		const bits = DIGITS.indexOf(digit);

		value += (bits & 31) * 2 ** shift;
		shift += 5;
		if ((bits & 32) !== 0)
			continue;
		numbers.push(value % 2 === 1 ? -((value - 1) / 2) : value / 2);
		value = shift = 0;
	}
	return numbers;
}

/**
 * The place of each line of the JavaScript that a source map describes: that of its first mapping.
 *
 * @param {SourceMap} map
 * @returns {Place[]}
 */
export function readLines(map) {
	let source = 0, line = 0;

	return map.mappings.split(";").map(segments => {
		/** @type {Place} */
		let place = null;

		for (const segment of segments.split(",")) {
			const [, source_step, line_step] = decodeNumbers(segment);

			if (source_step === undefined || line_step === undefined)
				continue;
			source += source_step;
			line += line_step;
			place ??= { source, line: line + 1 };
		}
		return place;
	});
}
