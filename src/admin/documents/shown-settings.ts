/** Settings whose values nobody should see who may only look. */
const SECRET = /(password|superdigest|token)$/i
const HIDDEN = '***'
const SETTING = /^(\s*)([^#!=:\s][^=:\s]*)(\s*[=:]\s*)(.*)$/

/** A zoo.cfg with its secrets hidden; upstream shows them. */
export function withoutSecrets(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [, indent, key, separator] = SETTING.exec(line) ?? []
      return key !== undefined && SECRET.test(key) ? `${indent}${key}${separator}${HIDDEN}` : line
    })
    .join('\n')
}

/** The keys and values of a zoo.cfg, secrets hidden; keys without the prefix that Java's properties have. */
export function settingsOf(text: string): readonly (readonly [string, string])[] {
  const settings = new Map<string, string>()
  for (const line of withoutSecrets(text).split('\n')) {
    const [, , key, , value] = SETTING.exec(line) ?? []
    if (key !== undefined) settings.set(key.replace(/^zookeeper\./, ''), value!.trim())
  }
  return [...settings]
}
