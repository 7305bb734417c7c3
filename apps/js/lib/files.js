// SPDX-License-Identifier: MIT
//
// Files: folders that other apps serve, and what is usually done with whole files. All that is
// asked is a promise, also of what can be refused at once. Types: ts/files.d.ts.
import { folder, HOST_PREFIX, OWN_URI } from "native:files";

const READ = 1, WRITE = 2, CREATE = 4, EXCLUSIVE = 8, TRUNCATE = 16, APPEND = 32;

const modes = {
	__proto__: null,
	r: READ,
	"r+": READ | WRITE,
	w: WRITE | CREATE | TRUNCATE,
	"w+": READ | WRITE | CREATE | TRUNCATE,
	wx: WRITE | CREATE | EXCLUSIVE,
	a: WRITE | CREATE | APPEND,
};

// What is read or written at a time of a whole file.
const PIECE = 1 << 20;

let temporary = 0;

class File {
	#native;

	constructor(native) {
		this.#native = native;
	}

	async read(offset, length) {
		return this.#native.read(offset, length);
	}

	async write(offset, bytes) {
		return this.#native.write(offset, bytes);
	}

	async stat() {
		return this.#native.stat();
	}

	async truncate(size) {
		return this.#native.truncate(size);
	}

	async sync() {
		return this.#native.sync();
	}

	close() {
		this.#native.close();
	}
}

class Folder {
	#native;

	constructor(native) {
		this.#native = native;
	}

	async open(path, mode = "r") {
		const flags = modes[mode];

		if (flags === undefined)
			throw new TypeError(`no file is opened for "${mode}"`);
		return new File(await this.#native.open(path, flags));
	}

	async read(path) {
		const file = await this.open(path);

		try {
			const { size } = await file.stat();
			const whole = new Uint8Array(size);
			let have = 0;

			while (have < size) {
				const piece = await file.read(have, Math.min(PIECE, size - have));

				if (piece.length === 0)
					break;
				whole.set(piece, have);
				have += piece.length;
			}
			return have === size ? whole : whole.slice(0, have);
		} finally {
			file.close();
		}
	}

	async readText(path) {
		return new TextDecoder().decode(await this.read(path));
	}

	// Written beside it, synced and renamed: who reads it finds the old one or the new one.
	async write(path, content) {
		const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
		const beside = `${path}.${++temporary}.new`;
		const file = await this.open(beside, "w");

		try {
			const { length } = bytes;

			for (let at = 0; at < length;)
				at += await file.write(at, bytes.subarray(at, at + PIECE));
			await file.sync();
			await this.rename(beside, path);
		} catch (error) {
			await this.remove(beside).catch(() => {});
			throw error;
		} finally {
			file.close();
		}
	}

	async list(path = "/") {
		return this.#native.list(path);
	}

	async stat(path) {
		return this.#native.stat(path);
	}

	async statLink(path) {
		return this.#native.statLink(path);
	}

	async makeFolder(path) {
		return this.#native.makeFolder(path);
	}

	async rename(from, to, { keep = false } = {}) {
		return this.#native.rename(from, to, keep);
	}

	async remove(path) {
		return this.#native.remove(path);
	}

	async sync() {
		return this.#native.sync();
	}

	close() {
		this.#native.close();
	}
}

const open = (service, uri) => new Folder(folder(service, uri));

export const files = {
	open,
	share: (name) => open("files", HOST_PREFIX + name),
	own: () => open("own", OWN_URI),
};
