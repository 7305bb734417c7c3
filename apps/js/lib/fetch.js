// SPDX-License-Identifier: MIT
//
// HTTP, the client's side: one request a connection. What the server says is parsed by libs/http. Types: ts/http.d.ts.
import { chunked, responseHead } from "native:http";
import { encoder, join } from "./bytes.js";
import { systemError } from "./errors.js";
import { Body, Headers, lengthOf, Response, toBytes, TOKEN } from "./http_message.js";
import { connect } from "./net.js";
import { clearTimeout, setTimeout } from "./timers.js";
import { URL } from "./url.js";

// Heads of interim answers (1xx) before the one that counts.
const INTERIM_MAX = 8;

const cut = () => systemError("ERR_PROTOCOL", "the server has ended in the midst of its answer");

// What the server says, with what of it was not used yet.
class Input {
	#connection;
	#rest = new Uint8Array();

	constructor(connection) {
		this.#connection = connection;
	}
	// The next bytes; null: the end.
	async read() {
		const bytes = this.#rest;

		if (bytes.length === 0)
			return this.#connection.read();
		this.#rest = new Uint8Array();
		return bytes;
	}
	unread(bytes) {
		this.#rest = bytes;
	}
	async head() {
		let bytes = new Uint8Array();

		for (let interim = 0; interim < INTERIM_MAX;) {
			const head = responseHead(bytes);

			if (head === undefined) {
				const more = await this.read();

				if (more === null)
					throw cut();
				bytes = bytes.length === 0 ? more : join([bytes, more], bytes.length + more.length);
				continue;
			}
			bytes = bytes.subarray(head.size);
			if (head.status >= 200) {
				this.unread(bytes);
				return head;
			}
			if (head.status === 101)
				break;
			interim++;
		}
		throw systemError("ERR_PROTOCOL", "the server's answer is none");
	}
	close() {
		this.#connection.close();
	}
}

// The body of an answer, piece by piece.
class Pieces {
	#input;
	#left;
	#chunks;

	constructor(input, head) {
		this.#input = input;
		this.#left = head.length ?? Infinity;
		this.#chunks = head.chunked ? chunked() : undefined;
	}
	async #take() {
		for (;;) {
			if (this.#left === 0 || this.#chunks?.ended)
				return undefined;
			const bytes = await this.#input.read();

			if (bytes === null && (this.#chunks !== undefined || this.#left !== Infinity))
				throw cut();
			if (bytes === null)
				return undefined;
			// What follows the body is nobody's.
			const piece = this.#chunks === undefined ? bytes.subarray(0, Math.min(bytes.length, this.#left)) : this.#chunks.take(bytes);

			this.#left -= this.#chunks === undefined ? piece.length : 0;
			if (piece.length > 0)
				return piece;
		}
	}
	async next() {
		let value;

		try {
			value = await this.#take();
		} finally {
			if (value === undefined)
				this.#input.close();
		}
		return { value, done: value === undefined };
	}
	async return() {
		this.#input.close();
		return { value: undefined, done: true };
	}
	[Symbol.asyncIterator]() {
		return this;
	}
}

// The length that is said of a request's body; undefined: none. Methods that stand for a body say that there is none (RFC 9110 8.6).
function lengthTo(method, source, headers) {
	if (source === null)
		return /^(POST|PUT|PATCH)$/.test(method) ? 0 : undefined;
	return source instanceof Uint8Array ? source.length : lengthOf(headers);
}

function fieldsOf(url, headers, source, length) {
	const framing = length !== undefined ? `content-length: ${length}\r\n` : source === null ? "" : "transfer-encoding: chunked\r\n";

	return `host: ${url.host}\r\n${Headers.write(headers, "host")}${framing}connection: close\r\n\r\n`;
}

// Whether the server takes what is sent still. One that does not may have answered all the same.
async function takes(connection, pieces) {
	try {
		for (const piece of pieces)
			await connection.write(piece);
		return true;
	} catch (error) {
		if (error?.code !== "ERR_PEER_CLOSED" && error?.code !== "ERR_BAD_HANDLE")
			throw error;
		return false;
	}
}

async function sendBody(connection, source, length) {
	let left = length ?? Infinity;

	for await (const piece of source instanceof Uint8Array ? [source] : source) {
		const bytes = toBytes(piece);

		if (bytes.length === 0)
			continue;
		left -= bytes.length;
		if (left < 0)
			break;
		if (!await takes(connection, length === undefined ? [`${bytes.length.toString(16)}\r\n`, bytes, "\r\n"] : [bytes]))
			return;
	}
	if (length === undefined)
		await takes(connection, ["0\r\n\r\n"]);
	else if (left !== 0)
		throw new TypeError(`the body has not the ${length} bytes that its content-length says`);
}

const toLatin1 = text => /^[\x00-\x7f]*$/.test(text) ? encoder.encode(text) : Uint8Array.from(text, char => char.charCodeAt(0));

async function exchange(connection, url, method, headers, message) {
	const source = Body.take(message), length = lengthTo(method, source, headers);
	const input = new Input(connection);

	await connection.write(toLatin1(`${method} ${url.pathname}${url.search} HTTP/1.1\r\n${fieldsOf(url, headers, source, length)}`));
	// Both ways at a time: a server may answer while it reads.
	const failed = new Promise((_, reject) => {
		if (source !== null)
			sendBody(connection, source, length).catch(error => (reject(error), connection.close()));
	});
	const head = await Promise.race([input.head(), failed]);
	const hasNoBody = method === "HEAD" || head.status === 204 || head.status === 304 || head.length === 0;

	if (hasNoBody)
		connection.close();
	return Response.received(head.status, Headers.read(head.fields), hasNoBody ? null : new Pieces(input, head));
}

export async function fetch(input, { method = "GET", headers, body = null, timeout } = {}) {
	const url = new URL(input);

	if (url.protocol !== "http:" || url.username !== "" || url.password !== "")
		throw new TypeError(`only http: without a user is fetched, not ${url.href}`);
	if (!TOKEN.test(method))
		throw new TypeError(`${JSON.stringify(method)} is no method`);
	const message = new Body(body), fields = headers instanceof Headers ? headers : new Headers(headers);
	const opening = connect(url.hostname, Number(url.port || 80));
	let timer;
	const late = timeout === undefined ? [] : [new Promise((_, reject) => {
		timer = setTimeout(() => reject(systemError("ERR_TIMED_OUT", `${url.href}: no answer in ${timeout} ms`)), timeout);
	})];

	try {
		const connection = await Promise.race([opening, ...late]);

		return await Promise.race([exchange(connection, url, method, fields, message), ...late]);
	} catch (error) {
		// It may be opened later.
		opening.then(connection => connection.close(), () => {});
		throw error;
	} finally {
		clearTimeout(timer);
	}
}
