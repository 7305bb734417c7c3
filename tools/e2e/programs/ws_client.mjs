// SPDX-License-Identifier: MIT
// npm's WebSocket client against the API: ws_client.mjs ADDRESS, where "ws" is beside it. It refuses
// what RFC 6455 does not allow a server. Ends with status 0 when all is as it has to be.

import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const address = new URL(process.argv[2]);
const token = address.hash.slice("#token=".length);
const ask = (what) => JSON.stringify({ interval_ms: 100, what });

function connect(path, protocols = ["starina.v1", `token.${token}`]) {
	return new WebSocket(`ws://${address.host}/api/v1${path}`, protocols);
}

async function opened(path) {
	const socket = connect(path);
	await once(socket, "open");
	assert.equal(socket.protocol, "starina.v1");
	assert.equal(socket.extensions, "");
	return socket;
}

async function message(socket) {
	const [data, isBinary] = await once(socket, "message");
	assert.equal(isBinary, false);
	return JSON.parse(data);
}

// A message in pieces, with a ping between them, and the end that the client begins.
async function fragments() {
	const socket = await opened("/live");
	const text = ask(["status"]);
	socket.send(text.slice(0, 5), { fin: false });
	socket.ping("between");
	socket.send(text.slice(5, 5), { fin: false });
	const [pong] = await once(socket, "pong");
	assert.equal(pong.toString(), "between");
	socket.send(text.slice(5), { fin: true });
	for (let i = 0; i < 3; i++) assert.ok((await message(socket)).status.processes > 0);
	socket.send(ask(["processes"]));
	while (!("processes" in (await message(socket)))) continue;
	socket.close(1000, "enough");
	const [code] = await once(socket, "close");
	assert.equal(code, 1000);
}

// What closes it, with the code that tells why.
async function closed(say, wanted) {
	const socket = await opened("/live");
	say(socket);
	const [code] = await once(socket, "close");
	assert.equal(code, wanted);
}

async function refused(protocols, wanted) {
	const socket = connect("/live", protocols);
	socket.on("error", () => {});
	const [, response] = await once(socket, "unexpected-response");
	assert.equal(response.statusCode, wanted);
}

// Bytes of any size come back as they went.
async function echoed(size) {
	const words = ["sh", "-c", "stty raw -echo; echo ready; cat"].map((word) => `argv=${encodeURIComponent(word)}`);
	const socket = await opened(`/terminal?${words.join("&")}`);
	const sent = Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 7) % 251));
	let heard = Buffer.alloc(0);
	let begun = false;
	await new Promise((resolve, reject) => {
		socket.on("close", () => reject(new Error("the terminal was closed")));
		socket.on("message", (data) => {
			heard = Buffer.concat([heard, data]);
			if (!begun && heard.includes("ready\n")) {
				begun = true;
				heard = Buffer.alloc(0);
				for (let at = 0, step = 1; at < size; at += step, step = Math.min(60000, step * 3)) socket.send(sent.subarray(at, Math.min(size, at + step)));
			} else if (heard.length >= size) {
				resolve();
			}
		});
	});
	assert.deepEqual(heard.subarray(-size), sent);
	socket.terminate();
}

await fragments();
await closed((socket) => socket.send("x".repeat(5000)), 1009);
await closed((socket) => socket.send(Buffer.from("binary")), 1008);
await closed((socket) => socket.send("{]"), 1008);
await refused(["starina.v1", "token.wrong"], 401);
await refused(["other"], 401);
await refused([`token.${token}`], 400);
await echoed(300000);
process.exit(0);
