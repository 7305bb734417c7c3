// SPDX-License-Identifier: MIT
//
// Values as text for people.
import { stackOf } from "native:errors";

const DEPTH = 3, ITEMS = 50;

// The first ITEMS of `count` values, each as `show` has it: who logs a large array has no memory for
// all of it as text.
function list(open, values, count, show, close) {
	const items = [];
	for (const value of values) {
		if (items.length === ITEMS) {
			items.push(`${count - ITEMS} more`);
			break;
		}
		items.push(show(value));
	}
	return items.length === 0 ? open + close : `${open} ${items.join(", ")} ${close}`;
}

// A constructor's name may be anything: it is a property like others.
function className(value) {
	const name = Object.getPrototypeOf(value)?.constructor?.name;
	return typeof name === "string" ? name : "";
}

function error(e) {
	const stack = stackOf(e);
	return stack === "" ? String(e) : `${e}\n${stack.trimEnd()}`;
}

function object(value, depth) {
	const name = className(value);
	const inner = v => inspect(v, depth + 1);
	if (value instanceof Error)
		return error(value);
	if (depth >= DEPTH)
		return Array.isArray(value) ? "[...]" : `${name} {...}`;
	if (Array.isArray(value))
		return list("[", value, value.length, inner, "]");
	if (value instanceof Map)
		return list("Map {", value, value.size, ([k, v]) => `${inner(k)} => ${inner(v)}`, "}");
	if (value instanceof Set)
		return list("Set {", value, value.size, inner, "}");
	if (ArrayBuffer.isView(value) && !(value instanceof DataView))
		return list(`${name} [`, value, value.length, inner, "]");
	if (value instanceof Date || value instanceof RegExp)
		return String(value);
	const keys = Object.keys(value);
	return list(name === "Object" || name === "" ? "{" : `${name} {`, keys, keys.length, key => `${key}: ${inner(value[key])}`, "}");
}

function inspect(value, depth) {
	switch (typeof value) {
	case "string": return JSON.stringify(value);
	case "bigint": return `${value}n`;
	case "function": return `function ${typeof value.name === "string" ? value.name : ""}`;
	case "object": return value === null ? "null" : object(value, depth);
	default: return String(value);
	}
}

// A string as it is, all else as inspect has it.
export const text = value => typeof value === "string" ? value : inspect(value, 0);
