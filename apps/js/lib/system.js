// SPDX-License-Identifier: MIT
//
// What who has the system handle may do.
import { seedRandom, setClock, powerOff } from "native:system";

export const system = Object.freeze({ seedRandom, setClock, powerOff });
