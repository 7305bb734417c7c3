// SPDX-License-Identifier: MIT
//
// TCP and UDP, by the service "tcpip" (libs/abi/tcpip.h): each socket is a channel. Types: ts/net.d.ts.
import { toBytes, Writer } from "./bytes.js";
import { systemError } from "./errors.js";
import { folioWith, payload } from "./folio.js";
import { services } from "./services.js";
import { formatIPv6, parseIPv4, parseIPv6 } from "./url.js";

const SERVICE = "tcpip";
const PORT_MAX = 65535;
// Of one message: a channel of these is what may be on its way to a peer that takes nothing.
const PIECE_MAX = 8192;
// DATAGRAM_INLINE_MAX.
const DATAGRAM_INLINE_MAX = 228;
const DATAGRAM_MAX = 65507;

const sentBytes = data => toBytes(data, "what is sent is a string or a Uint8Array");

export function checkPort(port) {
	if (!Number.isInteger(port) || port < 1 || port > PORT_MAX)
		throw new RangeError(`a port is a number from 1 to ${PORT_MAX}`);
	return port;
}

// As URIs have it: IPv6 addresses in brackets.
function checkHost(host) {
	const text = String(host);

	return text.includes(":") && !text.startsWith("[") ? `[${text}]` : text;
}

// The socket that `uri` names, as a channel.
async function open(uri) {
	let control;

	try {
		control = await services.connect(SERVICE);
	} catch (error) {
		if (error instanceof TypeError)
			throw new TypeError(`the network is the service "${SERVICE}": the app's spec says needs: [{ service: "${SERVICE}" }]`);
		throw error;
	}
	try {
		const { type, handles } = await control.request({ type: "open", tail: uri });

		if (type !== "open_reply" || typeof handles[0]?.recv !== "function")
			throw systemError("ERR_PROTOCOL", `unexpected: ${type}`);
		return handles[0];
	} catch (error) {
		throw Object.assign(error, { message: `${uri}: ${error.message}` });
	} finally {
		control.close();
	}
}

export class Connection {
	#channel;
	#peer;
	#writer;
	#ended = false;

	constructor(channel, peer) {
		this.#channel = channel;
		this.#writer = new Writer(channel, PIECE_MAX);
		this.#peer = peer;
	}
	get peer() {
		return this.#peer;
	}
	get closed() {
		return this.#channel.closed;
	}
	async read() {
		if (this.#ended)
			return null;
		const message = await this.#channel.recv();

		if (message.type === "data") {
			const opened = payload.open(message);
			const bytes = opened.folio === undefined ? opened.bytes : opened.bytes.slice();

			opened.close();
			return bytes;
		}
		if (message.type !== "end")
			throw systemError("ERR_PEER_CLOSED", "the connection was reset");
		this.#ended = true;
		return null;
	}
	async next() {
		const value = this.#channel.closed ? null : await this.read();

		return value === null ? { value: undefined, done: true } : { value, done: false };
	}
	async return() {
		this.close();
		return { value: undefined, done: true };
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	async write(data) {
		return this.#writer.write(sentBytes(data));
	}
	end() {
		return this.#writer.after(() => this.#channel.sendWait({ type: "end" }));
	}
	close() {
		this.#channel.close();
	}
}

// When the service is started again, the port is listened at again.
class Listener {
	#uri;
	#channel;
	#closed = false;

	constructor(uri, channel) {
		this.#uri = uri;
		this.#channel = channel;
	}
	async next() {
		while (!this.#closed) {
			const { value: message, done } = await this.#channel.next();

			if (!done) {
				const [channel] = message.handles ?? [];

				if (message.type === "connect" && typeof channel?.recv === "function")
					return { value: new Connection(channel, message.tail.replace(/^tcp:/, "")), done: false };
			} else if (!this.#closed) {
				this.#channel.close();
				this.#channel = await open(this.#uri);
			}
		}
		this.close();
		return { value: undefined, done: true };
	}
	async return() {
		this.close();
		return { value: undefined, done: true };
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	close() {
		this.#closed = true;
		this.#channel.close();
	}
}

const formatAddress = ({ address, ip_version }) => ip_version === 4 ? address.slice(0, 4).join(".") :
	formatIPv6(Array.from({ length: 8 }, (_, i) => address[2 * i] * 256 + address[2 * i + 1]));

// `address` as a message has it.
function readAddress(text) {
	const address = new Uint8Array(16), isV6 = text.includes(":");

	if (isV6)
		parseIPv6(text.replace(/^\[|\]$/g, "")).forEach((group, i) => address.set([group >> 8, group & 255], 2 * i));
	else
		address.set(parseIPv4(text).split("."));
	return { address, ip_version: isV6 ? 6 : 4 };
}

class Datagrams {
	#channel;
	#isBound;

	constructor(channel, isBound) {
		this.#channel = channel;
		this.#isBound = isBound;
	}
	async next() {
		for (;;) {
			const { value: message, done } = this.#channel.closed ? { done: true } : await this.#channel.next();

			if (done)
				return { value: undefined, done };
			if (message.type !== "datagram")
				continue;
			const opened = payload.open(message), bytes = opened.bytes.slice();

			opened.close();
			return { value: { bytes, address: formatAddress(message), port: message.port }, done: false };
		}
	}
	async return() {
		this.close();
		return { value: undefined, done: true };
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	async send(data, address, port) {
		const bytes = sentBytes(data);
		const peer = this.#isBound ? { ...readAddress(String(address)), port: checkPort(port) } :
			{ address: new Uint8Array(16), ip_version: 4, port: 0 };

		if (bytes.length > DATAGRAM_MAX)
			throw systemError("ERR_TOO_LARGE", `a datagram has at most ${DATAGRAM_MAX} bytes`);
		// Of inline bytes a datagram takes fewer than other data.
		const { offset, length, tail, handles } = bytes.length <= DATAGRAM_INLINE_MAX ?
			{ offset: 0, length: bytes.length, tail: bytes, handles: [] } :
			{ offset: 0, length: bytes.length, tail: new Uint8Array(), handles: [folioWith(bytes)] };
		await this.#channel.sendWait({ type: "datagram", offset, length, ...peer, tail, handles });
	}
	close() {
		this.#channel.close();
	}
}

export async function connect(host, port) {
	return new Connection(await open(`tcp:${checkHost(host)}:${checkPort(port)}`), `${checkHost(host)}:${port}`);
}

export async function listen(port, { address = "*" } = {}) {
	const uri = `tcp-listen:${checkHost(address)}:${checkPort(port)}`;

	return new Listener(uri, await open(uri));
}

export const udp = {
	bind: async (port, { address = "*" } = {}) => new Datagrams(await open(`udp-listen:${checkHost(address)}:${checkPort(port)}`), true),
	connect: async (host, port) => new Datagrams(await open(`udp:${checkHost(host)}:${checkPort(port)}`), false),
};
