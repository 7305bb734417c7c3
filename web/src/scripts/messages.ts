// SPDX-License-Identifier: MIT
// What the page and the worker that compiles say to each other.

import type { Answer } from "../../../ts/tool/top_level.mjs";
import type { Problem } from "./problem";

export interface ToCompiler {
	source: string;
}

export type FromCompiler =
	| { kind: "refused"; problem: Problem }
	| { kind: "compiled"; script: string }
	// What its top level said, and the line that it threw at.
	| { kind: "ran"; answer: Answer; line: number | null };
