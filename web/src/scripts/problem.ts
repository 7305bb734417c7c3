// SPDX-License-Identifier: MIT
// What is wrong with a source, and where.

export interface Problem {
	// From 1; null: it is of no place, or of one that is not known.
	line: number | null;
	column: number | null;
	text: string;
}
