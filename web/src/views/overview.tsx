// SPDX-License-Identifier: MIT
// The system at a glance.

import { channels, disks, harts, memory, network, processes, vms } from "../api/live";
import { logs } from "../api/logs";
import { diskRates, hartShares, HISTORY, memoryUse, messageRates, networkRates } from "../api/rates";
import { bytes, count, counted, percent, rate, visible } from "../format";
import { Empty, Meter, Name, Panel, Sparkline } from "../ui/parts";
import { hrefOf } from "../ui/route";
import { Containers } from "./containers";
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
				{counted(channels.value.length, "channel")}, {queued} queued
			</p>
			<Sparkline values={messageRates.value} length={HISTORY} />
		</Panel>
	);
}

function NetworkTile() {
	const now = networkRates.value.at(-1) ?? { rx: 0, tx: 0 };
	if (!network.value) return null;
	return (
		<Panel title="Network" class="tile">
			<p class="figure">
				<span class="hidden">received and sent in a second: </span>↓ <strong>{bytes(now.rx)}</strong> ↑ <strong>{bytes(now.tx)}</strong>
			</p>
			<p class="note">
				{network.value.interfaces.map((each) => `${visible(each.name)} ${visible(each.address ?? "")}`).join(", ") || "no interface is up"}
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
									{bytes(vm.memory)}, {counted(vm.vcpus.length, "CPU")}
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

function Ports() {
	if (!network.value) return null;
	const { ports } = network.value;
	return (
		<Panel title="On the network" note={ports.length ? String(ports.length) : undefined}>
			{ports.length === 0 ? (
				<Empty title="Nobody is on the network." />
			) : (
				<ul class="rows">
					{ports.map((port) => (
						<li key={port.address ?? port.app}>
							<span class="port">{visible(port.address ?? "no address")}</span>
							<Name text={port.app} />
							<small>
								↓ {bytes(port.rx_bytes)} ↑ {bytes(port.tx_bytes)}
								{port.refused > 0 && ` · ${count(port.refused)} refused`}
							</small>
						</li>
					))}
				</ul>
			)}
		</Panel>
	);
}

function Disks() {
	if (!disks.value) return null;
	const { disks: list, volumes } = disks.value;
	return (
		<Panel title="Disks" note={list.length ? String(list.length) : undefined}>
			{volumes && (
				<div class="space">
					<p class="note">
						{bytes(volumes.total - volumes.free)} of {bytes(volumes.total)} taken on the state disk
					</p>
					<Meter label="State disk in use" value={volumes.total ? 1 - volumes.free / volumes.total : 0} />
				</div>
			)}
			{list.length === 0 ? (
				<Empty title="There is no disk." />
			) : (
				<ul class="rows">
					{list.map((disk) => {
						const rates = diskRates.value.get(disk.name) ?? { read: 0, written: 0 };
						return (
							<li key={disk.name}>
								<Name text={disk.name} />
								<span>
									{bytes(disk.bytes)}
									{disk.read_only && ", read only"}
								</span>
								<small>
									{disk.users.length ? [...new Set(disk.users)].map(visible).join(", ") : "used by nobody"} · <span class="hidden">read and written in a second: </span>↓{" "}
									{bytes(rates.read)} ↑ {bytes(rates.written)}
								</small>
							</li>
						);
					})}
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
				<Disks />
			</div>
			<Panel title="Log" tools={<a href={hrefOf("logs")}>All of it</a>}>
				<LogLines lines={logs.value.slice(-LOG_LINES)} />
			</Panel>
		</>
	);
}
