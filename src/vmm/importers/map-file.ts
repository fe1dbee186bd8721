import { hexPage, iovaPfn, READ, WRITE } from "../../units/index.ts";
import { InputError } from "../input-error.ts";
import {
  formatRights,
  type MapRegion,
  type MapSequence,
  type MapStep,
  MemoryMapError,
  makeMemoryMap,
} from "../memory-map.ts";

/*
 * The project's own text form of memory maps:
 *
 *     hitless-map 1
 *     # a comment: a line that starts with #
 *     name two maps of a small guest
 *     map before
 *     region iova=0x0 size=640K backing=ram offset=0x0 rights=rw
 *     map after
 *     region iova=0x0 size=640K backing="a name with spaces" rights=r
 *
 * A `map` line starts a map and names it; a map without regions is empty. Fields come in any order, each once; `offset`
 * may be left out and is 0; `section` says what the VMM compares of its own range and the other fields do not show, such as
 * an end inside a page, or `nv`. Sizes are hexadecimal with 0x or decimal, with an optional K, M, G or T (powers of 1024),
 * and multiples of 4096. Regions come in any order and do not overlap. A backing name with anything but letters, digits
 * and _ . : / @ + - is written as a JSON string. Lines may end in CRLF.
 */
const HEADER = "hitless-map 1";
const FIELD = /\s+(?:([a-z]+)=("(?:[^"\\]|\\.)*"|[^\s"]+))/y;
const BARE_NAME = /^[\w.:/@+-]+$/;
const SIZE = /^(0x[0-9a-f]{1,16}|\d{1,20})([KMGT]?)$/i;
const SHIFT: Readonly<Record<string, bigint>> = { "": 0n, K: 10n, M: 20n, G: 30n, T: 40n };
const RIGHTS: ReadonlyMap<string, number> = new Map([
  ["r", READ],
  ["w", WRITE],
  ["rw", READ | WRITE],
]);
const TWO_64 = 1n << 64n;
const FIELDS = ["iova", "size", "backing", "offset", "rights", "section"];

interface OpenMap {
  readonly label: string;
  readonly line: number;
  readonly regions: MapRegion[];
  readonly lines: Map<MapRegion, number>;
}

/** Reads a map file. Throws InputError. */
export function parseMapFile(text: string, file: string): MapSequence {
  const lines = text.split(/\r?\n/);
  const steps: MapStep[] = [];
  let name: string | null = null;
  let headed = false;
  let open: OpenMap | null = null;
  for (const [i, raw] of lines.entries()) {
    const line = i + 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const [keyword, rest] = splitKeyword(content);
    if (!headed) {
      if (content !== HEADER) throw new InputError(file, line, `'${HEADER}' as the first line`, raw);
      headed = true;
    } else if (keyword === "name" && name === null && open === null && rest !== "") {
      name = rest;
    } else if (keyword === "map") {
      if (open !== null) steps.push(closeMap(open, file));
      open = { label: rest, line, regions: [], lines: new Map() };
      if (rest === "") throw new InputError(file, line, "'map' and a label", raw);
    } else if (keyword === "region" && open !== null) {
      const region = parseRegion(content, file, line);
      open.regions.push(region);
      open.lines.set(region, line);
    } else {
      throw new InputError(
        file,
        line,
        open === null ? "'name TEXT' (once) or 'map LABEL'" : "'region FIELD=VALUE…' or 'map LABEL'",
        raw,
      );
    }
  }
  if (!headed) throw new InputError(file, 0, `'${HEADER}' as the first line`, null);
  if (open === null) throw new InputError(file, 0, "at least one 'map LABEL' line", null);
  steps.push(closeMap(open, file));
  return { name: name ?? file, source: "map file", steps, notes: [] };
}

const splitKeyword = (content: string): [string, string] => {
  const space = content.search(/\s/);
  return space < 0 ? [content, ""] : [content.slice(0, space), content.slice(space).trim()];
};

function closeMap(open: OpenMap, file: string): MapStep {
  try {
    const origin = { file, line: open.line };
    return { label: open.label, map: makeMemoryMap(open.regions), origin, skipped: [] };
  } catch (error) {
    if (!(error instanceof MemoryMapError)) throw error;
    throw new InputError(file, open.lines.get(error.region)!, `no overlap: ${error.message}`, null);
  }
}

