// SPDX-License-Identifier: MIT
// Processes: a list to sort and filter, and one of them in full.

import { useState } from "preact/hooks";
import { stopped } from "../api/apps";
import { processes } from "../api/live";
import { cpuShares } from "../api/rates";
import type { Process } from "../api/types";
import { bytes, cpuTime, percent } from "../format";
import { Empty, Name, Panel } from "../ui/parts";
import { go, route } from "../ui/route";
import { loadApp, startApp } from "./actions";
import { ProcessDetail } from "./process_detail";

interface Column {
	title: string;
	number?: boolean;
	value: (process: Process) => number | string;
	show: (process: Process) => string;
}

function share(process: Process): number {
	return cpuShares.value.get(process.id) ?? 0;
}

const COLUMNS: Column[] = [
	{ title: "ID", number: true, value: (p) => p.id, show: (p) => String(p.id) },
	{ title: "Name", value: (p) => p.name.toLowerCase(), show: (p) => p.name },
	{ title: "Mode", value: (p) => p.mode, show: (p) => p.mode },
	{ title: "State", value: (p) => p.state, show: (p) => p.state },
	{ title: "CPU", number: true, value: share, show: (p) => percent(share(p)) },
	{ title: "CPU time", number: true, value: (p) => p.cpu_ns, show: (p) => cpuTime(p.cpu_ns) },
	{ title: "Memory", number: true, value: (p) => p.memory, show: (p) => bytes(p.memory) },
	{ title: "Threads", number: true, value: (p) => p.threads, show: (p) => String(p.threads) },
	{ title: "Handles", number: true, value: (p) => p.handles, show: (p) => String(p.handles) },
	{ title: "Restarts", number: true, value: (p) => p.restarts, show: (p) => (p.restarts ? String(p.restarts) : "") },
];

interface Order {
	column: Column;
	down: boolean;
}

function sorted(list: readonly Process[], { column, down }: Order): Process[] {
	const compare = (a: Process, b: Process): number => {
		const [x, y] = [column.value(a), column.value(b)];
		return x < y ? -1 : x > y ? 1 : a.id - b.id;
	};
	return [...list].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
}

function Heading({ column, order, onOrder }: { column: Column; order: Order; onOrder: (order: Order) => void }) {
	const mine = order.column === column;
	return (
		<th
			scope="col"
			class={column.number ? "number" : undefined}
			aria-sort={mine ? (order.down ? "descending" : "ascending") : undefined}
		>
			<button
				class="sort"
				onClick={() => onOrder({ column, down: mine ? !order.down : column.number === true && column.title !== "ID" })}
			>
				{column.title}
				<span aria-hidden="true">{mine ? (order.down ? " ↓" : " ↑") : ""}</span>
			</button>
		</th>
	);
}

// onArrow: moves the focus from row to row.
function onArrow(event: KeyboardEvent): void {
	if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
	const links = [...document.querySelectorAll<HTMLAnchorElement>("#processes tbody a")];
	const at = links.indexOf(document.activeElement as HTMLAnchorElement);
	links[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
	event.preventDefault();
}

function Stopped() {
	if (stopped.value.length === 0) return null;
	return (
		<section class="stopped" aria-label="Apps that do not run">
			<h3>Apps that do not run</h3>
			<p class="chips">
				{stopped.value.map(({ name }) => (
					<button key={name} class="chip" onClick={() => void startApp(name)}>
						Start <Name text={name} />
					</button>
				))}
			</p>
		</section>
	);
}

export function Processes() {
	const [order, setOrder] = useState<Order>({ column: COLUMNS[4]!, down: true });
	const [filter, setFilter] = useState("");
	const wanted = filter.toLowerCase();
	const list = processes.value.filter((p) => p.name.toLowerCase().includes(wanted) || String(p.id) === wanted);
	const chosen = processes.value.find((p) => String(p.id) === route.value.argument);
	const tools = (
		<>
			<input
				type="search"
				aria-label="Filter processes"
				placeholder="Filter"
				value={filter}
				onInput={(event) => setFilter(event.currentTarget.value)}
			/>
			<button onClick={loadApp}>Load an app…</button>
		</>
	);
	return (
		<div class={`split ${route.value.argument ? "open" : ""}`}>
			<Panel title="Processes" note={String(list.length)} tools={tools} class="fill">
				{list.length === 0 ? (
					<Empty title={processes.value.length ? "No process matches." : "Waiting for the first look at the system…"} />
				) : (
					<div class="scroll" id="processes" onKeyDown={onArrow} tabIndex={0} role="group" aria-label="Processes">
						<table>
							<thead>
								<tr>
									{COLUMNS.map((column) => (
										<Heading key={column.title} column={column} order={order} onOrder={setOrder} />
									))}
								</tr>
							</thead>
							<tbody>
								{sorted(list, order).map((process) => (
									<tr
										key={process.id}
										class={process === chosen ? "chosen" : undefined}
										onClick={() => go("processes", String(process.id))}
									>
										{COLUMNS.map((column) =>
											column.title === "Name" ? (
												<th key="name" scope="row">
													<a href={`#/processes/${process.id}`} aria-current={process === chosen ? "true" : undefined}>
														<Name text={process.name} />
													</a>
												</th>
											) : (
												<td key={column.title} class={column.number ? "number" : process.mode === column.show(process) ? process.mode : undefined}>
													{column.show(process)}
												</td>
											),
										)}
									</tr>
								))}
							</tbody>
						</table>
					</div>
				)}
				<Stopped />
			</Panel>
			{route.value.argument && <ProcessDetail key={route.value.argument} id={route.value.argument} process={chosen} />}
		</div>
	);
}
