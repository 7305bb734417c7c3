// SPDX-License-Identifier: MIT
// A trace: what each hart did in a short time, seen here or taken to Perfetto.

// With this all that the first view has is in one file of the build, and not in one for each set of views that share it.
import "../ui/page";
import { signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";
import { get, say } from "../api/client";
import type { Trace as Recorded } from "../api/types";
import { percent } from "../format";
import { Empty, Failure, Name, Panel } from "../ui/parts";
import { download } from "./file_actions";
import { TraceCanvas } from "./trace_canvas";
import { modelOf, type Model } from "./trace_model";

const LENGTHS_MS = [100, 250, 500, 1000, 2000];

// The last one that was recorded; it outlives the view.
const recorded = signal<Recorded | null>(null);

function lostOf(trace: Recorded): number {
	const lost = Number(trace.otherData?.lost ?? 0);
	return Number.isFinite(lost) ? lost : 0;
}

function Totals({ model }: { model: Model }) {
	const all = (model.end - model.start) * model.harts;
	return (
		<div class="scroll" tabIndex={0} role="group" aria-label="Time by name">
			<table>
				<thead>
					<tr>
						<th scope="col">Name</th>
						<th scope="col" class="number">
							Times
						</th>
						<th scope="col" class="number">
							Time
						</th>
						<th scope="col" class="number">
							Of all harts
						</th>
					</tr>
				</thead>
				<tbody>
					{model.totals.map((total) => (
						<tr key={total.name}>
							<th scope="row">
								<Name text={total.name} />
							</th>
							<td class="number">{total.times}</td>
							<td class="number">{(total.time / 1000).toFixed(2)} ms</td>
							<td class="number">{percent(all > 0 ? total.time / all : 0)}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export function Trace() {
	const [length, setLength] = useState(250);
	const [busy, setBusy] = useState(false);
	const [failure, setFailure] = useState("");
	const trace = recorded.value;
	const model = useMemo(() => trace && modelOf(trace.traceEvents), [trace]);
	const record = async () => {
		setBusy(true);
		setFailure("");
		try {
			recorded.value = await get<Recorded>(`trace?ms=${length}`);
		} catch (error) {
			setFailure(say(error));
		}
		setBusy(false);
	};
	const tools = (
		<>
			<select aria-label="How long" value={length} onChange={(event) => setLength(Number(event.currentTarget.value))}>
				{LENGTHS_MS.map((ms) => (
					<option key={ms} value={ms}>
						{ms} ms
					</option>
				))}
			</select>
			<button class="primary" disabled={busy} onClick={() => void record()}>
				{busy ? "Recording…" : "Record"}
			</button>
			<button disabled={!trace} onClick={() => trace && download("starina-trace.json", JSON.stringify(trace), "application/json")}>
				Download for Perfetto
			</button>
		</>
	);
	const note = trace ? `${trace.traceEvents.length} events${lostOf(trace) ? `, ${lostOf(trace)} lost` : ""}` : "";
	return (
		<Panel title="Trace" note={note} tools={tools} class="fill">
			{failure && <Failure text={failure} />}
			{model && model.lanes.length > 0 ? (
				<>
					<TraceCanvas model={model} />
					<Totals model={model} />
				</>
			) : (
				!failure && (
					<Empty title={trace ? "Nothing happened in that time." : "No trace yet."}>
						Record shows who ran on which hart, and each send, wake and interrupt.
					</Empty>
				)
			)}
		</Panel>
	);
}
