// SPDX-License-Identifier: MIT
// Below the editor of an app: what is wrong with its source, how its start went, and what it says while it runs.

import { useEffect, useRef } from "preact/hooks";
import { processes, time } from "../api/live";
import type { LogLine } from "../api/types";
import { visible } from "../format";
import type { Problem } from "../scripts/problem";
import type { Run } from "../scripts/runs";
import { placeIn } from "../scripts/said";
import { hrefOf } from "../ui/route";
import { LogLines } from "./log_lines";

const SHOWN = 200;

function placeOf({ line, column }: Problem, file: string): string {
	return line === null ? file : `${file}:${line}${column === null ? "" : `:${column}`}`;
}

interface Props {
	file: string;
	run: Run;
	problems: readonly Problem[];
	said: readonly LogLine[];
	onPlace: (line: number, column: number) => void;
}

function Problems({ file, problems, onPlace }: Omit<Props, "run" | "said">) {
	return (
		<ul class="problems" aria-label="Problems">
			{problems.map((problem, i) => (
				<li key={i}>
					<button class="quiet" disabled={problem.line === null} onClick={() => onPlace(problem.line!, problem.column ?? 1)}>
						{visible(placeOf(problem, file))}
					</button>{" "}
					<span>{problem.text.split("\n").map(visible).join("\n")}</span>
				</li>
			))}
		</ul>
	);
}

function State({ run }: { run: Run }) {
	const process = processes.value.find((each) => each.name === run.app);
	// What the system told before that knows nothing of it.
	const isOver = run.state === "runs" && !process && time.value > run.at;
	return (
		<p class={`state ${isOver ? "over" : run.state}`} role="status">
			<span>
				{run.state === "building" ? "It is made…" : visible(run.text)}
				{run.state === "refused" && process && " The version before goes on."}
				{isOver && ". It has ended."}
			</span>
			{process && <a href={hrefOf("processes", String(process.id))}>process {process.id}</a>}
			{run.app !== null && <a href={hrefOf("logs", run.app)}>all its lines</a>}
		</p>
	);
}

// Stack: a line of the log, in which places of the source are led to.
function Stack({ text, file, onPlace }: { text: string; file: string; onPlace: Props["onPlace"] }) {
	const place = placeIn(text, file);
	if (!place) return <>{visible(text)}</>;
	const end = place.at + place.length;
	return (
		<>
			{visible(text.slice(0, place.at))}
			<button class="quiet place" onClick={() => onPlace(place.line, 1)}>
				{visible(text.slice(place.at, end))}
			</button>
			{visible(text.slice(end))}
		</>
	);
}

export function RunPanel({ file, run, problems, said, onPlace }: Props) {
	const scroll = useRef<HTMLDivElement>(null);
	useEffect(() => scroll.current?.scrollTo(0, scroll.current.scrollHeight), [said]);
	if (run.state === "new" && problems.length === 0) return null;
	return (
		<section class="run" aria-label="The app">
			{run.state !== "new" && <State run={run} />}
			{problems.length > 0 && <Problems file={file} problems={problems} onPlace={onPlace} />}
			{said.length > 0 && (
				<div class="said" ref={scroll} tabIndex={0} role="group" aria-label="What it says">
					<LogLines lines={said.slice(-SHOWN)} show={(text) => <Stack text={text} file={file} onPlace={onPlace} />} />
				</div>
			)}
		</section>
	);
}
