// SPDX-License-Identifier: MIT
//
// HTTP, the server's side. The protocol is libs/http's; here requests meet their handler. Types: ts/http.d.ts.
import { serve as listen, websocketPrototype } from "native:http";
import { sendWait } from "./channel.js";
import { systemError } from "./errors.js";
import { fetch } from "./fetch.js";
import { Body, Headers, iteratorOf, lengthOf, Response, toBytes } from "./http_message.js";
import { log } from "./log.js";
import { checkPort } from "./net.js";
import { URL } from "./url.js";

export { fetch, Headers, Response };
export * as net from "./net.js";

const REQUESTS_MAX = 256;
const MESSAGE_MAX = 1024 * 1024;
// Of one piece for libs/http.
const PIECE_MAX = 65536;

// The body of a request, piece by piece.
function bodyOf(exchange) {
	return {
		async next() {
			const value = await exchange.read();

			return { value, done: value === undefined };
		},
		async return() {
			return { value: undefined, done: true };
		},
		[Symbol.asyncIterator]() {
			return this;
		},
	};
}

// The last Host that was found good: most requests have the same.
let goodHost = "";

// The URL of a request; undefined: it makes none.
function urlOf(target, host) {
	if (!target.startsWith("/"))
		return URL.canParse(target) ? target : undefined;
	if (host !== goodHost) {
		if (!/^[^/?#@\\\s]+$/.test(host) || !URL.canParse(`http://${host}/`))
			return undefined;
		goodHost = host;
	}
	return `http://${host}${target}`;
}

class Request extends Body {
	#exchange;
	#isUpgrade;
	#socket;

	constructor(exchange, method, url, headers, isUpgrade, hasBody) {
		super(hasBody ? bodyOf(exchange) : null);
		this.#exchange = exchange;
		this.#isUpgrade = isUpgrade;
		Object.assign(this, { method, url, headers });
	}
	get isUpgrade() {
		return this.#isUpgrade;
	}
	get gone() {
		return this.#exchange.gone();
	}
	upgrade({ protocol, maxMessage = MESSAGE_MAX } = {}) {
		if (!this.#isUpgrade)
			throw Object.assign(systemError("ERR_PROTOCOL", "here is a WebSocket"), { status: 426 });
		if (protocol !== undefined && !(this.headers.get("sec-websocket-protocol") ?? "").split(/[\t ]*,[\t ]*/).includes(protocol))
			throw Object.assign(systemError("ERR_PROTOCOL", `here is a WebSocket for ${protocol}`), { status: 426 });
		this.#socket = this.#exchange.upgrade(protocol, maxMessage);
		return this.#socket;
	}
	static socketOf(request) {
		return request.#socket;
	}
}

// Bytes in pieces, as far as the client takes them.
async function sendBytes(exchange, bytes) {
	for (let at = 0; at < bytes.length; at += PIECE_MAX) {
		if (!exchange.send(bytes.subarray(at, at + PIECE_MAX)) && at + PIECE_MAX < bytes.length)
			await exchange.room();
	}
}

// The pieces of a body. When the client goes, who makes them is told by return().
async function sendPieces(exchange, source) {
	const iterator = iteratorOf(source);
	let isGone = false, isDone = false, stop = () => {};

	exchange.gone().then(() => {
		isGone = true;
		stop();
	});
	try {
		for (;;) {
			// A promise of its own for each piece: reactions of one that lasts would pile up.
			const result = await new Promise((resolve, reject) => {
				stop = () => resolve(undefined);
				if (isGone)
					stop();
				Promise.resolve(iterator.next()).then(resolve, reject);
			});
			if (result === undefined) {
				exchange.abort();
				return;
			}
			if (result.done) {
				isDone = true;
				break;
			}
			await sendBytes(exchange, toBytes(result.value));
			// The last piece of a body with a length is the end of it.
			if (!exchange.isOver)
				await exchange.room();
		}
		if (!exchange.isOver)
			exchange.end();
	} finally {
		if (!isDone)
			Promise.resolve(iterator.return?.()).catch(() => {});
	}
}

async function send(exchange, method, response) {
	const fields = Headers.write(response.headers), hasNoBody = method === "HEAD" || response.status === 204 || response.status === 304;
	const source = Body.take(response);
	// Of what has no body the length is that of what it stands for.
	const length = source instanceof Uint8Array ? source.length : source === null && method !== "HEAD" ? 0 : lengthOf(response.headers);

	exchange.start(response.status, fields, length);
	if (hasNoBody)
		Body.giveUp(source);
	else if (source instanceof Uint8Array)
		await sendBytes(exchange, source);
	else if (source !== null)
		await sendPieces(exchange, source);
}

const plain = (status, text) => new Response(`${text}\n`, { status });

async function respond(handler, request) {
	try {
		const response = await handler(request);

		if (Request.socketOf(request) !== undefined || response instanceof Response)
			return response;
		throw new TypeError("the handler of a request gave no Response");
	} catch (error) {
		// WEBSOCKET_FAILED.
		Request.socketOf(request)?.close(1011);
		// A client that sends too much, or asks for no WebSocket.
		if (error?.status === 413 || error?.status === 426)
			return plain(error.status, error.message);
		// Who went away in the midst of a body is no fault of the handler's.
		if (error?.code !== "ERR_PEER_CLOSED")
			log.error(`${request.method} ${request.url}:`, error);
		return plain(500, "Internal Server Error");
	}
}

async function answer(handler, exchange, method, target, fields, isUpgrade, hasBody) {
	const headers = Headers.read(fields);
	// HTTP/1.0 need not say the host.
	const url = urlOf(target, headers.get("host") || "localhost");
	const request = new Request(exchange, method, url, headers, isUpgrade, hasBody);
	const response = url === undefined ? plain(400, "Bad Request") : await respond(handler, request);

	if (Request.socketOf(request) !== undefined)
		return;
	try {
		if (exchange.isOver)
			Body.giveUp(Body.take(response));
		else
			await send(exchange, method, response);
	} catch (error) {
		if (!exchange.isOver && error?.code !== "ERR_PEER_CLOSED")
			log.error(`${method} ${url}:`, error);
		exchange.abort();
	}
}

Object.defineProperty(websocketPrototype(), "sendWait", { value: sendWait, writable: true, configurable: true });

class Server {
	#native;

	constructor(native) {
		this.#native = native;
	}
	close() {
		this.#native.close();
	}
}

export async function serve(port, handler, { address = "*", maxRequests = REQUESTS_MAX } = {}) {
	checkPort(port);
	if (typeof handler !== "function")
		throw new TypeError("a server has a handler");
	const native = listen(`tcp-listen:${String(address)}:${port}`, (...request) => {
		answer(handler, ...request);
	}, maxRequests);

	try {
		await native.listening();
	} catch (error) {
		native.close();
		throw error;
	}
	return new Server(native);
}
