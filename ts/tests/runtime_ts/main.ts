// SPDX-License-Identifier: MIT
//
// What the runtime itself has: timers, jobs, text, URLs, the log. Ends with status 0, or throws.
import { app, log, now } from "starina";

function equal(actual: unknown, wanted: unknown, what: string): void {
	const [a, w] = [actual, wanted].map(v => typeof v === "string" ? v : JSON.stringify(v));
	if (a !== w)
		throw new Error(`${what}: ${a}, and not ${w}`);
}

function throws(fn: () => unknown, type: new (text: string) => Error, what: string): void {
	try {
		fn();
	} catch (e) {
		if (e instanceof type)
			return;
		throw e;
	}
	throw new Error(`${what}: no ${type.name}`);
}

async function testOrder(): Promise<void> {
	const order: string[] = [];
	// Far enough behind the other that a busy machine does not make it due first.
	const last = new Promise<void>(resolve => setTimeout(() => {
		order.push("timer 2");
		resolve();
	}, 1000));
	setTimeout((a: string, b: number) => order.push(a + b), 1, "timer ", 1);
	const stopped = setTimeout(() => order.push("never"), 1);
	clearTimeout(stopped);
	queueMicrotask(() => order.push("microtask"));
	void Promise.resolve().then(() => order.push("promise"));
	order.push("code");
	await last;
	equal(order, ["code", "microtask", "promise", "timer 1", "timer 2"], "order");
}

async function testInterval(): Promise<void> {
	const begin = now();
	const times = await new Promise<number>(resolve => {
		let n = 0;
		const id = setInterval(() => {
			if (++n === 3) {
				clearInterval(id);
				resolve(n);
			}
		}, 2);
	});
	equal(times, 3, "interval");
	equal(now() - begin >= 6_000_000n, true, "time of an interval");
}

function testText(): void {
	const encoder = new TextEncoder(), decoder = new TextDecoder();
	equal([...encoder.encode("a€😀\ud800")], [97, 226, 130, 172, 240, 159, 152, 128, 239, 191, 189], "encode");
	equal(decoder.decode(new Uint8Array([0xef, 0xbb, 0xbf, 97])), "a", "byte order mark");
	equal(decoder.decode(new Uint8Array([0xe2, 0x82, 97, 0xf0, 0x80, 0xc0, 0xed, 0xa0, 0x80, 0xf4, 0x90])),
		"\ufffda\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd", "bad bytes");
	equal(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }) + decoder.decode(new Uint8Array([0xac])), "€", "stream");
	throws(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff])), TypeError, "fatal");
	throws(() => new TextDecoder("latin1"), RangeError, "label");
}

function testURL(): void {
	const cases: [string, string | undefined, string][] = [
		["http://EXAMPLE.com:80/a/../b/./c?x=1#y", undefined, "http://example.com/b/c?x=1#y"],
		["https://user:pass@host:8443", undefined, "https://user:pass@host:8443/"],
		["../d?q", "http://h/a/b/c", "http://h/a/d?q"],
		["//other/x", "https://h/a", "https://other/x"],
		["?only", "http://h/a/b?x#y", "http://h/a/b?only"],
		["#f", "http://h/a?x", "http://h/a?x#f"],
		["/%7Efoo/ü \"", "http://h", "http://h/%7Efoo/%C3%BC%20%22"],
		["http://[2001:DB8::0:1]:8080/", undefined, "http://[2001:db8::1]:8080/"],
		["http://[::ffff:1.2.3.4]/", undefined, "http://[::ffff:102:304]/"],
		["http://0x7f.1/", undefined, "http://127.0.0.1/"],
		["http:\\\\h\\a", undefined, "http://h/a"],
		["  ws://h/a\tb\n ", undefined, "ws://h/ab"],
		["http:x", "http://h/a/b", "http://h/a/x"],
	];
	for (const [input, base, href] of cases)
		equal(new URL(input, base).href, href, input);
	for (const bad of ["", "h/x", "http://", "http://a b/", "http://h:99999/", "http://[1::2::3]/", "http://1.2.3.256/", "ftp://h/"])
		throws(() => new URL(bad), TypeError, bad);
	const url = new URL("http://h/?a=1&b=2&a=%203");
	equal(url.searchParams.getAll("a"), ["1", " 3"], "getAll");
	url.searchParams.set("a", "x y&");
	equal(url.href, "http://h/?a=x+y%26&b=2", "set");
	url.pathname = "/p q";
	url.hash = "z";
	equal(String(url), "http://h/p%20q?a=x+y%26&b=2#z", "setters");
	equal([...new URLSearchParams({ k: "v", "ü": "1" })].length + new URLSearchParams("a=b&c").toString(), "2a=b&c=", "params");
}

function testClone(): void {
	const value: Record<string, unknown> = { a: [1, 2n, "x"], m: new Map([["k", new Set([1])]]), b: new Uint8Array([1, 2]) };
	value["self"] = value;
	const copy = structuredClone(value) as typeof value;
	equal(copy["self"] === copy && copy["a"] !== value["a"], true, "a cycle");
	equal((copy["a"] as unknown[])[1] === 2n, true, "a bigint");
	(copy["b"] as Uint8Array)[0] = 9;
	equal((value["b"] as Uint8Array)[0], 1, "bytes");
	throws(() => structuredClone(() => 0), TypeError, "a function");
}

// An app that says nothing of its stack has room for this many calls.
function testDepth(): void {
	const nested = (n: number): number => n === 0 ? 0 : 1 + nested(n - 1);
	equal(nested(1000), 1000, "nested calls");
	let depth = 0;
	const dive = (): void => {
		depth++;
		dive();
	};
	throws(dive, Error, "calls without an end");
	log.info(`${depth} nested calls`);
}

export default app({
	name: "runtime_ts",
	async main() {
		await testOrder();
		await testInterval();
		testText();
		testURL();
		testClone();
		testDepth();
		log.info("shown:", { n: 1, s: "x", list: [1n, null, undefined], map: new Map([["k", new Uint8Array(2)]]) });
		log.warn(new TypeError("shown with its place"));
		log.info("all is well");
	},
});
