// SPDX-License-Identifier: MIT
//
// What http of apps/js/lib does with a server and a source of a body that the test is. What is of
// the connection itself, net_ts tests in the system.
import assert from "node:assert/strict";
import test from "node:test";

import { fetch } from "../../apps/js/lib/fetch.js";
import { Response } from "../../apps/js/lib/http_message.js";
import native from "./native_fake.cjs";

const failure = code => Object.assign(new Error(code), { code });

/** The far end of the next connection: what it was sent, and whether it takes more. */
function server() {
	const far = { said: "", takes: true, closed: false };
	const channel = {
		get closed() {
			return far.closed;
		},
		recv: () => new Promise((_, reject) => { far.leave = () => reject(failure("ERR_PEER_CLOSED")); }),
		async sendWait({ tail }) {
			if (far.closed || !far.takes)
				throw failure(far.closed ? "ERR_BAD_HANDLE" : "ERR_PEER_CLOSED");
			far.said += new TextDecoder().decode(tail);
		},
		close() {
			far.closed = true;
			far.leave?.();
		},
	};

	native.connect = () => ({ request: async () => ({ type: "open_reply", handles: [channel] }), close() {} });
	return far;
}

/** A body whose second piece never comes. */
async function* cut(code) {
	yield "half";
	throw failure(code);
}

test("what a server is told of the body's length", async () => {
	for (const [options, length] of [[{}, null], [{ method: "POST" }, "0"], [{ method: "DELETE", headers: { "content-length": "5" } }, null],
		[{ method: "POST", body: "abc", headers: { "content-length": "5" } }, "3"], [{ method: "PUT", body: ["a"], headers: { "content-length": "1" } }, "1"],
		[{ method: "PUT", body: ["a"] }, null]]) {
		const far = server(), asked = fetch("http://a/", options);

		asked.catch(() => {});
		await new Promise(resolve => setImmediate(resolve));
		assert.equal(/^content-length: (.*)\r$/m.exec(far.said)?.[1] ?? null, length, far.said);
		assert.equal(far.said.includes("chunked"), Array.isArray(options.body) && length === null);
		far.leave();
	}
});

// As a gateway's is, whose client goes: the server would wait for the rest for ever.
test("a body whose source fails, however it does, ends the request", async () => {
	for (const code of ["ERR_PEER_CLOSED", "ERR_BAD_HANDLE", "ERR_IO"]) {
		const far = server();

		await assert.rejects(fetch("http://a/", { method: "PUT", body: cut(code) }), { code });
		assert.equal(far.closed, true);
		assert.equal(far.said.endsWith("\r\n\r\n4\r\nhalf\r\n"), true, far.said);
	}
});

test("a server that does not take the body may answer all the same", async () => {
	const far = server();
	let given = 0;

	async function* pieces() {
		for (;; given++) {
			far.takes = false;
			yield "x";
		}
	}
	const asked = fetch("http://a/", { method: "PUT", body: pieces() });

	asked.catch(() => {});
	await new Promise(resolve => setImmediate(resolve));
	assert.deepEqual([given, far.closed], [0, false]);
	far.leave();
	await assert.rejects(asked, { code: "ERR_PEER_CLOSED" });
});

test("a redirection leaves an address as it is, but for what a field cannot have", () => {
	for (const [url, location] of [["/a%2Fb?c=%26", "/a%2Fb?c=%26"], ["/%ff%", "/%ff%"], ["/ü \r\nx: y", "/%C3%BC%20%0D%0Ax:%20y"], ["/\ud800", "/%EF%BF%BD"]])
		assert.equal(Response.redirect(url).headers.get("location"), location);
});
