// SPDX-License-Identifier: MIT
//
// Recurses for ever: an exception, never an overflow of the app's stack, be it as small as can be.
import { app, log } from "starina";

function depth(n: number): number {
	return depth(n + 1) + 1;
}

function nested(n: number): unknown {
	return n === 0 ? [] : [nested(n - 1)];
}

function attempt(name: string, fn: () => unknown): void {
	try {
		fn();
		log.info(`${name}: returned`);
	} catch (e) {
		log.info(`${name}: ${(e as Error).name}: ${(e as Error).message}`);
	}
}

export default app({
	name: "recurses_ts",
	limits: { stack: 65536 },
	main() {
		attempt("calls", () => depth(0));
		attempt("sort", () => [1, 2].sort(function compare(): number {
			return [1, 2].sort(compare).length;
		}));
		attempt("json", () => JSON.parse("[".repeat(100_000)));
		attempt("regexp", () => new RegExp("(".repeat(50_000) + ")".repeat(50_000)));
		attempt("stringify", () => JSON.stringify(nested(300)));
		depth(0);
	},
});
