import { freeTablesTwice } from "./frees-tables-twice.ts";

/* Loaded before the program. */
freeTablesTwice();
