// SPDX-License-Identifier: MIT
//
// TextEncoder and TextDecoder (the standard "Encoding"), for UTF-8 only.
import { encode, decode } from "native:text";

export class TextEncoder {
	get encoding() {
		return "utf-8";
	}
	encode(text = "") {
		return encode(String(text).toWellFormed());
	}
	encodeInto(text, into) {
		let read = 0, written = 0;
		for (const char of String(text).toWellFormed()) {
			const bytes = encode(char);
			if (written + bytes.length > into.length)
				break;
			into.set(bytes, written);
			written += bytes.length;
			read += char.length;
		}
		return { read, written };
	}
}

const LABELS = new Set(["utf-8", "utf8", "unicode-1-1-utf-8"]);
const BOM = "\ufeff";

export class TextDecoder {
	#fatal;
	#ignoreBOM;
	#begun = false;
	#held = new Uint8Array(0);

	constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
		if (!LABELS.has(String(label).trim().toLowerCase()))
			throw new RangeError(`there is no encoding ${label}, only utf-8`);
		this.#fatal = Boolean(fatal);
		this.#ignoreBOM = Boolean(ignoreBOM);
	}
	get encoding() {
		return "utf-8";
	}
	get fatal() {
		return this.#fatal;
	}
	get ignoreBOM() {
		return this.#ignoreBOM;
	}
	decode(input, { stream = false } = {}) {
		let bytes = input === undefined ? new Uint8Array(0) : ArrayBuffer.isView(input) ?
			new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
		if (this.#held.length > 0) {
			const all = new Uint8Array(this.#held.length + bytes.length);
			all.set(this.#held);
			all.set(bytes, this.#held.length);
			bytes = all;
		}
		const end = stream ? bytes.length - partial(bytes) : bytes.length;
		this.#held = bytes.slice(end);
		let text = decode(bytes.subarray(0, end), this.#fatal);
		if (!this.#begun && !this.#ignoreBOM && text.startsWith(BOM))
			text = text.slice(1);
		this.#begun = stream && (this.#begun || end > 0);
		return text;
	}
}

// How many bytes at the end may be the start of a sequence that goes on in the next piece.
function partial(bytes) {
	for (let back = 1; back <= Math.min(3, bytes.length); back++) {
		const byte = bytes[bytes.length - back];
		if ((byte & 0xc0) === 0x80)
			continue;
		const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
		return length > back ? back : 0;
	}
	return 0;
}
