import { measureRow } from "./alternate.ts";
import { allRows } from "./rows/index.ts";

/** `row-child <name of its first figure> <rounds>`: measures one row and prints its figures, one line of JSON. */
const [name, rounds] = process.argv.slice(2);
const row = allRows().find(({ figures }) => figures[0]!.name === name);
if (row === undefined) throw new Error(`bench: no row ${name}`);
console.log(JSON.stringify(await measureRow(row, [], Number(rounds))));
