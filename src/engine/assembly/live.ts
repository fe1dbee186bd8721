import {
  CTL_CONTEXTS,
  CTL_PERTURB_MAX_SPINS,
  CTL_PERTURB_ONE_IN,
  CTL_PERTURB_STATE,
  CTL_TEAR_STORES,
  MAX_DEVICES,
} from "../layout";
import { nextRandom, spin } from "./random";
import { contextDomain } from "./words";

/* Stores to entries that walkers can reach: one aligned 64-bit atomic each. */

const TORN_SPINS: u32 = 400;

/** With probability 1 in `oneIn`, a pause of up to `maxSpins` spins. */
export function perturb(m: usize): void {
  const oneIn = load<u32>(m, CTL_PERTURB_ONE_IN);
  if (oneIn === 0) return;
  const r = nextRandom(m + CTL_PERTURB_STATE);
  if (u32(r >> 32) % oneIn !== 0) return;
  const most = load<u32>(m, CTL_PERTURB_MAX_SPINS);
  if (most !== 0) spin(m, (u32(r) % most) + 1);
}

/** A deliberately broken store: the halves one after the other, in seeded order, with a pause between. */
export function storeTorn(m: usize, slot: usize, entry: u64): void {
  const r = nextRandom(m + CTL_PERTURB_STATE);
  const spins = TORN_SPINS + (u32(r) % (load<u32>(m, CTL_PERTURB_MAX_SPINS) + 1));
  if (r >> 63 === 0) {
    atomic.store<u32>(slot, u32(entry));
    spin(m, spins);
    atomic.store<u32>(slot, u32(entry >> 32), 4);
  } else {
    atomic.store<u32>(slot, u32(entry >> 32), 4);
    spin(m, spins);
    atomic.store<u32>(slot, u32(entry));
  }
}

/** Stores first + i * stride to `entries` entries in rising order, each by one atomic store. */
export function storeLive(m: usize, slot: usize, entries: u32, first: u64, stride: u64): void {
  let entry = first;
  const end: usize = slot + (entries << 3);
  if (load<u32>(m, CTL_TEAR_STORES) !== 0) {
    for (; slot < end; slot += 8) {
      storeTorn(m, slot, entry);
      entry += stride;
      perturb(m);
    }
    return;
  }
  if (load<u32>(m, CTL_PERTURB_ONE_IN) !== 0) {
    for (; slot < end; slot += 8) {
      atomic.store<u64>(slot, entry);
      entry += stride;
      perturb(m);
    }
    return;
  }
  const two = stride + stride;
  const three = two + stride;
  for (const by4: usize = slot + ((entries & ~3) << 3); slot < by4; slot += 32) {
    atomic.store<u64>(slot, entry);
    atomic.store<u64>(slot, entry + stride, 8);
    atomic.store<u64>(slot, entry + two, 16);
    atomic.store<u64>(slot, entry + three, 24);
    entry += two + two;
  }
  for (; slot < end; slot += 8) {
    atomic.store<u64>(slot, entry);
    entry += stride;
  }
}

/** Switches every device whose context carries the tag `domain` to another root and tag, one store each. */
export function setRoot(m: usize, domain: u32, root: u32, levels: u32, tag: u32): void {
  for (let d: usize = 0; d < <usize>MAX_DEVICES; d++) {
    const at = m + (d << 3);
    const word = atomic.load<u64>(at, CTL_CONTEXTS);
    if (word === 0 || contextDomain(word) !== domain) continue;
    atomic.store<u64>(at, ((<u64>tag) << 40) | ((<u64>levels) << 32) | <u64>root, CTL_CONTEXTS);
  }
}
