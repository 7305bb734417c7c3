// SPDX-License-Identifier: MIT
// One process: what it has, whom it talks to, and what can be done with it.

import { useState } from "preact/hooks";
import { get } from "../api/client";
import { loaded } from "../api/apps";
import { channels, processes, services } from "../api/live";
import { cpuShares } from "../api/rates";
import type { Handle, Process, Thread } from "../api/types";
import { bytes, cpuTime, percent, visible } from "../format";
import { Icon } from "../ui/icons";
import { Empty, Failure, Meter, Name, Panel } from "../ui/parts";
import { usePolled } from "../ui/polled";
import { go, hrefOf } from "../ui/route";
import { killProcess, replaceApp, restartApp, stopApp } from "./actions";

function Limit({ label, value, limit }: { label: string; value: number | undefined; limit: number | undefined }) {
	if (value === undefined) return null;
	return (
		<div>
			<dt>{label}</dt>
			<dd>
				{bytes(value)}
				{limit ? ` of ${bytes(limit)}` : ""}
				{limit ? <Meter label={label} value={value / limit} /> : null}
			</dd>
		</div>
	);
}

function Facts({ process }: { process: Process }) {
	return (
		<dl class="facts">
			<div>
				<dt>CPU</dt>
				<dd>
					{percent(cpuShares.value.get(process.id) ?? 0)}, {cpuTime(process.cpu_ns)} in all
				</dd>
			</div>
			<div>
				<dt>Runs in</dt>
				<dd class={process.mode}>{process.mode} mode</dd>
			</div>
			<Limit label="Memory" value={process.memory} limit={process.memory_limit} />
			<Limit label="Kernel memory" value={process.kernel_memory} limit={process.kernel_limit} />
			<div>
				<dt>Handles</dt>
				<dd>
					{process.handles}
					{process.handle_limit ? ` of ${process.handle_limit}` : ""}
				</dd>
			</div>
			<div>
				<dt>Restarts</dt>
				<dd>
					{process.restarts}
					{process.last_end && `, last: ${visible(process.last_end.how)} (${process.last_end.status})`}
				</dd>
			</div>
		</dl>
	);
}

function Peers({ process }: { process: Process }) {
	const names = new Map(processes.value.map((p) => [p.id, p.name]));
	const provides = services.value.filter((service) => service.provider?.id === process.id);
	const peers = new Set<number>();
	for (const { ends } of channels.value) {
		const [a, b] = [ends[0]?.process, ends[1]?.process];
		if (a === process.id && b !== undefined && b !== process.id) peers.add(b);
		if (b === process.id && a !== undefined && a !== process.id) peers.add(a);
	}
	return (
		<>
			<h3>Provides</h3>
			<p>{provides.map((service) => visible(service.name)).join(", ") || "nothing"}</p>
			<h3>Talks to</h3>
			<p class="chips">
				{[...peers].map((id) => (
					<a key={id} class="chip" href={hrefOf("processes", String(id))}>
						<Name text={names.get(id) ?? `process ${id}`} />
					</a>
				))}
				{peers.size === 0 && "nobody"}
			</p>
		</>
	);
}

function Threads({ process }: { process: Process }) {
	const { value: list, failure } = usePolled(() => get<Thread[]>("threads"), "");
	if (failure) return <Failure text={failure} />;
	const mine = (list ?? []).filter((thread) => thread.process === process.id);
	return (
		<ul class="rows">
			{mine.map((thread) => (
				<li key={thread.id}>
					<span>
						{thread.id} {thread.name && <Name text={thread.name} />}
					</span>
					<span>
						{thread.state}
						{thread.hart !== null && thread.state === "running" ? ` on hart ${thread.hart}` : ""}
					</span>
					<small>
						{thread.waits ? `waits in ${visible(thread.waits)} · ` : ""}
						{cpuTime(thread.cpu_ns)}
					</small>
				</li>
			))}
		</ul>
	);
}

// peerOf: the process at the other end of a channel that `process` holds.
function peerOf(handle: Handle, process: Process): number | undefined {
	if (handle.type !== "channel") return undefined;
	const ends = channels.value.find((channel) => channel.id === handle.object)?.ends ?? [];
	return ends.find((end) => end && end.process !== process.id)?.process;
}

function Handles({ process }: { process: Process }) {
	const path = `processes/${process.id}/handles`;
	const { value: list, failure } = usePolled(() => get<Handle[]>(path), path);
	const names = new Map(processes.value.map((p) => [p.id, p.name]));
	if (failure) return <Failure text={failure} />;
	return (
		<ul class="rows">
			{(list ?? []).map((handle) => {
				const peer = peerOf(handle, process);
				return (
					<li key={handle.handle}>
						<span>
							{handle.handle} {visible(handle.type)}
						</span>
						<span>{peer !== undefined && <Name text={`to ${names.get(peer) ?? peer}`} />}</span>
						<small>{visible(handle.rights.join(" "))}</small>
					</li>
				);
			})}
		</ul>
	);
}

function Actions({ process }: { process: Process }) {
	const [sure, setSure] = useState(false);
	const isLoaded = loaded.value.some((app) => app.name === process.name);
	return (
		<div class="actions">
			{isLoaded && (
				<>
					<button onClick={() => void restartApp(process.name)}>Restart</button>
					<button onClick={() => void stopApp(process.name)}>Stop</button>
					<button onClick={() => replaceApp(process.name)}>Replace…</button>
				</>
			)}
			<a class="button" href={hrefOf("logs", process.name)}>
				Logs
			</a>
			<button
				class="danger"
				onBlur={() => setSure(false)}
				onClick={() => {
					if (sure) void killProcess(process);
					setSure(!sure);
				}}
			>
				{sure ? "Kill it, really" : "Kill"}
			</button>
		</div>
	);
}

export function ProcessDetail({ id, process }: { id: string; process: Process | undefined }) {
	const [handles, setHandles] = useState(false);
	const close = (
		<button class="quiet" aria-label="Close" onClick={() => go("processes")}>
			<Icon name="close" />
		</button>
	);
	if (!process) {
		return (
			<Panel title={`Process ${id}`} tools={close} class="detail">
				<Empty title="It is gone.">If its app was started again, it has another number: look in the list.</Empty>
			</Panel>
		);
	}
	return (
		<Panel title={visible(process.name)} note={`process ${process.id}, ${visible(process.state)}`} tools={close} class="detail">
			<Actions process={process} />
			<Facts process={process} />
			<Peers process={process} />
			<details open>
				<summary>Threads ({process.threads})</summary>
				<Threads process={process} />
			</details>
			<details onToggle={(event) => setHandles(event.currentTarget.open)}>
				<summary>Handles ({process.handles})</summary>
				{handles && <Handles process={process} />}
			</details>
		</Panel>
	);
}
