// SPDX-License-Identifier: MIT
// Views that are fetched when they are opened first: what they are made of is large.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { say } from "../api/client";
import { Empty, Failure } from "../ui/parts";

// later: a view that `load` fetches.
function later(load: () => Promise<ComponentType>) {
	let fetched: ComponentType | null = null;
	return function Later() {
		const [View, setView] = useState<ComponentType | null>(() => fetched);
		const [failure, setFailure] = useState("");
		useEffect(() => {
			if (View) return;
			load().then(
				(loaded) => setView(() => (fetched = loaded)),
				(error: unknown) => setFailure(say(error)),
			);
		}, []);
		if (failure) return <Failure text={failure} />;
		return View ? <View /> : <Empty title="Loading…" />;
	};
}

export const Terminal = later(async () => (await import("./terminal")).Terminal);
export const Files = later(async () => (await import("./files")).Files);
export const Trace = later(async () => (await import("./trace")).Trace);
