// SPDX-License-Identifier: MIT
//
// Throws where nobody catches it, in a callback of the loop.
import { app } from "starina";

interface Order {
	item?: { name: string };
}

function nameOf(order: Order): string {
	return order.item!.name;
}

export default app({
	name: "throws_ts",
	main() {
		setTimeout(() => nameOf({}), 1);
	},
});
