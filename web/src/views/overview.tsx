// SPDX-License-Identifier: MIT
// The system at a glance.

import { channels, containers, harts, memory, network, processes, vms } from "../api/live";
import { logs } from "../api/logs";
import { hartShares, HISTORY, memoryUse, messageRates, networkRates } from "../api/rates";
import { bytes, count, percent, rate, visible } from "../format";
import { Empty, Meter, Name, Panel, Sparkline } from "../ui/parts";
import { hrefOf } from "../ui/route";
import { Graph } from "./graph";
import { LogLines } from "./log_lines";

const LOG_LINES = 12;
const SHOWN_EXITS = 4;

function Harts() {
	return (
		<Panel title="Harts" class="tile">
			<ul class="harts">
				{harts.value.map((hart, i) => {
					const history = hartShares.value[i] ?? [];
					const now = history.at(-1) ?? 0;
					return (
						<li key={hart.id}>
							<span>hart {hart.id}</span>
							<Sparkline values={history} top={1} length={HISTORY} />
							<strong>{percent(now)}</strong>
						</li>
					);
				})}
			</ul>
		</Panel>
	);
}

function MemoryTile() {
	const now = memory.value;
	const used = now ? now.total - now.free : 0;
	return (
		<Panel title="Memory" class="tile">
			<p class="figure">
				<strong>{bytes(used)}</strong> of {bytes(now?.total ?? 0)}
			</p>
			<Meter label="Memory in use" value={now?.total ? used / now.total : 0} />
			<Sparkline values={memoryUse.value} top={1} length={HISTORY} />
		</Panel>
	);
}

function Messages() {
	const now = messageRates.value.at(-1) ?? 0;
	const queued = channels.value.reduce((sum, { ends }) => sum + (ends[0]?.queued ?? 0) + (ends[1]?.queued ?? 0), 0);
	return (
		<Panel title="Messages" class="tile">
			<p class="figure">
				<strong>{rate(now)}</strong> a second
			</p>
			<p class="note">
				{channels.value.length} channels, {queued} queued
			</p>
			<Sparkline values={messageRates.value} length={HISTORY} />
		</Panel>
	);
}

function NetworkTile() {
	const now = networkRates.value.at(-1) ?? { rx: 0, tx: 0 };
	return (
		<Panel title="Network" class="tile">
			<p class="figure">
				<strong>{bytes(now.rx)}</strong> in, <strong>{bytes(now.tx)}</strong> out, a second
			</p>
			<p class="note">
				{(network.value?.interfaces ?? []).map((each) => `${visible(each.name)} ${visible(each.address ?? "")}`).join(", ") || "no interface is up"}
			</p>
			<Sparkline values={networkRates.value.map(({ rx, tx }) => rx + tx)} length={HISTORY} />
		</Panel>
	);
}

function Vms() {
	const names = new Map(processes.value.map((process) => [process.id, process.name]));
	return (
		<Panel title="Virtual machines" note={vms.value.length ? String(vms.value.length) : undefined}>
			{vms.value.length === 0 ? (
				<Empty title="No virtual machine runs.">A Linux shell in the terminal starts one.</Empty>
			) : (
				<ul class="rows">
					{vms.value.map((vm) => {
						const exits: Record<string, number> = {};
						for (const vcpu of vm.vcpus) {
							for (const [cause, times] of Object.entries(vcpu.exits)) exits[cause] = (exits[cause] ?? 0) + times;
						}
						const most = Object.entries(exits).sort((a, b) => b[1] - a[1]).slice(0, SHOWN_EXITS);
						return (
							<li key={vm.process}>
								<a href={hrefOf("processes", String(vm.process))}>
									<Name text={names.get(vm.process) ?? `process ${vm.process}`} />
								</a>
								<span>
									{bytes(vm.memory)}, {vm.vcpus.length} CPU{vm.vcpus.length === 1 ? "" : "s"}
								</span>
								<small>{most.map(([cause, times]) => `${visible(cause)} ${count(times)}`).join(" · ")}</small>
							</li>
						);
					})}
				</ul>
			)}
		</Panel>
	);
}

function Containers() {
	const list = containers.value;
	return (
		<Panel title="Containers" note={list?.length ? String(list.length) : undefined}>
			{list === null ? (
				<Empty title="No engine is served.">
					Start the system with <code>./run.sh --engine</code> for containers.
				</Empty>
			) : list.length === 0 ? (
				<Empty title="No containers yet.">
					In the shell: <code>docker run alpine</code>
				</Empty>
			) : (
				<ul class="rows">
					{list.map((container) => (
						<li key={container.Id}>
							<Name text={(container.Names[0] ?? container.Id.slice(0, 12)).replace(/^\//, "")} />
							<span class={`state ${container.State === "running" ? "good" : ""}`}>{visible(container.Status)}</span>
							<small>{visible(container.Image)}</small>
						</li>
					))}
				</ul>
			)}
		</Panel>
	);
}

function Ports() {
	const ports = network.value?.ports ?? [];
	return (
		<Panel title="Ports" note={ports.length ? String(ports.length) : undefined}>
			{ports.length === 0 ? (
				<Empty title="Nobody listens." />
			) : (
				<ul class="rows">
					{ports.map((port) => (
						<li key={`${port.protocol} ${port.port}`}>
							<span class="port">
								{visible(port.protocol)} {port.port}
							</span>
							<Name text={port.app} />
							<small>{port.connections === undefined ? "" : `${port.connections} connections`}</small>
						</li>
					))}
				</ul>
			)}
		</Panel>
	);
}

export function Overview() {
	return (
		<>
			<div class="tiles">
				<Harts />
				<MemoryTile />
				<Messages />
				<NetworkTile />
			</div>
			<Graph />
			<div class="columns">
				<Containers />
				<Vms />
				<Ports />
			</div>
			<Panel title="Log" tools={<a href={hrefOf("logs")}>All of it</a>}>
				<LogLines lines={logs.value.slice(-LOG_LINES)} />
			</Panel>
		</>
	);
}
