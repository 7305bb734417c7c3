// SPDX-License-Identifier: MIT
//
// How apps/js/main.c starts the app of a script.
import "./globals.js";
import { env } from "./starina.js";

export function run(spec) {
	if (typeof spec !== "object" || spec === null || typeof spec.main !== "function")
		throw new TypeError("the script has no app: end it with export default app({name, main, ...})");
	return spec.main(env);
}
