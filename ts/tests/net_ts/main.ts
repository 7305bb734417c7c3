// SPDX-License-Identifier: MIT
//
// TCP, UDP and both sides of HTTP over the loopback, each property once: good peers and bad ones.
import { app, type Connection, http, type HttpRequest, type Listener, log, net, sleep } from "starina";
import { sockets } from "./sockets";
import { equal, rejects, until } from "./check";

const HOST = "127.0.0.1";
const TCP = 7001, WEB = 7002, BAD = 7003, UDP = 7004, NOBODY = 7009;
const BASE = `http://${HOST}:${WEB}`;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function all(connection: Connection): Promise<string> {
	let said = "";
	for await (const bytes of connection)
		said += text(bytes);
	return said;
}

/** What a server says that is asked by raw bytes. */
async function ask(request: string | Uint8Array): Promise<string> {
	const connection = await net.connect(HOST, WEB);
	await connection.write(request);
	return all(connection);
}

// --- What is served ----------------------------------------------------------------------------

const seen = { returned: 0, gone: 0, cut: "", pieces: 0 };

async function* endless() {
	try {
		for (;; seen.pieces++)
			yield new Uint8Array(16384);
	} finally {
		seen.returned++;
	}
}

/** One that is never done, and says when it is given up. */
const silent: AsyncIterable<string> = {
	[Symbol.asyncIterator]: () => ({
		next: () => new Promise(() => {}),
		async return() {
			seen.returned++;
			return { value: undefined, done: true as const };
		},
	}),
};

const routes: Record<string, (request: HttpRequest) => Response | void | Promise<Response | void>> = {
	"/hello": () => new Response("hello"),
	"/json": () => Response.json({ a: [1, "ü"] }, { status: 201 }),
	"/elsewhere": () => Response.redirect("/hello"),
	async "/echo"(request) {
		const { method, url, headers } = request;
		return new Response(await request.bytes(), { headers: { "x-method": method, "x-url": url, "x-type": headers.get("content-type") ?? "none" } });
	},
	"/through": request => new Response(request.body, { headers: { "content-type": "a/b" } }),
	async "/small"(request) {
		return new Response(await request.text(10));
	},
	"/endless": () => new Response(endless()),
	"/silent": () => new Response(silent),
	"/long": () => new Response(["a", "bc", new Uint8Array([100])], { headers: { "content-length": "4" } }),
	"/lies": () => new Response(["a", "bc"], { headers: { "content-length": "2" } }),
	"/throws"() {
		throw new Error("meant to fail");
	},
	"/nothing": () => undefined,
	"/breaks": () => new Response((function* () {
		yield "a";
		throw new Error("meant to break");
	})()),
	async "/never"(request) {
		await request.gone;
		seen.gone++;
		return new Promise(() => {});
	},
	async "/upload"(request) {
		let length = 0;
		try {
			for await (const piece of request.body!)
				length += piece.length;
		} catch (error) {
			seen.cut = (error as { code: string }).code;
			throw error;
		}
		return new Response(String(length));
	},
	async "/socket"(request) {
		const socket = request.upgrade({ maxMessage: 100 });
		for await (const message of socket)
			await socket.sendWait(message);
		seen.gone++;
	},
};

// --- What is tried -----------------------------------------------------------------------------

async function accept(listener: Listener): Promise<Connection> {
	return (await listener.next()).value!;
}

