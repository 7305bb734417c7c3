// SPDX-License-Identifier: MIT
//
// The part of a kernel image that a script is: as tools/build/flatten_app.py makes it of an app in C.
import { RUNTIME } from "./spec.mjs";

/** @typedef {import("./spec.mjs").Spec} Spec */

/** A string literal of C, or NULL. @param {string | null} text */
function cString(text) {
	if (text === null)
		return "NULL";
	const bytes = [...new TextEncoder().encode(text)];
	return `"${bytes.map(byte => byte >= 32 && byte < 127 && !`"\\?`.includes(String.fromCharCode(byte))
		? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}

/**
 * @param {Spec} spec
 * @param {string} path of the script's bytes, for the assembler
 * @param {number} size of them
 * @param {string} digest of them, so that the object is made anew when they change
 * @returns {string} a file in C
 */
export function makeImageSource(spec, path, size, digest) {
	const { name } = spec;
	const asm = [`.pushsection .user_app.${name}, "a", @progbits`, ".balign 4096", `user_${name}_rodata:`,
		`.incbin "${path}"`, ".balign 4096", ".popsection"];
	const needs = spec.needs.map(need => `\t\t{ .kind = ${need.kind}, .name = ${cString(need.name)}, ` +
		`.fallback = ${cString(need.fallback)}, .optional = ${need.optional ? 1 : 0}, .size = ${need.size} },`);

	return [`// Made by ts/tool of a script whose SHA-256 is ${digest}.`,
		"#include <stddef.h>", '#include "kernel/object/app_image.h"',
		`extern const struct app_spec app_spec_${name};`, `extern const struct user_image user_image_${name};`,
		`extern const uint8_t user_${name}_rodata[];`,
		"__asm__(", ...asm.map(line => `\t${cString(line).slice(0, -1)}\\n"`), ");",
		`const struct user_image user_image_${name} = {`, `\t.rodata = user_${name}_rodata,`,
		"\t.rodata_address = SCRIPT_ADDRESS,", `\t.rodata_size = ${Math.ceil(size / 4096) * 4096},`,
		`\t.script_size = ${size},`, "};",
		`const struct app_spec app_spec_${name} = {`, "\t.abi_version = APP_ABI_VERSION,", `\t.name = ${cString(name)},`,
		`\t.runtime = ${cString(RUNTIME)},`, `\t.restart = ${spec.restart},`, `\t.memory_limit = ${spec.memory},`,
		`\t.stack_size = ${spec.stack},`, `\t.handle_limit = ${spec.handles},`,
		"\t.needs = {", ...needs, "\t},",
		`\t.provides = { ${spec.provides.map(cString).join(", ")} },`, "};", ""].join("\n");
}
