/** What a metric measures: its unit, a sentence without a capital and without marks, and what its labels name. */
export type Meaning = readonly [unit: string, text: string, by?: 'learner' | 'namespace']

/** Under the names of Apache ZooKeeper. `docs/metrics.md` has the same texts; a test holds them against each other. */
export type Meanings<Name extends string> = Readonly<Record<Name, Meaning>>
