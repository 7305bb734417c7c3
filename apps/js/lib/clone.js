// SPDX-License-Identifier: MIT
//
// structuredClone (HTML, "Safe passing of structured data") of plain values: what an app keeps or sends
// has no part in what it was made of. Handle objects and functions are refused.
const BUFFERS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array,
	Float64Array, BigInt64Array, BigUint64Array, DataView];

function refuse(value) {
	throw new TypeError(`${typeof value === "function" ? "a function" : value?.constructor?.name ?? "it"} cannot be cloned`);
}

function fields(from, to, seen) {
	for (const key of Object.keys(from))
		Object.defineProperty(to, key, { value: clone(from[key], seen), writable: true, enumerable: true, configurable: true });
	return to;
}

function object(value, seen) {
	const keep = to => (seen.set(value, to), to);
	if (Array.isArray(value))
		return fields(value, keep(new Array(value.length)), seen);
	if (value instanceof Map) {
		const to = keep(new Map());
		for (const [k, v] of [...value])
			to.set(clone(k, seen), clone(v, seen));
		return to;
	}
	if (value instanceof Set) {
		const to = keep(new Set());
		for (const v of [...value])
			to.add(clone(v, seen));
		return to;
	}
	if (value instanceof Date)
		return keep(new Date(value.getTime()));
	if (value instanceof RegExp)
		return keep(new RegExp(value.source, value.flags));
	if (value instanceof ArrayBuffer)
		return keep(value.slice(0));
	if (value instanceof Error)
		return keep(Object.assign(new Error(value.message), { name: value.name, stack: value.stack }));
	const view = BUFFERS.find(type => value instanceof type);
	if (view !== undefined)
		return keep(new view(clone(value.buffer, seen), value.byteOffset, value.length ?? value.byteLength));
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== null && prototype !== Object.prototype)
		refuse(value);
	return fields(value, keep({}), seen);
}

function clone(value, seen) {
	if (typeof value === "function" || typeof value === "symbol")
		refuse(value);
	if (typeof value !== "object" || value === null)
		return value;
	return seen.get(value) ?? object(value, seen);
}

export const structuredClone = value => clone(value, new Map());
