// SPDX-License-Identifier: MIT
//
// The top level of an app's module, run where there is no system, for its spec: what it is given, and
// what its end means. No API of node's: the page uses this, too.
import { SpecError } from "./spec.mjs";

export const PATIENCE_MS = 10000;

/**
 * What an app says of itself, in a form that leaves its process or worker: a spec as JSON, and the type
 * of its main; or what it threw.
 *
 * @typedef {{spec?: string, main?: string, error?: string}} Answer
 */

/**
 * What stands for `name` of the module "starina": it can be named, but not called.
 *
 * @param {string} name
 * @returns {any}
 */
export function absent(name) {
	const refuse = () => {
		throw new Error(name + " is used before main: at the top level of its modules an app has no system yet");
	};
	return new Proxy(function () {}, {
		apply: refuse,
		construct: refuse,
		get: (target, key) => typeof key === "symbol" ? undefined : key === "prototype" ? target.prototype : absent(name + "." + key),
	});
}

/** @param {any} spec what app() was given @returns {Answer} */
export function describe(spec) {
	const isObject = typeof spec === "object" && spec !== null;
	const seen = isObject ? JSON.stringify(spec, (key, value) => typeof value === "bigint" ? String(value) : value) : undefined;

	return { spec: seen, main: isObject ? typeof spec.main : "undefined" };
}

/**
 * What app() was given, of an answer. Throws a SpecError of one that says what the app threw.
 *
 * @param {Answer} answer
 * @param {string | null} where it threw, if that is known
 * @returns {unknown}
 */
export function specOf(answer, where) {
	if (answer.error !== undefined)
		throw new SpecError(`its top level throws${where !== null ? ` in ${where}` : ""}: ${answer.error}`);
	if (answer.spec !== undefined && answer.main !== "function")
		throw new SpecError("its app has no main: a function that is called with the environment");
	return answer.spec === undefined ? undefined : JSON.parse(answer.spec);
}

/** Of a top level that has not ended in time. */
export function tooLate() {
	return new SpecError(`its top level has not ended within ${PATIENCE_MS / 1000} s`);
}
