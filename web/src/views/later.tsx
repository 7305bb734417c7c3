// SPDX-License-Identifier: MIT
// Views that are fetched when they are opened first: what they are made of is large.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { say } from "../api/client";
import { Empty, Failure } from "../ui/parts";
import { addStylesheet } from "../ui/stylesheet";

// NotFetched: a view cannot be shown. A browser may keep a script that failed as failed, and a page of an older build asks for
// files that are there no more: only a reload helps then.
function NotFetched({ text, onAgain }: { text: string; onAgain: () => void }) {
	return (
		<>
			<Failure text={text} />
			<p class="chips">
				<button onClick={onAgain}>Try again</button>
				<button onClick={() => location.reload()}>Reload the page</button>
			</p>
		</>
	);
}

// later: a view that `load` fetches, and its style sheet, if it has one of its own.
function later(load: () => Promise<ComponentType>, sheet?: string) {
	let fetched: ComponentType | null = null;
	return function Later() {
		const [View, setView] = useState<ComponentType | null>(() => fetched);
		const [failure, setFailure] = useState("");
		const fetchView = () => {
			setFailure("");
			Promise.all([load(), sheet && addStylesheet(sheet)]).then(
				([loaded]) => setView(() => (fetched = loaded)),
				(error: unknown) => setFailure(`This view could not be loaded: ${say(error)}`),
			);
		};
		useEffect(() => {
			if (!View) fetchView();
		}, []);
		if (failure) return <NotFetched text={failure} onAgain={fetchView} />;
		return View ? <View /> : <Empty title="Loading…" />;
	};
}

export const Terminal = later(async () => (await import("./terminal")).Terminal, "terminal.css");
export const Files = later(async () => (await import("./files")).Files, "editor.css");
export const Trace = later(async () => (await import("./trace")).Trace);
