// SPDX-License-Identifier: MIT
// The service graph, live: apps as boxes, their channels as lines that show traffic and backpressure.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { channels, processes, services, time } from "../api/live";
import { channelRates, cpuShares } from "../api/rates";
import type { Process } from "../api/types";
import { counted, percent, rate, visible } from "../format";
import { Empty, Name, Panel } from "../ui/parts";
import { hrefOf } from "../ui/route";
import { linksOf, type Link } from "./graph_data";
import { BOX, layout, type Layout } from "./graph_layout";

// Windows in which the picture would be seen in parts only.
const NARROW = 600;
// How long the box of an app that ended stays.
const GHOST_NS = 5e9;

interface Ghost {
	name: string;
	x: number;
	y: number;
	until: number;
}

// useGhosts: boxes of apps that are gone, where they were, unless they are back.
function useGhosts(list: readonly Process[], map: Layout): Ghost[] {
	const ghosts = useRef<Ghost[]>([]);
	const before = useRef(new Map<number, Ghost>());
	const names = new Set(list.map((process) => process.name));
	const ids = new Set(list.map((process) => process.id));
	for (const [id, ghost] of before.current) {
		if (!ids.has(id)) ghosts.current.push({ ...ghost, until: time.value + GHOST_NS });
	}
	before.current = new Map(list.map((process) => [process.id, { name: process.name, until: 0, ...map.places.get(process.id)! }]));
	ghosts.current = ghosts.current.filter((ghost) => ghost.until > time.value && !names.has(ghost.name));
	return ghosts.current;
}

// pressure: how full the fullest queue is, in words.
function pressure(link: Link): "" | "raised" | "high" {
	return link.full >= 0.9 ? "high" : link.full >= 0.5 ? "raised" : "";
}

function Line({ link, map, faint }: { link: Link; map: Layout; faint: boolean }) {
	const from = map.places.get(link.from)!;
	const to = map.places.get(link.to)!;
	const forward = from.x < to.x;
	const x1 = from.x + (forward ? BOX.width : 0);
	const x2 = to.x + (forward ? 0 : BOX.width);
	const [y1, y2] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
	const bend = Math.max(36, Math.abs(x2 - x1) / 2) * (forward ? 1 : -1);
	const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - (from.x === to.x ? -bend : bend)} ${y2} ${x2} ${y2}`;
	const width = 1.25 + Math.min(3.5, Math.log10(1 + link.rate));
	const pace = link.rate > 100 ? "fast" : link.rate > 0 ? "slow" : "";
	return (
		<g class={`line ${pressure(link)} ${faint ? "faint" : ""}`}>
			<path d={d} stroke-width={width} />
			{pace && <path d={d} stroke-width={width} class={`flow ${pace}`} />}
		</g>
	);
}

function Box({ process, map, onPoint }: { process: Process; map: Layout; onPoint: (id: number | null) => void }) {
	const { x, y } = map.places.get(process.id)!;
	const share = cpuShares.value.get(process.id) ?? 0;
	return (
		<a
			class={`box ${process.mode}`}
			href={hrefOf("processes", String(process.id))}
			style={{ left: `${x}px`, top: `${y}px`, width: `${BOX.width}px`, height: `${BOX.height}px` }}
			onMouseEnter={() => onPoint(process.id)}
			onMouseLeave={() => onPoint(null)}
			onFocus={() => onPoint(process.id)}
			onBlur={() => onPoint(null)}
		>
			<Name text={process.name} />
			<small>
				{percent(share)}
				{process.restarts > 0 && <span class="restarts"> ↻ {process.restarts}</span>}
			</small>
			<span class="load" style={{ width: `${Math.min(100, share * 100)}%` }} />
		</a>
	);
}

// useRoom: how wide the inside of an element is.
function useRoom() {
	const element = useRef<HTMLDivElement>(null);
	const [room, setRoom] = useState(0);
	useLayoutEffect(() => {
		const watch = new ResizeObserver(([entry]) => setRoom(Math.floor(entry!.contentRect.width)));
		watch.observe(element.current!);
		return () => watch.disconnect();
	}, []);
	return { element, room };
}

function Picture({ links }: { links: Link[] }) {
	const [pointed, setPointed] = useState<number | null>(null);
	const { element, room } = useRoom();
	const list = processes.value;
	// Places change only when boxes, lines or the room do.
	const shape = `${list.map((p) => p.id)};${links.map((l) => `${l.from}-${l.to}`)}`;
	const map = useMemo(() => layout(list.map((p) => p.id), links, room), [shape, room]);
	const ghosts = useGhosts(list, map);
	return (
		<div class="graph" ref={element} tabIndex={0} role="group" aria-label="Service graph">
			<div class="canvas" style={{ width: `${map.width}px`, height: `${map.height}px` }}>
				<svg width={map.width} height={map.height} aria-hidden="true">
					{links.map((link) => (
						<Line
							key={`${link.from} ${link.to}`}
							link={link}
							map={map}
							faint={pointed !== null && link.from !== pointed && link.to !== pointed}
						/>
					))}
				</svg>
				{ghosts.map((ghost) => (
					<div key={ghost.name} class="box ghost" style={{ left: `${ghost.x}px`, top: `${ghost.y}px`, width: `${BOX.width}px`, height: `${BOX.height}px` }}>
						<Name text={ghost.name} />
						<small>ended</small>
					</div>
				))}
				{list.map((process) => (
					<Box key={process.id} process={process} map={map} onPoint={setPointed} />
				))}
			</div>
		</div>
	);
}

function Connections({ links }: { links: Link[] }) {
	const names = new Map(processes.value.map((p) => [p.id, p.name]));
	return (
		<div class="scroll" tabIndex={0} role="group" aria-label="Connections">
			<table>
				<thead>
					<tr>
						<th scope="col">App</th>
						<th scope="col">uses</th>
						<th scope="col">Services</th>
						<th scope="col" class="number">
							Channels
						</th>
						<th scope="col" class="number">
							Messages/s
						</th>
						<th scope="col" class="number">
							Queued
						</th>
					</tr>
				</thead>
				<tbody>
					{links.map((link) => (
						<tr key={`${link.from} ${link.to}`} class={pressure(link)}>
							<th scope="row">
								<Name text={names.get(link.from) ?? ""} />
							</th>
							<td>
								<Name text={names.get(link.to) ?? ""} />
							</td>
							<td>{visible(link.services.join(", "))}</td>
							<td class="number">{link.channels}</td>
							<td class="number">{rate(link.rate)}</td>
							<td class="number">{link.queued}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export function Graph() {
	const [table, setTable] = useState(innerWidth < NARROW);
	const links = linksOf(processes.value, services.value, channels.value, channelRates.value);
	const tools = (
		<button class="quiet" aria-pressed={table} onClick={() => setTable(!table)}>
			As a table
		</button>
	);
	return (
		<Panel
			title="Services"
			note={`${processes.value.length} processes, ${counted(links.length, "connection")}`}
			tools={tools}
			class="services"
		>
			{processes.value.length === 0 ? (
				<Empty title="Waiting for the first look at the system…" />
			) : table ? (
				<Connections links={links} />
			) : (
				<Picture links={links} />
			)}
			<p class="legend" aria-hidden="true">
				<span class="user">user mode</span>
				<span class="kernel">kernel mode</span>
				<span class="traffic">traffic</span>
				<span class="raised">queue half full</span>
				<span class="high">queue full</span>
			</p>
		</Panel>
	);
}
