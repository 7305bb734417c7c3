// SPDX-License-Identifier: MIT
//
// The modules "native:..." for tests of apps/js/lib under node, all in one: what a test has not set
// is a function that gives nothing.
const set = {
	encode: text => new TextEncoder().encode(text),
	decode: (bytes, fatal) => new TextDecoder("utf-8", { fatal, ignoreBOM: true }).decode(bytes),
	channelPrototype: () => ({}),
};

// As its prototype: a bundle copies what a module has itself, at once.
module.exports = Object.create(new Proxy(set, {
	get: (known, name) => known[name] ?? (() => {}),
	set: (known, name, value) => Reflect.set(known, name, value),
}));
