// SPDX-License-Identifier: MIT
//
// Channels, services and handles of apps in TypeScript, in the OS, with ts/examples/echo_ts as the
// peer.
import { app, channel, folio, log, scope, services, type Channel, type Env, type Handle } from "starina";

function check(condition: boolean, what: string): void {
	if (!condition)
		throw new Error(what);
}

// Two handles that only the collector of circles can find.
function forget(): void {
	const circle: { self?: object; ends: Channel[] } = { ends: channel() };
	circle.self = circle;
}

async function code(promise: Promise<unknown> | (() => unknown)): Promise<unknown> {
	try {
		await (typeof promise === "function" ? promise() : promise);
	} catch (error) {
		return (error as { code?: string }).code;
	}
	return undefined;
}

const tests: Record<string, (env: Env) => Promise<void>> = {
	async handles_travel_through_another_app(env) {
		await scope(async (s) => {
			const echo = s.add(await env.service("echo"));
			const memory = folio(4096);
			const [near, far] = channel();
			new Uint8Array(memory.map())[7] = 42;
			const answer = await echo.request({ type: "echo", handles: [memory, far] });
			check(memory.closed && far.closed, "what was sent is gone");
			check(answer.type === "echo" && answer.handles.length === 2, "both came back");
			if (answer.type !== "echo")
				return;
			const [back, end] = answer.handles as [typeof memory, Channel];
			check(new Uint8Array(back.map())[7] === 42, "the folio has its bytes");
			end.send({ type: "end" });
			check((await near.recv()).type === "end", "the channel works");
			[back, end, near].forEach((object) => object.close());
		});
	},

	async a_service_has_several_clients() {
		const clients = await Promise.all([1n, 2n, 3n].map(() => services.connect("echo")));
		const answers = await Promise.all(
			clients.map((echo, n) => echo.request({ type: "echo", id: BigInt(n) })));
		answers.forEach((m, n) => check(m.type === "echo" && m.id === BigInt(n), "the answer"));
		clients.forEach((echo) => echo.close());
	},

	async a_full_channel_holds_its_sender() {
		const [a, b] = channel();
		let sent = 0;
		const sender = (async () => {
			for (; sent < 500; sent++)
				await a.sendWait({ type: "abort", id: sent, reason: 0 });
			a.close();
		})();
		await Promise.resolve();
		check(sent <= 128, "no more than the queue has room for");
		let taken = 0;
		for await (const message of b)
			check(message.type === "abort" && message.id === taken++, "in their order");
		await sender;
		check(taken === 500, "all of them");
	},

	async what_is_closed_says_so() {
		const [a, b] = channel();
		b.close();
		check((await code(a.recv())) === "ERR_PEER_CLOSED", "recv");
		check((await code(() => a.send({ type: "end" }))) === "ERR_PEER_CLOSED", "send");
		a.close();
		check((await code(() => a.send({ type: "end" }))) === "ERR_BAD_HANDLE", "send when closed");
		a.close();
	},

	async a_client_goes_on_only_when_its_provider_is_gone() {
		const used: Channel[] = [];
		const failed = await code(services.client("echo", (echo) => {
			const [a, b] = channel();
			used.push(echo);
			b.close();
			a.send({ type: "end" });
		}));
		check(failed === "ERR_PEER_CLOSED", "the error of another channel");
		check(used.length === 1 && used[0]!.closed, "the connection is closed, and there is no other");
	},

	async handles_of_garbage_make_room_for_a_message() {
		// The table has all numbers of free slots once, and then fewer than the message needs.
		for (let n = 0; n < 64; n++) {
			const [a, b] = channel();
			a.send({ type: "echo", id: 1n, handles: [...channel(), ...channel()] });
			for (let k = 0; k < n; k++)
				forget();
			for (const object of ((await b.recv()) as { handles: Handle[] }).handles)
				object.close();
			a.close();
			b.close();
		}
	},

	async handles_of_garbage_make_room_in_the_loop() {
		for (let n = 0; n < 64; n++) {
			const [a, b] = channel();
			const received = b.recv();
			a.send({ type: "echo", id: 1n, handles: [...channel(), ...channel()] });
			for (let k = 0; k < n; k++)
				forget();
			for (const object of ((await received) as { handles: Handle[] }).handles)
				object.close();
			a.close();
			b.close();
		}
	},

	async forgotten_handles_do_not_pile_up() {
		for (let n = 0; n < 3000; n++)
			channel();
	},
};

export default app({
	name: "ts_test",
	needs: [{ service: "echo" }, { system: true }],
	limits: { handles: 100 },
	async main(env) {
		let passed = 0, failed = 0;

		for (const [name, test] of Object.entries(tests)) {
			try {
				await test(env);
				passed++;
				log.info(`ok ${name}`);
			} catch (error) {
				failed++;
				log.error(`FAIL ${name}: ${error}`);
			}
		}
		log.info(`autotest: ${passed} passed, ${failed} failed`);
		env.system.powerOff(failed === 0 ? 0 : 1);
	},
});
