import { InputError } from "../input-error.ts";

/** One event of QEMU's VFIO listener. Addresses are bytes, `last` inclusive. */
export type TraceEvent =
  | { readonly kind: "add"; readonly start: bigint; readonly last: bigint; readonly hva: bigint }
  | { readonly kind: "del"; readonly start: bigint; readonly last: bigint }
  | { readonly kind: "add-iommu"; readonly start: bigint; readonly last: bigint; readonly name: string }
  | { readonly kind: "del-iommu"; readonly name: string }
  | { readonly kind: "skip-add"; readonly start: bigint; readonly last: bigint }
  | { readonly kind: "skip-del"; readonly start: bigint; readonly last: bigint }
  | { readonly kind: "no-dma"; readonly start: bigint; readonly size: bigint; readonly name: string };

/**
 * What may stand in front of an event: an ISO date and time, or date, host and process as a system log writes them; then
 * `pid@seconds.microseconds:` of QEMU's own.
 */
const PREFIX =
  /^(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?:? )?(?:(?:[^:]* \d\d:\d\d:\d\d )?\S+ [\w./-]+\[\d+\]: )?(?:\d+@\d+\.\d+:)?/;
/** An error message, not an event: QEMU maps nothing for such a range, nor unmaps it. */
const UNALIGNED = /vfio_listener_region_(?:add|del) received unaligned region/;
const LISTENER_EVENT = /vfio_listener_region_/;
const RANGE = "0x([0-9a-f]{1,16}) - 0x([0-9a-f]{1,16})";

type Build = (m: readonly string[]) => TraceEvent;
const hexOf = (digits: string | undefined): bigint => BigInt("0x" + digits!);
const rangeEvent =
  (kind: "del" | "skip-add" | "skip-del"): Build =>
  (m) => ({ kind, start: hexOf(m[1]), last: hexOf(m[2]) });

/** Payloads of QEMU 7.2 and of later versions, which merged the two skip events and added the names of IOMMU regions. */
const EVENTS: readonly { readonly pattern: RegExp; readonly build: Build }[] = [
  {
    pattern: new RegExp(
      `^vfio_listener_region_add_ram region_add \\[ram\\] ${RANGE} \\[0x([0-9a-f]{1,16})\\]$`,
    ),
    build: (m) => ({ kind: "add", start: hexOf(m[1]), last: hexOf(m[2]), hva: hexOf(m[3]) }),
  },
  { pattern: new RegExp(`^vfio_listener_region_del region_del ${RANGE}$`), build: rangeEvent("del") },
  {
    pattern: new RegExp(`^vfio_listener_region_(?:add_)?skip SKIPPING region_add ${RANGE}$`),
    build: rangeEvent("skip-add"),
  },
  {
    pattern: new RegExp(`^vfio_listener_region_(?:del_)?skip SKIPPING region_del ${RANGE}$`),
    build: rangeEvent("skip-del"),
  },
  {
    pattern: new RegExp(`^vfio_listener_region_add_iommu region_add \\[iommu\\] (?:(.+) )?${RANGE}$`),
    build: (m) => ({ kind: "add-iommu", name: m[1] ?? "", start: hexOf(m[2]), last: hexOf(m[3]) }),
  },
  {
    pattern: /^vfio_listener_region_del_iommu region_del \[iommu\] (.+)$/,
    build: (m) => ({ kind: "del-iommu", name: m[1]! }),
  },
  {
    pattern:
      /^vfio_listener_region_add_no_dma_map Region "(.*)" 0x([0-9a-f]{1,16}) size=0x([0-9a-f]{1,16}) is not aligned to 0x[0-9a-f]{1,16} and cannot be mapped for DMA$/,
    build: (m) => ({ kind: "no-dma", name: m[1]!, start: hexOf(m[2]), size: hexOf(m[3]) }),
  },
];

/**
 * Reads one line of a QEMU log. Null for a line that is not about the VFIO listener's regions.
 * Throws InputError for one that is and has an unknown form, or a range that ends before it starts.
 */
export function parseTraceLine(text: string, file: string, line: number): TraceEvent | null {
  if (!LISTENER_EVENT.test(text) || UNALIGNED.test(text)) return null;
  const event = text.replace(PREFIX, "");
  for (const { pattern, build } of EVENTS) {
    const m = pattern.exec(event);
    if (m === null) continue;
    const built = build(m as unknown as string[]);
    if ("last" in built && built.last < built.start)
      throw new InputError(file, line, "a range that ends after it starts", text);
    return built;
  }
  throw new InputError(
    file,
    line,
    "a vfio_listener_region_* event like 'vfio_listener_region_del region_del 0x0 - 0x9ffff'",
    text,
  );
}
