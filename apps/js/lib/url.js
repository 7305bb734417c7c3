// SPDX-License-Identifier: MIT
//
// URL and URLSearchParams (the standard "URL") for http, https, ws and wss. Other schemes, and host names beyond ASCII,
// are refused.
import { encode, decode } from "native:text";

const PORTS = { "http:": 80, "https:": 443, "ws:": 80, "wss:": 443 };

// The percent-encode sets, as what is encoded of ASCII beside controls.
const FRAGMENT = " \"<>`", QUERY = " \"#<>'", PATH = " \"#<>?^`{}", USERINFO = PATH + "/:;=@[\\]|";
const FORBIDDEN_HOST = /[\u0000-\u0020"#%/:<>?@[\\\]^`{|}\u007f]/;

const hex = byte => "%" + byte.toString(16).toUpperCase().padStart(2, "0");

function percentEncode(text, set) {
	let out = "";
	for (const char of text.toWellFormed()) {
		const code = char.codePointAt(0);
		if (code > 0x20 && code < 0x7f && !set.includes(char))
			out += char;
		else
			out += Array.from(encode(char), hex).join("");
	}
	return out;
}

function percentDecode(text) {
	const bytes = [];
	const from = encode(text.toWellFormed());
	for (let i = 0; i < from.length; i++) {
		const digits = from[i] === 0x25 ? String.fromCharCode(from[i + 1] ?? 0, from[i + 2] ?? 0) : "";
		if (/^[0-9A-Fa-f]{2}$/.test(digits)) {
			bytes.push(parseInt(digits, 16));
			i += 2;
		} else {
			bytes.push(from[i]);
		}
	}
	return decode(new Uint8Array(bytes), false);
}

function fail(why) {
	throw new TypeError(`invalid URL: ${why}`);
}

function parseNumber(text) {
	if (text === "")
		return NaN;
	if (/^0[xX]/.test(text))
		return text.length === 2 ? 0 : /^[0-9A-Fa-f]+$/.test(text.slice(2)) ? parseInt(text.slice(2), 16) : NaN;
	if (/^0[0-7]+$/.test(text))
		return parseInt(text, 8);
	return /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : NaN;
}

export function parseIPv4(host) {
	const parts = host.split(".");
	if (parts.length > 1 && parts.at(-1) === "")
		parts.pop();
	const numbers = parts.map(parseNumber);
	if (parts.length > 4 || numbers.some(Number.isNaN) || numbers.slice(0, -1).some(n => n > 255) ||
		numbers.at(-1) >= 256 ** (5 - parts.length))
		fail(`${host} is no IPv4 address`);
	const value = numbers.slice(0, -1).reduce((sum, n, i) => sum + n * 256 ** (3 - i), numbers.at(-1));
	return [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join(".");
}

function groups(text) {
	if (text === "")
		return [];
	return text.split(":").flatMap((part, i, all) => {
		if (i === all.length - 1 && /^\d+(\.\d+){3}$/.test(part)) {
			const bytes = part.split(".").map(b => /^(0|[1-9]\d*)$/.test(b) && b <= 255 ? Number(b) : NaN);
			return [bytes[0] * 256 + bytes[1], bytes[2] * 256 + bytes[3]];
		}
		return /^[0-9A-Fa-f]{1,4}$/.test(part) ? parseInt(part, 16) : NaN;
	});
}

export function parseIPv6(text) {
	const halves = text.split("::");
	const [head, tail] = [groups(halves[0]), groups(halves[1] ?? "")];
	const missing = 8 - head.length - tail.length;
	const all = halves.length === 2 && missing >= 1 ? [...head, ...new Array(missing).fill(0), ...tail] : head;
	if (halves.length > 2 || all.length !== 8 || all.some(Number.isNaN))
		fail(`[${text}] is no IPv6 address`);
	return all;
}

// The longest run of at least two zeros is left out.
export function formatIPv6(all) {
	let at = -1, most = 1;
	for (let i = 0; i < 8; i++) {
		let n = 0;
		while (i + n < 8 && all[i + n] === 0)
			n++;
		if (n > most)
			[at, most] = [i, n];
	}
	const text = part => part.map(n => n.toString(16)).join(":");
	return at < 0 ? text(all) : `${text(all.slice(0, at))}::${text(all.slice(at + most))}`;
}

function parseHost(text) {
	if (text.startsWith("["))
		return text.endsWith("]") ? `[${formatIPv6(parseIPv6(text.slice(1, -1)))}]` : fail("] is missing");
	const host = percentDecode(text).toLowerCase();
	if (host === "" || FORBIDDEN_HOST.test(host) || /[^\u0000-\u007f]/.test(host))
		fail(`the host ${JSON.stringify(text)}`);
	const last = host.split(".").filter((part, i, all) => part !== "" || i < all.length - 1).at(-1) ?? "";
	return /^\d+$/.test(last) || /^0x[0-9a-f]*$/.test(last) ? parseIPv4(host) : host;
}

function parsePort(text, scheme) {
	if (text === "")
		return "";
	const port = Number(text);
	if (!/^\d+$/.test(text) || port > 65535)
		fail(`the port ${text}`);
	return port === PORTS[scheme] ? "" : String(port);
}

const isDot = part => /^(\.|%2e)$/i.test(part);
const isDotDot = part => /^(\.|%2e){2}$/i.test(part);

// `start`: the segments that `text` goes on from.
function parsePath(text, start) {
	const path = [...start];
	const parts = text.split(/[/\\]/);
	parts.forEach((part, i) => {
		const last = i === parts.length - 1;
		if (isDotDot(part))
			path.pop();
		else if (!isDot(part))
			path.push(percentEncode(part, PATH));
		if (last && (isDot(part) || isDotDot(part)))
			path.push("");
	});
	return path;
}

function parseAuthority(url, text) {
	const at = text.lastIndexOf("@");
	if (at >= 0) {
		const userinfo = text.slice(0, at), colon = userinfo.indexOf(":");
		url.username = percentEncode(colon < 0 ? userinfo : userinfo.slice(0, colon), USERINFO);
		url.password = colon < 0 ? "" : percentEncode(userinfo.slice(colon + 1), USERINFO);
	}
	const [, host, port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text.slice(at + 1)) ?? fail("its host");
	url.host = parseHost(host);
	url.port = parsePort(port, url.scheme);
}

function parse(input, base) {
	const text = input.toWellFormed().replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, "").replace(/[\t\n\r]/g, "");
	const [, schemeText, rest] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(.*)$/s.exec(text);
	const scheme = schemeText === undefined ? undefined : schemeText.toLowerCase() + ":";
	const [, before, query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest);
	const isRelative = scheme === undefined || (scheme === base?.scheme && !/^[/\\]/.test(before));
	if (scheme === undefined && base === undefined)
		fail(`${JSON.stringify(input)} has no scheme`);
	if (scheme !== undefined && PORTS[scheme] === undefined)
		fail(`the scheme ${scheme} is not supported`);
	const url = { scheme: scheme ?? base.scheme, username: "", password: "", host: "", port: "", path: [""], query: null, fragment: null };
	const oneSlash = scheme === base?.scheme || scheme === undefined;
	if (!isRelative && !oneSlash || /^[/\\]{2}/.test(before) || (!isRelative && base === undefined)) {
		const [, authority, path] = /^[/\\]*([^/\\]*)(.*)$/s.exec(before);
		parseAuthority(url, authority);
		url.path = parsePath(path.replace(/^[/\\]/, ""), []);
	} else {
		Object.assign(url, { username: base.username, password: base.password, host: base.host, port: base.port });
		if (/^[/\\]/.test(before))
			url.path = parsePath(before.slice(1), []);
		else if (before !== "")
			url.path = parsePath(before, base.path.slice(0, -1));
		else
			url.path = base.path;
		if (before === "" && query === undefined)
			url.query = base.query;
	}
	if (query !== undefined)
		url.query = percentEncode(query, QUERY);
	if (fragment !== undefined)
		url.fragment = percentEncode(fragment, FRAGMENT);
	return url;
}

export class URLSearchParams {
	#pairs = [];
	#changed;

	constructor(init = "", changed) {
		this.#changed = changed;
		this.#read(init);
	}
	#read(init) {
		if (typeof init === "object" && init !== null) {
			const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
			this.#pairs = pairs.map(([name, value]) => [String(name).toWellFormed(), String(value).toWellFormed()]);
			return;
		}
		const decoded = text => percentDecode(text.replaceAll("+", " "));
		this.#pairs = String(init).replace(/^\?/, "").split("&").filter(pair => pair !== "").map(pair => {
			const at = pair.indexOf("=");
			return at < 0 ? [decoded(pair), ""] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
		});
	}
	#update(pairs) {
		this.#pairs = pairs;
		this.#changed?.(this.toString());
	}
	get size() {
		return this.#pairs.length;
	}
	append(name, value) {
		this.#update([...this.#pairs, [String(name), String(value)]]);
	}
	delete(name, value) {
		this.#update(this.#pairs.filter(([n, v]) => n !== String(name) || (value !== undefined && v !== String(value))));
	}
	get(name) {
		return this.#pairs.find(([n]) => n === String(name))?.[1] ?? null;
	}
	getAll(name) {
		return this.#pairs.filter(([n]) => n === String(name)).map(([, v]) => v);
	}
	has(name, value) {
		return this.#pairs.some(([n, v]) => n === String(name) && (value === undefined || v === String(value)));
	}
	set(name, value) {
		const at = this.#pairs.findIndex(([n]) => n === String(name));
		if (at < 0)
			return this.append(name, value);
		this.#update(this.#pairs.map((pair, i) => i === at ? [pair[0], String(value)] : pair)
			.filter(([n], i) => n !== String(name) || i === at));
	}
	sort() {
		this.#update([...this.#pairs].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));
	}
	forEach(fn, self) {
		for (const [name, value] of this.#pairs)
			fn.call(self, value, name, this);
	}
	entries() {
		return this.#pairs.map(pair => [...pair])[Symbol.iterator]();
	}
	keys() {
		return this.#pairs.map(([name]) => name)[Symbol.iterator]();
	}
	values() {
		return this.#pairs.map(([, value]) => value)[Symbol.iterator]();
	}
	[Symbol.iterator]() {
		return this.entries();
	}
	toString() {
		const encoded = text => Array.from(encode(text.toWellFormed()), byte =>
			byte === 0x20 ? "+" : /[A-Za-z0-9*._-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : hex(byte)).join("");
		return this.#pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&");
	}
}

export class URL {
	#url;
	#params;

	constructor(input, base) {
		this.#url = parse(String(input), base === undefined ? undefined : parse(String(base)));
	}
	static parse(input, base) {
		try {
			return new URL(input, base);
		} catch {
			return null;
		}
	}
	static canParse(input, base) {
		return URL.parse(input, base) !== null;
	}
	get href() {
		const { username, password } = this.#url;
		const secret = password === "" ? "" : `:${password}`;
		const userinfo = username + secret === "" ? "" : `${username}${secret}@`;
		const query = this.#url.query === null ? "" : `?${this.#url.query}`;
		const fragment = this.#url.fragment === null ? "" : `#${this.#url.fragment}`;
		return `${this.protocol}//${userinfo}${this.host}${this.pathname}${query}${fragment}`;
	}
	set href(value) {
		this.#url = parse(String(value));
		this.#params = undefined;
	}
	get origin() {
		return `${this.protocol}//${this.host}`;
	}
	get protocol() {
		return this.#url.scheme;
	}
	get username() {
		return this.#url.username;
	}
	set username(value) {
		this.#url.username = percentEncode(String(value), USERINFO);
	}
	get password() {
		return this.#url.password;
	}
	set password(value) {
		this.#url.password = percentEncode(String(value), USERINFO);
	}
	get host() {
		return this.#url.port === "" ? this.#url.host : `${this.#url.host}:${this.#url.port}`;
	}
	get hostname() {
		return this.#url.host;
	}
	set hostname(value) {
		this.#url.host = parseHost(String(value));
	}
	get port() {
		return this.#url.port;
	}
	set port(value) {
		this.#url.port = parsePort(String(value), this.#url.scheme);
	}
	get pathname() {
		return "/" + this.#url.path.join("/");
	}
	set pathname(value) {
		this.#url.path = parsePath(String(value).replace(/^[/\\]/, ""), []);
	}
	get search() {
		return this.#url.query === null || this.#url.query === "" ? "" : `?${this.#url.query}`;
	}
	set search(value) {
		const text = String(value).replace(/^\?/, "");
		this.#url.query = text === "" ? null : percentEncode(text, QUERY);
		this.#params = undefined;
	}
	get searchParams() {
		return this.#params ??= new URLSearchParams(this.#url.query ?? "", text => {
			this.#url.query = text === "" ? null : text;
		});
	}
	get hash() {
		return this.#url.fragment === null || this.#url.fragment === "" ? "" : `#${this.#url.fragment}`;
	}
	set hash(value) {
		const text = String(value).replace(/^#/, "");
		this.#url.fragment = text === "" ? null : percentEncode(text, FRAGMENT);
	}
	toString() {
		return this.href;
	}
	toJSON() {
		return this.href;
	}
}
