// SPDX-License-Identifier: MIT
// What the page and the worker that checks types say to each other.

import type { Problem } from "./problem";

export interface ToTypes {
	call: number;
	source: string;
}

export interface FromTypes {
	call: number;
	// null: it could not be checked.
	problems: Problem[] | null;
}
