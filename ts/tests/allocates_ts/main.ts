// SPDX-License-Identifier: MIT
//
// Allocates for ever: an exception first, which may be caught, and then a fault.
import { app, log } from "starina";

function fill(): void {
	const kept: string[] = [];
	for (;;)
		kept.push("x".repeat(10_000) + kept.length);
}

export default app({
	name: "allocates_ts",
	limits: { memory: 4 << 20 },
	main() {
		try {
			fill();
		} catch (e) {
			log.info(`caught: ${(e as Error).message}`);
		}
		fill();
	},
});
