// SPDX-License-Identifier: MIT
//
// What app({...}) was given, checked: as the kernel and the loader check the spec of an app in C
// (libs/abi/app.h, docs/app-format.md). No API of node's: the page uses this, too.

export const RUNTIME = "js";
const NAME_MAX = 23, SERVICE_MAX = 31, VALUE_MAX = 127, MAX_NEEDS = 16, MAX_PROVIDES = 4;
const MAX_MEMORY = 64 * 2 ** 30, MAX_STACK = 16 * 2 ** 20, MAX_HANDLES = 2 ** 20, MAX_KEPT = 4 * 2 ** 20;

// enum app_need_kind; those that have no name have the value `true`.
/** @type {Record<string, number>} */
const KINDS = { service: 1, device: 2, config: 3, system: 4, launcher: 5, kept: 6, look: 7 };
const NAMELESS = ["system", "launcher", "look"];
// enum app_restart
/** @type {Record<string, number>} */
const RESTARTS = { "never": 0, "on fault": 1, "always": 2 };

/**
 * @typedef {{kind: number, name: string | null, fallback: string | null, optional: boolean,
 *     size: number}} Need
 * @typedef {{name: string, restart: number, memory: number, stack: number, handles: number,
 *     needs: Need[], provides: string[]}} Spec
 */

/** What is wrong with a spec, in words. */
export class SpecError extends Error {}

/** @param {unknown} value */
function show(value) {
	return JSON.stringify(value) ?? String(value);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {Record<string, unknown>} object @param {string[]} known @param {string} what */
function checkKeys(object, known, what) {
	for (const key of Object.keys(object)) {
		if (!known.includes(key))
			throw new SpecError(`${what} has no field '${key}': there are ${known.join(", ")}`);
	}
}

/** A name of a service, device, ... @param {unknown} value @param {string} what */
function checkName(value, what) {
	if (typeof value !== "string" || !/^[!-~]+$/.test(value) || value.length > SERVICE_MAX)
		throw new SpecError(`${what} is ${show(value)}: it is to be 1 to ${SERVICE_MAX} ASCII characters without blanks`);
	return value;
}

/** @param {unknown} value @param {number} max @param {string} what */
function checkNumber(value, max, what) {
	if (value === undefined)
		return 0;
	if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max)
		throw new SpecError(`${what} is ${show(value)}: it is to be a whole number up to ${max}`);
	return value;
}

/** @param {unknown} value @param {string} what */
function checkFallback(value, what) {
	if (value === undefined)
		return null;
	if (typeof value !== "string" || new TextEncoder().encode(value).length > VALUE_MAX || /[\p{C}\p{Zl}\p{Zp}]/u.test(value))
		throw new SpecError(`the fallback of ${what} is ${show(value)}: it is to be at most ${VALUE_MAX} visible bytes`);
	return value;
}

/** @param {unknown} need @param {number} index @returns {Need} */
function readNeed(need, index) {
	const kinds = isObject(need) ? Object.keys(need).filter(key => Object.hasOwn(KINDS, key)) : [];
	const kind = kinds[0];

	if (!isObject(need) || kind === undefined || kinds.length > 1)
		throw new SpecError(`need ${index + 1} is ${show(need)}: it is to have one of ${Object.keys(KINDS).join(", ")}`);
	const what = `need ${index + 1} (${kind})`;
	checkKeys(need, [kind, "optional", ...(kind === "config" ? ["fallback"] : []), ...(kind === "kept" ? ["size"] : [])], what);
	if (need["optional"] !== undefined && typeof need["optional"] !== "boolean")
		throw new SpecError(`${what}: optional is ${show(need["optional"])}, and is to be true or false`);
	if (NAMELESS.includes(kind) && need[kind] !== true)
		throw new SpecError(`${what} is ${show(need[kind])}, and is to be true`);
	const size = checkNumber(need["size"], MAX_KEPT, `the size of ${what}`);
	if (kind === "kept" && size === 0)
		throw new SpecError(`${what} has no size: 1 to ${MAX_KEPT} bytes are possible`);
	return { kind: /** @type {number} */ (KINDS[kind]),
		name: NAMELESS.includes(kind) ? null : checkName(need[kind], `the name of ${what}`),
		fallback: checkFallback(need["fallback"], what), optional: need["optional"] === true, size };
}

/** @param {unknown} value @param {number} max @param {string} what @returns {unknown[]} */
function checkList(value, max, what) {
	if (value === undefined)
		return [];
	if (!Array.isArray(value) || value.length > max)
		throw new SpecError(`${what} are to be an array of at most ${max}`);
	return value;
}

/** @param {Spec} spec */
function checkTwins(spec) {
	spec.needs.forEach((need, i) => {
		if (spec.needs.slice(0, i).some(other => other.kind === need.kind && other.name === need.name))
			throw new SpecError(`it needs ${need.name ?? Object.keys(KINDS)[need.kind - 1]} twice`);
		if (need.kind === KINDS["service"] && need.name !== null && spec.provides.includes(need.name))
			throw new SpecError(`it needs the service '${need.name}', which it provides itself`);
	});
	spec.provides.forEach((service, i) => {
		if (spec.provides.indexOf(service) < i)
			throw new SpecError(`it provides '${service}' twice`);
	});
}

/**
 * @param {unknown} value what app() was given
 * @returns {Spec}
 */
export function readSpec(value) {
	if (!isObject(value))
		throw new SpecError("it has no app: end it with export default app({ name: \"...\", async main(env) { ... } })");
	checkKeys(value, ["name", "needs", "provides", "limits", "restart", "main"], "the app");
	const { name, restart = "never", limits = {} } = value;
	if (typeof name !== "string" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > NAME_MAX)
		throw new SpecError(`${show(name)} is not a name for an app: letters, digits and _ make one, at most ${NAME_MAX}, and no digit begins it`);
	if (typeof restart !== "string" || !Object.hasOwn(RESTARTS, restart))
		throw new SpecError(`restart is ${show(restart)}: there are ${Object.keys(RESTARTS).map(show).join(", ")}`);
	if (!isObject(limits))
		throw new SpecError(`limits are ${show(limits)}: they are to be { memory, stack, handles }`);
	checkKeys(limits, ["memory", "stack", "handles"], "limits");
	const spec = { name, restart: /** @type {number} */ (RESTARTS[restart]),
		memory: checkNumber(limits["memory"], MAX_MEMORY, "the memory limit"),
		stack: checkNumber(limits["stack"], MAX_STACK, "the stack's size"),
		handles: checkNumber(limits["handles"], MAX_HANDLES, "the limit of handles"),
		needs: checkList(value["needs"], MAX_NEEDS, "needs").map(readNeed),
		provides: checkList(value["provides"], MAX_PROVIDES, "provided services")
			.map((service, i) => checkName(service, `provided service ${i + 1}`)) };
	checkTwins(spec);
	return spec;
}
