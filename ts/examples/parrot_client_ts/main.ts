// SPDX-License-Identifier: MIT
//
// Asks a service of the echo protocol again and again, and goes on with the next version of it.
import { app, type Channel, type EchoMessage, log, services, sleep } from "starina";

async function ask(service: Channel) {
	log.info("connected");
	for (let n = 1; ; n++) {
		const sent = Uint8Array.of(n % 256, n / 256);
		const answer = await service.request<EchoMessage>({ type: "echo", tail: sent });

		if (String(answer.tail) !== String(sent))
			throw new Error("another answer than the question");
		if (n === 3)
			log.info("3 answers");
		await sleep(10);
	}
}

export default app({
	name: "parrot_client_ts",
	needs: [{ service: "parrot" }],
	main: () => services.client("parrot", ask),
});