const tests: Record<string, () => Promise<void>> = {
	async connections() {
		const listener = await net.listen(TCP);
		const ours = await net.connect(HOST, TCP), theirs = await accept(listener);
		equal(theirs.peer.startsWith(`${HOST}:`), true, `peer ${theirs.peer}`);
		const both = [ours.write("a"), ours.write(new Uint8Array(300_000).fill(98)), ours.write("c"), ours.end()];
		const said = await all(theirs);
		await Promise.all(both);
		equal(said.length, 300_002, "length");
		equal(said[0]! + said.at(-1), "ac", "order");
		theirs.close();
		// A half-closed connection goes on the other way.
		const half = await net.connect(HOST, TCP), other = await accept(listener);
		await half.end();
		equal(await other.read(), null, "their end");
		await other.write("still");
		other.close();
		equal(await all(half), "still", "after our end");
		await rejects(ours.write(1 as unknown as string), undefined, "string", "no bytes");
		await rejects(theirs.write("x"), "ERR_BAD_HANDLE", "", "after close");
		equal(await theirs.read(), null, "an end stays");
		listener.close();
		equal((await listener.next()).done, true, "closed");
		await rejects(net.connect(HOST, NOBODY), "ERR_REFUSED", "refused", "nobody");
		await rejects(net.connect(HOST, 0), undefined, "port", "no port");
		await rejects(net.listen(TCP, { address: "1.2.3.4.5" }), "ERR_INVALID", "address", "no address");
		await rejects(http.serve(TCP, () => {}, { address: "nowhere" }), "ERR_INVALID", "", "no address");
	},
	// A peer that takes nothing stops who writes; it goes on when it does.
	async backpressure() {
		const listener = await net.listen(TCP);
		const ours = await net.connect(HOST, TCP), theirs = await accept(listener);
		let written = 0;
		const piece = new Uint8Array(65536), whole = 8 * 1024 * 1024;
		const writes = (async () => {
			for (; written < whole; written += piece.length)
				await ours.write(piece);
			await ours.end();
		})();
		let before = -1;
		while (before !== written) {
			before = written;
			await sleep(300);
		}
		equal(written < whole / 2, true, `${written} bytes on their way`);
		let length = 0;
		for await (const bytes of theirs)
			length += bytes.length;
		await writes;
		equal(length, whole, "length");
		listener.close();
	},
	async datagrams() {
		const bound = await net.udp.bind(UDP), to = await net.udp.connect(HOST, UDP);
		for (const size of [0, 1, 228, 229, 1400]) {
			await to.send(new Uint8Array(size).fill(7));
			const { bytes, address, port } = (await bound.next()).value!;
			equal(bytes.length, size, "length");
			equal(address, HOST, "address");
			await bound.send("answer", address, port);
			equal(text((await to.next()).value!.bytes), "answer", "answer");
		}
		await rejects(bound.send("x", "no.such", 1), undefined, "", "a name");
		await rejects(to.send(new Uint8Array(70_000)), "ERR_TOO_LARGE", "65507", "too large");
		bound.close();
		to.close();
		equal((await bound.next()).done, true, "closed");
	},
	async requests() {
		const hello = await http.fetch(`${BASE}/hello`);
		equal(hello.status, 200, "status");
		equal(hello.ok, true, "ok");
		equal(hello.headers.get("Content-Type"), "text/plain; charset=utf-8", "type");
		equal(await hello.text(), "hello", "body");
		await rejects(hello.text(), undefined, "already", "twice");
		const json = await http.fetch(`${BASE}/json`);
		equal(json.status, 201, "status");
		equal((await json.json()).a[1], "ü", "json");
		const moved = await http.fetch(`${BASE}/elsewhere`);
		equal(moved.status, 302, "status");
		equal(moved.headers.get("location"), "/hello", "location");
		const head = await http.fetch(`${BASE}/hello`, { method: "HEAD" });
		equal(head.headers.get("content-length"), "5", "length");
		equal(head.body, null, "body");
		equal((await http.fetch(`${BASE}/none`)).status, 404, "status");
		const echo = await http.fetch(`${BASE}/echo?q=%20x#f`, { method: "PUT", body: "ü", headers: { "Content-Type": "x/y" } });
		equal(echo.headers.get("x-method"), "PUT", "method");
		equal(echo.headers.get("x-url"), `${BASE}/echo?q=%20x`, "url");
		equal(echo.headers.get("x-type"), "x/y", "type");
		equal(await echo.text(), "ü", "body");
	},
	async bodies() {
		async function* pieces(count: number, size: number) {
			for (let i = 0; i < count; i++)
				yield new Uint8Array(size).fill(i);
		}
		const back = await http.fetch(`${BASE}/through`, { method: "POST", body: pieces(40, 50_000) });
		equal(back.headers.get("transfer-encoding"), "chunked", "in chunks");
		let length = 0;
		for await (const piece of back.body!)
			length += piece.length;
		equal(length, 2_000_000, "length");
		const upload = await http.fetch(`${BASE}/upload`, { method: "POST", body: pieces(10, 100), headers: { "content-length": "1000" } });
		equal(await upload.text(), "1000", "with a length");
		await rejects(http.fetch(`${BASE}/upload`, { method: "POST", body: pieces(10, 100), headers: { "content-length": "1001" } }),
			undefined, "1001", "fewer than said");
		await until(() => seen.cut === "ERR_PEER_CLOSED", "the server's side of it");
		equal((await http.fetch(`${BASE}/small`, { method: "POST", body: "0123456789" })).status, 200, "as much as is taken");
		equal((await http.fetch(`${BASE}/small`, { method: "POST", body: "0123456789x" })).status, 413, "more than is taken");
		const long = await http.fetch(`${BASE}/long`);
		equal(long.headers.get("content-length"), "4", "length");
		equal(await long.text(), "abcd", "body");
	},
	async leaving() {
		const { body } = await http.fetch(`${BASE}/endless`);
		let count = 0;
		for await (const _ of body!) {
			if (++count === 20)
				break;
		}
		await until(() => seen.returned === 1, "an endless body is given up");
		const quiet = await net.connect(HOST, WEB);
		await quiet.write("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n");
		await quiet.read();
		quiet.close();
		await until(() => seen.returned === 2, "so is one that never comes");
		const waits = await net.connect(HOST, WEB);
		await waits.write("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
		await sleep(100);
		waits.close();
		await until(() => seen.gone === 1, "who waits for nothing is told");
		seen.cut = "";
		const cut = await net.connect(HOST, WEB);
		await cut.write("POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
		await sleep(100);
		cut.close();
		await until(() => seen.cut === "ERR_PEER_CLOSED", "a body that is cut");
	},
	// What a handler does wrong is its client's to see, and nobody else's.
	async failures() {
		for (const path of ["/throws", "/nothing"]) {
			const failed = await http.fetch(BASE + path);
			equal(failed.status, 500, path);
			equal(await failed.text(), "Internal Server Error\n", path);
		}
		const socket = await http.fetch(`${BASE}/socket`);
		equal(socket.status, 426, "no WebSocket was asked for");
		await socket.bytes();
		await rejects(http.fetch(`${BASE}/breaks`).then(breaks => breaks.text()), undefined, "", "a body that breaks");
		await rejects(http.fetch(`${BASE}/lies`).then(lies => lies.text()), undefined, "", "more than its length");
		equal(await (await http.fetch(`${BASE}/hello`)).text(), "hello", "the server goes on");
	},
	async garbage() {
		const line = "GET /hello HTTP/1.1\r\nHost: a\r\n";
		for (const [request, answer] of Object.entries({
			"\0\0\0\0\r\n\r\n": "400",
			"GET /hello HTTP/1.1\r\n\r\n": "400",
			"GET /hello HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n": "400",
			"GET /hello HTTP/1.1\r\nHost: a:99999\r\nConnection: close\r\n\r\n": "400",
			"GET hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "400",
			[`${line}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`]: "400",
			[`${line}Transfer-Encoding: gzip\r\n\r\n`]: "501",
			[`${line}X: ${"y".repeat(9000)}\r\n\r\n`]: "431",
			"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n": "400",
			"GET /hello HTTP/1.0\r\n\r\n": "200",
			"GET http://else/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n": "200",
		}))
			equal((await ask(request)).slice(9, 12), answer, JSON.stringify(request.slice(0, 60)));
		// Two in one piece are answered in their order, and only what was asked.
		const two = await ask(`${line}\r\nGET /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
		equal(two.indexOf("hello") < two.indexOf("201 Created"), true, "order");
	},
	async mistakes() {
		for (const [wrong, what] of [
			[() => new Response("", { headers: { "a b": "c" } }), "name of a header"],
			[() => new Response("", { headers: { a: "b\r\nc: d" } }), "value of a header"],
			[() => new Response("", { status: 99 }), "200 to 599"],
			[() => new Response(1 as unknown as string), "a body is"],
			[() => http.fetch("https://a/"), "only http:"],
			[() => http.fetch("http://u:p@a/"), "without a user"],
			[() => http.fetch(`${BASE}/`, { method: "A B" }), "no method"],
			[() => http.serve(0, () => {}), "a port is"],
			[() => http.serve(1, 2 as unknown as () => void), "handler"],
		] as const)
			await rejects((async () => wrong())(), undefined, what, String(wrong));
	},
	// What a server says is not believed.
	async badServers() {
		const listener = await net.listen(BAD);
		const head = "HTTP/1.1 200 OK\r\n";
		const answers: [string, string | undefined, string][] = [
			["nothing of HTTP\r\n\r\n", "ERR_PROTOCOL", "no head"],
			["", "ERR_PROTOCOL", "an end at once"],
			[`${head}Content-Le`, "ERR_PROTOCOL", "half a head"],
			["HTTP/1.1 101 Switching Protocols\r\n\r\n", "ERR_PROTOCOL", "another protocol"],
			["HTTP/1.1 100 Continue\r\n\r\n".repeat(9), "ERR_PROTOCOL", "interim answers"],
			[`${head}X: ${"y".repeat(9000)}\r\n\r\n`, "ERR_TOO_LARGE", "a huge head"],
			[`${head}${"a: b\r\n".repeat(70)}\r\n`, "ERR_TOO_LARGE", "many fields"],
			[`${head}Content-Length: 9\r\n\r\nshort`, "ERR_PROTOCOL", "fewer bytes"],
			[`${head}Content-Length: -1\r\n\r\n`, "ERR_PROTOCOL", "a negative length"],
			[`${head}Content-Length: 18446744073709551615\r\n\r\nx`, "ERR_PROTOCOL", "a length of all there is"],
			[`${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`, "ERR_PROTOCOL", "two lengths"],
			[`${head}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx`, "ERR_PROTOCOL", "two framings"],
			[`${head}Transfer-Encoding: gzip\r\n\r\nx`, "ERR_NOT_SUPPORTED", "another coding"],
			[`${head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nx`, "ERR_PROTOCOL", "a huge chunk"],
			[`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`, "ERR_PROTOCOL", "half a chunk"],
			[`${head}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`, "ERR_PROTOCOL", "a chunk that is too long"],
			[`HTTP/1.1 103 Hints\r\n\r\n${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nmore`, undefined, "abc"],
			[`${head}Content-Length: 3\r\n\r\nabcmore`, undefined, "abc"],
			[`HTTP/1.0 799 Odd\r\n\r\nto the end`, undefined, "to the end"],
		];
		for (const [answer, code, what] of answers) {
			const asked = http.fetch(`http://${HOST}:${BAD}/`).then(response => response.text());
			asked.catch(() => {});
			const server = await accept(listener);
			while (!text((await server.read())!).endsWith("\r\n\r\n"));
			// In two pieces, wherever it is cut.
			await server.write(answer.slice(0, answer.length / 2));
			await server.write(answer.slice(answer.length / 2));
			server.close();
			if (code === undefined)
				equal(await asked, what, answer);
			else
				await rejects(asked, code, "", what);
		}
		const late = http.fetch(`http://${HOST}:${BAD}/`, { timeout: 200 });
		late.catch(() => {});
		const server = await accept(listener);
		await rejects(late, "ERR_TIMED_OUT", "200 ms", "one that says nothing");
		server.close();
		listener.close();
		await rejects(http.fetch(`http://${HOST}:${NOBODY}/`), "ERR_REFUSED", "", "nobody");
	},
	...sockets(HOST, WEB),
};

export default app({
	name: "net_ts",
	needs: [{ service: "tcpip" }],
	limits: { memory: 32 * 1024 * 1024 },

	async main() {
		const server = await http.serve(WEB, request => {
			const route = routes[new URL(request.url).pathname];
			return route === undefined ? new Response("no such page", { status: 404 }) : route(request);
		});
		for (const [name, test] of Object.entries(tests)) {
			await test();
			log.info(`ok ${name}`);
		}
		server.close();
		server.close();
		await rejects(net.connect(HOST, WEB), "ERR_REFUSED", "", "after close");
		log.info(`${Object.keys(tests).length} passed`);
	},
});
