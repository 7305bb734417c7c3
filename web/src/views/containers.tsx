// SPDX-License-Identifier: MIT
// The engine's containers, and what is done with them most.

import { useState } from "preact/hooks";
import { request } from "../api/client";
import { containers } from "../api/containers";
import type { Container } from "../api/types";
import { visible } from "../format";
import { attempt } from "../ui/announce";
import { Empty, Name, Panel } from "../ui/parts";
import { go } from "../ui/route";
import { Ask } from "./ask";

function nameOf(container: Container): string {
	return (container.Names[0] ?? container.Id.slice(0, 12)).replace(/^\//, "");
}

function act(container: Container, method: string, action: string, done: string): void {
	void attempt(`${nameOf(container)} was ${done}`, () => request(method, `/engine/containers/${container.Id}${action}`));
}

// inShell: runs a line of the shell, where its output is seen.
async function inShell(line: string): Promise<void> {
	go("terminal");
	const { runLine } = await import("../shell/session");
	void runLine(line);
}

function Row({ container }: { container: Container }) {
	const runs = container.State === "running";
	return (
		<li>
			<Name text={nameOf(container)} />
			<span class={`state ${runs ? "good" : ""}`}>{visible(container.Status)}</span>
			<small>{visible(container.Image)}</small>
			<div class="actions">
				<button onClick={() => void inShell(`docker logs ${container.Id.slice(0, 12)}`)}>Logs</button>
				{runs ? (
					<button onClick={() => act(container, "POST", "/stop", "stopped")}>Stop</button>
				) : (
					<>
						<button onClick={() => act(container, "POST", "/start", "started")}>Start</button>
						<button class="danger" onClick={() => act(container, "DELETE", "", "removed")}>
							Remove
						</button>
					</>
				)}
			</div>
		</li>
	);
}

export function Containers() {
	const [asking, setAsking] = useState(false);
	const list = containers.value;
	return (
		<Panel
			title="Containers"
			note={list?.length ? String(list.length) : undefined}
			tools={list && <button onClick={() => setAsking(true)}>Run…</button>}
		>
			{list === null ? (
				<Empty title="No engine is served.">
					Start the system with <code>./run.sh --engine</code> for containers.
				</Empty>
			) : list.length === 0 ? (
				<Empty title="No containers yet." />
			) : (
				<ul class="rows">
					{list.map((container) => (
						<Row key={container.Id} container={container} />
					))}
				</ul>
			)}
			{asking && (
				<Ask
					question={{
						title: "Run a container",
						label: "Image, and command if it is another than the image's",
						value: "",
						action: "Run it",
						run: (words) => inShell(`docker run ${words}`),
					}}
					onClose={() => setAsking(false)}
				/>
			)}
		</Panel>
	);
}
