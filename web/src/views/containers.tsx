// SPDX-License-Identifier: MIT
// The engine's containers, and what is done with them most.

import { useState } from "preact/hooks";
import { say } from "../api/client";
import { containers } from "../api/containers";
import { hasRoute } from "../api/routes";
import type { Container } from "../api/types";
import { visible } from "../format";
import { announce } from "../ui/announce";
import { Empty, Name, Panel } from "../ui/parts";
import { wordsOf } from "../shell/parse";
import { Ask, type Question } from "./ask";
import {
	attachToContainer,
	followContainer,
	nameOfContainer,
	removeContainer,
	runContainer,
	shellInContainer,
	startContainer,
	stopContainer,
} from "./container_actions";

interface Action {
	words: string;
	// Offered for those that are up, for those that are not; null: for all.
	up: boolean | null;
	// The route that it cannot do without, if a system may be without it.
	needs?: string;
	danger?: boolean;
	act: (container: Container) => Promise<void>;
}

const ACTIONS: Action[] = [
	{ words: "Shell", up: true, needs: "/exec/{name}/start", act: shellInContainer },
	{ words: "Attach", up: true, needs: "/containers/{name}/attach", act: attachToContainer },
	{ words: "Start", up: false, act: startContainer },
	{ words: "Log", up: null, act: followContainer },
	{ words: "Stop", up: true, act: stopContainer },
	{ words: "Remove", up: false, danger: true, act: removeContainer },
];
const UP = new Set(["running", "paused", "restarting"]);

function offered(up: boolean): Action[] {
	return ACTIONS.filter((each) => (each.up === null || each.up === up) && (each.needs === undefined || hasRoute(each.needs)));
}

// run: a new container of an image and the words of a command.
function run(line: string): void {
	try {
		const [image = "", ...command] = wordsOf(line);
		void runContainer(image, command);
	} catch (error) {
		announce(say(error), "bad");
	}
}

const RUN: Question = {
	title: "Run a container",
	label: "Image, and a command if it is another than the image's: alpine sh",
	value: "",
	action: "Run it",
	run,
};

function Row({ container, onAsk }: { container: Container; onAsk: (question: Question) => void }) {
	const up = UP.has(container.State);
	const name = visible(nameOfContainer(container));
	const choose = ({ words, danger, act }: Action) => {
		if (!danger) void act(container);
		else onAsk({ title: `${words} ${name}, with all that it wrote?`, value: "", action: `${words} it`, danger, run: () => act(container) });
	};
	return (
		<li>
			<Name text={nameOfContainer(container)} />
			<span class={`state ${up ? "good" : ""}`}>{visible(container.Status)}</span>
			<small>{visible(container.Image)}</small>
			<div class="actions">
				{offered(up).map((each) => (
					<button key={each.words} class={each.danger ? "danger" : ""} aria-label={`${each.words}: ${name}`} onClick={() => choose(each)}>
						{each.words}
					</button>
				))}
			</div>
		</li>
	);
}

export function Containers() {
	const [question, setQuestion] = useState<Question | null>(null);
	const list = containers.value;
	return (
		<Panel
			title="Containers"
			note={list?.length ? String(list.length) : undefined}
			tools={list && <button onClick={() => setQuestion(RUN)}>Run…</button>}
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
						<Row key={container.Id} container={container} onAsk={setQuestion} />
					))}
				</ul>
			)}
			{question && <Ask question={question} onClose={() => setQuestion(null)} />}
		</Panel>
	);
}
