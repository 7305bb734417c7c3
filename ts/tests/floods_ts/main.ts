// SPDX-License-Identifier: MIT
//
// Floods the log, fills a channel that nobody reads, closes handles twice, sends what is not its
// own any more and does what prototypes allow. All of it is its own affair: it goes on.
import { app, channel, folio, log, usage } from "starina";

const LINES = 2000;
const MAX_QUEUED = 128; // CHANNEL_MAX_QUEUED, libs/abi/message.h

function attempt(fn: () => unknown): void {
	try {
		fn();
		throw new Error("nothing was thrown");
	} catch (e) {
		log.info(`caught: ${(e as { code?: string }).code ?? String(e)}`);
	}
}

function fill(): void {
	const [mine, other] = channel();
	let sent = 0;

	attempt(() => {
		for (;; sent++)
			mine.send({ type: "echo", id: 1n });
	});
	if (sent !== MAX_QUEUED)
		throw new Error(`${sent} messages are queued`);
	other.close();
	other.close();
	mine.close();
	attempt(() => mine.send({ type: "echo", id: 1n }));
}

function sendAway(): void {
	const [mine, other] = channel();
	const memory = folio(4096), buffer = memory.map();

	mine.send({ type: "echo", id: 1n, handles: [memory] });
	if (buffer.byteLength !== 0 || !memory.closed)
		throw new Error("what was sent is still here");
	attempt(() => mine.send({ type: "echo", id: 2n, handles: [memory] }));
	attempt(() => mine.send({ type: "echo", id: 2n, handles: [mine] }));
	mine.close();
	other.close();
}

function forget(): void {
	for (let n = 0; n < 3; n++)
		folio(4096);
	const { forgotten, handles } = usage({ collect: true });
	if (forgotten !== 3 || handles !== 0)
		throw new Error(`${forgotten} forgotten, ${handles} open`);
}

function pretend(): void {
	const [mine] = channel();
	const prototype = Object.getPrototypeOf(mine);

	attempt(() => prototype.send.call({}, { type: "echo", id: 1n }));
	attempt(() => prototype.send.call(new Proxy(mine, {}), { type: "echo", id: 1n }));
	Object.setPrototypeOf(mine, null);
	prototype.close.call(mine);
}

export default app({
	name: "floods_ts",
	main() {
		forget();
		for (let n = 1; n <= LINES; n++)
			log.info(`${n} lines`);
		fill();
		sendAway();
		pretend();
		log.info("all is well");
	},
});
