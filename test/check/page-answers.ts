/** What an access that gets some rights to a frame, or none, is by the two maps. */
export interface PageAnswer {
  readonly frame: number;
  readonly rights: number;
}

export interface AnswerCase {
  /** Null: no translation. */
  readonly frame: number | null;
  readonly rights: number;
  readonly old: PageAnswer | null;
  readonly new: PageAnswer | null;
  readonly isUnpinned: boolean;
  /** The access begins after the return of the call. */
  readonly isReturned: boolean;
}

export function classesOf(access: AnswerCase): [string, string][] {
  const { frame, rights, old, new: next, isReturned } = access;
  const classes: [string, string][] = [];
  const isKept = old?.frame === next?.frame && old?.rights === next?.rights;
  for (const right of [1, 2]) {
    const oldGrants = old !== null && (old.rights & right) !== 0;
    const newGrants = next !== null && (next.rights & right) !== 0;
    if (frame !== null && (rights & right) !== 0) {
      const byOld = oldGrants && old.frame === frame;
      const byNew = newGrants && next.frame === frame;
      // A translation that the old map names is no more than used after the unpin, which is told apart.
      if (byNew || (byOld && (!isReturned || access.isUnpinned))) continue;
      const isNamed = old?.frame === frame || next?.frame === frame;
      classes.push([byOld ? "V04" : isNamed ? "V03" : "V02", `frame ${frame}`]);
      continue;
    }
    if (!newGrants || (!isReturned && !oldGrants)) continue;
    const what = frame === null ? "absent" : `rights ${rights}`;
    if (isReturned && frame === null) classes.push(["V05", what]);
    else if (oldGrants) classes.push([isKept ? "V01" : "V01b", what]);
    else classes.push([old?.frame === frame ? "V04" : "V05", what]);
  }
  return classes;
}
