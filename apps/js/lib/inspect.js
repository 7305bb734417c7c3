// SPDX-License-Identifier: MIT
//
// Values as text for people.
import { stackOf } from "native:errors";

const DEPTH = 3, ITEMS = 50;

function list(open, items, close) {
	if (items.length > ITEMS)
		items = [...items.slice(0, ITEMS), `${items.length - ITEMS} more`];
	return items.length === 0 ? open + close : `${open} ${items.join(", ")} ${close}`;
}

function error(e) {
	const stack = stackOf(e);
	return stack === "" ? String(e) : `${e}\n${stack.trimEnd()}`;
}

function object(value, depth) {
	const name = Object.getPrototypeOf(value)?.constructor?.name ?? "";
	const inner = v => inspect(v, depth + 1);
	if (value instanceof Error)
		return error(value);
	if (depth >= DEPTH)
		return Array.isArray(value) ? "[...]" : `${name} {...}`;
	if (Array.isArray(value))
		return list("[", value.map(inner), "]");
	if (value instanceof Map)
		return list("Map {", Array.from(value, ([k, v]) => `${inner(k)} => ${inner(v)}`), "}");
	if (value instanceof Set)
		return list("Set {", Array.from(value, inner), "}");
	if (ArrayBuffer.isView(value) && !(value instanceof DataView))
		return list(`${name} [`, Array.from(value, inner), "]");
	if (value instanceof Date || value instanceof RegExp)
		return String(value);
	const fields = Object.keys(value).map(key => `${key}: ${inner(value[key])}`);
	return list(name === "Object" || name === "" ? "{" : `${name} {`, fields, "}");
}

function inspect(value, depth) {
	switch (typeof value) {
	case "string": return JSON.stringify(value);
	case "bigint": return `${value}n`;
	case "function": return `function ${value.name}`;
	case "object": return value === null ? "null" : object(value, depth);
	default: return String(value);
	}
}

// A string as it is, all else as inspect has it.
export const text = value => typeof value === "string" ? value : inspect(value, 0);
