/** U+FFFD in UTF-8, one character per byte. */
const REPLACEMENT_BYTES = '\xef\xbf\xbd'

/**
 * Text of UTF-8 bytes given as a string with one character per byte. Each ill-formed part (the longest start of a
 * good sequence, or one byte) becomes U+FFFD, as in Java and in the WHATWG decoder.
 */
export function decodeUtf8(bytes: string): string {
  if (!hasHighBytes(bytes)) return bytes
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const lead = bytes.charCodeAt(at)
    const wanted = sequenceLength(lead)
    let point = wanted === 1 ? lead : lead & (0x7f >> wanted)
    let length = 1
    while (length < wanted && isContinuation(lead, length, bytes.charCodeAt(at + length))) {
      point = (point << 6) | (bytes.charCodeAt(at + length) & 0x3f)
      length += 1
    }
    text += length === wanted ? String.fromCodePoint(point) : '\ufffd'
    at += length
  }
  return text
}

/** UTF-8 bytes of `text`, one character per byte; a surrogate without its partner becomes U+FFFD. */
export function encodeUtf8(text: string): string {
  if (!hasHighBytes(text)) return text
  let bytes = ''
  for (const character of text) {
    const point = character.codePointAt(0)!
    if (point < 0x80) bytes += character
    else if (point < 0x800) bytes += String.fromCharCode(0xc0 | (point >> 6), tail(point))
    else if (point >= 0xd800 && point <= 0xdfff) bytes += REPLACEMENT_BYTES
    else if (point < 0x1_0000) {
      bytes += String.fromCharCode(0xe0 | (point >> 12), tail(point >> 6), tail(point))
    } else {
      bytes += String.fromCharCode(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6))
      bytes += String.fromCharCode(tail(point))
    }
  }
  return bytes
}

function hasHighBytes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return true
  return false
}

/** Length of the sequence that `lead` begins; 0 when it begins none. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc2) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) return 3
  return lead < 0xf5 ? 4 : 0
}

/** The second byte has a smaller range where more would be an overlong form, a surrogate or beyond U+10FFFF. */
function isContinuation(lead: number, index: number, byte: number): boolean {
  if (index > 1) return byte >= 0x80 && byte <= 0xbf
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  return byte >= low && byte <= high
}

function tail(point: number): number {
  return 0x80 | (point & 0x3f)
}
