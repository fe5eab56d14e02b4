/** Sorts counts into the tables that the page has, by how their names begin. */

export type CountRow = { readonly name: string; readonly values: readonly number[] };
export type CountGroup = { readonly title: string; readonly rows: readonly CountRow[] };

/** Title and beginning of the names, which is left out in the rows; all others come last. */
const GROUPS: readonly (readonly [string, string])[] = [
  ['exits from compiled code', 'exit '],
  ['how regions were left', 'region left: '],
  ['special handlers', 'special '],
  ['interrupts by vector', 'interrupt '],
  ['hypercalls', 'hypercall '],
  ['RTAS calls', 'RTAS '],
  ['helpers', 'helper '],
];

/** @param counts of each phase, by name */
export function groupsOf(counts: readonly ReadonlyMap<string, number>[]): readonly CountGroup[] {
  const names = [...new Set(counts.flatMap((each) => [...each.keys()]))];
  const rowsOf = (wanted: readonly string[], prefix: string): readonly CountRow[] =>
    wanted
      .map((name) => ({
        name: name.slice(prefix.length),
        values: counts.map((each) => each.get(name) ?? 0),
      }))
      .filter(({ values }) => values.some((value) => value !== 0))
      .sort((a, b) => totalOf(b) - totalOf(a));
  const grouped = GROUPS.map(([title, prefix]) => ({
    title,
    rows: rowsOf(
      names.filter((name) => name.startsWith(prefix)),
      prefix,
    ),
  }));
  const others = names.filter((name) => GROUPS.every(([, prefix]) => !name.startsWith(prefix)));
  return [{ title: 'what happened', rows: rowsOf(others, '') }, ...grouped].filter(
    ({ rows }) => rows.length > 0,
  );
}

function totalOf({ values }: CountRow): number {
  return values.reduce((sum, each) => sum + each, 0);
}
