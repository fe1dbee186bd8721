/** Correct scripts, one for each thing a map change does to tables, in the order that hitless updates demand. */
export interface CorrectScript {
  readonly name: string;
  /** What stands before the first step. */
  readonly head: string;
  readonly steps: readonly string[];
  /** Deletions (`- STEP`) and swaps (`STEP <> STEP`) that change nothing, with the reason; steps counted from 1. */
  readonly redundant: Readonly<Record<string, string>>;
}

const TABLES = `
domain 1 root=0x100000000
table 0x100000000[0] = 0x100001003
`;
const LARGE = "table 0x100001000[0] = 0x1000000083\n";
const SMALL = "table 0x100001000[0] = 0x100002003\n";
const HOLED =
  "table 0x100002000[0] = 0x1000000003 count=100 stride=0x1000\ntable 0x100002000[108] = 0x100006c003 count=404 stride=0x1000\n";
const WHOLE_PINS = "pins 0x1000000000 size=0x200000\n";
const whole = (which: string): string => `map ${which} iova=0 size=0x200000 frame=0x1000000000\n`;
const holed = (which: string): string =>
  `map ${which} iova=0 size=0x64000 frame=0x1000000000\nmap ${which} iova=0x6c000 size=0x194000 frame=0x100006c000\n`;
const VTD = "hitless-edit-script 1 vtd-ss-39\n";
const DIRTY = "hitless-edit-script 1 vtd-ss-39-ad\n";
const FULL = "table 0x100002000[0] = 0x1000000003 count=512 stride=0x1000\n";
const DIRTY_FULL = "table 0x100002000[0] = 0x1000000303 count=512 stride=0x1000\n";

