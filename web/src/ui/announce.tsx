// SPDX-License-Identifier: MIT
// What has happened, told once: shown for some seconds, and read out by screen readers.

import { signal } from "@preact/signals";
import { say } from "../api/client";
import { visible } from "../format";

interface Notice {
	id: number;
	kind: "good" | "bad";
	text: string;
}

const SHOWN_MS = 6000;
const notices = signal<Notice[]>([]);
let last = 0;

export function announce(text: string, kind: Notice["kind"] = "good"): void {
	const id = ++last;
	notices.value = [...notices.value.slice(-3), { id, kind, text }];
	setTimeout(() => (notices.value = notices.value.filter((each) => each.id !== id)), SHOWN_MS);
}

// attempt: does it, and tells how it went; that it went well only if there are words for it.
export async function attempt(done: string, action: () => Promise<unknown>): Promise<boolean> {
	try {
		await action();
		if (done) announce(done);
		return true;
	} catch (error) {
		announce(say(error), "bad");
		return false;
	}
}

export function Notices() {
	return (
		<div class="notices" role="status" aria-live="polite">
			{notices.value.map((notice) => (
				<p key={notice.id} class={`notice ${notice.kind}`}>
					{visible(notice.text)}
				</p>
			))}
		</div>
	);
}
