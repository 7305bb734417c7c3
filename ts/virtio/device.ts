// SPDX-License-Identifier: MIT
//
// The driver's side of the virtio-mmio transport (virtio 1.2, 4.2), modern (version 2) only.

import { fence, log, type Device, type Interrupt, type Registers } from "starina";
import { Virtqueue } from "./queue";
import {
	FEATURE_EVENT_IDX, FEATURE_VERSION_1, MAGIC, REGISTER, STATUS, VERSION_LEGACY, VERSION_MODERN,
} from "./spec";

/** A device that does not finish its reset within so many reads of its status is broken. */
const RESET_READS = 10000;
const CONFIG_READS = 100;

export class VirtioError extends Error {}

export class VirtioDevice {
	readonly registers: Registers;
	readonly interrupt: Interrupt;
	/** Negotiated. */
	features = 0n;

	/**
	 * Checks that a modern device of type `id` is there, resets it and acknowledges it (3.1.1, steps 1
	 * to 3). `name` is for people. Throws VirtioError.
	 */
	constructor(device: Device, id: number, readonly name: string) {
		if (device.registers.size < REGISTER.CONFIG || device.interrupt === undefined)
			throw new VirtioError(`${name}: no virtio-mmio device: the device tree is wrong`);
		this.registers = device.registers;
		this.interrupt = device.interrupt;
		this.identify(id);
		this.reset();
		this.addStatus(STATUS.ACKNOWLEDGE);
		this.addStatus(STATUS.DRIVER);
	}

	private identify(id: number): void {
		if (this.registers.read32(REGISTER.MAGIC) !== MAGIC)
			throw new VirtioError(`${this.name}: no virtio-mmio device: the device tree is wrong`);
		const version = this.registers.read32(REGISTER.VERSION);
		if (version === VERSION_LEGACY)
			throw new VirtioError(`${this.name}: the device has the legacy interface only: start QEMU with ` +
				"-global virtio-mmio.force-legacy=false");
		if (version !== VERSION_MODERN)
			throw new VirtioError(`${this.name}: unknown version ${version} of virtio-mmio`);
		if (this.registers.read32(REGISTER.DEVICE_ID) !== id)
			throw new VirtioError(`${this.name}: another device is there`);
	}

	private addStatus(bits: number): void {
		this.registers.write32(REGISTER.STATUS, this.registers.read32(REGISTER.STATUS) | bits);
	}

	private write64(register: number, value: bigint): void {
		this.registers.write32(register, Number(value & 0xffffffffn));
		this.registers.write32(register + 4, Number(value >> 32n));
	}

	/** Stops the device: it uses none of its queues from now on. Throws VirtioError. */
	reset(): void {
		this.registers.write32(REGISTER.STATUS, 0);
		for (let i = 0; i < RESET_READS; i++) {
			if (this.registers.read32(REGISTER.STATUS) === 0) return;
		}
		throw new VirtioError(`${this.name}: the device does not finish its reset`);
	}

	/**
	 * Negotiates `wanted` as far as the device offers it; VERSION_1 and EVENT_IDX are asked for in any
	 * case (3.1.1, steps 4 to 6). Throws VirtioError.
	 */
	negotiate(wanted: bigint): void {
		this.registers.write32(REGISTER.DEVICE_FEATURES_SEL, 1);
		const high = this.registers.read32(REGISTER.DEVICE_FEATURES);
		this.registers.write32(REGISTER.DEVICE_FEATURES_SEL, 0);
		const offered = (BigInt(high) << 32n) | BigInt(this.registers.read32(REGISTER.DEVICE_FEATURES));
		if ((offered & FEATURE_VERSION_1) === 0n) throw this.fail("it does not offer VIRTIO_F_VERSION_1");
		this.features = offered & (wanted | FEATURE_VERSION_1 | FEATURE_EVENT_IDX);
		this.registers.write32(REGISTER.DRIVER_FEATURES_SEL, 1);
		this.registers.write32(REGISTER.DRIVER_FEATURES, Number(this.features >> 32n));
		this.registers.write32(REGISTER.DRIVER_FEATURES_SEL, 0);
		this.registers.write32(REGISTER.DRIVER_FEATURES, Number(this.features & 0xffffffffn));
		this.addStatus(STATUS.FEATURES_OK);
		if ((this.registers.read32(REGISTER.STATUS) & STATUS.FEATURES_OK) === 0)
			throw this.fail("it does not accept the features");
	}

	has(feature: bigint): boolean {
		return (this.features & feature) !== 0n;
	}

	/** Makes queue `index` with at most `maxSize` descriptors (a power of two). Throws VirtioError. */
	queue<Token>(index: number, maxSize: number): Virtqueue<Token> {
		this.registers.write32(REGISTER.QUEUE_SEL, index);
		const deviceMax = this.registers.read32(REGISTER.QUEUE_NUM_MAX);
		if (deviceMax === 0 || this.registers.read32(REGISTER.QUEUE_READY) !== 0)
			throw this.fail(`it has no queue ${index}`);
		let size = maxSize;
		while (size > deviceMax) size /= 2;
		const queue = new Virtqueue<Token>(size, this.has(FEATURE_EVENT_IDX));
		this.registers.write32(REGISTER.QUEUE_NUM, size);
		this.write64(REGISTER.QUEUE_DESC, queue.descriptorAddress);
		this.write64(REGISTER.QUEUE_DRIVER, queue.availAddress);
		this.write64(REGISTER.QUEUE_DEVICE, queue.usedAddress);
		this.registers.write32(REGISTER.QUEUE_READY, 1);
		return queue;
	}

	/** The driver is ready: the device starts (3.1.1, step 8). */
	start(): void {
		this.addStatus(STATUS.DRIVER_OK);
	}

	/** Tells the device and the log that the driver gives up on it. Returns an error to throw. */
	fail(why: string): VirtioError {
		log.error(`${this.name}: giving up on the device: ${why}`);
		this.addStatus(STATUS.FAILED);
		return new VirtioError(`${this.name}: ${why}`);
	}

	/** Shows the device what was pushed to queue `index`, and notifies it if it wants that. */
	kick<Token>(index: number, queue: Virtqueue<Token>): void {
		if (queue.publish()) this.registers.write32(REGISTER.QUEUE_NOTIFY, index);
	}

	/**
	 * Acknowledges the interrupt toward the device; returns its causes. The queues are looked at after
	 * this, so that an entry added later interrupts again.
	 */
	takeInterrupt(): number {
		const causes = this.registers.read32(REGISTER.INTERRUPT_STATUS);
		if (causes !== 0) this.registers.write32(REGISTER.INTERRUPT_ACK, causes);
		fence();
		return causes;
	}

	/** A 64-bit field of the configuration space, read consistently (2.5.3). Throws VirtioError. */
	config64(offset: number): bigint {
		for (let i = 0; i < CONFIG_READS; i++) {
			const generation = this.registers.read32(REGISTER.CONFIG_GENERATION);
			const low = this.registers.read32(REGISTER.CONFIG + offset);
			const high = this.registers.read32(REGISTER.CONFIG + offset + 4);
			if (this.registers.read32(REGISTER.CONFIG_GENERATION) === generation)
				return (BigInt(high) << 32n) | BigInt(low);
		}
		throw this.fail("its configuration never holds still");
	}
}