export const CORRECT_SCRIPTS: readonly CorrectScript[] = [
  {
    name: "split",
    head: VTD + TABLES + LARGE + whole("old") + holed("new") + WHOLE_PINS,
    steps: [
      "fill 0x100002000[0] = 0x1000000003 count=100 stride=0x1000 u=1",
      "fill 0x100002000[108] = 0x100006c003 count=404 stride=0x1000 u=1",
      "barrier",
      "store 0x100001000[0] = 0x100002003 u=1",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "unpin 0x1000064000 size=0x8000",
    ],
    redundant: {
      "1 <> 2": "two fills of one table nobody can reach yet",
    },
  },
  {
    name: "merge that fills a hole",
    head: VTD + TABLES + SMALL + HOLED + holed("old") + whole("new") + WHOLE_PINS,
    steps: [
      "store 0x100001000[0] = 0x1000000083",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "freeTable 0x100002000",
    ],
    redundant: {},
  },
  {
    name: "replace a frame in place",
    head:
      VTD +
      TABLES +
      SMALL +
      "table 0x100002000[5] = 0x1000005003\n" +
      "map old iova=0x5000 size=0x1000 frame=0x1000005000\nmap new iova=0x5000 size=0x1000 frame=0x2000000000\n" +
      "pins 0x1000005000 size=0x1000\npins 0x2000000000 size=0x1000\n",
    steps: [
      "store 0x100002000[5] = 0x2000000003",
      "barrier",
      "invalidate scope=leaf iova=0x5000 size=0x1000",
      "wait drain",
      "unpin 0x1000005000 size=0x1000",
    ],
    redundant: {},
  },
  {
    name: "take rights away",
    head:
      VTD +
      TABLES +
      SMALL +
      "table 0x100002000[5] = 0x1000005003\n" +
      "map old iova=0x5000 size=0x1000 frame=0x1000005000\nmap new iova=0x5000 size=0x1000 frame=0x1000005000 rights=r\n" +
      "pins 0x1000005000 size=0x1000\n",
    steps: [
      "store 0x100002000[5] = 0x1000005001",
      "barrier",
      "invalidate scope=leaf iova=0x5000 size=0x1000",
      "wait drain",
    ],
    redundant: {},
  },
  {
    name: "map into a new table",
    head:
      VTD + TABLES + "map new iova=0x5000 size=0x3000 frame=0x1000005000\npins 0x1000005000 size=0x3000\n",
    steps: [
      "fill 0x100002000[5] = 0x1000005003 count=3 stride=0x1000",
      "barrier",
      "store 0x100001000[0] = 0x100002003",
      "barrier",
    ],
    redundant: {},
  },
  {
    name: "map into a new table with caching mode",
    head:
      "hitless-edit-script 1 vtd-ss-39-cm\n" +
      TABLES +
      "map new iova=0x5000 size=0x3000 frame=0x1000005000\npins 0x1000005000 size=0x3000\n",
    steps: [
      "fill 0x100002000[5] = 0x1000005003 count=3 stride=0x1000",
      "barrier",
      "store 0x100001000[0] = 0x100002003",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
    ],
    redundant: {},
  },
  {
    name: "unmap",
    head:
      VTD +
      TABLES +
      SMALL +
      "table 0x100002000[5] = 0x1000005003 count=2 stride=0x1000\n" +
      "map old iova=0x5000 size=0x2000 frame=0x1000005000\nmap new iova=0x6000 size=0x1000 frame=0x1000006000\n" +
      "pins 0x1000005000 size=0x2000\n",
    steps: [
      "store 0x100002000[5] = 0",
      "barrier",
      "invalidate scope=leaf iova=0x5000 size=0x1000",
      "wait drain",
      "unpin 0x1000005000 size=0x1000",
    ],
    redundant: {},
  },
  {
    name: "detach a table",
    head:
      VTD +
      TABLES +
      SMALL +
      HOLED +
      holed("old") +
      "pins 0x1000000000 size=0x64000\npins 0x100006c000 size=0x194000\n",
    steps: [
      "store 0x100001000[0] = 0",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "freeTable 0x100002000",
      "unpin 0x1000000000 size=0x64000",
      "unpin 0x100006c000 size=0x194000",
    ],
    redundant: {
      "5 <> 6": "both give something back after the wait that covers both",
      "6 <> 7": "both give something back after the wait that covers both",
    },
  },
  {
    name: "split, settle, then change one page",
    head:
      VTD +
      TABLES +
      LARGE +
      whole("old") +
      "map new iova=0 size=0x64000 frame=0x1000000000\nmap new iova=0x64000 size=0x1000 frame=0x2000000000\n" +
      "map new iova=0x65000 size=0x19b000 frame=0x1000065000\n" +
      WHOLE_PINS +
      "pins 0x2000000000 size=0x1000\n",
    steps: [
      "fill 0x100002000[0] = 0x1000000003 count=512 stride=0x1000 u=1",
      "barrier",
      "store 0x100001000[0] = 0x100002003 u=1",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "store 0x100002000[100] = 0x2000000003 u=2",
      "barrier",
      "invalidate scope=leaf iova=0x64000 size=0x1000",
      "wait drain",
      "unpin 0x1000064000 size=0x1000",
    ],
    redundant: {},
  },
  {
    name: "split for a walker that does not snoop",
    head: VTD.replace("39", "39-nc") + TABLES + LARGE + whole("old") + holed("new") + WHOLE_PINS,
    steps: [
      "fill 0x100002000[0] = 0x1000000003 count=100 stride=0x1000 u=1",
      "fill 0x100002000[108] = 0x100006c003 count=404 stride=0x1000 u=1",
      "clean 0x100002000[0] count=512",
      "barrier",
      "store 0x100001000[0] = 0x100002003 u=1",
      "clean 0x100001000[0]",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "unpin 0x1000064000 size=0x8000",
    ],
    redundant: {
      "- 4": "a clean is itself the point from which such a walker sees the entry",
      "- 7": "a clean is itself the point from which such a walker sees the entry",
      "1 <> 2": "two fills of one table nobody can reach yet",
      "3 <> 4": "a clean is itself the point from which such a walker sees the entry",
      "4 <> 5": "a clean is itself the point from which such a walker sees the entry",
      "6 <> 7": "a clean is itself the point from which such a walker sees the entry",
      "7 <> 8": "a clean is itself the point from which such a walker sees the entry",
    },
  },
  {
    name: "switch the root",
    head:
      VTD +
      "epoch\ncaches iotlb+walk\n" +
      TABLES +
      LARGE +
      "table 0x100001000[1] = 0x100003003\ntable 0x100003000[0] = 0x1000400003 count=512 stride=0x1000\n" +
      whole("old") +
      "map old iova=0x200000 size=0x200000 frame=0x1000400000\n" +
      holed("new") +
      "map new iova=0x200000 size=0x200000 frame=0x1000400000\n" +
      WHOLE_PINS +
      "pins 0x1000400000 size=0x200000\n",
    steps: [
      "fill 0x100006000[0] = 0x1000000003 count=100 stride=0x1000 u=1",
      "fill 0x100006000[108] = 0x100006c003 count=404 stride=0x1000 u=1",
      "gather 0x100005000[0] = 0x100006003 0x100003003 u=1",
      "fill 0x100004000[0] = 0x100005003 count=1 stride=0 u=1",
      "barrier",
      "setRoot root=0x100004000 tag=2 u=1",
      "barrier",
      "invalidate domain=1 caches=context",
      "wait",
      "invalidate domain=1 iova=0 size=0x8000000000",
      "wait drain",
      "freeTable 0x100000000",
      "freeTable 0x100001000",
      "unpin 0x1000064000 size=0x8000",
    ],
    redundant: {
      "1 <> 2": "two fills of one table nobody can reach yet",
      "2 <> 3": "tables nobody can reach yet",
      "3 <> 4": "tables nobody can reach yet",
      "12 <> 13": "both are released after the wait",
      "13 <> 14": "both are released after the wait",
    },
  },
  {
    name: "split where walkers set dirty bits",
    head: DIRTY + TABLES + LARGE + whole("old") + holed("new") + WHOLE_PINS,
    steps: [
      "fill 0x100002000[0] = 0x1000000003 count=100 stride=0x1000 u=1",
      "fill 0x100002000[108] = 0x100006c003 count=404 stride=0x1000 u=1",
      "barrier",
      "exchange 0x100001000[0] = 0x100002003 expected=0x1000000083 u=1",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "unpin 0x1000064000 size=0x8000",
    ],
    redundant: {
      "1 <> 2": "two fills of one table nobody can reach yet",
    },
  },
  {
    name: "merge of leaves that are dirty already",
    head: DIRTY + TABLES + SMALL + DIRTY_FULL + whole("old") + whole("new") + WHOLE_PINS,
    steps: [
      "store 0x100001000[0] = 0x1000000383",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "freeTable 0x100002000",
    ],
    redundant: {},
  },
  {
    name: "merge that harvests",
    head: DIRTY + TABLES + SMALL + FULL + whole("old") + whole("new") + WHOLE_PINS,
    steps: [
      "store 0x100001000[0] = 0x1000000083",
      "barrier",
      "invalidate iova=0 size=0x200000",
      "wait drain",
      "collect 0x100002000[0] count=512",
      "freeTable 0x100002000",
    ],
    redundant: {},
  },
  {
    name: "take rights away from a leaf that is dirty",
    head:
      DIRTY +
      TABLES +
      SMALL +
      "table 0x100002000[5] = 0x1000005303\n" +
      "map old iova=0x5000 size=0x1000 frame=0x1000005000\nmap new iova=0x5000 size=0x1000 frame=0x1000005000 rights=r\n" +
      "pins 0x1000005000 size=0x1000\n",
    steps: [
      "exchange 0x100002000[5] = 0x1000005001 expected=0x1000005303",
      "barrier",
      "invalidate scope=leaf iova=0x5000 size=0x1000",
      "wait drain",
    ],
    redundant: {},
  },
  {
    name: "report dirty pages",
    head: DIRTY + TABLES + SMALL + DIRTY_FULL + whole("old") + whole("new") + WHOLE_PINS,
    steps: [
      "collect 0x100002000[0] count=256",
      "collect 0x100002000[256] count=256",
      "barrier",
      "invalidate scope=leaf iova=0 size=0x200000",
      "wait drain",
    ],
    redundant: {
      "- 1": "what is not collected is not reported, and stays",
      "- 2": "what is not collected is not reported, and stays",
      "1 <> 2": "two collects with nothing between them",
    },
  },
  {
    name: "switch the root to copies that are dirty",
    head:
      DIRTY +
      "epoch\ncaches iotlb+walk\n" +
      TABLES +
      SMALL +
      DIRTY_FULL +
      whole("old") +
      "map new iova=0x1000 size=0x1ff000 frame=0x1000001000\n" +
      WHOLE_PINS,
    steps: [
      "fill 0x100006000[1] = 0x1000001303 count=511 stride=0x1000 u=1",
      "fill 0x100005000[0] = 0x100006003 count=1 stride=0 u=1",
      "fill 0x100004000[0] = 0x100005003 count=1 stride=0 u=1",
      "barrier",
      "setRoot root=0x100004000 tag=2 u=1",
      "barrier",
      "invalidate domain=1 caches=context",
      "wait",
      "invalidate domain=1 iova=0 size=0x8000000000",
      "wait drain",
      "freeTable 0x100000000",
      "freeTable 0x100001000",
      "freeTable 0x100002000",
      "unpin 0x1000000000 size=0x1000",
    ],
    redundant: {
      "1 <> 2": "tables nobody can reach yet",
      "2 <> 3": "tables nobody can reach yet",
      "11 <> 12": "both are released after the wait",
      "12 <> 13": "both are released after the wait",
      "13 <> 14": "both are released after the wait",
    },
  },
];
