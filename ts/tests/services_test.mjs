// SPDX-License-Identifier: MIT
//
// Services of ts/examples, with a client that goes in the midst of an answer. A rejection that nobody
// handles would end the app, and with it the service of all the others; node's test fails of it, too.
import assert from "node:assert/strict";
import test from "node:test";

import { services } from "starina";
import echo from "../examples/echo_ts/main";
import kv from "../examples/kv_ts/main";

test("a client that goes in the midst of an answer is closed, and nobody else", async () => {
	for (const [spec, message] of [[echo, { type: "echo", id: 1n }], [kv, { type: "kv_get", id: 1, key: "a" }]]) {
		let closed = false;
		const client = {
			async *[Symbol.asyncIterator]() {
				yield message;
			},
			sendWait: async () => { throw Object.assign(new Error("gone"), { code: "ERR_PEER_CLOSED" }); },
			close() {
				closed = true;
			},
		};

		services.provide = async function* () {
			yield client;
		};
		await spec.main();
		await new Promise(resolve => setImmediate(resolve));
		assert.equal(closed, true, spec.name);
	}
});
