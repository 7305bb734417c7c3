// SPDX-License-Identifier: MIT
// What is asked for again and again while it is shown.

import { useEffect, useState } from "preact/hooks";
import { ApiError, say } from "../api/client";

const INTERVAL_MS = 2000;

// usePolled: what `load` gives, anew every 2 s while the page is seen, until the system refuses it; null: nothing yet. It starts
// over when `key` changes.
export function usePolled<T>(load: () => Promise<T>, key: string): { value: T | null; failure: string } {
	const [value, setValue] = useState<T | null>(null);
	const [failure, setFailure] = useState("");
	useEffect(() => {
		let timer = 0;
		let gone = false;
		let last = "";
		const turn = async () => {
			try {
				const loaded = await load();
				if (gone) return;
				// What is the same need not be drawn again.
				const text = JSON.stringify(loaded);
				if (text !== last) setValue(loaded);
				last = text;
				setFailure("");
			} catch (error) {
				if (gone) return;
				setFailure(say(error));
				if (!(error instanceof ApiError) || error.status !== 0) return;
			}
			timer = window.setTimeout(next, INTERVAL_MS);
		};
		const next = () => {
			if (document.hidden) timer = window.setTimeout(next, INTERVAL_MS);
			else void turn();
		};
		void turn();
		return () => {
			gone = true;
			clearTimeout(timer);
		};
	}, [key]);
	return { value, failure };
}
