import {
  CTL_CLOCK,
  CTL_WINDOW_NEXT,
  CTL_WINDOWS,
  ERR_WINDOWS,
  WIN_CLOSED,
  WIN_DOMAIN,
  WIN_END,
  WIN_OPENED,
  WIN_START,
  WIN_USED,
  WINDOW_BYTES,
  WINDOW_SLOTS,
} from "../layout";

/* Declared break-before-make windows: a ring that devices consult when an access faults. */

function windowAt(m: usize, slot: u32): usize {
  return load<u32>(m, CTL_WINDOWS) + (slot % WINDOW_SLOTS) * WINDOW_BYTES;
}

/** Returns 0, or ERR_WINDOWS when the slot to reuse is still open. */
export function openWindow(m: usize, domain: u32, start: u64, end: u64): i32 {
  const next = load<u32>(m, CTL_WINDOW_NEXT);
  const at = windowAt(m, next);
  if (load<u32>(at, WIN_USED) !== 0 && atomic.load<u32>(at, WIN_CLOSED) === 0) return ERR_WINDOWS;
  atomic.store<u32>(at, 0, WIN_USED);
  atomic.store<u64>(at, start, WIN_START);
  atomic.store<u64>(at, end, WIN_END);
  atomic.store<u32>(at, domain, WIN_DOMAIN);
  atomic.store<u32>(at, 0, WIN_CLOSED);
  atomic.store<u32>(at, atomic.add<u32>(m, 1, CTL_CLOCK) + 1, WIN_OPENED);
  atomic.store<u32>(at, 1, WIN_USED);
  store<u32>(m, next + 1, CTL_WINDOW_NEXT);
  return 0;
}

/** Closes the open window with exactly this domain and range; returns ERR_WINDOWS when there is none. */
export function closeWindow(m: usize, domain: u32, start: u64, end: u64): i32 {
  for (let slot: u32 = 0; slot < <u32>WINDOW_SLOTS; slot++) {
    const at = windowAt(m, slot);
    if (load<u32>(at, WIN_USED) === 0) return ERR_WINDOWS;
    if (load<u32>(at, WIN_CLOSED) !== 0 || load<u64>(at, WIN_START) !== start) continue;
    if (load<u64>(at, WIN_END) !== end || load<u32>(at, WIN_DOMAIN) !== domain) continue;
    atomic.store<u32>(at, atomic.add<u32>(m, 1, CTL_CLOCK) + 1, WIN_CLOSED);
    return 0;
  }
  return ERR_WINDOWS;
}

/** Was a window covering the page open at some moment between clock `from` and now? */
export function inWindow(m: usize, domain: u32, page: u64, from: u32): bool {
  for (let slot: u32 = 0; slot < <u32>WINDOW_SLOTS; slot++) {
    const at = windowAt(m, slot);
    if (atomic.load<u32>(at, WIN_USED) === 0) return false;
    if (page < atomic.load<u64>(at, WIN_START) || page >= atomic.load<u64>(at, WIN_END)) continue;
    if (atomic.load<u32>(at, WIN_DOMAIN) !== domain) continue;
    const closed = atomic.load<u32>(at, WIN_CLOSED);
    if (closed === 0 || i32(closed - from) > 0) return true;
  }
  return false;
}
