/** CRC-32 of zlib, reflected polynomial. */
const POLYNOMIAL = 0xedb8_8320

/** Four tables of 256 entries: table k advances a byte over k more zero bytes. */
const TABLES: Int32Array = makeTables()

function makeTables(): Int32Array {
  const tables = new Int32Array(4 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[byte]!
    for (let k = 1; k < 4; k++) {
      crc = tables[crc & 255]! ^ (crc >>> 8)
      tables[k * 256 + byte] = crc
    }
  }
  return tables
}

/**
 * State of a running CRC-32 before the first byte. Pieces are fed with the functions below; `~state` is the checksum
 * as an int32, `~state >>> 0` as an unsigned number.
 */
export const CRC32_START = -1

/** Feeds text whose characters U+0000–U+00FF each stand for one byte. */
export function crc32Latin1(state: number, text: string): number {
  const t = TABLES
  const last = text.length - 3
  let crc = state
  let i = 0
  for (; i < last; i += 4) {
    crc = fourBytes(
      crc ^
        (text.charCodeAt(i) |
          (text.charCodeAt(i + 1) << 8) |
          (text.charCodeAt(i + 2) << 16) |
          (text.charCodeAt(i + 3) << 24)),
    )
  }
  for (; i < text.length; i++) crc = t[(crc ^ text.charCodeAt(i)) & 255]! ^ (crc >>> 8)
  return crc
}

/** Feeds the UTF-8 bytes of `text`; an unpaired surrogate counts as `?`, as in Java's `String.getBytes`. */
export function crc32Utf8(state: number, text: string): number {
  const last = text.length - 3
  let crc = state
  let i = 0
  while (i < last) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    if ((a | b | c | d) > 0x7f) return crc32NotAscii(crc, text, i)
    crc = fourBytes(crc ^ (a | (b << 8) | (c << 16) | (d << 24)))
    i += 4
  }
  return crc32NotAscii(crc, text, i)
}

/** Feeds the first `length` bytes of `view`; `length` is a multiple of 4. */
export function crc32View(state: number, view: DataView, length: number): number {
  let crc = state
  for (let i = 0; i < length; i += 4) crc = fourBytes(crc ^ view.getInt32(i, true))
  return crc
}

/** `mixed` is the state combined with the next four bytes, the first one in the low bits. */
function fourBytes(mixed: number): number {
  const t = TABLES
  return (
    t[768 + (mixed & 255)]! ^
    t[512 + ((mixed >>> 8) & 255)]! ^
    t[256 + ((mixed >>> 16) & 255)]! ^
    t[mixed >>> 24]!
  )
}

function oneByte(state: number, byte: number): number {
  return TABLES[(state ^ byte) & 255]! ^ (state >>> 8)
}

function crc32NotAscii(state: number, text: string, from: number): number {
  let crc = state
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      crc = oneByte(crc, unit)
    } else if (unit < 0x800) {
      crc = oneByte(crc, 0xc0 | (unit >> 6))
      crc = oneByte(crc, 0x80 | (unit & 0x3f))
    } else if ((unit & 0xf800) !== 0xd800) {
      crc = oneByte(crc, 0xe0 | (unit >> 12))
      crc = oneByte(crc, 0x80 | ((unit >> 6) & 0x3f))
      crc = oneByte(crc, 0x80 | (unit & 0x3f))
    } else {
      const point = text.codePointAt(i)!
      if (point < 0x10000) {
        crc = oneByte(crc, 0x3f)
      } else {
        crc = oneByte(crc, 0xf0 | (point >> 18))
        crc = oneByte(crc, 0x80 | ((point >> 12) & 0x3f))
        crc = oneByte(crc, 0x80 | ((point >> 6) & 0x3f))
        crc = oneByte(crc, 0x80 | (point & 0x3f))
        i += 1
      }
    }
  }
  return crc
}
