type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `exactly<T>()(value)` compiles only when the type of `value` is T, neither wider nor narrower. */
export function exactly<T>(): <V>(value: V & (Same<V, T> extends true ? unknown : never)) => V {
  return (value) => value
}