function parseRegion(content: string, file: string, line: number): MapRegion {
  const fields = new Map<string, string>();
  FIELD.lastIndex = "region".length;
  while (FIELD.lastIndex < content.length) {
    const at = FIELD.lastIndex;
    const m = FIELD.exec(content);
    if (m === null) throw new InputError(file, line, "FIELD=VALUE", content.slice(at).trim());
    const [, key, value] = m as unknown as [string, string, string];
    if (!FIELDS.includes(key))
      throw new InputError(file, line, `one of the fields ${FIELDS.join(", ")}`, key);
    if (fields.has(key)) throw new InputError(file, line, `field '${key}' once`, content);
    fields.set(key, value);
  }
  const need = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined) throw new InputError(file, line, `field '${key}'`, content);
    return value;
  };
  const iova = parseSize("iova", need("iova"), file, line);
  const size = parseSize("size", need("size"), file, line);
  const offset = parseSize("offset", fields.get("offset") ?? "0", file, line);
  if (size === 0n) throw new InputError(file, line, "a size above 0", need("size"));
  if (iova + size > TWO_64) throw new InputError(file, line, "a region that ends within 64 bits", content);
  if (offset + size > TWO_64) throw new InputError(file, line, "an offset that ends within 64 bits", content);
  const rights = RIGHTS.get(need("rights"));
  if (rights === undefined) throw new InputError(file, line, "rights r, w or rw", need("rights"));
  const section = fields.get("section");
  return {
    iovaPfn: iovaPfn(Number(iova >> 12n)),
    pages: Number(size >> 12n),
    backing: parseName("backing", need("backing"), file, line),
    offsetPages: Number(offset >> 12n),
    rights,
    ...(section !== undefined && { section: parseName("section", section, file, line) }),
  };
}

function parseSize(field: string, text: string, file: string, line: number): bigint {
  const m = SIZE.exec(text);
  if (m === null) throw new InputError(file, line, `${field} as 0x…, or decimal with K, M, G or T`, text);
  const value = BigInt(m[1]!.toLowerCase()) << SHIFT[m[2]!.toUpperCase()]!;
  if (value >= TWO_64) throw new InputError(file, line, `${field} below 2^64`, text);
  if (value & 0xfffn) throw new InputError(file, line, `${field} as a multiple of 4096`, text);
  return value;
}

function parseName(field: string, text: string, file: string, line: number): string {
  if (!text.startsWith('"')) {
    if (!BARE_NAME.test(text))
      throw new InputError(file, line, `a ${field} name of letters, digits and _.:/@+-, or in quotes`, text);
    return text;
  }
  try {
    const name: unknown = JSON.parse(text);
    if (typeof name === "string" && name !== "") return name;
  } catch {
    /* reported below with everything else that is not a name */
  }
  throw new InputError(file, line, `a ${field} name as a non-empty JSON string`, text);
}

const printName = (name: string): string => (BARE_NAME.test(name) ? name : JSON.stringify(name));

/** A label has to stay on its line and keep no blanks at its ends, or it would read back differently. */
const printLabel = (label: string, fallback: string): string => label.replace(/\s+/g, " ").trim() || fallback;

/** Prints a sequence as a map file; `parseMapFile` of it gives the same maps and, white space aside, the same labels. */
export function printMapFile(sequence: MapSequence): string {
  const lines = [HEADER, `name ${printLabel(sequence.name, "unnamed")}`];
  sequence.steps.forEach((step, i) => {
    lines.push(`map ${printLabel(step.label, `step ${i}`)}`);
    for (const r of step.map.regions)
      lines.push(
        `region iova=${hexPage(r.iovaPfn)} size=${hexPage(r.pages)} backing=${printName(r.backing)}` +
          ` offset=${hexPage(r.offsetPages)} rights=${formatRights(r.rights)}` +
          (r.section === undefined ? "" : ` section=${printName(r.section)}`),
      );
  });
  return lines.join("\n") + "\n";
}
