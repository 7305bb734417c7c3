// SPDX-License-Identifier: MIT
// The command palette: all that can be done, found by typing.

import { useState } from "preact/hooks";
import { loaded, stopped } from "../api/apps";
import { containers } from "../api/containers";
import { processes } from "../api/live";
import type { App, Container, Process } from "../api/types";
import { visible } from "../format";
import { killProcess, loadApp, replaceApp, restartApp, startApp, stopApp, writeApp } from "../views/actions";
import {
	attachToContainer,
	followContainer,
	nameOfContainer,
	shellInContainer,
	startContainer,
	stopContainer,
} from "../views/container_actions";
import { closeOverlay, overlay } from "./keys";
import { Dialog } from "./parts";
import { go, views } from "./route";
import { toggleTheme } from "./theme";

interface Command {
	title: string;
	hint: string;
	run: () => void;
}

const SHOWN = 12;

function pageCommands(): Command[] {
	return [
		...views.value.map((view, i) => ({ title: `Go to ${view}`, hint: String(i + 1), run: () => go(view) })),
		{ title: "Dark or light colours", hint: "t", run: toggleTheme },
		{ title: "New app in TypeScript", hint: "app", run: writeApp },
		{ title: "Load an app from a file", hint: "app", run: loadApp },
		{ title: "Show the keys", hint: "?", run: () => (overlay.value = "help") },
	];
}

function processCommands(process: Process): Command[] {
	const name = visible(process.name);
	return [
		{ title: `Show ${name}`, hint: `process ${process.id}`, run: () => go("processes", String(process.id)) },
		{ title: `Logs of ${name}`, hint: "logs", run: () => go("logs", process.name) },
		{ title: `Kill ${name}`, hint: `process ${process.id}`, run: () => void killProcess(process) },
	];
}

function appCommands(app: App): Command[] {
	const command = (what: string, run: (name: string) => unknown) => ({
		title: `${what} ${visible(app.name)}`,
		hint: "app",
		run: () => void run(app.name),
	});
	const change = stopped.value.includes(app) ? [command("Start", startApp)] : [command("Stop", stopApp), command("Restart", restartApp)];
	return [...change, command("Replace", replaceApp)];
}

function containerCommands(container: Container): Command[] {
	const command = (what: string, run: (container: Container) => unknown) => ({
		title: `${what} ${visible(nameOfContainer(container))}`,
		hint: "container",
		run: () => void run(container),
	});
	const log = command("Log of", followContainer);
	if (container.State !== "running") return [command("Start", startContainer), log];
	return [command("Shell in", shellInContainer), command("Attach to", attachToContainer), command("Stop", stopContainer), log];
}

function commands(): Command[] {
	return [
		...pageCommands(),
		...processes.value.flatMap(processCommands),
		...loaded.value.flatMap(appCommands),
		...(containers.value ?? []).flatMap(containerCommands),
	];
}

// matches: how well the words of `query` fit; 0: not at all.
function matches(title: string, query: string): number {
	const text = title.toLowerCase();
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	if (!words.every((word) => text.includes(word))) return 0;
	return text.startsWith(words[0] ?? "") ? 2 : 1;
}

export function Palette() {
	const [query, setQuery] = useState("");
	const [chosen, setChosen] = useState(0);
	const found = commands()
		.map((command) => ({ command, rank: matches(command.title, query) }))
		.filter(({ rank }) => rank > 0)
		.sort((a, b) => b.rank - a.rank)
		.slice(0, SHOWN)
		.map(({ command }) => command);
	const at = Math.min(chosen, Math.max(0, found.length - 1));
	const run = (command: Command | undefined) => {
		closeOverlay();
		command?.run();
	};
	const onKey = (event: KeyboardEvent) => {
		if (event.key === "ArrowDown") setChosen((at + 1) % Math.max(1, found.length));
		else if (event.key === "ArrowUp") setChosen((at + found.length - 1) % Math.max(1, found.length));
		else if (event.key === "Enter") run(found[at]);
		else return;
		event.preventDefault();
	};
	return (
		<Dialog title="Commands" class="palette" onClose={closeOverlay}>
			<input
				type="text"
				role="combobox"
				aria-label="Command"
				aria-expanded="true"
				aria-controls="commands"
				aria-activedescendant={found.length ? `command-${at}` : undefined}
				placeholder="What would you like to do?"
				value={query}
				spellcheck={false}
				autocomplete="off"
				onInput={(event) => {
					setQuery(event.currentTarget.value);
					setChosen(0);
				}}
				onKeyDown={onKey}
			/>
			<ul id="commands" role="listbox" aria-label="Commands">
				{found.map((command, i) => (
					<li
						key={command.title + command.hint}
						id={`command-${i}`}
						role="option"
						aria-selected={i === at}
						onMouseMove={() => setChosen(i)}
						onClick={() => run(command)}
					>
						<bdi>{command.title}</bdi>
						<span class="note">{command.hint}</span>
					</li>
				))}
			</ul>
			{found.length === 0 && <p class="note none">Nothing by that name.</p>}
		</Dialog>
	);
}
