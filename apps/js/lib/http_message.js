// SPDX-License-Identifier: MIT
//
// What requests and responses share: fields and bodies. Types: ts/http.d.ts.
import { encoder, join, toBytes as plainBytes } from "./bytes.js";
import { systemError } from "./errors.js";
import { TextDecoder } from "./text.js";

// Of methods and of names of fields (RFC 9110 5.6.2).
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
// Of a body that is taken as a whole: an app has 16 MiB if it does not ask for more.
const WHOLE_MAX = 4 * 1024 * 1024;

// Fields of one connection only (RFC 9110 7.6.1), and those that say where the body ends: who sends a message writes its own.
const OF_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "transfer-encoding",
	"content-length", "expect"]);

function checkName(name) {
	const text = String(name);

	if (!TOKEN.test(text))
		throw new TypeError(`${JSON.stringify(text)} is no name of a header`);
	return text.toLowerCase();
}

function checkValue(value) {
	const text = String(value).replace(/^[\t ]+|[\t ]+$/g, "");

	if (!VALUE.test(text))
		throw new TypeError(`${JSON.stringify(text)} is no value of a header`);
	return text;
}

export class Headers {
	// Of each name, in lower case, its values.
	#fields = new Map();

	constructor(init) {
		if (init === undefined || init === null)
			return;
		for (const [name, value] of typeof init[Symbol.iterator] === "function" ? init : Object.entries(init))
			this.append(name, value);
	}
	#add(key, value) {
		const values = this.#fields.get(key);

		if (values === undefined)
			this.#fields.set(key, [value]);
		else
			values.push(value);
	}
	append(name, value) {
		this.#add(checkName(name), checkValue(value));
	}
	set(name, value) {
		this.#fields.set(checkName(name), [checkValue(value)]);
	}
	get(name) {
		return this.#fields.get(checkName(name))?.join(", ") ?? null;
	}
	getSetCookie() {
		return [...this.#fields.get("set-cookie") ?? []];
	}
	has(name) {
		return this.#fields.has(checkName(name));
	}
	delete(name) {
		this.#fields.delete(checkName(name));
	}
	*entries() {
		for (const [name, values] of this.#fields) {
			if (name === "set-cookie")
				yield* values.map(value => [name, value]);
			else
				yield [name, values.join(", ")];
		}
	}
	*keys() {
		for (const [name] of this.entries())
			yield name;
	}
	*values() {
		for (const [, value] of this.entries())
			yield value;
	}
	forEach(fn, self) {
		for (const [name, value] of this.entries())
			fn.call(self, value, name, this);
	}
	[Symbol.iterator]() {
		return this.entries();
	}

	// As a head has them; `leave`: other names that are left out.
	static write(headers, leave) {
		let text = "";

		for (const [name, values] of headers.#fields) {
			if (OF_CONNECTION.has(name) || name === leave)
				continue;
			for (const value of values)
				text += `${name}: ${value}\r\n`;
		}
		return text;
	}
	// What a parser has found: name, value, name, value... It was checked there.
	static read(list) {
		const headers = new Headers();

		for (let i = 0; i < list.length; i += 2)
			headers.#add(list[i].toLowerCase(), list[i + 1]);
		return headers;
	}
}

export function toBytes(piece) {
	return piece instanceof ArrayBuffer ? new Uint8Array(piece) : plainBytes(piece, "a body has strings and Uint8Arrays");
}

export const iteratorOf = source => source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]();

export class Body {
	// null, bytes, or what is iterated.
	#source;
	#used = false;

	constructor(source) {
		const isWhole = source === null || source === undefined || source instanceof Uint8Array || source instanceof ArrayBuffer ||
			typeof source === "string";

		if (!isWhole && typeof source[Symbol.asyncIterator] !== "function" && typeof source[Symbol.iterator] !== "function")
			throw new TypeError("a body is a string, a Uint8Array, or an iterable of these");
		this.#source = isWhole ? (source ?? null) === null ? null : toBytes(source) : source;
	}
	// What the body is, for who takes all of it.
	static take(message) {
		if (message.#used)
			throw new TypeError("the body was read already");
		message.#used = message.#source !== null;
		return message.#source;
	}
	// Nobody reads it: who makes the pieces is told.
	static giveUp(source) {
		if (source === null || source instanceof Uint8Array)
			return;
		Promise.resolve(iteratorOf(source).return?.()).catch(() => {});
	}
	get bodyUsed() {
		return this.#used;
	}
	get body() {
		if (this.#source === null)
			return null;
		const message = this;

		// It counts as read once somebody reads it.
		return {
			async *[Symbol.asyncIterator]() {
				const source = Body.take(message);

				// What is left when the iteration is left early is given up.
				for await (const piece of source instanceof Uint8Array ? [source] : source)
					yield toBytes(piece);
			},
		};
	}
	async bytes(max = WHOLE_MAX) {
		const source = Body.take(this), pieces = [];
		let length = 0;

		if (source === null || source instanceof Uint8Array)
			return source ?? new Uint8Array();
		for await (const piece of source) {
			const bytes = toBytes(piece);

			length += bytes.length;
			if (length > max)
				throw Object.assign(systemError("ERR_TOO_LARGE", `the body has more than ${max} bytes`), { status: 413 });
			pieces.push(bytes);
		}
		return join(pieces, length);
	}
	async text(max) {
		return new TextDecoder().decode(await this.bytes(max));
	}
	async json(max) {
		return JSON.parse(await this.text(max));
	}
}

// The length that a body of pieces is said to have; undefined: none.
export function lengthOf(headers) {
	const text = headers.get("content-length") ?? "";

	return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export class Response extends Body {
	#status;
	#headers;

	constructor(body, { status = 200, headers } = {}) {
		super(body);
		if (!Number.isInteger(status) || status < 200 || status > 599)
			throw new RangeError("the status of a response is 200 to 599");
		this.#status = status;
		this.#headers = headers instanceof Headers ? headers : new Headers(headers);
		if (typeof body === "string" && !this.#headers.has("content-type"))
			this.#headers.set("content-type", "text/plain; charset=utf-8");
	}
	static json(value, init = {}) {
		const headers = new Headers(init.headers);

		if (!headers.has("content-type"))
			headers.set("content-type", "application/json");
		return new Response(encoder.encode(JSON.stringify(value)), { ...init, headers });
	}
	// What a server has said, whatever its status.
	static received(status, headers, source) {
		const response = new Response(source, { headers });

		response.#status = status;
		return response;
	}
	static redirect(url, status = 302) {
		// What is escaped already stays: another escape may be another address.
		const location = String(url).toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);

		return new Response(null, { status, headers: { location } });
	}
	get status() {
		return this.#status;
	}
	get ok() {
		return this.#status >= 200 && this.#status < 300;
	}
	get headers() {
		return this.#headers;
	}
}
