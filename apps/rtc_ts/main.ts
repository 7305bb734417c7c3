// SPDX-License-Identifier: MIT
//
// Reads the goldfish real-time clock and tells the system what time it is. As apps/rtc is in C.

import { app, log } from "starina";

const COMPATIBLE = "google,goldfish-rtc";

// Registers: nanoseconds since 1970. Reading the low half latches the high half.
const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;

export default app({
	name: "rtc_ts",
	restart: "on fault",
	needs: [{ device: COMPATIBLE, optional: true }, { system: true }],

	async main(env) {
		const clock = env.device(COMPATIBLE);
		if (clock === undefined) throw new Error("the clock has no registers: the device tree is wrong");
		const low = BigInt(clock.registers.read32(TIME_LOW));
		const high = BigInt(clock.registers.read32(TIME_HIGH));
		const wall = (high << 32n) | low;
		env.system.setClock(wall);
		const text = new Date(Number(wall / 1_000_000n)).toISOString();
		log.info(`it is ${text.slice(0, 10)} ${text.slice(11, 19)} UTC`);
	},
});
