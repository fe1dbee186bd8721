import { CTL_PIN_SINGLES, CTL_PIN_UNIFORM, CTL_RAM_FRAMES, ERR_NOT_PINNED, ERR_NOT_RAM } from "../layout";

/*
 * Pin counts in two levels: a frame's pins are those of its whole 2 MiB chunk plus its own. Pinning 1 GiB touches 512
 * words; 4 KiB pins commit 2 KiB a chunk. Only the kernel's thread writes; devices read the chunk's word first, then
 * the frame's, and `spread` writes in the opposite order, so that a reader may count a pin twice but never misses one.
 */
const RAM_BASE: u64 = 0x100_0000;
const CHUNK: u32 = 512;

/** Is a frame RAM? */
export function isRam(m: usize, frame: u64): bool {
  return frame >= RAM_BASE && frame - RAM_BASE < <u64>load<u32>(m, CTL_RAM_FRAMES);
}
/** Index of a RAM frame. */
export function ramIndex(frame: u64): u32 {
  return u32(frame - RAM_BASE);
}
/** Pins of the RAM frame with this index. */
export function pinsOf(m: usize, index: u32): u32 {
  const uniform = atomic.load<u32>(load<u32>(m, CTL_PIN_UNIFORM) + ((index >> 9) << 2));
  return uniform + atomic.load<u32>(load<u32>(m, CTL_PIN_SINGLES) + (index << 2));
}

function inRam(m: usize, first: f64, pages: f64): bool {
  const base = f64(RAM_BASE);
  return first >= base && pages >= 0 && first - base + pages <= f64(load<u32>(m, CTL_RAM_FRAMES));
}

export function framePins(m: usize, frame: f64): f64 {
  if (!inRam(m, frame, 1)) return -1;
  return f64(pinsOf(m, ramIndex(u64(frame))));
}

/** Returns 0 or ERR_NOT_RAM with nothing pinned. */
export function pinFrames(m: usize, first: f64, pages: f64): i32 {
  if (!inRam(m, first, pages)) return ERR_NOT_RAM;
  const uniform = load<u32>(m, CTL_PIN_UNIFORM);
  const singles = load<u32>(m, CTL_PIN_SINGLES);
  let at = ramIndex(u64(first));
  const end = at + u32(pages);
  while (at < end) {
    if ((at & (CHUNK - 1)) === 0 && end - at >= CHUNK) {
      atomic.add<u32>(uniform + ((at >> 9) << 2), 1);
      at += CHUNK;
    } else {
      atomic.add<u32>(singles + (at << 2), 1);
      at++;
    }
  }
  return 0;
}

/** Turns one uniform pin of a chunk into 512 single ones. */
function spread(uniformWord: usize, firstSingle: usize): void {
  for (let i: usize = 0; i < 2048; i += 4) atomic.add<u32>(firstSingle + i, 1);
  atomic.sub<u32>(uniformWord, 1);
}

/** Returns 0, ERR_NOT_RAM, or ERR_NOT_PINNED at the first frame that has no pin (earlier ones are unpinned). */
export function unpinFrames(m: usize, first: f64, pages: f64): i32 {
  if (!inRam(m, first, pages)) return ERR_NOT_RAM;
  const uniform = load<u32>(m, CTL_PIN_UNIFORM);
  const singles = load<u32>(m, CTL_PIN_SINGLES);
  let at = ramIndex(u64(first));
  const end = at + u32(pages);
  while (at < end) {
    const whole: usize = uniform + ((at >> 9) << 2);
    if ((at & (CHUNK - 1)) === 0 && end - at >= CHUNK && atomic.load<u32>(whole) !== 0) {
      atomic.sub<u32>(whole, 1);
      at += CHUNK;
      continue;
    }
    const single: usize = singles + (at << 2);
    if (atomic.load<u32>(single) === 0) {
      if (atomic.load<u32>(whole) === 0) return ERR_NOT_PINNED;
      spread(whole, singles + ((at & ~(CHUNK - 1)) << 2));
    }
    atomic.sub<u32>(single, 1);
    at++;
  }
  return 0;
}
