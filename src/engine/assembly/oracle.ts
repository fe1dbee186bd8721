import {
  REGION_BASE,
  REGION_BYTES,
  REGION_END,
  REGION_FRAMES,
  REGION_LG2,
  REGION_RIGHTS,
  REGION_START,
} from "../device-layout";
import { CTL_MAPS, MAP_VERSIONS } from "../layout";

/*
 * What the user's maps say, never what the page tables say. An answer is frame << 2 | rights, 0 = not mapped.
 * The harness voids a slot and steps its generation before it writes there; a reader compares generations afterwards.
 */
export const UNKNOWN: u64 = ~(<u64>0);

function regionAnswer(at: usize, page: u64): u64 {
  const base = load<u64>(at, REGION_BASE);
  const frames = load<u32>(at, REGION_FRAMES);
  const rights = load<u32>(at, REGION_RIGHTS);
  if (rights === 0) return 0;
  const offset = page - load<u64>(at, REGION_START) + base;
  if (frames === 0) return (offset << 2) | rights;
  const lg2 = load<u32>(at, REGION_LG2);
  const frame = load<u32>(frames + (u32(offset >> lg2) << 2));
  return ((<u64>frame + (offset & (((<u64>1) << lg2) - 1))) << 2) | rights;
}

/** Answer of map `version` for a page, or UNKNOWN when that version is not held. `hint` remembers the region. */
export function mapAnswer(m: usize, version: u32, page: u64, hint: usize): u64 {
  const header = m + CTL_MAPS + (version % MAP_VERSIONS) * 16;
  const generation = atomic.load<u32>(header, 12);
  if (atomic.load<u32>(header) !== version) return UNKNOWN;
  const count = load<u32>(header, 4);
  const regions: usize = load<u32>(header, 8);
  let answer: u64 = 0;
  const remembered = load<u32>(hint);
  let at = regions + remembered * REGION_BYTES;
  if (remembered < count && page >= load<u64>(at, REGION_START) && page < load<u64>(at, REGION_END)) {
    answer = regionAnswer(at, page);
  } else {
    let low: u32 = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      at = regions + middle * REGION_BYTES;
      if (page >= load<u64>(at, REGION_END)) low = middle + 1;
      else high = middle;
    }
    at = regions + low * REGION_BYTES;
    if (low < count && page >= load<u64>(at, REGION_START)) {
      store<u32>(hint, low);
      answer = regionAnswer(at, page);
    }
  }
  return atomic.load<u32>(header, 12) === generation ? answer : UNKNOWN;
}
