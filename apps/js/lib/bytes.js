// SPDX-License-Identifier: MIT
//
// Bytes for streams: those of what a script gives, and how they go out by a channel.
import "./channel.js";
import { payload } from "./folio.js";
import { TextEncoder } from "./text.js";

export const encoder = new TextEncoder();

// The bytes of a string or a Uint8Array. A TypeError with `text` for anything else.
export function toBytes(data, text) {
	if (typeof data === "string")
		return encoder.encode(data);
	if (data instanceof Uint8Array)
		return data;
	throw new TypeError(text);
}

// Pieces of `length` bytes in all as one.
export function join(pieces, length) {
	if (pieces.length === 1)
		return pieces[0];
	const all = new Uint8Array(length);
	let at = 0;

	for (const piece of pieces) {
		all.set(piece, at);
		at += piece.length;
	}
	return all;
}

// What goes out by a channel: in order, whoever waits for it.
export class Writer {
	#channel;
	#pieceMax;
	#last = Promise.resolve();

	constructor(channel, pieceMax) {
		this.#channel = channel;
		this.#pieceMax = pieceMax;
	}
	// Does the job when all before it is done.
	after(job) {
		const done = this.#last.then(job);

		this.#last = done.catch(() => {});
		return done;
	}
	write(bytes) {
		return this.after(async () => {
			for (let at = 0; at < bytes.length; at += this.#pieceMax)
				await this.#channel.sendWait(payload.make(bytes.subarray(at, at + this.#pieceMax)));
		});
	}
}
