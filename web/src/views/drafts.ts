// SPDX-License-Identifier: MIT
// Text of files that was changed and not saved yet, by path. It outlives the editor, whichever way that is left.

import { signal } from "@preact/signals";

export const drafts = signal<ReadonlyMap<string, string>>(new Map());

// keepDraft: sets the draft of a file; null: there is none.
export function keepDraft(path: string, text: string | null): void {
	if (text === (drafts.value.get(path) ?? null)) return;
	const kept = new Map(drafts.value);
	if (text === null) kept.delete(path);
	else kept.set(path, text);
	drafts.value = kept;
}

addEventListener("beforeunload", (event) => {
	if (drafts.value.size) event.preventDefault();
});
